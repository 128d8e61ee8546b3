//! Where things lie: the repository, what is built, and what tasks leave behind.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::Shell;

/// The places of this repository on this machine.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Cargo's folder; this program was built into it.
    target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        let root =
            Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tasks lie in the repository");
        let program = std::env::current_exe().context("cannot find out where this program lies")?;
        let target = program.ancestors().nth(2).context("this program was not built by cargo")?;
        Ok(Self { root: root.to_owned(), target: target.to_owned() })
    }

    /// A shell whose current folder is the root.
    pub(crate) fn shell(&self) -> Result<Shell> {
        let shell = Shell::new()?;
        shell.change_dir(&self.root);
        Ok(shell)
    }

    /// A file that belongs to the tasks, as `python/requirements.txt`.
    pub(crate) fn task_file(&self, path: &str) -> PathBuf {
        self.root.join("xtask").join(path)
    }

    /// A program of ours, as cargo built it for the tests: `campanile`, `examples/autobahn_echo`.
    pub(crate) fn built(&self, name: &str) -> PathBuf {
        self.target.join("debug").join(name)
    }

    /// A program of ours, as cargo built it for use.
    pub(crate) fn released(&self, name: &str) -> PathBuf {
        self.target.join("release").join(name)
    }

    /// A folder for what one task leaves behind, made if need be.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.target.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}
