//! The report as one page that needs nothing beside it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::junit::escaped;
use super::{Check, Drill, End, Panel, Report};

const STYLE: &str = "
:root { color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --line: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { margin-top: 2rem; font-size: 1.15rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; }
.counts { display: flex; flex-wrap: wrap; gap: 1rem; padding: 0; list-style: none; }
.counts li { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem 1rem; }
.counts b { display: block; font-size: 1.4rem; }
";

pub(super) fn page(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Campanile: what was seen</title><style>{STYLE}</style></head><body>\n\
         <h1>Campanile: what was seen on the live stack</h1>\n"
    );
    page.push_str(&counts(report));
    if !report.left_out.is_empty() {
        page.push_str("<h2>Left out</h2>\n<ul>\n");
        for what in &report.left_out {
            let _ = writeln!(page, "<li>{}</li>", escaped(what));
        }
        page.push_str("</ul>\n");
    }
    page.push_str(&drills(report));
    page.push_str(&panels(&report.panels));
    page.push_str(&checks(&report.checks));
    page.push_str("</body></html>\n");
    page
}

fn counts(report: &Report) -> String {
    let filled = report.panels.iter().filter(|panel| panel.has_data()).count();
    let whole = report.drills.iter().filter(|drill| drill.is_whole()).count();
    let items = [
        (format!("{} of {}", report.passed(), report.checks.len()), "checks passed"),
        (format!("{filled} of {}", report.panels.len()), "panels returned data"),
        (format!("{whole} of {}", report.drills.len()), "drilled alerts fired and resolved"),
        (report.speed.clone(), "the speed of the rules' clock"),
    ];
    let items = items.map(|(count, what)| format!("<li><b>{count}</b>{what}</li>"));
    format!("<ul class=\"counts\">{}</ul>\n", items.concat())
}

fn drills(report: &Report) -> String {
    let mut table = String::from(
        "<h2>Alerts</h2>\n<p>Seconds from the fault to each step, and from its end to the news \
         that it is over.</p>\n<div class=\"wide\"><table><tr><th>alert</th><th>fault</th>\
         <th class=\"number\">pending</th><th class=\"number\">firing</th>\
         <th class=\"number\">received</th><th class=\"number\">resolved</th></tr>\n",
    );
    for Drill { alert, fault, pending, firing, notified, resolved } in &report.drills {
        let _ = write!(table, "<tr><td>{}</td><td>{}</td>", escaped(alert), escaped(fault));
        for step in [pending, firing, notified] {
            table.push_str(&seconds(*step));
        }
        table.push_str(&end(*resolved));
        table.push_str("</tr>\n");
    }
    table.push_str("</table></div>\n");
    table
}

fn seconds(step: Option<Duration>) -> String {
    match step {
        Some(time) => format!("<td class=\"number good\">{:.1}</td>", time.as_secs_f64()),
        None => "<td class=\"number bad\">never</td>".to_owned(),
    }
}

fn end(end: Option<End>) -> String {
    match end {
        Some(End::BeforeHealing) => "<td class=\"number good\">before the healing</td>".to_owned(),
        Some(End::After(time)) => seconds(Some(time)),
        None => seconds(None),
    }
}

/// The matrix: a line for each board, the panels in it, and the rows of each query.
fn panels(panels: &[Panel]) -> String {
    let mut boards: BTreeMap<&str, Vec<&Panel>> = BTreeMap::new();
    for panel in panels {
        boards.entry(&panel.board).or_default().push(panel);
    }
    let mut table = String::from(
        "<h2>Panels</h2>\n<div class=\"wide\"><table><tr><th>board</th><th>panel</th>\
         <th class=\"number\">rows of each query</th>\
         <th class=\"number\">by way of Grafana</th></tr>\n",
    );
    for (board, panels) in boards {
        for panel in panels {
            let _ = writeln!(
                table,
                "<tr><td>{}</td><td>{}</td>{}{}</tr>",
                escaped(board),
                escaped(&panel.title),
                rows(&panel.rows),
                rows(&panel.through_grafana)
            );
        }
    }
    table.push_str("</table></div>\n");
    table
}

/// How many rows each query gave; nothing where none was asked.
fn rows(rows: &[usize]) -> String {
    let class = if rows.contains(&0) { "bad" } else { "good" };
    let rows: Vec<String> = rows.iter().map(usize::to_string).collect();
    format!("<td class=\"number {class}\">{}</td>", rows.join(" + "))
}

fn checks(checks: &[Check]) -> String {
    let mut table = String::from(
        "<h2>Checks</h2>\n<div class=\"wide\"><table><tr><th>suite</th><th>check</th>\
         <th>seen</th><th class=\"number\">seconds</th></tr>\n",
    );
    for Check { suite, name, took, failure } in checks {
        let seen = match failure {
            None => "<td class=\"good\">yes</td>".to_owned(),
            Some(why) => format!("<td class=\"bad\">no: {}</td>", escaped(why)),
        };
        let _ = writeln!(
            table,
            "<tr><td>{suite}</td><td>{}</td>{seen}<td class=\"number\">{:.1}</td></tr>",
            escaped(name),
            took.as_secs_f64()
        );
    }
    table.push_str("</table></div>\n");
    table
}
