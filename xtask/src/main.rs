//! Repository tasks: `cargo xtask check`, `cargo xtask test`, `cargo xtask docs`.

#![expect(clippy::print_stdout, reason = "a task speaks to whoever started it")]

mod tidy;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tasks lie in the repository");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let succeeded = match words.as_slice() {
        ["check"] => tidy::run(root)?,
        _ => bail!("unknown"),
    };
    Ok(if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
