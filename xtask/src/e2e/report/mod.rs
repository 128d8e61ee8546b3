//! What was seen: every check, every panel, every alert; as a table, for machines, and as a page.

mod html;
mod junit;
mod tables;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::pace;

/// Everything that a run saw.
pub(crate) struct Report {
    checks: Vec<Check>,
    panels: Vec<Panel>,
    drills: Vec<Drill>,
    /// What was not run for want of an image or of a program, and why.
    left_out: Vec<String>,
    started: Instant,
    /// How much faster than in production the rules' clock went.
    pub(crate) speed: String,
}

/// One question with a yes or a no.
struct Check {
    suite: &'static str,
    name: String,
    took: Duration,
    /// Why not, where it is a no.
    failure: Option<String>,
}

/// A panel of a board, and how many rows its queries gave.
pub(crate) struct Panel {
    pub(crate) board: String,
    pub(crate) title: String,
    pub(crate) rows: Vec<usize>,
    /// The same by way of Grafana; none where it does not run.
    pub(crate) through_grafana: Vec<usize>,
}

/// An alert that was drilled: the time from the fault to each step.
pub(crate) struct Drill {
    pub(crate) alert: String,
    pub(crate) fault: String,
    pub(crate) pending: Option<Duration>,
    pub(crate) firing: Option<Duration>,
    pub(crate) notified: Option<Duration>,
    pub(crate) resolved: Option<End>,
}

/// When the news came that an alert is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// So long after the fault was healed.
    After(Duration),
    /// It had fallen silent for good while the fault lasted.
    BeforeHealing,
}

impl Drill {
    fn is_whole(&self) -> bool {
        self.firing.is_some() && self.notified.is_some() && self.resolved.is_some()
    }
}

impl Report {
    pub(crate) fn new(speed: String) -> Self {
        Self {
            checks: Vec::new(),
            panels: Vec::new(),
            drills: Vec::new(),
            left_out: Vec::new(),
            started: Instant::now(),
            speed,
        }
    }

    /// Runs one check, shows how it ended, and goes on either way.
    pub(crate) fn check(
        &mut self,
        suite: &'static str,
        name: &str,
        check: impl FnOnce() -> Result<()>,
    ) -> bool {
        let start = Instant::now();
        let failure = check().err().map(|error| format!("{error:#}"));
        match &failure {
            None => println!("  ok      {suite}: {name}"),
            Some(why) => println!("  FAILED  {suite}: {name}: {why}"),
        }
        let succeeded = failure.is_none();
        let took = start.elapsed();
        self.checks.push(Check { suite, name: name.to_owned(), took, failure });
        succeeded
    }

    pub(crate) fn panel(&mut self, panel: Panel) {
        self.panels.push(panel);
    }

    pub(crate) fn drill(&mut self, drill: Drill) {
        self.drills.push(drill);
    }

    /// Something that this machine could not show.
    pub(crate) fn leave_out(&mut self, what: impl Into<String>) {
        self.left_out.push(what.into());
    }

    pub(crate) fn passed(&self) -> usize {
        self.checks.len() - self.failed()
    }

    pub(crate) fn failed(&self) -> usize {
        self.checks.iter().filter(|check| check.failure.is_some()).count()
    }

