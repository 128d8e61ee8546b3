//! A real Prometheus scrapes the server in both formats and answers questions about it.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use xshell::cmd;

use super::checks::Checks;
use super::report::Outcome;
use crate::live::{Conversation, Front, Prometheus, ROOM_MESSAGES, Server};
use crate::provide;
use crate::workspace::Workspace;

const OPENMETRICS: &str = "application/openmetrics-text;version=1.0.0";
const TEXT: &str = "text/plain;version=0.0.4";

/// The scrape jobs, one per format.
const SCRAPES: [&str; 2] = ["openmetrics", "text"];

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let program = provide::program(&["prometheus"], "prometheus")?;
    let promtool = provide::program(&["promtool"], "prometheus")?;
    let server = Server::start(workspace, "prometheus", &[])?;
    let text = Front::start(server.metrics, TEXT)?;
    let targets = [(SCRAPES[0], server.metrics), (SCRAPES[1], text.address)];
    let prometheus = Prometheus::start(workspace, &program, &targets)?;
    let conversation = Conversation::hold(&server)?;

    let mut checks = Checks::default();
    checks.check("promtool finds nothing to say about the metrics", || {
        let (_, text) = server.scrape(TEXT)?;
        let shell = workspace.shell()?;
        Ok(cmd!(shell, "{promtool} check metrics").stdin(text).quiet().run()?)
    });
    for scrape in SCRAPES {
        check_scrape(scrape, &prometheus, &server, &conversation, &mut checks);
    }
    let connections = conversation.connections();
    conversation.end()?;
    for scrape in SCRAPES {
        checks.check(&format!("{scrape}: nobody is counted as connected who left"), || {
            prometheus
                .questions
                .becomes(&format!("sum(chat_connections_active{{job='{scrape}'}})"), 0.0)?;
            let closed = format!("sum(chat_connections_closed_total{{job='{scrape}'}})");
            prometheus.questions.becomes(&closed, connections as f64)
        });
    }
    checks.outcome()
}

fn check_scrape(
    scrape: &str,
    prometheus: &Prometheus,
    server: &Server,
    conversation: &Conversation,
    checks: &mut Checks,
) {
    checks.check(&format!("{scrape}: the target is up"), || {
        prometheus.questions.becomes(&format!("up{{job='{scrape}'}}"), 1.0)
    });
    checks.check(&format!("{scrape}: who is connected"), || {
        let query = format!("sum(chat_connections_active{{job='{scrape}'}})");
        prometheus.questions.becomes(&query, conversation.connections() as f64)
    });
    checks.check(&format!("{scrape}: what was said"), || {
        let query =
            format!("sum(chat_messages_processed_total{{job='{scrape}',result='accepted'}})");
        prometheus.questions.becomes(&query, ROOM_MESSAGES as f64)
    });
    checks.check(&format!("{scrape}: how long it took"), || {
        let buckets = format!("chat_message_processing_duration_seconds_bucket{{job='{scrape}'}}");
        let quantile = prometheus
            .questions
            .value(&format!("histogram_quantile(0.99, sum by (le) ({buckets}))"))?;
        ensure!(quantile > 0.0 && quantile < 10.0, "99 % within {quantile} s");
        Ok(())
    });
    checks.check(&format!("{scrape}: every type is known"), || {
        let accept = if scrape == "text" { TEXT } else { OPENMETRICS };
        let declared = declared(&server.scrape(accept)?.1, "TYPE");
        let known = prometheus.questions.metadata(scrape, "type")?;
        ensure!(declared.len() > 20 && known == declared, "{known:?} is not {declared:?}");
        Ok(())
    });
    if scrape == "openmetrics" {
        checks.check("openmetrics: every unit is known", || {
            let declared = declared(&server.scrape(OPENMETRICS)?.1, "UNIT");
            let mut known = prometheus.questions.metadata(scrape, "unit")?;
            known.retain(|_, unit| !unit.is_empty());
            ensure!(declared.len() > 5 && known == declared, "{known:?} is not {declared:?}");
            Ok(())
        });
    }
}

/// What the lines `# KEYWORD name value` of a scrape declare. Prometheus calls an info a gauge in
/// neither format, and a gauge an info in none.
fn declared(text: &str, keyword: &str) -> BTreeMap<String, String> {
    let start = format!("# {keyword} ");
    let lines = text.lines().filter_map(|line| line.strip_prefix(&start)?.split_once(' '));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
