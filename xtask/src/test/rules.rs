//! The rules ring when they should and only then, and what tells of it is well made: the tools of
//! Prometheus and Alertmanager say so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use xshell::Shell;

use super::checks::Checks;
use super::report::Outcome;
use crate::debian;
use crate::provide;
use crate::workspace::Workspace;

/// Where Alertmanager has its routes.
const ALERTMANAGER: &str = "deploy/alertmanager/alertmanager.yml";

/// That alerts of which `monitor-lint` says so never ring, or ring on a healthy system.
const PROOFS: &str = "crates/monitor-lint/tests/firing";

/// The first version of amtool that knows `url_file`.
const AMTOOL_MIN: [u32; 2] = [0, 26];

/// A program that knows some of our files better than we do.
struct Tool {
    name: &'static str,
    /// What nobody looks at where it is not.
    looks_at: &'static str,
    find: fn(&Workspace) -> Result<PathBuf>,
    provide: fn(&Workspace) -> Result<PathBuf>,
    calls: fn(&Workspace) -> Result<Vec<Call>>,
}

const TOOLS: [Tool; 2] = [
    Tool {
        name: "promtool",
        looks_at: "the rules of Prometheus and their unit tests",
        find: |_| provide::find("promtool").context("it is not here"),
        provide: |_| provide::program(&["promtool"], "prometheus"),
        calls: of_prometheus,
    },
    Tool {
        name: "amtool",
        looks_at: "the configuration of Alertmanager",
        find: find_amtool,
        provide: provide_amtool,
        calls: of_alertmanager,
    },
];

/// One call of a tool, and what it shows.
struct Call {
    shows: String,
    arguments: Vec<PathBuf>,
    /// Whether the tool is to complain.
    is_refused: bool,
}

impl Call {
    fn new(shows: impl Into<String>, arguments: impl IntoIterator<Item = PathBuf>) -> Self {
        let arguments = arguments.into_iter().collect();
        Self { shows: shows.into(), arguments, is_refused: false }
    }
}

/// Asks every tool, and provides those that are not here.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let mut asked = Vec::new();
    for tool in &TOOLS {
        let program = (tool.provide)(workspace).with_context(|| tool.name)?;
        asked.push((program, (tool.calls)(workspace)?));
    }
    ask(&workspace.root, asked)
}

/// Asks the tools that are here, and says what nobody looks at for want of the others.
pub(crate) fn run_what_is_here(workspace: &Workspace) -> Result<Outcome> {
    let mut asked = Vec::new();
    for tool in &TOOLS {
        match (tool.find)(workspace) {
            Ok(program) => asked.push((program, (tool.calls)(workspace)?)),
            Err(why) => println!("left out: {}: {}: {why:#}", tool.looks_at, tool.name),
        }
    }
    ask(&workspace.root, asked)
}

fn ask(root: &Path, asked: Vec<(PathBuf, Vec<Call>)>) -> Result<Outcome> {
    let mut checks = Checks::default();
    for (program, calls) in asked {
        for (shows, result) in answers(&program, root, calls) {
            checks.check(&shows, || result);
        }
    }
    checks.outcome()
}

fn of_prometheus(workspace: &Workspace) -> Result<Vec<Call>> {
    let shell = workspace.shell()?;
    let mut calls = Vec::new();
    for folder in ["alerts/tests", "alerts/tests/profiles", PROOFS] {
        calls.extend(yaml(&shell, folder)?.into_iter().map(|file| {
            Call::new(format!("{} holds", file.display()), ["test".into(), "rules".into(), file])
        }));
    }
    for folder in ["alerts", "alerts/profiles"] {
        let words = ["check".into(), "rules".into()];
        let files = yaml(&shell, folder)?;
        calls.push(Call::new(
            format!("the rules of {folder} are well made"),
            words.into_iter().chain(files),
        ));
    }
    // Its secrets and rules lie where the containers have them.
    let config = ["check", "config", "--syntax-only", "deploy/prometheus/prometheus.yml"];
    calls
        .push(Call::new("the configuration of Prometheus is well made", config.map(PathBuf::from)));
    Ok(calls)
}

