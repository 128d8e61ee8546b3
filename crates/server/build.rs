//! Tells the program which build it is.

use std::process::Command;

#[expect(clippy::disallowed_methods, reason = "a build is told about itself by its environment")]
fn main() {
    println!("cargo::rerun-if-changed=../../.git/HEAD");
    println!("cargo::rerun-if-changed=../../.git/index");
    let unknown = || "unknown".to_owned();
    let revision = first_line(Command::new("git").args(["rev-parse", "--short=12", "HEAD"]));
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let rustc = first_line(Command::new(compiler).arg("--version"));
    let rustc = rustc.and_then(|line| Some(line.split(' ').nth(1)?.to_owned()));
    let profile = std::env::var("PROFILE").unwrap_or_else(|_| unknown());
    println!("cargo::rustc-env=CAMPANILE_REVISION={}", revision.unwrap_or_else(unknown));
    println!("cargo::rustc-env=CAMPANILE_RUSTC={}", rustc.unwrap_or_else(unknown));
    println!("cargo::rustc-env=CAMPANILE_PROFILE={profile}");
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
