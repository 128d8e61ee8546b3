//! Every target is up, and what is scraped is what we say is there.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::report::Report;
use super::scene::Scene;
use crate::live::Questions;
use crate::stack::targets;
use crate::tower::Catalogue;
use crate::wait;

const DEADLINE: Duration = Duration::from_secs(60);

/// The services whose absence leaves a scrape job without a target.
fn is_left_out(scene: &Scene<'_>, job: &str) -> bool {
    scene.stack.left_out().iter().any(|service| service == job)
}

pub(crate) fn check(scene: &Scene<'_>, catalogue: &Catalogue, report: &mut Report) -> Result<()> {
    for service in scene.stack.left_out() {
        report.leave_out(format!("the target {service}: it has no image here"));
    }
    for (job, instance) in &targets(&scene.folder)? {
        report.check("targets", &format!("{job} {instance} is up"), || {
            let query = format!("up{{job=\"{job}\",instance=\"{instance}\"}}");
            becomes(&scene.prometheus, &query, 1.0)
        });
    }
    for (metric, job) in catalogue.foreign() {
        if is_left_out(scene, job) {
            continue;
        }
        report.check("targets", &format!("{job} exports {metric}"), || {
            exists(&scene.prometheus, metric, job)
        });
    }
    Ok(())
}

/// VictoriaMetrics scrapes the same servers and answers the same questions.
pub(crate) fn check_victoria_metrics(scene: &Scene<'_>, report: &mut Report) {
    report.check("targets", "VictoriaMetrics ingests every metric", || {
        let victoria = Questions { address: scene.stack.address("victoria-metrics", 8428)? };
        becomes(&victoria, "count(up{job=\"chat\"} == 1)", 2.0)?;
        // Without what either adds about the scrape, and without what rules record.
        let names = "count(count by (__name__) ({job=\"chat\",__name__=~\"chat_.+|process_.+\"}))";
        wait::patiently("both know the same names", DEADLINE, || {
            let (theirs, ours) = (victoria.value(names)?, scene.prometheus.value(names)?);
            ensure!(theirs > 100.0 && theirs == ours, "{theirs} names, not {ours}");
            Ok(())
        })
    });
}

fn becomes(questions: &Questions, query: &str, expected: f64) -> Result<()> {
    wait::patiently(query, DEADLINE, || {
        let value = questions.value(query)?;
        ensure!(value == expected, "it is {value}, not {expected}");
        Ok(())
    })
}

fn exists(questions: &Questions, metric: &str, job: &str) -> Result<()> {
    wait::patiently(metric, DEADLINE, || {
        let rows = questions.rows(&format!("{metric}{{job=\"{job}\"}}"))?;
        ensure!(!rows.is_empty(), "there is none");
        Ok(())
    })
}
