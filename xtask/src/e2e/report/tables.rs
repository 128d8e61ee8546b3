//! What was seen, as tables for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::{Drill, End, Panel, Report};

/// The matrix of panels by board, and every alert with its times.
pub(super) fn tables(report: &Report) -> String {
    format!("{}\n{}", boards(&report.panels), alerts(&report.drills))
}

/// A line for each board: how many of its panels returned data, and how many rows in all.
pub(super) fn boards(panels: &[Panel]) -> String {
    let mut boards: BTreeMap<&str, Vec<&Panel>> = BTreeMap::new();
    for panel in panels {
        boards.entry(&panel.board).or_default().push(panel);
    }
    let mut table =
        format!("{:<14} {:>12} {:>9} {:>14}\n", "board", "with data", "rows", "by Grafana");
    for (board, panels) in boards {
        let filled = panels.iter().filter(|panel| panel.has_data()).count();
        let rows: usize = panels.iter().flat_map(|panel| &panel.rows).sum();
        let asked = panels.iter().any(|panel| !panel.through_grafana.is_empty());
        let through: usize = panels.iter().flat_map(|panel| &panel.through_grafana).sum();
        let through = if asked { through.to_string() } else { "not asked".to_owned() };
        let share = format!("{filled} of {}", panels.len());
        let _ = writeln!(table, "{board:<14} {share:>12} {rows:>9} {through:>14}");
        for panel in panels.iter().filter(|panel| !panel.has_data()) {
            let _ = writeln!(table, "  without data: {}", panel.title);
        }
    }
    table
}

/// A line for each alert: the seconds from the fault to each step, and from its end to the news.
fn alerts(drills: &[Drill]) -> String {
    let mut table = format!(
        "{:<46} {:>8} {:>8} {:>9} {:>9}\n",
        "alert (s)", "pending", "firing", "notified", "resolved"
    );
    for Drill { alert, pending, firing, notified, resolved, .. } in drills {
        let _ = writeln!(
            table,
            "{alert:<46} {:>8} {:>8} {:>9} {:>9}",
            seconds(*pending),
            seconds(*firing),
            seconds(*notified),
            end(*resolved),
        );
    }
    table
}

fn seconds(step: Option<Duration>) -> String {
    step.map_or_else(|| "never".to_owned(), |time| format!("{:.1}", time.as_secs_f64()))
}

fn end(end: Option<End>) -> String {
    match end {
        // Before the healing.
        Some(End::BeforeHealing) => "before".to_owned(),
        Some(End::After(time)) => seconds(Some(time)),
        None => seconds(None),
    }
}
