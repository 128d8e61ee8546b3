//! Commands of the program, and what they say.

use campanile_core::transfer::Part;
use std::{path::Path, process::Command};

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) output: String,
    pub(crate) error: String,
}

/// The program with these arguments, and none of our environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_campanile"));
    command.env_clear().args(arguments);
    command
}

/// Runs the program.
pub(crate) fn run(arguments: &[&str]) -> Said {
    let output = command(arguments).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said { code: output.status.code(), output: text(output.stdout), error: text(output.stderr) }
}

/// The URL of a file.
pub(crate) fn sqlite(file: &Path) -> String {
    format!("sqlite://{}", file.display())
}

impl Said {
    /// What it printed, when all was well.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        assert_eq!(self.error, "");
        self.output
    }

    /// The one line that says what is wrong.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.error.lines().count(), 1, "{self:?}");
        self.error
    }
}

/// The lines of the table in which a part is the same in both stores, with what they say of it.
#[track_caller]
pub(crate) fn table(output: &str) -> Vec<String> {
    let lines = output.lines().skip_while(|line| !line.starts_with("part ")).skip(1);
    let lines: Vec<_> = lines.take_while(|line| !line.starts_with("everything")).collect();
    assert_eq!(lines.len(), Part::ALL.len() + 1, "{output}");
    assert!(lines.iter().all(|line| line.ends_with("same")), "{output}");
    lines.into_iter().map(str::to_owned).collect()
}

/// How many records of a part a table says are here and there.
pub(crate) fn counts(table: &[String], part: &str) -> Option<(u64, u64)> {
    let of = |row: &String| row.strip_prefix(part)?.strip_prefix(' ').map(str::to_owned);
    let row = table.iter().find_map(of)?;
    let mut numbers = row.split_whitespace().map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}
