//! The reference parsers of PyPI's `prometheus_client` read every scrape, in both formats.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use xshell::cmd;

use super::checks::Checks;
use super::report::Outcome;
use crate::live::{Conversation, Server};
use crate::provide;
use crate::workspace::Workspace;

/// The parser's name for a format, what asks for it, and what it is answered as.
struct Format {
    parser: &'static str,
    accept: &'static str,
    content_type: &'static str,
}

const FORMATS: &[Format] = &[
    Format {
        parser: "openmetrics",
        accept: "application/openmetrics-text;version=1.0.0",
        content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    },
    Format {
        parser: "text",
        accept: "text/plain;version=0.0.4",
        content_type: "text/plain; version=0.0.4; charset=utf-8",
    },
];

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let python = provide::python(workspace)?;
    let server = Server::start(workspace, "openmetrics", &[])?;
    let mut checks = Checks::default();
    let mut check = |when: &str| check_scrapes(workspace, &python, &server, when, &mut checks);
    check("before anyone came");
    let conversation = Conversation::hold(&server)?;
    check("while people talk");
    conversation.end()?;
    check("after they left");
    checks.outcome()
}

/// Each format is accepted, and both hold the same families of the same types.
fn check_scrapes(
    workspace: &Workspace,
    python: &std::path::Path,
    server: &Server,
    when: &str,
    checks: &mut Checks,
) {
    let mut read = Vec::new();
    for format in FORMATS {
        checks.check(&format!("{}, {when}", format.parser), || {
            let (content_type, text) = server.scrape(format.accept)?;
            ensure!(content_type == format.content_type, "it came as {content_type}");
            let (shell, script, parser) =
                (workspace.shell()?, workspace.task_file("python/exposition.py"), format.parser);
            let families = cmd!(shell, "{python} {script} {parser}").stdin(text).quiet().read()?;
            ensure!(families.lines().count() > 20, "it holds only {families}");
            read.push(families);
            Ok(())
        });
    }
    checks.check(&format!("both say the same, {when}"), || {
        ensure!(read.len() == FORMATS.len(), "one was not read");
        let [one, other] = [0, 1].map(|index| read[index].lines().collect::<BTreeSet<_>>());
        let differences: Vec<_> = one.symmetric_difference(&other).collect();
        ensure!(differences.is_empty(), "one alone has {differences:?}");
        Ok(())
    });
}
