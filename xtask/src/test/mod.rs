//! `cargo xtask test`: every test of the project that this machine can run, job by job.

mod report;
mod counts;
mod checks;

mod rust;
mod neighbours;
mod loki;
mod pages;
mod browser;
mod clients;
mod prometheus;
mod openmetrics;
mod rules;
mod access;
mod schemathesis;
mod autobahn;

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::docs;
use crate::pace;
use crate::tidy;
use crate::workspace::Workspace;
use report::{Entry, Outcome, Totals};

/// A named part of the test run.
struct Job {
    name: &'static str,
    what: &'static str,
    run: fn(&Workspace) -> Result<Outcome>,
}

/// In the order in which they run: what is fast and often broken first.
const JOBS: &[Job] = &[
    Job { name: "fmt", what: "the sources are formatted", run: rust::format },
    Job { name: "check", what: "the house rules are kept", run: rust::check },
    Job { name: "clippy", what: "no lint has anything to say", run: rust::clippy },
    Job { name: "rust", what: "unit, conformance, end-to-end and doc tests", run: rust::test },
    Job { name: "flood", what: "100 000 log lines a second are shipped", run: rust::flood },
    Job {
        name: "neighbours",
        what: "real databases and brokers, one node and several, whole and hurt",
        run: neighbours::run,
    },
    Job {
        name: "loki",
        what: "a real Loki takes what is shipped, and every expression for it",
        run: loki::run,
    },
    Job { name: "pages", what: "the logic of the pages, in node", run: pages::run },
    Job {
        name: "browser",
        what: "the pages in Chromium, against a live server",
        run: browser::run,
    },
    Job {
        name: "clients",
        what: "other people's clients of the Pusher protocol, unchanged",
        run: clients::run,
    },
    Job {
        name: "prometheus",
        what: "a real Prometheus scrapes both formats",
        run: prometheus::run,
    },
    Job { name: "rules", what: "every alert rings when it should, and is routed", run: rules::run },
    Job {
        name: "openmetrics",
        what: "the reference parsers accept every scrape",
        run: openmetrics::run,
    },
    Job { name: "access", what: "who may scrape, and who may not", run: access::run },
    Job {
        name: "schemathesis",
        what: "the REST interface keeps its schema",
        run: schemathesis::run,
    },
    Job { name: "autobahn", what: "the WebSocket conformance suite", run: autobahn::run },
];

/// They run only when they are named: they build everything once more, optimised.
const NAMED_ONLY: &[&str] = &["flood"];

/// The names of the jobs, and what each shows.
pub(crate) fn list() {
    for job in JOBS {
        let named = if NAMED_ONLY.contains(&job.name) { " (only when named)" } else { "" };
        println!("{:<14} {}{named}", job.name, job.what);
    }
}

/// Whether there is a job of this name.
pub(crate) fn is_job(name: &str) -> bool {
    JOBS.iter().any(|job| job.name == name)
}

/// `cargo xtask check`: what a look at the files shows, what the server writes about itself, and what
/// those programs say that are at hand.
pub(crate) fn check(workspace: &Workspace) -> Result<bool> {
    // It may have to be built, which is not what takes the time that is looked at.
    let is_fresh = docs::are_fresh(workspace)?;
    let start = Instant::now();
    let is_tidy = tidy::run(&workspace.root)?;
    let is_well_made = match rules::run_what_is_here(workspace)? {
        Outcome::Ran(totals) => totals.failed == 0,
        Outcome::Skipped(_) => true,
    };
    if let Some(line) = pace::complaint("check", start.elapsed(), pace::CHECK) {
        println!("{line}");
    }
    Ok(is_fresh && is_tidy && is_well_made)
}

/// Runs all jobs, or those that are named. Says whether nothing failed.
pub(crate) fn run(workspace: &Workspace, only: &[String]) -> Result<bool> {
    for name in only {
        ensure!(is_job(name), "there is no job {name}: see --list");
    }
    let is_wanted = |job: &&Job| match only {
        [] => !NAMED_ONLY.contains(&job.name),
        only => only.iter().any(|name| name == job.name),
    };
    let wanted = JOBS.iter().filter(is_wanted);
    let entries: Vec<Entry> = wanted.map(|job| run_job(job, workspace)).collect();
    print!("\n{}", report::table(&entries));
    Ok(entries.iter().all(|entry| entry.totals.failed == 0))
}

fn run_job(job: &Job, workspace: &Workspace) -> Entry {
    println!("\n=== {}: {}", job.name, job.what);
    let start = Instant::now();
    let (totals, remark) = match (job.run)(workspace) {
        Ok(Outcome::Ran(totals)) => (totals, String::new()),
        Ok(Outcome::Skipped(why)) => {
            (Totals { skipped: 1, ..Totals::default() }, format!("skipped: {why}"))
        }
        Err(error) => (Totals::FAILED, format!("{error:#}")),
    };
    println!("=== {} took {:.1} s. {remark}", job.name, start.elapsed().as_secs_f64());
    Entry { job: job.name, took: start.elapsed(), totals, remark }
}
