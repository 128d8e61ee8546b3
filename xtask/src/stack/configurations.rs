//! Copies of configurations that fit a stack which lacks something: images, or somebody to tell.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde_json::{Value, json};

use super::secrets;
use crate::workspace::Workspace;

/// The copies, below a folder, and where each is mounted.
const COPIES: [(&str, &str); 2] =
    [("prometheus", "/etc/prometheus"), ("alertmanager", "/etc/alertmanager")];

const PROMETHEUS: &str = "prometheus/prometheus.yml";
const ALERTMANAGER: &str = "alertmanager/alertmanager.yml";

/// What a receiver tells by, and the secret without which it reaches nobody.
const WAYS: [(&str, &str); 3] = [
    ("pagerduty_configs", "alertmanager_pagerduty_key"),
    ("slack_configs", "alertmanager_slack_url"),
    ("email_configs", "alertmanager_smtp_password"),
];

/// Of webhooks each names the file of its secret.
const WEBHOOKS: &str = "webhook_configs";
const SECRET_FOLDER: &str = "/run/secrets/";

/// Writes the copies for the stack that people start, and a compose file that mounts them, which lies
/// over ours. The targets of services that are left out have yet to be forgotten. The receivers that
/// tell nobody until their secrets are set.
pub(super) fn write_for_people(workspace: &Workspace, folder: &Path) -> Result<BTreeSet<String>> {
    let shipped = |path: &str| read(&workspace.root.join("deploy").join(path));
    write(&folder.join(PROMETHEUS), &shipped(PROMETHEUS)?)?;
    let is_set = |secret: &str| secrets::is_set(workspace, secret);
    let (alertmanager, silent) = without_unset(shipped(ALERTMANAGER)?, is_set)?;
    write(&folder.join(ALERTMANAGER), &alertmanager)?;
    let mounts = COPIES.map(|(name, target)| {
        let source = folder.join(name);
        (name.to_owned(), json!({"volumes": [format!("{}:{target}:ro", source.display())]}))
    });
    let services = serde_json::Map::from_iter(mounts);
    write(&folder.join("compose.json"), &json!({"services": services}))?;
    Ok(silent)
}

/// Takes what scrapes one of these services out of the copy of Prometheus's configuration.
pub(crate) fn forget_targets(folder: &Path, services: &[String]) -> Result<()> {
    let path = folder.join(PROMETHEUS);
    write(&path, &without_targets(read(&path)?, services))
}

/// The jobs and instances of which the copy of Prometheus's configuration knows.
pub(crate) fn targets(folder: &Path) -> Result<Vec<(String, String)>> {
    Ok(targets_of(&read(&folder.join(PROMETHEUS))?))
}

fn targets_of(configuration: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let jobs = configuration["scrape_configs"].as_array().into_iter().flatten();
    let of_job = |job: &Value| {
        let configs = job["static_configs"].as_array().into_iter().flatten();
        let instances =
            configs.flat_map(|config| config["targets"].as_array().into_iter().flatten());
        instances.map(|instance| (text(&job["job_name"]), text(instance))).collect::<Vec<_>>()
    };
    jobs.flat_map(of_job).collect()
}

/// The configuration in which the jobs that scrape one of these services find nothing. The job
/// stays: only then does Prometheus forget at once what it knew of its targets.
fn without_targets(mut configuration: Value, services: &[String]) -> Value {
    let asks = |job: &Value| {
        let configs = job["static_configs"].as_array().into_iter().flatten();
        let targets = configs.filter_map(|config| config["targets"].as_array()).flatten();
        let mut hosts = targets.filter_map(|target| target.as_str()?.split(':').next());
        hosts.any(|host| services.iter().any(|service| service == host))
    };
    let jobs = configuration["scrape_configs"].as_array_mut().into_iter().flatten();
    for job in jobs.filter(|job| asks(job)) {
        job["static_configs"] = json!([]);
    }
    configuration
}

/// The configuration without the ways whose secrets nobody has set, and the names of the receivers
/// that have none left: those are still routed to, and tell nobody.
fn without_unset(
    mut configuration: Value,
    is_set: impl Fn(&str) -> Result<bool>,
) -> Result<(Value, BTreeSet<String>)> {
    let mut silent = BTreeSet::new();
    for receiver in configuration["receivers"].as_array_mut().context("there are no receivers")? {
        let receiver = receiver.as_object_mut().context("a receiver is a map")?;
        for (way, secret) in WAYS {
            if receiver.contains_key(way) && !is_set(secret)? {
                receiver.remove(way);
            }
        }
        if let Some(hooks) = receiver.remove(WEBHOOKS) {
            let mut kept = Vec::new();
            for hook in hooks.as_array().into_iter().flatten() {
                let file = hook["url_file"].as_str().and_then(|f| f.strip_prefix(SECRET_FOLDER));
                if file.map_or(Ok(true), &is_set)? {
                    kept.push(hook.clone());
                }
            }
            if !kept.is_empty() {
                receiver.insert(WEBHOOKS.to_owned(), kept.into());
            }
        }
        let tells = receiver.keys().any(|key| key.ends_with("_configs"));
        let name = receiver["name"].as_str().context("a receiver has a name")?;
        if !tells {
            silent.insert(name.to_owned());
        }
    }
    Ok((configuration, silent))
}

