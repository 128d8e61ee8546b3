//! The settings of the pods: keys that the server knows, files that are mounted, and numbers that
//! agree with the Deployment.

use k8s_openapi::api::apps::v1::Deployment;
use toml::{Table, Value};

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::objects::Objects;
use super::references::{Held, pod};

/// Where every key of the settings is listed.
const KEYS: &str = "docs/config.md";

/// Where the server says how much longer than its draining its end may take.
const ENDING: (&str, &str) =
    ("crates/server/src/app.rs", "const GRACE: Duration = Duration::from_secs(");

/// The settings that are mounted into the pods, with their keys written in full.
pub(super) struct Settings {
    path: String,
    values: Vec<(String, Value)>,
}

pub(super) fn check(tree: &Tree, objects: &Objects, held: &Held) -> Vec<Finding> {
    let mut findings = Vec::new();
    let keys = tree.text(KEYS).unwrap_or_default();
    for settings in Settings::all(tree, objects, &mut findings) {
        let mut wrong = Vec::new();
        for (key, value) in &settings.values {
            if !is_setting(keys, key) {
                wrong.push((key, format!("there is no setting `{key}`")));
            }
            let Some(file) = value.as_str().filter(|_| key.ends_with("_file")) else { continue };
            let is_there = |deployment: &Deployment| held.is_mounted(deployment, file);
            if !objects.deployments.iter().all(|deployment| is_there(&deployment.object)) {
                wrong.push((key, format!("`{key}` names `{file}`, which is not mounted")));
            }
        }
        let text = tree.text(&settings.path).unwrap_or_default();
        findings.extend(wrong.into_iter().map(|(key, what)| {
            let name = key.rsplit('.').next().unwrap_or(key);
            let line = text.lines().position(|line| line.starts_with(name));
            Finding::at(&settings.path, line.map_or(1, |index| index + 1), what)
        }));
        for deployment in &objects.deployments {
            let wrong = settings.against(tree, &deployment.object);
            findings.extend(wrong.into_iter().map(|what| Finding::about(&deployment.path, what)));
        }
    }
    findings
}

/// Whether it is a setting, or names the file of one that is secret.
fn is_setting(keys: &str, key: &str) -> bool {
    let row = |key: &str| keys.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
    let secret = || row(key.strip_suffix("_file")?).filter(|row| row.contains("; secret |"));
    row(key).or_else(secret).is_some()
}

impl Settings {
    /// Every TOML that a kustomization makes a ConfigMap of.
    pub(super) fn all(tree: &Tree, objects: &Objects, findings: &mut Vec<Finding>) -> Vec<Self> {
        let mut all = Vec::new();
        for list in &objects.kustomizations {
            let folder = list.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let files =
                list.object.config_map_generator.iter().flat_map(|generator| &generator.files);
            for file in files.filter(|file| file.ends_with(".toml")) {
                let path = format!("{folder}/{file}");
                let Some(text) = tree.text(&path) else { continue };
                match text.parse::<Table>() {
                    Ok(table) => {
                        let mut values = Vec::new();
                        flatten("", &table, &mut values);
                        all.push(Self { path, values });
                    }
                    Err(error) => {
                        findings.push(Finding::about(&path, format!("is no TOML: {error}")))
                    }
                }
            }
        }
        all
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    fn number(&self, key: &str) -> Option<f64> {
        let value = self.get(key)?;
        value.as_float().or_else(|| value.as_integer().map(|number| number as f64))
    }

    /// What the Deployment says otherwise.
    fn against(&self, tree: &Tree, deployment: &Deployment) -> Vec<String> {
        let spec = &deployment.spec;
        let Some(pod) = pod(deployment) else { return Vec::new() };
        let mut wrong = Vec::new();
        let (replicas, nodes) =
            (f64::from(spec.replicas.unwrap_or(1)), self.number("cluster.nodes"));
        if nodes != Some(replicas) {
            wrong.push(format!("has {replicas} replicas, and `cluster.nodes` is {nodes:?}"));
        }
        let listen = self.get("server.listen").and_then(Value::as_str).unwrap_or_default();
        let people = listen.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let metrics = self.number("metrics.port").map(|port| port as i32);
        for (name, said) in [("http", people), ("metrics", metrics)] {
            let mut ports =
                pod.containers.iter().flat_map(|container| container.ports.iter().flatten());
            let port = ports.find(|port| port.name.as_deref() == Some(name));
            let port = port.map(|port| port.container_port);
            if said.is_none() || port != said {
                wrong.push(format!("the port `{name}` is {port:?}, and by the settings {said:?}"));
            }
        }
        for host in [listen, self.get("metrics.host").and_then(Value::as_str).unwrap_or_default()] {
            if !host.starts_with("0.0.0.0") && !host.starts_with("[::]") && host != "::" {
                wrong.push(format!("nobody outside the pod reaches `{host}`"));
            }
        }
        wrong.extend(self.ends_too_late(tree, deployment));
        wrong
    }

    /// Whether the pod is killed before its server has had the time that it may take.
    fn ends_too_late(&self, tree: &Tree, deployment: &Deployment) -> Option<String> {
        let pod = pod(deployment)?;
        let (file, constant) = ENDING;
        let source = tree.text(file).unwrap_or_default();
        let ending = source.split_once(constant).and_then(|(_, rest)| rest.split(')').next());
        let Some(ending) = ending.and_then(|seconds| seconds.parse::<f64>().ok()) else {
            return Some(format!("how long a server takes to end is not found in {file}"));
        };
        let Some(drain) = self.number("server.drain_seconds") else {
            return Some("`server.drain_seconds` is not set".to_owned());
        };
        let before = pod.containers.iter().filter_map(|container| {
            let stop = container.lifecycle.as_ref()?.pre_stop.as_ref()?;
            stop.sleep.as_ref().map(|sleep| sleep.seconds as f64)
        });
        let needed = before.fold(0.0, f64::max) + drain + ending;
        let given = pod.termination_grace_period_seconds.unwrap_or(30) as f64;
        (given < needed)
            .then(|| format!("a pod is killed after {given} s, and may need {needed} s to end"))
    }
}

fn flatten(section: &str, table: &Table, values: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let key = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
        match value {
            Value::Table(table) => flatten(&key, table, values),
            // The reference has one row for what is in each of them.
            Value::Array(items) if items.iter().any(Value::is_table) => {
                let tables = items.iter().filter_map(Value::as_table);
                tables.for_each(|table| flatten(&format!("{key}.N"), table, values));
            }
            value => values.push((key, value.clone())),
        }
    }
}
