//! The tests that need a real database or broker: those that `cargo test` ignores.

use anyhow::Result;

use super::report::{Outcome, Totals};
use super::{loki, rust};
use crate::provide;
use crate::workspace::Workspace;

/// Programs that the tests start, and the Debian package that has each.
const PROGRAMS: [(&str, &str); 6] = [
    ("/usr/lib/postgresql/*/bin/postgres", "postgresql"),
    ("psql", "postgresql-client"),
    ("/usr/sbin/pgbouncer", "pgbouncer"),
    ("redis-server", "redis-server"),
    ("redis-cli", "redis-tools"),
    ("redis-sentinel", "redis-sentinel"),
];

/// The test that needs guides which are not ours to keep.
const GUIDES: &str = "the_guides_themselves";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    install()?;
    // Each starts neighbours of its own, which share two cores.
    let skip = ["--skip", loki::TESTS, "--skip", GUIDES];
    let arguments = [&["--", "--ignored", "--test-threads=2"][..], &skip].concat();
    let mut totals = rust::cargo_test(workspace, &arguments)?;
    if totals.passed + totals.failed == 0 {
        totals += Totals::FAILED;
    }
    Ok(Outcome::Ran(totals))
}

/// Sees to it that the programs are there.
pub(super) fn install() -> Result<()> {
    for (program, package) in PROGRAMS {
        provide::program(&[program], package)?;
    }
    Ok(())
}