    /// Writes `report.html` and `junit.xml` into the folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        for (name, text) in [("report.html", html::page(self)), ("junit.xml", junit::suites(self))]
        {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            println!("report: {}", path.display());
        }
        Ok(())
    }

    /// What the boards showed, for a terminal, and what went wrong.
    pub(crate) fn boards(&self) -> String {
        format!("{}\n{}{}", tables::boards(&self.panels), self.filled(), self.exceptions())
    }

    /// What was seen, for a terminal: boards with their panels, alerts with their times.
    pub(crate) fn tables(&self) -> String {
        tables::tables(self)
    }

    /// What one reads at the end of a run.
    pub(crate) fn summary(&self) -> String {
        self.summary_after(self.started.elapsed())
    }

    fn summary_after(&self, took: Duration) -> String {
        let whole = self.drills.iter().filter(|drill| drill.is_whole()).count();
        let mut text = format!(
            "{}alerts: {whole} of {} drilled were seen to fire and to resolve, at {} the usual speed\n{}",
            self.filled(),
            self.drills.len(),
            self.speed,
            self.exceptions(),
        );
        let seconds = took.as_secs();
        text.push_str(&format!(
            "e2e: {} passed, {} failed, {} left out, {}:{:02} minutes\n",
            self.passed(),
            self.failed(),
            self.left_out.len(),
            seconds / 60,
            seconds % 60,
        ));
        if let Some(line) = pace::complaint("e2e", took, pace::E2E) {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    fn filled(&self) -> String {
        let filled = self.panels.iter().filter(|panel| panel.has_data()).count();
        format!("panels: {filled} of {} returned data\n", self.panels.len())
    }

    /// What was left out, and what failed and why.
    fn exceptions(&self) -> String {
        let mut text = String::new();
        for what in &self.left_out {
            text.push_str(&format!("left out: {what}\n"));
        }
        for Check { suite, name, failure, .. } in &self.checks {
            if let Some(why) = failure {
                text.push_str(&format!("FAILED: {suite}: {name}: {why}\n"));
            }
        }
        text
    }
}

impl Panel {
    /// Each of its queries gave something.
    pub(crate) fn has_data(&self) -> bool {
        self.rows.iter().chain(&self.through_grafana).all(|rows| *rows > 0)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    fn report() -> Report {
        let mut report = Report::new("30×".to_owned());
        report.check("targets", "chat is up", || Ok(()));
        report.check("targets", "redis <is> up", || bail!("it is \"down\" & out"));
        let panel = |rows: &[usize], through_grafana: &[usize]| Panel {
            board: "delivery".to_owned(),
            title: "Sends".to_owned(),
            rows: rows.to_vec(),
            through_grafana: through_grafana.to_vec(),
        };
        report.panel(panel(&[3, 1], &[]));
        report.panel(panel(&[3, 1], &[7, 8]));
        report.panel(panel(&[3, 0], &[]));
        report.panel(panel(&[3, 1], &[3, 0]));
        let second = Some(Duration::from_secs(1));
        let ends = [None, Some(End::After(Duration::from_secs(2))), Some(End::BeforeHealing)];
        for (node, resolved) in ends.into_iter().enumerate() {
            report.drill(Drill {
                alert: "ChatServerDown".to_owned(),
                fault: format!("node {node} killed"),
                pending: second,
                firing: second,
                notified: second,
                resolved,
            });
        }
        report.leave_out("Loki: no image");
        report
    }

    #[test]
    fn the_summary_counts_and_names() {
        let summary = report().summary();
        for expected in [
            "panels: 2 of 4 returned data",
            "alerts: 2 of 3 drilled were seen to fire and to resolve, at 30× the usual speed",
            "left out: Loki: no image",
            "FAILED: targets: redis <is> up: it is \"down\" & out",
            "e2e: 1 passed, 1 failed, 1 left out",
        ] {
            assert!(summary.contains(expected), "`{expected}` is not in {summary}");
        }
    }

    #[test]
    fn a_run_that_took_too_long_says_so() {
        let report = report();
        let loud = |minutes: u64| report.summary_after(Duration::from_secs(minutes * 60));
        assert!(loud(26).contains("\n!!! e2e took 26:00 minutes"), "{}", loud(26));
        assert!(!loud(24).contains("!!!"), "{}", loud(24));
    }

    #[test]
    fn the_tables_tell_of_boards_and_alerts() {
        let tables = report().tables();
        let rows: Vec<String> = tables
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for expected in [
            "board with data rows by Grafana",
            // 3 + 1, twice, and 3 + 0 and 3 + 1; by Grafana 7 + 8 and 3 + 0.
            "delivery 2 of 4 15 18",
            "without data: Sends",
            "alert (s) pending firing notified resolved",
            "ChatServerDown 1.0 1.0 1.0 never",
            "ChatServerDown 1.0 1.0 1.0 2.0",
            "ChatServerDown 1.0 1.0 1.0 before",
        ] {
            assert!(rows.iter().any(|row| row == expected), "`{expected}` is not in {tables}");
        }
    }

    #[test]
    fn boards_alone_are_told_with_what_went_wrong() {
        let text = report().boards();
        for expected in [
            "without data: Sends",
            "panels: 2 of 4 returned data\n",
            "left out: Loki: no image\n",
            "FAILED: targets: redis <is> up: it is \"down\" & out\n",
        ] {
            assert!(text.contains(expected), "`{expected}` is not in {text}");
        }
        assert!(!text.contains("alert"), "{text}");
    }

    #[test]
    fn what_grafana_was_not_asked_is_said() {
        let mut report = Report::new("30×".to_owned());
        let (board, title) = ("http".to_owned(), "Requests".to_owned());
        report.panel(Panel { board, title, rows: vec![5], through_grafana: Vec::new() });
        assert!(report.tables().contains("not asked"), "{}", report.tables());
    }

    #[test]
    fn how_an_alert_ended_is_told_in_numbers_or_words() {
        let page = html::page(&report());
        let ends = page.lines().filter(|line| line.contains("ChatServerDown"));
        let ends: Vec<&str> = ends.filter_map(|line| line.rsplit("<td").next()).collect();
        for (end, expected) in ends.iter().zip(["never", "2.0", "before the healing"]) {
            assert!(end.contains(&format!(">{expected}</td>")), "{end}");
        }
        assert_eq!(ends.len(), 3);
    }

    #[test]
    fn files_are_written_with_everything_escaped() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        report().write(folder.path()).expect("both are written");
        for name in ["report.html", "junit.xml"] {
            let text = fs::read_to_string(folder.path().join(name)).expect("it was written");
            assert!(text.contains("&lt;is&gt;") && !text.contains("<is>"), "{text}");
            assert!(text.contains("ChatServerDown") || name == "junit.xml");
        }
    }
}
