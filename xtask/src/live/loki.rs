//! Questions to Loki: lines and counts of them, and what its ruler has loaded.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

const TIMEOUT_SECONDS: u64 = 20;

#[derive(Clone, Copy)]
pub(crate) struct Loki {
    pub(crate) address: SocketAddr,
}

/// A rule of the ruler, as Loki tells of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LoadedRule {
    pub(crate) name: String,
    pub(crate) query: String,
    /// `unknown` until it was evaluated, then `ok` or `err`.
    pub(crate) health: String,
    #[serde(default)]
    pub(crate) last_error: String,
    /// `inactive`, `pending` or `firing`; of a rule that records, nothing.
    #[serde(default)]
    pub(crate) state: String,
}

impl Loki {
    /// How many series the query gives now: it counts lines, and does not show them.
    pub(crate) fn now(&self, query: &str) -> Result<usize> {
        self.rows("query", query)
    }

    /// How many lines, or series, the query gives for the last hour.
    pub(crate) fn lately(&self, query: &str) -> Result<usize> {
        self.rows("query_range", query)
    }

    /// How many lines, or series, the query gives from then until now.
    pub(crate) fn lines_since(&self, query: &str, since: SystemTime) -> Result<usize> {
        let start = since.duration_since(UNIX_EPOCH)?.as_nanos().to_string();
        self.rows_of("query_range", &[("query", query), ("start", &start)])
    }

    /// Takes lines, as `/loki/api/v1/push` wants them.
    pub(crate) fn push(&self, lines: &Value) -> Result<()> {
        let request = minreq::post(format!("http://{}/loki/api/v1/push", self.address));
        let request = request.with_header("Content-Type", "application/json");
        let answer = request.with_body(lines.to_string()).with_timeout(TIMEOUT_SECONDS).send()?;
        ensure!(answer.status_code == 204, "push: {} {}", answer.status_code, answer.as_str()?);
        Ok(())
    }

    /// What it says of itself: the value of a series, as it writes it; 0 while it writes none.
    pub(crate) fn metric(&self, series: &str) -> Result<f64> {
        let request = minreq::get(format!("http://{}/metrics", self.address));
        let answer = request.with_timeout(TIMEOUT_SECONDS).send()?;
        let mut lines = answer.as_str()?.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(Ok(0.0), |value| Ok(value.trim().parse()?))
    }

    /// Every rule that the ruler evaluates.
    pub(crate) fn rules(&self) -> Result<Vec<LoadedRule>> {
        let answer = self.get("prometheus/api/v1/rules", &[])?;
        let groups = answer["groups"].as_array().context("there are no groups")?;
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().into_iter().flatten());
        rules.map(|rule| Ok(LoadedRule::deserialize(rule)?)).collect()
    }

    fn rows(&self, path: &str, query: &str) -> Result<usize> {
        self.rows_of(path, &[("query", query)])
    }

    fn rows_of(&self, path: &str, parameters: &[(&str, &str)]) -> Result<usize> {
        let answer = self.get(&format!("loki/api/v1/{path}"), parameters)?;
        let result = answer["result"].as_array().context("there is no result")?;
        let lines = |stream: &Value| stream["values"].as_array().map_or(0, Vec::len);
        Ok(match answer["resultType"].as_str() {
            Some("streams") => result.iter().map(lines).sum(),
            _ => result.len(),
        })
    }

    /// The `data` of an answer.
    fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let mut request = minreq::get(format!("http://{}/{path}", self.address));
        for (name, value) in parameters {
            request = request.with_param(*name, *value);
        }
        let answer = request.with_timeout(TIMEOUT_SECONDS).send()?;
        let text = answer.as_str()?;
        // What is wrong it says in plain text.
        ensure!(answer.status_code == 200, "{path}: {} {}", answer.status_code, text.trim());
        let mut answer: Value =
            serde_json::from_str(text).with_context(|| format!("{path}: not JSON: {text}"))?;
        ensure!(answer["status"] == "success", "{path}: {answer}");
        Ok(answer["data"].take())
    }
}

#[cfg(test)]
mod tests {
    use super::super::standin::{Answer, StandIn};
    use super::*;

    const QUERY: &str = r#"{job="chat-server"} |= "a" | json"#;

    #[track_caller]
    fn loki(answers: &'static [Answer]) -> (StandIn, Loki) {
        let standin = StandIn::start(answers);
        let address = standin.address;
        (standin, Loki { address })
    }

