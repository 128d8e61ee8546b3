//! Where the query of a panel goes: to what it is written for, and again by way of Grafana.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::boards::{Board, Datasource, Panel};
use crate::live::{Grafana, Loki, PanelQuestion, Questions};
use crate::stack::{self, Stack};
use crate::tower::DatasourceFile;
use crate::workspace::Workspace;

pub(crate) struct Sources {
    prometheus: Questions,
    /// Nothing where there is no image of it; so below.
    loki: Option<Loki>,
    pub(crate) grafana: Option<ThroughGrafana>,
}

/// Grafana, and what it was told at its start.
pub(crate) struct ThroughGrafana {
    grafana: Grafana,
    provided: DatasourceFile,
}

/// Loki, where it runs. Its port is not one of this machine.
pub(crate) fn loki(stack: &Stack) -> Result<Option<Loki>> {
    if !stack.runs("loki") {
        return Ok(None);
    }
    Ok(Some(Loki { address: stack.inside("loki", 3100)? }))
}

impl Sources {
    pub(crate) fn of(workspace: &Workspace, stack: &Stack) -> Result<Self> {
        let prometheus = Questions { address: stack.address("prometheus", 9090)? };
        let grafana = || ThroughGrafana::of(workspace, stack);
        let grafana = stack.runs("grafana").then(grafana).transpose()?;
        Ok(Self { prometheus, loki: loki(stack)?, grafana })
    }

    /// How many rows a query of the panel gives.
    pub(crate) fn rows(&self, panel: &Panel, query: &str) -> Result<usize> {
        match panel.datasource {
            Datasource::Prometheus => Ok(self.prometheus.rows(query)?.len()),
            Datasource::Loki => {
                let loki = self.loki.context("there is no Loki")?;
                if panel.kind.is_instant() { loki.now(query) } else { loki.lately(query) }
            }
        }
    }
}

impl ThroughGrafana {
    fn of(workspace: &Workspace, stack: &Stack) -> Result<Self> {
        let address = stack.address("grafana", 3000)?;
        let password = stack::secret(workspace, "grafana_admin_password")?;
        let provided = DatasourceFile::of(&workspace.root)?;
        Ok(Self { grafana: Grafana { address, password }, provided })
    }

    /// How many rows a query of the panel gives by way of the data source that Grafana was given.
    pub(crate) fn rows(&self, panel: &Panel, query: &str) -> Result<usize> {
        let kind = panel.datasource.kind();
        let datasource = self.provided.of_kind(kind);
        let datasource = datasource.with_context(|| format!("Grafana is given no {kind}"))?;
        self.grafana.rows(&PanelQuestion {
            uid: &datasource.uid,
            kind,
            expression: query,
            is_instant: panel.kind.is_instant(),
        })
    }

    /// Sees that Grafana has the board from our files, with all of its panels.
    pub(crate) fn has(&self, board: &Board) -> Result<()> {
        let ours: Value = serde_json::from_str(&board.rendered())?;
        let uid = ours["uid"].as_str().context("a board has a uid")?;
        let theirs = self.grafana.board(uid)?;
        ensure!(theirs["meta"]["provisioned"] == true, "{uid} comes from elsewhere");
        let titles = |board: &Value| -> Vec<Value> {
            let panels = board["panels"].as_array().into_iter().flatten();
            panels.map(|panel| panel["title"].clone()).collect()
        };
        let (ours, theirs) = (titles(&ours), titles(&theirs["dashboard"]));
        ensure!(ours == theirs, "{uid} has the panels {theirs:?}, not {ours:?}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::StandIn;

    const VECTOR: &str = r#"{"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {}, "value": [1, "2"]}]}}"#;
    const STREAMS: &str = r#"{"status": "success", "data": {"resultType": "streams", "result": [
        {"stream": {}, "values": [["1", "a"], ["2", "b"]]}]}}"#;
    const FRAMES: &str =
        r#"{"results": {"A": {"frames": [{"data": {"values": [[1, 2, 3], [4, 5, 6]]}}]}}}"#;

    const BOARD: &str = r#"