/// Ours is well made; and one that is not is found to be so, or the tool looks at nothing.
fn of_alertmanager(workspace: &Workspace) -> Result<Vec<Call>> {
    let text = fs::read_to_string(workspace.root.join(ALERTMANAGER))
        .with_context(|| format!("cannot read {ALERTMANAGER}"))?;
    let broken = text.replacen("receiver: ", "receiver: nobody-of-ours-", 1);
    ensure!(broken != text, "{ALERTMANAGER} has no receiver");
    let path = workspace.folder("rules")?.join("broken-alertmanager.yml");
    fs::write(&path, broken).with_context(|| format!("cannot write {}", path.display()))?;
    let check = |file: PathBuf| ["check-config".into(), file];
    let ours = "the configuration of Alertmanager is well made";
    let refused = "one of Alertmanager that names no receiver is refused";
    Ok(vec![
        Call::new(ours, check(ALERTMANAGER.into())),
        Call { is_refused: true, ..Call::new(refused, check(path)) },
    ])
}

/// One that an earlier run brought, or the machine's, if it knows what we use.
fn find_amtool(workspace: &Workspace) -> Result<PathBuf> {
    let brought = brought_amtool(workspace)?;
    if brought.exists() {
        return Ok(brought);
    }
    let amtool = provide::find("amtool").context("it is not here")?;
    let said = Command::new(&amtool).arg("--version").output().context("it does not start")?;
    // Older ones say so on the other output.
    let said = [said.stdout, said.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let version = version(&said).with_context(|| format!("it has no version: {said}"))?;
    let [major, minor] = AMTOOL_MIN;
    ensure!(
        version >= AMTOOL_MIN,
        "{}.{} is here, which is older than {major}.{minor}; `cargo xtask test --only rules` brings one",
        version[0],
        version[1]
    );
    Ok(amtool)
}

fn provide_amtool(workspace: &Workspace) -> Result<PathBuf> {
    if let Ok(amtool) = find_amtool(workspace) {
        return Ok(amtool);
    }
    let place = brought_amtool(workspace)?;
    debian::take("prometheus-alertmanager", "usr/bin/amtool", &place)?;
    Ok(place)
}

fn brought_amtool(workspace: &Workspace) -> Result<PathBuf> {
    Ok(workspace.folder("tools")?.join("amtool"))
}

/// `amtool, version 0.25.0 (branch: …`: what matters of it.
fn version(said: &str) -> Option<[u32; 2]> {
    let (_, version) = said.split_once("version ")?;
    let mut parts = version.split('.').map_while(|part| part.parse().ok());
    Some([parts.next()?, parts.next()?])
}

/// Asks a tool on every core, since it uses one.
fn answers(program: &Path, root: &Path, calls: Vec<Call>) -> Vec<(String, Result<()>)> {
    let waiting = Mutex::new(calls.into_iter());
    let answers = Mutex::new(Vec::new());
    let ask = || {
        while let Some(call) = next(&waiting) {
            let said = answer(Command::new(program).current_dir(root).args(&call.arguments));
            let result = if call.is_refused { complained(said) } else { said };
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

fn complained(said: Result<()>) -> Result<()> {
    if said.is_ok() {
        bail!("it was taken");
    }
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

#[cfg(test)]
mod tests {
    use super::super::report::Totals;
    use super::*;

    /// What comes of asking a shell, which stands in for a tool.
    fn asked(script: &str, is_refused: bool) -> Totals {
        let call = Call { is_refused, ..Call::new("it is", ["-c".into(), script.into()]) };
        let outcome = ask(Path::new("/"), vec![("sh".into(), vec![call])]);
        match outcome.expect("it comes to an end") {
            Outcome::Ran(totals) => totals,
            Outcome::Skipped(why) => panic!("{why}"),
        }
    }

    #[test]
    fn what_a_tool_refuses_has_failed() {
        assert_eq!(asked("exit 0", false), Totals::PASSED);
        assert_eq!(asked("echo it is broken; exit 1", false), Totals::FAILED);
    }

    #[test]
    fn a_tool_that_takes_what_is_broken_has_failed() {
        assert_eq!(asked("exit 1", true), Totals::PASSED);
        assert_eq!(asked("exit 0", true), Totals::FAILED);
    }

    #[test]
    fn a_tool_complains_on_either_output() {
        let said = |script| answer(Command::new("sh").args(["-c", script]));
        for script in ["echo broken; exit 1", "echo broken >&2; exit 1"] {
            assert_eq!(said(script).expect_err("it refuses").to_string(), "broken");
        }
    }

    #[test]
    fn an_older_tool_is_told_from_a_newer() {
        assert_eq!(version("amtool, version 0.25.0 (branch: debian/sid)"), Some([0, 25]));
        assert_eq!(version("amtool, version 1.0.0+ds"), Some([1, 0]));
        assert_eq!(version("no tool of ours"), None);
        assert!([0, 25] < AMTOOL_MIN && [1, 0] > AMTOOL_MIN);
    }
}