    #[test]
    fn lines_and_series_are_counted() {
        let (standin, loki) = loki(&[
            (
                "/loki/api/v1/query_range",
                200,
                r#"{"status": "success", "data": {"resultType": "streams", "result": [
                    {"stream": {"level": "warn"}, "values": [["1", "a"], ["2", "b"]]},
                    {"stream": {"level": "error"}, "values": [["3", "c"]]}], "stats": {}}}"#,
            ),
            (
                "/loki/api/v1/query?",
                200,
                r#"{"status": "success", "data": {"resultType": "vector", "result": [
                    {"metric": {"level": "warn"}, "value": [1, "2"]}]}}"#,
            ),
        ]);
        assert_eq!(loki.lately(QUERY).ok(), Some(3));
        assert_eq!(loki.now("count_over_time({a=\"b\"}[5m])").ok(), Some(1));
        let asked = standin.asked();
        assert!(asked[0].path.contains("%7Bjob%3D%22chat-server%22%7D"), "{}", asked[0].path);
    }

    #[test]
    fn series_over_time_count_once_each() {
        let (_standin, loki) = loki(&[(
            "/loki/api/v1/query_range",
            200,
            r#"{"status": "success", "data": {"resultType": "matrix", "result": [
                {"metric": {}, "values": [[1, "2"], [2, "3"]]}]}}"#,
        )]);
        assert_eq!(loki.lately(QUERY).ok(), Some(1));
    }

    #[test]
    fn an_answer_without_lines_is_none() {
        let (_standin, loki) = loki(&[(
            "/loki/api/v1/query_range",
            200,
            r#"{"status": "success", "data": {"resultType": "streams", "result": []}}"#,
        )]);
        assert_eq!(loki.lately(QUERY).ok(), Some(0));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let (_standin, loki) = loki(&[(
            "/loki/api/v1/query_range",
            400,
            "parse error at line 1, col 5: syntax error: unexpected IDENTIFIER\n",
        )]);
        let error = loki.lately("{a").expect_err("it is refused").to_string();
        assert!(error.contains("400 parse error at line 1, col 5"), "{error}");
    }

    #[test]
    fn rules_have_their_health() {
        let (_standin, loki) = loki(&[(
            "/prometheus/api/v1/rules",
            200,
            r#"{"status": "success", "data": {"groups": [{"name": "g", "file": "chat.yaml",
                "interval": 60, "rules": [
                {"state": "inactive", "name": "A", "query": "vector(1)", "duration": 120,
                 "labels": {}, "annotations": {}, "alerts": [], "health": "ok", "type": "alerting"},
                {"state": "inactive", "name": "B", "query": "vector(2)", "health": "err",
                 "lastError": "too many series", "type": "alerting"}]}]},
                "errorType": "", "error": ""}"#,
        )]);
        let rules = loki.rules().expect("there are rules");
        let told: Vec<_> = rules
            .iter()
            .map(|rule| (rule.name.as_str(), rule.health.as_str(), rule.last_error.as_str()))
            .collect();
        assert_eq!(told, [("A", "ok", ""), ("B", "err", "too many series")]);
    }

    #[test]
    fn lines_are_taken_and_asked_for_since_then() {
        let (standin, loki) = loki(&[
            ("/loki/api/v1/push", 204, ""),
            (
                "/loki/api/v1/query_range",
                200,
                r#"{"status": "success", "data": {"resultType": "streams", "result": [
                    {"stream": {}, "values": [["1", "a"]]}]}}"#,
            ),
        ]);
        loki.push(&serde_json::json!({"streams": []})).expect("it takes them");
        let since = UNIX_EPOCH + std::time::Duration::from_secs(5);
        assert_eq!(loki.lines_since(QUERY, since).ok(), Some(1));
        let asked = standin.asked();
        assert!(asked[1].path.contains("start=5000000000"), "{}", asked[1].path);
        let (_standin, ill) = self::loki(&[("/loki/api/v1/push", 400, "too old")]);
        let error = ill.push(&Value::Null).expect_err("it refuses").to_string();
        assert_eq!(error, "push: 400 too old");
    }

    #[test]
    fn a_series_that_is_not_written_is_nothing() {
        let (_standin, loki) = loki(&[("/metrics", 200, "a_count{b=\"c\"} 2\na_count_more 3\n")]);
        assert_eq!(loki.metric("a_count{b=\"c\"}").ok(), Some(2.0));
        assert_eq!(loki.metric("a_count").ok(), Some(0.0));
    }

    #[test]
    fn without_a_ruler_nothing_is_found() {
        let (_standin, loki) = loki(&[]);
        let error = loki.rules().expect_err("there are none").to_string();
        assert!(error.contains("404 404 page not found"), "{error}");
    }
}
