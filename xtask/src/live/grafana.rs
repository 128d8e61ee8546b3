//! Questions to Grafana: its boards, and queries by way of its data sources.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const USER: &str = "admin";

const TIMEOUT_SECONDS: u64 = 30;

/// The letter of the one query that is asked at a time.
const LETTER: &str = "A";

pub(crate) struct Grafana {
    pub(crate) address: SocketAddr,
    /// Of the user that administers it.
    pub(crate) password: String,
}

/// A query as a panel asks it.
pub(crate) struct PanelQuestion<'q> {
    /// Of the data source: its `uid` and `type`.
    pub(crate) uid: &'q str,
    pub(crate) kind: &'q str,
    pub(crate) expression: &'q str,
    /// Whether it is asked about now, or about the last hour.
    pub(crate) is_instant: bool,
}

impl Grafana {
    /// A board, and what Grafana knows of it: `dashboard`, `meta`.
    pub(crate) fn board(&self, uid: &str) -> Result<Value> {
        let path = format!("dashboards/uid/{uid}");
        let (status, answer) = self.send(minreq::get(self.url(&path)))?;
        ensure!(status == 200, "{path}: {status} {}", complaint(&answer));
        Ok(answer)
    }

    /// How many rows, over all of its frames, the data source gives.
    pub(crate) fn rows(&self, question: &PanelQuestion<'_>) -> Result<usize> {
        let body = question.body().to_string();
        let request = minreq::post(self.url("ds/query"))
            .with_header("Content-Type", "application/json")
            .with_body(body);
        let (status, answer) = self.send(request)?;
        // Even an answer that says 200 may hold an error.
        let result = &answer["results"][LETTER];
        if status != 200 || !result["error"].is_null() {
            bail!("ds/query: {status} {}", complaint(&answer));
        }
        let frames = result["frames"].as_array().context("ds/query: there are no frames")?;
        let rows = |frame: &Value| frame["data"]["values"][0].as_array().map_or(0, Vec::len);
        Ok(frames.iter().map(rows).sum())
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/api/{path}", self.address)
    }

    fn send(&self, request: minreq::Request) -> Result<(u16, Value)> {
        let credentials = STANDARD.encode(format!("{USER}:{}", self.password));
        let request = request.with_header("Authorization", format!("Basic {credentials}"));
        let answer = request.with_timeout(TIMEOUT_SECONDS).send()?;
        let text = answer.as_str()?;
        let status = answer.status_code;
        let answer = serde_json::from_str(text)
            .with_context(|| format!("{status}: not JSON: {}", text.trim()))?;
        Ok((status, answer))
    }
}

impl PanelQuestion<'_> {
    /// As the page of a board sends it. Each kind of data source reads its own fields.
    fn body(&self) -> Value {
        let range = if self.is_instant { "instant" } else { "range" };
        json!({"from": "now-1h", "to": "now", "queries": [{
            "refId": LETTER, "datasource": {"type": self.kind, "uid": self.uid},
            "expr": self.expression, "instant": self.is_instant, "range": !self.is_instant,
            "format": "time_series", "queryType": range, "maxLines": 100,
            "intervalMs": 15_000, "maxDataPoints": 300,
        }]})
    }
}

