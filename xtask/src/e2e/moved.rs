//! Every metric that the servers declare has moved while they were used and hurt.

use anyhow::{Result, ensure};

use super::report::Report;
use super::scene::Scene;
use crate::tower::{Catalogue, Kind, Metric};

/// The run is shorter than this.
const WINDOW: &str = "1h";

pub(crate) fn check(scene: &Scene<'_>, catalogue: &Catalogue, report: &mut Report) {
    for metric in catalogue.ours() {
        report.check("metrics", &format!("{} has moved", metric.name), || moved(scene, metric));
    }
}

/// A counter or a histogram has counted; a gauge has been something else than nothing.
fn moved(scene: &Scene<'_>, metric: &Metric) -> Result<()> {
    let name = &metric.name;
    let query = match metric.kind {
        Kind::Histogram => format!("max(max_over_time({name}_count{{job=\"chat\"}}[{WINDOW}]))"),
        Kind::Counter | Kind::Gauge | Kind::Info => {
            format!("max(max_over_time({name}{{job=\"chat\"}}[{WINDOW}]))")
        }
    };
    let most = scene.prometheus.value(&query)?;
    ensure!(most > 0.0, "it was never more than {most}");
    Ok(())
}
