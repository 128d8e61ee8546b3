//! The tasks, as they are written behind `cargo xtask`.

use std::time::Duration;

use crate::demo;
use crate::e2e::{self, Wanted};
use crate::test;

/// One task, with what is wanted of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Check,
    Docs,
    Up,
    /// `up` with people who use it for so long.
    Demo(Duration),
    Down {
        volumes: bool,
    },
    Images,
    E2e(Wanted),
    E2eList,
    /// The drill of this alert.
    Drill(String),
    /// These jobs, or all.
    Test(Vec<String>),
    TestList,
}

pub(crate) const USAGE: &str = "\
usage: cargo xtask <task>

  check                    static checks of the whole tree, in seconds
  test [--only JOB]...     every test of the project; provides what the tests need
  test --list              the jobs of `test`
  docs                     rewrites the generated files
  up                       the whole stack in containers, until all of it is healthy
  up --demo [TIME]         the same with people who chat for so long (5m), and whether its boards show it
  down [--volumes]         ends it; with --volumes what it stored goes too
  images                   the images of the stack: pulled, or made of Debian's packages
  e2e [--only NAME]... [--keep]
                           the monitoring, proved on a live stack; --keep leaves it running
  e2e --list               the parts and drills of `e2e`
  drill ALERT              the drill that sets off one alert
";

impl Task {
    /// The task that these words ask for; nothing when they are wrong usage.
    pub(crate) fn parse(words: &[&str]) -> Option<Self> {
        Some(match words {
            ["check"] => Self::Check,
            ["docs"] => Self::Docs,
            ["up"] => Self::Up,
            ["up", "--demo"] => Self::Demo(demo::USUAL),
            ["up", "--demo", time] => Self::Demo(e2e::duration(time).ok()?),
            ["down"] => Self::Down { volumes: false },
            ["down", "--volumes"] => Self::Down { volumes: true },
            ["images"] => Self::Images,
            ["e2e", "--list"] => Self::E2eList,
            ["e2e", options @ ..] => Self::E2e(wanted(options)?),
            ["drill", alert] => Self::Drill((*alert).to_owned()),
            ["test", "--list"] => Self::TestList,
            ["test", options @ ..] => Self::Test(only(options)?),
            _ => return None,
        })
    }

    /// The first thing that the task names and that does not exist.
    pub(crate) fn unknown_name(&self) -> Option<&str> {
        let (names, is_known): (&[String], fn(&str) -> bool) = match self {
            Self::Test(jobs) => (jobs, test::is_job),
            Self::E2e(wanted) => (&wanted.only, e2e::is_part),
            Self::Drill(alert) => {
                (std::slice::from_ref(alert), |alert| e2e::drill_for(alert).is_ok())
            }
            _ => return None,
        };
        names.iter().map(String::as_str).find(|name| !is_known(name))
    }
}

/// What `e2e [--only NAME]... [--keep]` asks for.
fn wanted(options: &[&str]) -> Option<Wanted> {
    let mut wanted = Wanted::default();
    let mut options = options.iter();
    while let Some(option) = options.next() {
        match *option {
            "--keep" => wanted.keep = true,
            "--only" => wanted.only.push((*options.next()?).to_owned()),
            _ => return None,
        }
    }
    Some(wanted)
}

/// The jobs named by `--only JOB`, repeated.
fn only(options: &[&str]) -> Option<Vec<String>> {
    let pairs = options.chunks(2).map(|pair| match pair {
        ["--only", job] => Some((*job).to_owned()),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Task> {
        Task::parse(&text.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn what_is_wanted_of_the_stack_is_said_by_options() {
        let expected = Wanted { only: vec!["targets".to_owned()], keep: true };
        assert_eq!(parse("e2e --only targets --keep"), Some(Task::E2e(expected)));
        assert_eq!(parse("e2e"), Some(Task::E2e(Wanted::default())));
        assert_eq!(parse("e2e --only"), None);
        assert_eq!(parse("e2e targets"), None);
    }

    #[test]
    fn jobs_are_named_one_by_one() {
        let jobs = |names: &[&str]| Task::Test(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(parse("test"), Some(jobs(&[])));
        assert_eq!(parse("test --only fmt --only rust"), Some(jobs(&["fmt", "rust"])));
        assert_eq!(parse("test --only"), None);
        assert_eq!(parse("test fmt"), None);
    }

    #[test]
    fn a_demonstration_takes_as_long_as_is_said() {
        assert_eq!(parse("up --demo"), Some(Task::Demo(demo::USUAL)));
        assert_eq!(parse("up --demo 1h30m"), Some(Task::Demo(Duration::from_secs(90 * 60))));
        assert_eq!(parse("up"), Some(Task::Up));
    }

    #[test]
    fn anything_else_is_wrong_usage() {
        assert_eq!(parse("down --volumes"), Some(Task::Down { volumes: true }));
        for wrong in ["", "sing", "down --everything", "drill", "up now", "up --demo soon"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_named_has_to_exist() {
        let unknown = |text: &str| parse(text)?.unknown_name().map(str::to_owned);
        assert_eq!(unknown("test --only clippy --only clipy").as_deref(), Some("clipy"));
        assert_eq!(unknown("e2e --only targets --only few-files"), None);
        assert_eq!(unknown("e2e --only no-such-drill").as_deref(), Some("no-such-drill"));
        assert_eq!(unknown("drill ChatServerDown"), None);
        assert_eq!(unknown("drill ChatNothing").as_deref(), Some("ChatNothing"));
    }
}