/// What Grafana says is wrong: of the query, or of the request.
fn complaint(answer: &Value) -> String {
    let said = [&answer["results"][LETTER]["error"], &answer["message"]];
    let said = said.into_iter().find_map(Value::as_str);
    said.map_or_else(|| answer.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::standin::{Answer, StandIn};
    use super::*;

    fn grafana(answers: &'static [Answer]) -> (StandIn, Grafana) {
        let standin = StandIn::start(answers);
        let address = standin.address;
        (standin, Grafana { address, password: "secret".to_owned() })
    }

    const QUESTION: PanelQuestion<'_> = PanelQuestion {
        uid: "prometheus",
        kind: "prometheus",
        expression: "up{job=\"chat\"}",
        is_instant: true,
    };

    #[track_caller]
    fn error(answers: &'static [Answer]) -> String {
        let (_standin, grafana) = grafana(answers);
        grafana.rows(&QUESTION).expect_err("it goes wrong").to_string()
    }

    #[test]
    fn the_rows_of_all_frames_are_counted() {
        let (standin, grafana) = grafana(&[(
            "/api/ds/query",
            200,
            r#"{"results": {"A": {"status": 200, "frames": [
                {"schema": {"refId": "A", "fields": [{"name": "Time", "type": "time"},
                    {"name": "Value", "type": "number", "labels": {"instance": "a"}}]},
                 "data": {"values": [[1, 2], [1, 1]]}},
                {"schema": {"refId": "A", "fields": []}, "data": {"values": [[1], [0]]}}]}}}"#,
        )]);
        assert_eq!(grafana.rows(&QUESTION).ok(), Some(3));
        let asked = standin.asked();
        assert_eq!(asked[0].path, "/api/ds/query");
        // admin:secret
        assert_eq!(asked[0].header("authorization"), Some("Basic YWRtaW46c2VjcmV0"));
        let body: Value = serde_json::from_slice(&asked[0].body).expect("it is JSON");
        let query = &body["queries"][0];
        assert_eq!(query["datasource"], json!({"type": "prometheus", "uid": "prometheus"}));
        assert_eq!(query["expr"], "up{job=\"chat\"}");
        assert_eq!((&query["instant"], &query["range"]), (&json!(true), &json!(false)));
    }

    #[test]
    fn lines_are_asked_for_over_time() {
        let (standin, grafana) = grafana(&[(
            "/api/ds/query",
            200,
            r#"{"results": {"A": {"status": 200, "frames": [{"schema": {"name": ""},
                "data": {"values": [[{"job": "chat-server"}], [1], ["a line"]]}}]}}}"#,
        )]);
        let question =
            PanelQuestion { uid: "loki", kind: "loki", expression: "{a=\"b\"}", is_instant: false };
        assert_eq!(grafana.rows(&question).ok(), Some(1));
        let body: Value = serde_json::from_slice(&standin.asked()[0].body).expect("it is JSON");
        assert_eq!(body["queries"][0]["queryType"], "range");
    }

    #[test]
    fn a_frame_without_rows_counts_nothing() {
        for answer in [
            r#"{"results": {"A": {"status": 200, "frames": []}}}"#,
            r#"{"results": {"A": {"status": 200, "frames": [{"schema": {}, "data": {"values": []}}]}}}"#,
            r#"{"results": {"A": {"status": 200, "frames": [{"data": {"values": [[], []]}}]}}}"#,
        ] {
            let answers = Box::leak(Box::new([("/api/ds/query", 200, answer)]));
            assert_eq!(grafana(answers).1.rows(&QUESTION).ok(), Some(0), "{answer}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_query_is_told() {
        let refused = error(&[(
            "/api/ds/query",
            400,
            r#"{"results": {"A": {"error": "bad_data: parse error", "status": 400}}}"#,
        )]);
        assert_eq!(refused, "ds/query: 400 bad_data: parse error");
        let hidden = error(&[(
            "/api/ds/query",
            200,
            r#"{"results": {"A": {"error": "connection refused", "frames": []}}}"#,
        )]);
        assert_eq!(hidden, "ds/query: 200 connection refused");
    }

    #[test]
    fn what_is_wrong_with_a_request_is_told() {
        let stranger = error(&[(
            "/api/ds/query",
            401,
            r#"{"message": "Invalid username or password", "messageId": "password-auth.failed"}"#,
        )]);
        assert_eq!(stranger, "ds/query: 401 Invalid username or password");
        let unknown = error(&[("/api/ds/query", 404, r#"{"message": "Data source not found"}"#)]);
        assert_eq!(unknown, "ds/query: 404 Data source not found");
        let ill = error(&[("/api/ds/query", 502, "<html>Bad Gateway</html>")]);
        assert_eq!(ill, "502: not JSON: <html>Bad Gateway</html>");
    }

    #[test]
    fn a_board_is_found_by_its_uid() {
        let (_standin, grafana) = grafana(&[
            (
                "/api/dashboards/uid/campanile-logs",
                200,
                r#"{"dashboard": {"uid": "campanile-logs"}, "meta": {"provisioned": true}}"#,
            ),
            ("/api/dashboards/uid/", 404, r#"{"message": "Dashboard not found"}"#),
        ]);
        let board = grafana.board("campanile-logs").expect("it is there");
        assert_eq!(board["meta"]["provisioned"], true);
        let error = grafana.board("campanile-none").expect_err("it is not there").to_string();
        assert_eq!(error, "dashboards/uid/campanile-none: 404 Dashboard not found");
    }
}
