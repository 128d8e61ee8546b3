//! The three ways to the metrics: each finds every pod once, with the labels that boards and alerts
//! ask for. What discovery would say of a pod is made of the Deployment, and relabelled.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::ContainerPort;

use super::super::finding::Finding;
use super::objects::{In, Objects};
use super::operator::{Endpoint, ScrapeConfig};
use super::references::{Held, pod};
use super::relabel::{Labels, Rule, target};
use super::selectors::{found, has_port, pod_labels, selects};

/// What boards and alerts ask for.
const JOB: &str = "chat";

/// A pod that could have been discovered.
const POD: (&str, &str) = ("campanile-5d9c7b6f4-x2x9q", "10.1.2.3");

/// Where the server shows its metrics, whatever the settings.
const METRICS_PATH: &str = "/metrics";

pub(super) fn check(objects: &Objects, held: &Held) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |path: &str, wrong: Vec<String>| {
        findings.extend(wrong.into_iter().map(|what| Finding::about(path, what)));
    };
    for monitor in &objects.service_monitors {
        let spec = &monitor.object.spec;
        let services = objects.services.iter().filter(|service| {
            selects(
                &spec.selector,
                service.object.metadata.labels.as_ref().unwrap_or(&Labels::new()),
            )
        });
        let ports = services.flat_map(|service| service.object.spec.iter());
        let ports = ports.flat_map(|spec| spec.ports.iter().flatten());
        let ports: Vec<&str> = ports.filter_map(|port| port.name.as_deref()).collect();
        say(&monitor.path, check_monitor(&spec.endpoints, &ports, held));
        let filtered = spec.endpoints.iter().filter(|endpoint| endpoint.filter_running.is_some());
        say(
            &monitor.path,
            filtered.map(|_| "there is no field `filterRunning`".to_owned()).collect(),
        );
    }
    for monitor in &objects.pod_monitors {
        let spec = &monitor.object.spec;
        let pods = found(objects, |labels| selects(&spec.selector, labels));
        let ports = ["http", "metrics"];
        let ports =
            ports.into_iter().filter(|port| pods.iter().any(|pods| has_port(&pods.object, port)));
        let ports: Vec<&str> = ports.collect();
        say(&monitor.path, check_monitor(&spec.pod_metrics_endpoints, &ports, held));
    }
    for file in &objects.scrape_files {
        for config in &file.object.scrape_configs {
            for deployment in &objects.deployments {
                say(&file.path, check_discovery(config, &deployment.object));
            }
            say(&file.path, check_scrape(config, objects));
        }
    }
    findings
}

