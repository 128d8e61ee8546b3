//! The rules on logs: the ruler of Loki has every one. What we ask in LogQL, anywhere, can be asked.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use super::report::Report;
use super::scene::Scene;
use super::sources;
use crate::live::{LoadedRule, Loki};
use crate::tidy::Tree;
use crate::tower::{RuleFile, log_queries};
use crate::wait;

/// Where our rules for it lie.
const FOLDER: &str = "alerts/loki";

/// It evaluates once a minute.
const EVALUATED_DEADLINE: Duration = Duration::from_secs(150);

pub(crate) fn check(scene: &Scene<'_>, report: &mut Report) -> Result<()> {
    let queries = log_queries(Tree::load(&scene.workspace.root)?.files())?;
    let Some(loki) = sources::loki(&scene.stack)? else {
        let count = queries.len();
        let left_out = format!("the rules on logs, {count} expressions in LogQL");
        report.leave_out(format!("{left_out}: loki has no image here"));
        return Ok(());
    };
    let ours = ours(scene)?;
    report.check("logs", "the ruler of Loki has our rules, and evaluates them", || {
        wait::patiently("it has", EVALUATED_DEADLINE, || compare(&ours, &loki.rules()?))
    });
    report.check("logs", "it has what is shipped: crates/loki/tests/real_loki.rs", || {
        let shell = scene.workspace.shell()?;
        let _url = shell.push_env("CAMPANILE_TEST_LOKI_URL", format!("http://{}", loki.address));
        let tests = ["--package", "campanile-loki", "--test", "real_loki"];
        cmd!(shell, "cargo test --quiet --locked {tests...} -- --ignored").quiet().run()?;
        Ok(())
    });
    for query in &queries {
        let name = format!("{} can be asked", query.place());
        report.check("logs", &name, || answered(&loki, &query.expr));
    }
    Ok(())
}

/// The names of the rules of the repository, and what they ask.
fn ours(scene: &Scene<'_>) -> Result<BTreeMap<String, String>> {
    let folder = scene.workspace.root.join(FOLDER);
    let mut ours = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("there is no {FOLDER}"))? {
        let file = RuleFile::parse(&fs::read_to_string(entry?.path())?)?;
        for rule in file.groups.into_iter().flat_map(|group| group.rules) {
            let name = rule.alert.or(rule.record).context("a rule has a name")?;
            ours.insert(name, rule.expr);
        }
    }
    Ok(ours)
}

fn compare(ours: &BTreeMap<String, String>, loaded: &[LoadedRule]) -> Result<()> {
    let mut wrong = Vec::new();
    for name in ours.keys() {
        match loaded.iter().find(|rule| rule.name == *name) {
            None => wrong.push(format!("{name} is not loaded")),
            Some(rule) if rule.health != "ok" => {
                wrong.push(format!("the health of {name} is {}: {}", rule.health, rule.last_error));
            }
            Some(_) => {}
        }
    }
    let strangers = loaded.iter().filter(|rule| !ours.contains_key(&rule.name));
    wrong.extend(strangers.map(|rule| format!("{} is not ours: {}", rule.name, rule.query)));
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(())
}

/// While nothing is wrong the answer may be that there is nothing.
fn answered(loki: &Loki, expression: &str) -> Result<()> {
    loki.lately(expression).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::StandIn;

    fn loaded(name: &str, health: &str) -> LoadedRule {
        LoadedRule {
            name: name.to_owned(),
            query: "vector(1)".to_owned(),
            health: health.to_owned(),
            last_error: "too many series".to_owned(),
            state: "inactive".to_owned(),
        }
    }

    fn said(loaded: &[LoadedRule]) -> String {
        let ours = ["A", "B"].map(|name| (name.to_owned(), "vector(1)".to_owned()));
        let seen = compare(&ours.into(), loaded);
        seen.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn every_rule_is_loaded_and_well() {
        assert_eq!(said(&[loaded("A", "ok"), loaded("B", "ok")]), "");
        assert_eq!(said(&[loaded("A", "ok")]), "B is not loaded");
        assert_eq!(
            said(&[loaded("A", "err"), loaded("B", "ok")]),
            "the health of A is err: too many series"
        );
        assert!(said(&[loaded("A", "unknown"), loaded("B", "ok")]).contains("A is unknown"));
        assert!(
            said(&[loaded("A", "ok"), loaded("B", "ok"), loaded("C", "ok")])
                .contains("C is not ours: vector(1)")
        );
    }

    #[test]
    fn no_answer_is_an_answer_and_a_refusal_is_none() {
        let nothing = r#"{"status": "success", "data": {"resultType": "vector", "result": []}}"#;
        let answers =
            Box::leak(Box::new([("/loki/api/v1/query_range", 200, &*nothing.to_owned().leak())]));
        let address = StandIn::start(answers).address;
        assert!(answered(&Loki { address }, "sum(rate({a=\"b\"}[5m])) > 1").is_ok());
        let address = StandIn::start(&[("/loki/api/v1/query_range", 400, "parse error")]).address;
        assert!(answered(&Loki { address }, "sum(").is_err());
    }
}
