//! What is kept, and for how long: Prometheus keeps a trace beside the buckets of latencies, and what
//! it scraped for as long as is promised.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::report::Report;
use super::scene::Scene;
use crate::boards::WITH_EXEMPLARS;
use crate::live::Questions;
use crate::wait;

/// What `deploy/compose.yaml` and `deploy/README.md` promise.
const RETENTION: &str = "30d";

/// The label of an exemplar: as many hexadecimal digits.
const TRACE: &str = "trace_id";
const TRACE_DIGITS: usize = 32;

/// Until messages were sent, and scraped.
const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn check(scene: &Scene<'_>, report: &mut Report) {
    report.check("keeping", "the buckets of latencies have traces, and no others have", || {
        wait::patiently("they have", DEADLINE, || exemplars(&scene.prometheus))
    });
    report.check("keeping", &format!("Prometheus keeps samples for {RETENTION}"), || {
        retention(&scene.prometheus)
    });
}

fn exemplars(prometheus: &Questions) -> Result<()> {
    let query = [("query", "{job=\"chat\",__name__=~\".+_bucket\"}")];
    let answer = prometheus.get("query_exemplars", &query)?;
    let mut seen = BTreeSet::new();
    for series in answer.as_array().context("there is no list")? {
        let name = series["seriesLabels"]["__name__"].as_str().unwrap_or_default();
        for exemplar in series["exemplars"].as_array().into_iter().flatten() {
            let trace = exemplar["labels"][TRACE].as_str().unwrap_or_default();
            let is_trace =
                trace.len() == TRACE_DIGITS && trace.bytes().all(|digit| digit.is_ascii_hexdigit());
            ensure!(is_trace, "an exemplar of {name} names no trace: {exemplar}");
            seen.insert(name.trim_end_matches("_bucket"));
        }
    }
    let wanted: BTreeSet<&str> = WITH_EXEMPLARS.iter().copied().collect();
    ensure!(seen == wanted, "{seen:?} have exemplars, not {wanted:?}");
    Ok(())
}

fn retention(prometheus: &Questions) -> Result<()> {
    let flags = prometheus.get("status/flags", &[])?;
    let running = prometheus.get("status/runtimeinfo", &[])?;
    for (what, kept) in [
        ("the flag", &flags["storage.tsdb.retention.time"]),
        ("what runs", &running["storageRetention"]),
    ] {
        ensure!(is_promised(kept), "{what} says {kept}, not {RETENTION}");
    }
    Ok(())
}

/// A bound in bytes beside it could delete more, and sooner.
fn is_promised(kept: &Value) -> bool {
    kept.as_str() == Some(RETENTION)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::StandIn;

    const WHOLE: &str = r#"{"status": "success", "data": [{
        "seriesLabels": {"__name__": "chat_message_delivery_latency_seconds_bucket", "le": "0.1"},
        "exemplars": [{"labels": {"trace_id": "0af7651916cd43dd8448eb211c80319c"},
            "value": "0.05", "timestamp": 1}]}]}"#;

    fn said(path: &'static str, answer: &str, ask: fn(&Questions) -> Result<()>) -> String {
        let answer: &'static str = answer.to_owned().leak();
        let standin = StandIn::start(Box::leak(Box::new([(path, 200, answer)])));
        let seen = ask(&Questions { address: standin.address });
        seen.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_histograms_that_have_exemplars_name_traces_and_no_others_have_any() {
        let said = |answer: &str| said("/api/v1/query_exemplars", answer, exemplars);
        assert_eq!(said(WHOLE), "");
        for (from, to, expected) in [
            ("0af7651916cd43dd8448eb211c80319c", "0af7", "names no trace"),
            ("trace_id", "span_id", "names no trace"),
            ("message_delivery", "message_processing", "have exemplars, not"),
        ] {
            assert!(said(&WHOLE.replace(from, to)).contains(expected), "{to}");
        }
        let none = said(r#"{"status": "success", "data": []}"#);
        assert!(none.starts_with("{} have exemplars"), "{none}");
    }

    #[test]
    fn samples_are_kept_for_as_long_as_is_promised() {
        let said = |flag: &str, running: &str| {
            let data = |text: &str| -> &'static str {
                format!(r#"{{"status": "success", "data": {text}}}"#).leak()
            };
            let standin = StandIn::start(Box::leak(Box::new([
                (
                    "/api/v1/status/flags",
                    200,
                    data(&format!("{{\"storage.tsdb.retention.time\": \"{flag}\"}}")),
                ),
                (
                    "/api/v1/status/runtimeinfo",
                    200,
                    data(&format!("{{\"storageRetention\": \"{running}\"}}")),
                ),
            ])));
            let seen = retention(&Questions { address: standin.address });
            seen.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(said("30d", "30d"), "");
        assert_eq!(said("15d", "30d"), "the flag says \"15d\", not 30d");
        assert_eq!(said("30d", "30d or 1GB"), "what runs says \"30d or 1GB\", not 30d");
    }
}