/// A monitor's endpoints: ports that what it selects has, a secret that exists, and good labels.
fn check_monitor(endpoints: &[Endpoint], ports: &[&str], held: &Held) -> Vec<String> {
    let mut wrong = Vec::new();
    if endpoints.is_empty() {
        wrong.push("scrapes nothing".to_owned());
    }
    for endpoint in endpoints {
        let Endpoint { port, path, interval, scrape_timeout, authorization, .. } = endpoint;
        if ports.iter().filter(|there| *there == port).count() != 1 {
            wrong.push(format!("the port `{port}` is not there once: {ports:?}"));
        }
        if port != "metrics" || path != METRICS_PATH {
            wrong.push(format!("there are no metrics at `{port}`, `{path}`"));
        }
        wrong.extend(too_slow(interval, scrape_timeout));
        let credentials = &authorization.credentials;
        if authorization.scheme != "Bearer" || !held.has_secret(&credentials.name, &credentials.key)
        {
            wrong.push(format!("`{}` has no key `{}`", credentials.name, credentials.key));
        }
        let rules: Vec<Rule> = endpoint.relabelings.iter().map(|rule| rule.rule()).collect();
        // What the operator itself says of a target before its rules are asked.
        let said = [
            ("job", "campanile/campanile"),
            ("pod", POD.0),
            ("__address__", "10.1.2.3:9601"),
            ("__metrics_path__", METRICS_PATH),
            ("__meta_kubernetes_pod_name", POD.0),
        ];
        let said = said.map(|(name, value)| (name.to_owned(), value.to_owned()));
        match target(&rules, said.into()) {
            Ok(Some(labels)) => wrong.extend(check_labels(&labels)),
            Ok(None) => wrong.push("drops every pod".to_owned()),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    wrong
}

fn check_scrape(config: &ScrapeConfig, objects: &Objects) -> Vec<String> {
    let mut wrong: Vec<String> =
        too_slow(&config.scrape_interval, &config.scrape_timeout).into_iter().collect();
    if config.authorization.credentials_file.is_empty() {
        wrong.push("brings no token".to_owned());
    }
    let namespace = |deployment: &In<Deployment>| deployment.object.metadata.namespace.clone();
    for discovery in &config.kubernetes_sd_configs {
        let looked = &discovery.namespaces.names;
        let is_there = |one: &String| {
            objects.deployments.iter().any(|all| namespace(all).as_ref() == Some(one))
        };
        if discovery.role != "pod" || looked.is_empty() || !looked.iter().all(is_there) {
            wrong.push(format!("looks for a {} in {looked:?}", discovery.role));
        }
    }
    wrong
}

/// A pod is discovered once for each of its ports, and is to be one target.
fn check_discovery(config: &ScrapeConfig, deployment: &Deployment) -> Vec<String> {
    let mut targets = Vec::new();
    for labels in discovered(deployment, POD.1) {
        let labels = labels.into_iter().chain([("job".to_owned(), config.job_name.clone())]);
        match target(&config.relabel_configs, labels.collect()) {
            Ok(Some(labels)) if !targets.contains(&labels) => targets.push(labels),
            Ok(_) => {}
            Err(error) => return vec![error.to_string()],
        }
    }
    let [labels] = targets.as_slice() else {
        return vec![format!("makes {} targets of a pod", targets.len())];
    };
    let mut wrong = check_labels(labels);
    let address = labels.get("__address__").map_or("", String::as_str);
    let containers = pod(deployment).into_iter().flat_map(|pod| &pod.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    let is_metrics = |port: &ContainerPort| {
        port.name.as_deref() == Some("metrics")
            && address == format!("{}:{}", POD.1, port.container_port)
    };
    if !ports.any(is_metrics) {
        wrong.push(format!("asks at `{address}`, where there are no metrics"));
    }
    wrong
}

fn check_labels(labels: &Labels) -> Vec<String> {
    let expected = [("job", JOB), ("instance", POD.0), ("__metrics_path__", METRICS_PATH)];
    let expected = expected.into_iter().chain([("pod", POD.0)]);
    let other =
        expected.filter(|(name, value)| labels.get(*name).map(String::as_str) != Some(value));
    other
        .map(|(name, value)| format!("`{name}` is {:?}, not `{value}`", labels.get(name)))
        .collect()
}

/// What Prometheus discovers of one pod of the Deployment with the role `pod`: the same for each
/// port, but for the port.
pub(super) fn discovered(deployment: &Deployment, address: &str) -> Vec<Labels> {
    let mut about = Labels::new();
    let mut say = |name: String, value: &str| {
        about.insert(format!("__meta_kubernetes_{name}"), value.to_owned())
    };
    let metadata = deployment.spec.template.metadata.clone();
    for (name, value) in pod_labels(deployment) {
        say(format!("pod_label_{}", as_label(&name)), &value);
    }
    for (name, value) in metadata.and_then(|metadata| metadata.annotations).unwrap_or_default() {
        say(format!("pod_annotation_{}", as_label(&name)), &value);
    }
    say("pod_name".to_owned(), POD.0);
    say("pod_ip".to_owned(), address);
    say("pod_phase".to_owned(), "Running");
    say("pod_ready".to_owned(), "true");
    say("pod_node_name".to_owned(), "node-1");
    say("namespace".to_owned(), deployment.metadata.namespace.as_deref().unwrap_or_default());
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    let containers = pod(deployment).into_iter().flat_map(|pod| &pod.containers);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports
        .map(|port| {
            let of_port = [
                ("__address__", format!("{host}:{}", port.container_port)),
                ("__metrics_path__", METRICS_PATH.to_owned()),
                (
                    "__meta_kubernetes_pod_container_port_name",
                    port.name.clone().unwrap_or_default(),
                ),
                ("__meta_kubernetes_pod_container_port_number", port.container_port.to_string()),
            ];
            let of_port = of_port.into_iter().map(|(name, value)| (name.to_owned(), value));
            about.clone().into_iter().chain(of_port).collect()
        })
        .collect()
}

/// A label of Kubernetes as one of Prometheus.
fn as_label(name: &str) -> String {
    name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// Prometheus refuses to wait longer for an answer than until the next question.
fn too_slow(interval: &str, timeout: &str) -> Option<String> {
    let seconds = |text: &str| text.strip_suffix('s').and_then(|number| number.parse::<u32>().ok());
    match (seconds(interval), seconds(timeout)) {
        (Some(interval), Some(timeout)) if timeout <= interval => None,
        _ => Some(format!("waits {timeout} for what it asks every {interval}")),
    }
}
