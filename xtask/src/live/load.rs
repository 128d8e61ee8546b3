//! The load generator: many clients of whatever listens at an address.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use xshell::cmd;

use crate::process::Background;
use crate::workspace::Workspace;

/// The program, built.
pub(crate) struct LoadGenerator(PathBuf);

impl LoadGenerator {
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        let shell = workspace.shell()?;
        cmd!(shell, "cargo build --quiet --locked --package campanile-loadgen").run()?;
        Ok(Self(workspace.built("campanile-loadgen")))
    }

    /// Runs it against a server, or what stands before several, with its output in the file `log`.
    pub(crate) fn start(
        &self,
        front: SocketAddr,
        arguments: &[&str],
        log: &Path,
    ) -> Result<Background> {
        let mut command = Command::new(&self.0);
        command.args(arguments).args(["--url", &format!("http://{front}")]);
        Background::start(command, log)
    }
}
