//! A real Loki takes what is shipped, and every expression of ours. It has no package of Debian's,
//! so whoever has one says where it is.

use std::env;
use std::net::ToSocketAddrs;

use anyhow::{Context, Result};

use super::checks::Checks;
use super::report::{Outcome, Totals};
use super::rust;
use crate::live::Loki;
use crate::tidy::Tree;
use crate::tower::log_queries;
use crate::workspace::Workspace;

/// The same that the tests read.
const URL: &str = "CAMPANILE_TEST_LOKI_URL";

/// How the names of the tests begin that need one.
pub(crate) const TESTS: &str = "a_real_loki";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where a test finds its server is no configuration"
    )]
    let Ok(url) = env::var(URL) else {
        return Ok(Outcome::Skipped(format!("{URL} does not say where a Loki is")));
    };
    let mut totals = rust::cargo_test(workspace, &["--test", "real_loki", "--", "--ignored"])?;
    let mut checks = Checks::default();
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let address = host.to_socket_addrs().with_context(|| format!("{URL}: `{url}`"))?.next();
    let loki = Loki { address: address.with_context(|| format!("{url} is nowhere"))? };
    for query in log_queries(Tree::load(&workspace.root)?.files())? {
        checks.check(&query.place(), || loki.lately(&query.expr).map(drop));
    }
    if let Outcome::Ran(asked) = checks.outcome()? {
        totals += asked;
    }
    if totals.passed == 0 {
        totals += Totals::FAILED;
    }
    Ok(Outcome::Ran(totals))
}
