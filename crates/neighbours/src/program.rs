//! A program that runs beside a test, and what a test does to it.

use rustix::process::{Pid, Signal, kill_process};
use std::{
    env,
    ffi::OsStr,
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts a program, with what it says in the file `log`.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let output = File::options().create(true).append(true).open(log);
        let output = output.unwrap_or_else(|error| panic!("cannot write {log:?}: {error}"));
        let errors = output.try_clone().expect("a file has room for two");
        let name = command.get_program().to_owned();
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {name:?}: {error}"));
        Self { child, log: log.to_owned() }
    }

    /// Its number. Nobody else has it before this is dropped.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // It may have ended by itself.
        let _gone = kill_process(pid.expect("a child has a number"), signal);
    }

    /// Ends it at once, as a power cut does, and waits until it has.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait();
    }

    /// Asks it to end, and waits until it has; whether it ended well.
    pub fn stop(&mut self, signal: Signal) -> bool {
        self.signal(signal);
        self.wait()
    }

    /// Holds it up.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// The end of what it said.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn wait(&mut self) -> bool {
        self.child.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.resume();
        self.kill();
    }
}

/// The program of this name in one of these folders, or on the path.
///
/// # Panics
///
/// When there is none; says which Debian package has it.
pub(crate) fn find(name: &str, folders: &[PathBuf], package: &str) -> PathBuf {
    let paths = env_path();
    let on_path = env::split_paths(&paths);
    let places = folders.iter().cloned().chain(on_path).chain(["/usr/sbin".into()]);
    let mut found = places.map(|folder| folder.join(name)).filter(|path| path.is_file());
    found.next().unwrap_or_else(|| {
        panic!("{name} is not here: run `cargo xtask test`, or install {package}")
    })
}

/// A command that does not run as root, which some programs refuse; `directory` is given to whom it
/// runs as.
pub(crate) fn unprivileged(program: impl AsRef<OsStr>, directory: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let owner = if Path::new("/var/lib/postgresql").exists() { "postgres" } else { "nobody" };
    let chown = Command::new("chown").arg("-R").arg(owner).arg(directory).status();
    assert!(chown.is_ok_and(|status| status.success()), "cannot give {directory:?} to {owner}");
    let mut command = Command::new("setpriv");
    command.args(["--reuid", owner, "--clear-groups", "--inh-caps=-all", "--"]);
    command.arg(program);
    command
}

#[expect(clippy::disallowed_methods, reason = "where programs are is not configuration")]
fn env_path() -> std::ffi::OsString {
    env::var_os("PATH").unwrap_or_default()
}
