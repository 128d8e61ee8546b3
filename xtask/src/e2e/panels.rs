//! Every query of every panel gives something while people chat, and Grafana shows the same.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::report::{Panel, Report};
use super::sources::Sources;
use crate::boards::{self, Board, Datasource};
use crate::stack::Stack;
use crate::tower::{Catalogue, Query};
use crate::wait;
use crate::workspace::Workspace;

/// For what comes only now and then, as a count of the archive.
const DEADLINE: Duration = Duration::from_secs(20);

/// The settings of the servers that are asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settings {
    /// With everything that some panel needs: each shows something.
    Everything,
    /// As they are shipped: a panel that says what it needs may lack that.
    Shipped,
}

pub(crate) fn check(
    workspace: &Workspace,
    stack: &Stack,
    settings: Settings,
    report: &mut Report,
) -> Result<()> {
    let catalogue = Catalogue::of(&workspace.root)?;
    let sources = Sources::of(workspace, stack)?;
    if sources.grafana.is_none() {
        report.leave_out("boards and panels by way of Grafana: grafana has no image here");
    }
    for board in boards::load(&workspace.root)? {
        if let Some(grafana) = &sources.grafana {
            report.check("panels", &format!("{}: Grafana has the board", board.stem), || {
                wait::patiently("it has", DEADLINE, || grafana.has(&board))
            });
        }
        for panel in board.panels() {
            let name = format!("the panel {}: {}", board.stem, panel.title);
            if let Some(service) = needs_what_is_left_out(stack, &catalogue, panel) {
                report.leave_out(format!("{name}: {service} has no image here"));
            } else if settings == Settings::Shipped
                && let Some(needed) = &panel.only_where
                && is_empty(&sources, panel)?
            {
                report.leave_out(format!("{name}: only where {needed}"));
            } else {
                check_panel(&sources, &board, panel, report);
            }
        }
    }
    Ok(())
}

/// The service that a panel asks about, when it is one without an image here.
fn needs_what_is_left_out(
    stack: &Stack,
    catalogue: &Catalogue,
    panel: &boards::Panel,
) -> Option<String> {
    let needed = match panel.datasource {
        // What Loki has, Alloy brings.
        Datasource::Loki => vec!["loki".to_owned(), "alloy".to_owned()],
        Datasource::Prometheus => jobs(catalogue, panel),
    };
    needed.into_iter().find(|service| stack.left_out().contains(service))
}

/// The jobs that export what the panel shows.
fn jobs(catalogue: &Catalogue, panel: &boards::Panel) -> Vec<String> {
    let queries = panel.queries.iter().map(|query| expanded(&query.expr));
    let selectors =
        queries.flat_map(|query| Query::parse(&query).map(|query| query.selectors())).flatten();
    let jobs = selectors.filter_map(|selector| catalogue.job_of(&selector.name).map(str::to_owned));
    jobs.collect()
}

/// Whether none of its queries gives anything.
fn is_empty(sources: &Sources, panel: &boards::Panel) -> Result<bool> {
    for query in &panel.queries {
        if sources.rows(panel, &expanded(&query.expr))? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn check_panel(sources: &Sources, board: &Board, panel: &boards::Panel, report: &mut Report) {
    let name = format!("{}: {}", board.stem, panel.title);
    let mut rows = vec![0; panel.queries.len()];
    report.check("panels", &name, || fill(&mut rows, panel, |query| sources.rows(panel, query)));
    let mut through_grafana = Vec::new();
    if let Some(grafana) = &sources.grafana {
        through_grafana = vec![0; panel.queries.len()];
        report.check("panels", &format!("{name}, by way of Grafana"), || {
            fill(&mut through_grafana, panel, |query| grafana.rows(panel, query))
        });
    }
    let (board, title) = (board.stem.clone(), panel.title.clone());
    report.panel(Panel { board, title, rows, through_grafana });
}

/// Asks until each query of the panel gives rows, and notes how many.
fn fill(
    rows: &mut [usize],
    panel: &boards::Panel,
    ask: impl Fn(&str) -> Result<usize>,
) -> Result<()> {
    wait::patiently("its queries", DEADLINE, || {
        for (query, rows) in panel.queries.iter().zip(&mut *rows) {
            let plain = expanded(&query.expr);
            *rows = ask(&plain)?;
            ensure!(*rows > 0, "`{plain}` gives nothing");
        }
        Ok(())
    })
}

fn expanded(query: &str) -> String {
    boards::expand(query, &boards::Variables::default())
}
