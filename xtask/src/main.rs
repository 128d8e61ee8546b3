//! Repository tasks: what is checked, tested and generated, by the same verbs for people and CI.

#![expect(clippy::print_stdout, reason = "a task speaks to whoever started it")]

mod workspace;
mod tidy;
mod test;
mod docs;
mod boards;
mod kubernetes;
mod slo;
mod stack;
mod e2e;
mod tower;
mod live;
mod provide;
mod debian;
mod process;
mod wait;
mod pace;

use std::process::ExitCode;

use anyhow::Result;

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <task>

  check                    static checks of the whole tree, in seconds
  test [--only JOB]...     every test of the project; provides what the tests need
  test --list              the jobs of `test`
  docs                     rewrites the generated files
  up                       the whole stack in containers, until all of it is healthy
  down [--volumes]         ends it; with --volumes what it stored goes too
  images                   the images of the stack: pulled, or made of Debian's packages
  e2e [--only NAME]... [--keep]
                           the monitoring, proved on a live stack; --keep leaves it running
  e2e --list               the parts and drills of `e2e`
  drill ALERT              the drill that sets off one alert
";

/// Wrong usage, as the programs of this repository say it.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let succeeded = match arguments.as_slice() {
        ["check"] => test::check(&workspace)?,
        ["docs"] => docs::run(&workspace)?,
        ["up"] => stack::up(&workspace)?,
        ["down"] => stack::down(&workspace, false)?,
        ["down", "--volumes"] => stack::down(&workspace, true)?,
        ["images"] => stack::make_images(&workspace)?,
        ["e2e", "--list"] => {
            e2e::list();
            true
        }
        ["e2e", options @ ..] => match wanted(options) {
            Some(wanted) => e2e::run(&workspace, &wanted)?,
            None => return Ok(wrong_usage()),
        },
        ["drill", name] => {
            let only = vec![e2e::drill_for(name)?];
            e2e::run(&workspace, &e2e::Wanted { only, keep: false })?
        }
        ["test", "--list"] => {
            test::list();
            true
        }
        ["test", options @ ..] => match only(options) {
            Some(jobs) => test::run(&workspace, &jobs)?,
            None => return Ok(wrong_usage()),
        },
        _ => return Ok(wrong_usage()),
    };
    Ok(if succeeded { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What `e2e [--only NAME]... [--keep]` asks for; nothing when anything else is said.
fn wanted(options: &[&str]) -> Option<e2e::Wanted> {
    let mut wanted = e2e::Wanted::default();
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

/// The jobs named by `--only JOB`, repeated; nothing when anything else is said.
fn only<'a>(options: &[&'a str]) -> Option<Vec<&'a str>> {
    let pairs = options.chunks(2).map(|pair| match pair {
        ["--only", job] => Some(*job),
        _ => None,
    });
    pairs.collect()
}

fn wrong_usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(WRONG_USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_of_the_stack_is_said_by_options() {
        let expected = e2e::Wanted { only: vec!["targets".to_owned()], keep: true };
        assert_eq!(wanted(&["--only", "targets", "--keep"]), Some(expected));
        assert_eq!(wanted(&["--only"]), None);
        assert_eq!(wanted(&["targets"]), None);
    }

    #[test]
    fn jobs_are_named_one_by_one() {
        assert_eq!(only(&[]), Some(vec![]));
        assert_eq!(only(&["--only", "fmt", "--only", "rust"]), Some(vec!["fmt", "rust"]));
        assert_eq!(only(&["--only"]), None);
        assert_eq!(only(&["fmt"]), None);
    }
}
