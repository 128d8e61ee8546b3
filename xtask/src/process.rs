//! Programs that run beside a task, or whose output a task reads as it appears.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::wait;

/// A program in the background. It is killed when this is dropped.
pub(crate) struct Background {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Background {
    /// Starts the program with its output in the file `log`.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let output =
            File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name, log: log.to_owned() })
    }

    /// Fails when the program has ended, with the last lines that it wrote.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("{} ended ({status}):\n{}", self.name, self.last_lines());
        }
        Ok(())
    }

    /// Asks the program to end, and waits for it; fails with its last lines unless it says that
    /// all went well.
    pub(crate) fn finish(mut self, deadline: Duration) -> Result<()> {
        let process = self.child.id().to_string();
        Command::new("kill").arg(process).status().context("cannot ask a program to end")?;
        let status = wait::until(&format!("{} ends", self.name), deadline, || {
            self.child.try_wait()?.context("it goes on")
        })?;
        ensure!(status.success(), "{} ({status}):\n{}", self.name, self.last_lines());
        Ok(())
    }

    /// The end of what the program wrote.
    pub(crate) fn last_lines(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program to its end, shows what it prints, and hands each line to `reader`.
pub(crate) fn follow(mut command: Command, mut reader: impl FnMut(&str)) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    println!("$ {}", shown(&command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let output = child.stdout.take().expect("standard output was asked for");
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        reader(&line);
    }
    child.wait().with_context(|| format!("cannot wait for {name}"))
}

/// Runs the program to its end with its output in the file `log`.
pub(crate) fn quietly(command: Command, log: &Path) -> Result<ExitStatus> {
    println!("$ {}", shown(&command));
    let mut background = Background::start(command, log)?;
    Ok(background.child.wait()?)
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
