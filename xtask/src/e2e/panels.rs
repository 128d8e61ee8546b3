//! Every query of every panel gives something while people chat.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::report::{Panel, Report};
use super::scene::Scene;
use crate::boards::{self, Board, Datasource};
use crate::tower::{Catalogue, Query};
use crate::wait;

/// For what comes only now and then, as a count of the archive.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn check(scene: &Scene<'_>, catalogue: &Catalogue, report: &mut Report) -> Result<()> {
    let variables = boards::Variables::default();
    for board in boards::load(&scene.workspace.root)? {
        for panel in board.panels() {
            if let Some(service) = needs_what_is_left_out(scene, catalogue, panel) {
                let name = format!("{}: {}", board.stem, panel.title);
                report.leave_out(format!("the panel {name}: {service} has no image here"));
                continue;
            }
            check_panel(scene, &board, panel, &variables, report);
        }
    }
    Ok(())
}

/// The service that a panel asks about, when it is one without an image here.
fn needs_what_is_left_out(
    scene: &Scene<'_>,
    catalogue: &Catalogue,
    panel: &boards::Panel,
) -> Option<String> {
    let mut needed: Vec<String> = Vec::new();
    if panel.datasource == Datasource::Loki {
        needed.push("loki".to_owned());
    }
    for query in &panel.queries {
        let plain = boards::expand(&query.expr, &boards::Variables::default());
        let selectors = Query::parse(&plain).map(|query| query.selectors()).unwrap_or_default();
        let jobs = selectors.iter().filter_map(|selector| catalogue.job_of(&selector.name));
        needed.extend(jobs.map(str::to_owned));
    }
    needed.into_iter().find(|service| scene.stack.left_out().contains(service))
}

fn check_panel(
    scene: &Scene<'_>,
    board: &Board,
    panel: &boards::Panel,
    variables: &boards::Variables,
    report: &mut Report,
) {
    let mut rows = vec![0; panel.queries.len()];
    report.check("panels", &format!("{}: {}", board.stem, panel.title), || {
        wait::patiently("its queries", DEADLINE, || {
            for (query, rows) in panel.queries.iter().zip(&mut rows) {
                let plain = boards::expand(&query.expr, variables);
                *rows = scene.prometheus.rows(&plain)?.len();
                ensure!(*rows > 0, "`{plain}` gives nothing");
            }
            Ok(())
        })
    });
    report.panel(Panel { board: board.stem.clone(), title: panel.title.clone(), rows });
}