/// A configuration in YAML.
pub(crate) fn read(path: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_saphyr::from_str(&text).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// Writes it; JSON is YAML.
pub(crate) fn write(path: &Path, value: &Value) -> Result<()> {
    write_text(path, &serde_json::to_string_pretty(value)?)
}

pub(crate) fn write_text(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file lies in a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(path: &str) -> Value {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
        read(&root.join("deploy").join(path)).expect("it is well made")
    }

    fn names(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn who_has_no_image_is_not_asked() {
        let job = |target: &str| json!({"static_configs": [{"targets": [target]}]});
        let configuration = json!({"scrape_configs": [job("chat:9601"), job("loki:3100")]});
        let rest = without_targets(configuration, &["loki".to_owned()]);
        let nobody = json!({"static_configs": []});
        assert_eq!(rest, json!({"scrape_configs": [job("chat:9601"), nobody]}));
    }

    #[test]
    fn what_ships_asks_nobody_who_is_left_out() {
        let left_out = ["alloy", "cadvisor", "grafana", "loki"].map(str::to_owned);
        let rest = without_targets(shipped(PROMETHEUS), &left_out).to_string();
        assert!(left_out.iter().all(|service| !rest.contains(&format!("\"{service}:"))), "{rest}");
        assert!(rest.contains("\"campanile-1:9601\"") && rest.contains("\"haproxy:8404\""));
    }

    #[test]
    fn nobody_is_told_by_a_way_that_is_not_set() {
        let told = |set: &[&str]| {
            let is_set = |secret: &str| Ok(set.contains(&secret));
            without_unset(shipped(ALERTMANAGER), is_set).expect("it is whole")
        };
        let (configuration, silent) = told(&[]);
        assert_eq!(silent, names(&["page", "channel", "mail", "watchdog"]));
        let receivers = configuration["receivers"].as_array().expect("they stay");
        assert!(receivers.iter().all(|receiver| receiver.as_object().expect("a map").len() == 1));
        assert_eq!(configuration["route"], shipped(ALERTMANAGER)["route"]);

        let (configuration, silent) = told(&["alertmanager_slack_url"]);
        assert_eq!(silent, names(&["mail", "watchdog"]));
        let page = &configuration["receivers"][0];
        assert!(page["slack_configs"].is_array() && page["pagerduty_configs"].is_null());
        assert!(page["webhook_configs"].is_null());

        let (configuration, silent) = told(&["alertmanager_watchdog_url"]);
        assert_eq!(silent, names(&["page", "channel", "mail"]));
        assert!(configuration["receivers"][3]["webhook_configs"].is_array());

        let all = ["pagerduty_key", "slack_url", "smtp_password", "webhook_url", "watchdog_url"];
        let all = all.map(|name| format!("alertmanager_{name}"));
        let (configuration, silent) = told(&all.each_ref().map(String::as_str));
        assert_eq!((configuration, silent), (shipped(ALERTMANAGER), names(&[])));
    }

    #[test]
    fn the_copies_lie_over_what_ships() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join(PROMETHEUS);
        write(&path, &shipped(PROMETHEUS)).expect("it is written");
        forget_targets(folder.path(), &["grafana".to_owned()]).expect("it is written anew");
        let copy = fs::read_to_string(path).expect("it is there");
        assert!(!copy.contains("grafana:3000") && copy.contains("loki:3100"));
    }

    #[test]
    fn every_target_of_the_configuration_is_known() {
        let job = |name: &str, targets: &[&str]| json!({"job_name": name, "static_configs": [{"targets": targets}]});
        let forgotten = json!({"job_name": "loki", "static_configs": []});
        let jobs = [job("chat", &["a:1", "b:1"]), forgotten, job("redis", &["c:2"])];
        let seen = targets_of(&json!({"scrape_configs": jobs}));
        let expected = [("chat", "a:1"), ("chat", "b:1"), ("redis", "c:2")];
        assert_eq!(seen, expected.map(|(job, instance)| (job.to_owned(), instance.to_owned())));
    }
}
