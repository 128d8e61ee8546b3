//! The container engine with its compose plug-in: found, or provided from Debian's packages.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::debian;
use crate::provide;
use crate::wait;
use crate::workspace::Workspace;

const START_DEADLINE: Duration = Duration::from_secs(60);

/// How `docker` is called.
#[derive(Clone)]
pub(crate) struct Engine {
    /// Where its plug-in lies, when we had to bring it.
    configuration: Option<PathBuf>,
}

/// An engine that was started here. It is asked to end, with all that it started, when this is
/// dropped.
pub(crate) struct OwnEngine(Child);

impl OwnEngine {
    /// Lets it go on after us.
    pub(crate) fn leave(self) {
        std::mem::forget(self);
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

impl Engine {
    /// Finds an engine that runs. As root on Debian it is installed and started when there is none;
    /// it goes on after us, since containers do.
    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        if let Some(own) = Self::begin(workspace)? {
            own.leave();
        }
        let mut engine = Self { configuration: None };
        if engine.compose_version().is_err() {
            let configuration = workspace.folder("docker")?;
            bring_compose(&configuration)?;
            engine.configuration = Some(configuration);
            engine.compose_version().context("the compose plug-in does not work")?;
        }
        Ok(engine)
    }

    /// Starts an engine when none runs.
    pub(super) fn begin(workspace: &Workspace) -> Result<Option<OwnEngine>> {
        provide::program(&["docker"], "docker.io")?;
        let Err(error) = version() else { return Ok(None) };
        ensure!(
            provide::is_root()?,
            "no container engine answers ({error:#}): start one, or run this as root"
        );
        start(workspace).map(|engine| Some(OwnEngine(engine)))
    }

    /// `docker`, without arguments yet.
    pub(crate) fn docker(&self) -> Command {
        let mut command = Command::new("docker");
        if let Some(configuration) = &self.configuration {
            command.env("DOCKER_CONFIG", configuration);
        }
        command
    }

    fn compose_version(&self) -> Result<()> {
        output(self.docker().args(["compose", "version"])).map(drop)
    }
}

/// Runs a program to its end; its standard output, or its last line of complaint.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().context("cannot start docker")?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        let last = complaint.lines().rfind(|line| !line.trim().is_empty());
        bail!("{}", last.unwrap_or("it failed and said nothing").trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn version() -> Result<String> {
    output(Command::new("docker").args(["version", "--format", "{{.Server.Version}}"]))
}

fn start(workspace: &Workspace) -> Result<Child> {
    let program = provide::program(&["dockerd"], "docker.io")?;
    let log = workspace.folder("logs")?.join("dockerd.log");
    println!("starting a container engine: {}", log.display());
    let file = fs::File::create(&log)?;
    // A group of its own, so that what interrupts us does not interrupt it.
    let engine = Command::new(program)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .process_group(0)
        .spawn()
        .context("cannot start dockerd")?;
    wait::until("the container engine answers", START_DEADLINE, version)
        .with_context(|| format!("see {}", log.display()))?;
    Ok(engine)
}

/// Where this machine has none: out of Debian's package.
fn bring_compose(configuration: &Path) -> Result<()> {
    let plugin = configuration.join("cli-plugins/docker-compose");
    debian::take("docker-compose", "usr/libexec/docker/cli-plugins/docker-compose", &plugin)
        .context(
            "`docker compose` is not here: install the compose plug-in of docker, 2.26 or later",
        )
}
