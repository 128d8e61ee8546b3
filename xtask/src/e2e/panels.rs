//! Every query of every panel gives something while people chat.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::report::{Panel, Report};
use super::scene::Scene;
use crate::boards::{self, Board, Datasource};
use crate::wait;

/// For what comes only now and then, as a count of the archive.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn check(scene: &Scene<'_>, report: &mut Report) -> Result<()> {
    let variables = boards::Variables::default();
    let without_loki = scene.stack.left_out().iter().any(|service| service == "loki");
    for board in boards::load(&scene.workspace.root)? {
        for panel in board.panels() {
            if panel.datasource == Datasource::Loki {
                if without_loki {
                    report.leave_out(format!(
                        "the panel {}: {}: Loki has no image here",
                        board.stem, panel.title
                    ));
                }
                continue;
            }
            check_panel(scene, &board, panel, &variables, report);
        }
    }
    Ok(())
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
