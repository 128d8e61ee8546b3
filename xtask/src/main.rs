//! Repository tasks: what is checked, tested and generated, by the same verbs for people and CI.

#![expect(clippy::print_stdout, reason = "a task speaks to whoever started it")]

mod workspace;
mod tidy;
mod test;
mod docs;
mod live;
mod provide;
mod process;
mod wait;

use std::process::ExitCode;

use anyhow::Result;

use workspace::Workspace;

const USAGE: &str = "\
usage: cargo xtask <task>

  check                    static checks of the whole tree, in seconds
  test [--only JOB]...     every test of the project; provides what the tests need
  test --list              the jobs of `test`
  docs                     rewrites the generated files
";

/// Wrong usage, as the programs of this repository say it.
const WRONG_USAGE: u8 = 2;

fn main() -> Result<ExitCode> {
    let workspace = Workspace::find()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let succeeded = match arguments.as_slice() {
        ["check"] => tidy::run(&workspace.root)?,
        ["docs"] => docs::run(&workspace)?,
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
    fn jobs_are_named_one_by_one() {
        assert_eq!(only(&[]), Some(vec![]));
        assert_eq!(only(&["--only", "fmt", "--only", "rust"]), Some(vec!["fmt", "rust"]));
        assert_eq!(only(&["--only"]), None);
        assert_eq!(only(&["fmt"]), None);
    }
}