title = "Logs"
description = "What is said."
[[rows]]
title = "All"
[[rows.panels]]
title = "Lines"
description = "A second."
queries = [{ expr = 'up' }]
[[rows.panels]]
title = "All lines"
description = "Of the servers."
kind = "logs"
datasource = "loki"
queries = [{ expr = '{job="chat-server"}' }]
[[rows.panels]]
title = "Now"
description = "Of the servers."
kind = "stat"
datasource = "loki"
queries = [{ expr = 'sum(count_over_time({job="chat-server"}[5m]))' }]
"#;

    fn board() -> Board {
        Board::parse("dashboards/source/logs.toml", BOARD).expect("it is a board")
    }

    fn provided() -> DatasourceFile {
        let text = "apiVersion: 1\ndatasources:\n\
             - {name: P, uid: metrics-1, type: prometheus, access: proxy, url: 'http://p:9090'}\n\
             - {name: L, uid: logs-1, type: loki, access: proxy, url: 'http://l:3100'}\n";
        serde_saphyr::from_str(text).expect("the file is well made")
    }

    fn paths(standin: &StandIn) -> Vec<String> {
        let asked = standin.asked().into_iter();
        asked.map(|request| request.path.split('?').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn each_query_goes_where_it_is_understood() {
        let prometheus = StandIn::start(&[("/api/v1/query", 200, VECTOR)]);
        let loki = StandIn::start(&[
            ("/loki/api/v1/query_range", 200, STREAMS),
            ("/loki/api/v1/query", 200, VECTOR),
        ]);
        let sources = Sources {
            prometheus: Questions { address: prometheus.address },
            loki: Some(Loki { address: loki.address }),
            grafana: None,
        };
        let board = board();
        let rows: Vec<usize> = board
            .panels()
            .map(|panel| sources.rows(panel, &panel.queries[0].expr).expect("it is answered"))
            .collect();
        assert_eq!(rows, [1, 2, 1]);
        assert_eq!(paths(&prometheus), ["/api/v1/query"]);
        assert_eq!(paths(&loki), ["/loki/api/v1/query_range", "/loki/api/v1/query"]);
    }

    #[test]
    fn prometheus_is_never_asked_about_lines() {
        let prometheus = StandIn::start(&[("/api/v1/query", 200, VECTOR)]);
        let sources = Sources {
            prometheus: Questions { address: prometheus.address },
            loki: None,
            grafana: None,
        };
        let board = board();
        let lines = board.panels().nth(1).expect("it has three");
        let error = sources.rows(lines, "{}").expect_err("nobody can answer").to_string();
        assert_eq!((error.as_str(), paths(&prometheus).len()), ("there is no Loki", 0));
    }

    fn through(standin: &StandIn) -> ThroughGrafana {
        let grafana = Grafana { address: standin.address, password: "secret".to_owned() };
        ThroughGrafana { grafana, provided: provided() }
    }

    #[test]
    fn grafana_is_asked_by_the_uid_that_it_was_given() {
        let standin = StandIn::start(&[("/api/ds/query", 200, FRAMES)]);
        let grafana = through(&standin);
        let board = board();
        for (panel, uid) in board.panels().zip(["metrics-1", "logs-1"]) {
            assert_eq!(grafana.rows(panel, &panel.queries[0].expr).ok(), Some(3));
            let body: Value = serde_json::from_slice(&standin.asked()[0].body).expect("it is JSON");
            assert_eq!(body["queries"][0]["datasource"]["uid"], uid);
        }
    }

    #[test]
    fn a_board_of_grafana_is_ours_with_all_of_its_panels() {
        let whole = r#"{"meta": {"provisioned": true}, "dashboard": {"panels": [
            {"title": "All"}, {"title": "Lines"}, {"title": "All lines"}, {"title": "Now"}]}}"#;
        for (answer, expected) in [
            (whole.to_owned(), ""),
            (whole.replace("true", "false"), "campanile-logs comes from elsewhere"),
            (whole.replace(", {\"title\": \"Now\"}", ""), "campanile-logs has the panels"),
        ] {
            let answer: &'static str = answer.leak();
            let answers =
                Box::leak(Box::new([("/api/dashboards/uid/campanile-logs", 200, answer)]));
            let seen = through(&StandIn::start(answers)).has(&board());
            let said = seen.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.starts_with(expected) && said.is_empty() == expected.is_empty(), "{said}");
        }
    }
}
