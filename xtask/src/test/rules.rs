//! The rules ring when they should and only then: promtool's unit tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, ensure};
use xshell::Shell;

use super::checks::Checks;
use super::report::Outcome;
use crate::provide;
use crate::workspace::Workspace;

/// One call of promtool, and what it shows.
struct Call {
    shows: String,
    arguments: Vec<PathBuf>,
}

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let promtool = provide::program(&["promtool"], "prometheus")?;
    let calls = calls(&workspace.shell()?)?;
    let mut checks = Checks::default();
    for (shows, result) in answers(&promtool, &workspace.root, calls) {
        checks.check(&shows, || result);
    }
    checks.outcome()
}

fn calls(shell: &Shell) -> Result<Vec<Call>> {
    let mut calls = Vec::new();
    for folder in ["alerts/tests", "alerts/tests/profiles"] {
        calls.extend(yaml(shell, folder)?.into_iter().map(|file| Call {
            shows: format!("{} holds", file.display()),
            arguments: vec!["test".into(), "rules".into(), file],
        }));
    }
    for folder in ["alerts", "alerts/profiles"] {
        let words = ["check".into(), "rules".into()];
        calls.push(Call {
            shows: format!("the rules of {folder} are well made"),
            arguments: words.into_iter().chain(yaml(shell, folder)?).collect(),
        });
    }
    // Its secrets and rules lie where the containers have them.
    let config = ["check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml"];
    calls.push(Call {
        shows: "the configuration of Prometheus is well made".to_owned(),
        arguments: config.map(PathBuf::from).into(),
    });
    Ok(calls)
}

/// Asks promtool on every core, since it uses one.
fn answers(promtool: &Path, root: &Path, calls: Vec<Call>) -> Vec<(String, Result<()>)> {
    let waiting = Mutex::new(calls.into_iter());
    let answers = Mutex::new(Vec::new());
    let ask = || {
        while let Some(call) = next(&waiting) {
            let result = answer(Command::new(promtool).current_dir(root).args(&call.arguments));
            answers.lock().expect("nobody panics with it").push((call.shows, result));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(ask);
        }
    });
    let mut answers = answers.into_inner().expect("nobody panics with it");
    answers.sort_by(|(one, _), (other, _)| one.cmp(other));
    answers
}

/// What it complains of is on both of its outputs.
fn answer(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let complaint = [output.stdout, output.stderr].concat();
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&complaint).trim());
    Ok(())
}

fn next(calls: &Mutex<impl Iterator<Item = Call>>) -> Option<Call> {
    calls.lock().expect("nobody panics with it").next()
}

fn yaml(shell: &Shell, folder: &str) -> Result<Vec<PathBuf>> {
    let root = shell.current_dir();
    let files = shell.read_dir(folder).with_context(|| format!("there is no {folder}"))?;
    let files = files.into_iter();
    let files = files.filter(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    Ok(files.filter_map(|file| Some(file.strip_prefix(&root).ok()?.to_owned())).collect())
}
