//! Questions to whatever speaks the HTTP interface of Prometheus.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::wait;

const DEADLINE: Duration = Duration::from_secs(30);

/// Something that answers PromQL: Prometheus, or VictoriaMetrics.
#[derive(Clone, Copy)]
pub(crate) struct Questions {
    pub(crate) address: SocketAddr,
}

impl Questions {
    /// Waits until the query gives this number.
    pub(crate) fn becomes(&self, query: &str, expected: f64) -> Result<()> {
        wait::until(query, DEADLINE, || {
            let value = self.value(query)?;
            ensure!(value == expected, "it is {value}, not {expected}");
            Ok(())
        })
    }

    /// The one number that the query gives.
    pub(crate) fn value(&self, query: &str) -> Result<f64> {
        let answer = self.get("query", &[("query", query)])?;
        let value = answer["result"][0]["value"][1].as_str();
        Ok(value.with_context(|| format!("{query} gives nothing"))?.parse()?)
    }

    /// Each series that the query gives now: its labels and its value.
    pub(crate) fn rows(&self, query: &str) -> Result<Vec<(Value, f64)>> {
        let mut answer = self.get("query", &[("query", query)])?;
        let kind = answer["resultType"].as_str().unwrap_or_default().to_owned();
        let number = |value: &Value| value[1].as_str().and_then(|text| text.parse().ok());
        if kind == "scalar" {
            let value = number(&answer["result"]).context("a scalar is a number")?;
            return Ok(vec![(Value::Null, value)]);
        }
        let Value::Array(rows) = answer["result"].take() else { return Ok(Vec::new()) };
        let rows = rows.into_iter().map(|mut row| {
            let value = number(&row["value"]).context("a sample is a number")?;
            Ok((row["metric"].take(), value))
        });
        rows.collect()
    }

    /// What Prometheus knows of every metric of a job: its `type`, or its `unit`.
    pub(crate) fn metadata(&self, job: &str, key: &str) -> Result<BTreeMap<String, String>> {
        let target = format!("{{job=\"{job}\"}}");
        let answer = self.get("targets/metadata", &[("match_target", &target)])?;
        let entries = answer.as_array().context("no metadata")?.iter();
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        // Of its own, Prometheus knows `up` and the scrape's; it keeps no metadata of those.
        Ok(entries.map(|entry| (text(entry, "metric"), text(entry, key))).collect())
    }

    /// The `data` of an answer of `/api/v1/…`.
    pub(crate) fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut request =
            minreq::get(format!("http://{}/api/v1/{path}", self.address)).with_timeout(10);
        for (name, value) in parameters {
            request = request.with_param(*name, *value);
        }
        let answer = request.send()?;
        let mut answer: Value = serde_json::from_str(answer.as_str()?)?;
        ensure!(answer["status"] == "success", "{path}: {answer}");
        Ok(answer["data"].take())
    }
}
