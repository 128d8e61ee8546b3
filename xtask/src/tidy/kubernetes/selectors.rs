//! Selectors and ports: everything that looks for pods finds them, at ports that they have.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::finding::Finding;
use super::objects::{In, Objects};
use super::references::pod;

pub(super) type Labels = BTreeMap<String, String>;

pub(super) fn check(objects: &Objects) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |path: &str, wrong: Vec<String>| {
        findings.extend(wrong.into_iter().map(|what| Finding::about(path, what)));
    };
    for service in &objects.services {
        say(&service.path, check_service(&service.object, objects));
    }
    for budget in &objects.budgets {
        say(&budget.path, check_budget(&budget.object, objects));
    }
    for policy in &objects.policies {
        say(&policy.path, check_policy(&policy.object, objects));
    }
    for deployment in &objects.deployments {
        say(&deployment.path, unguarded(&deployment.object, objects));
    }
    findings
}

/// Whether the labels are those that are selected. An empty selector, which selects everything, is
/// none of ours.
pub(super) fn selects(selector: &LabelSelector, labels: &Labels) -> bool {
    let wanted = selector.match_labels.as_ref();
    let expressions = selector.match_expressions.as_ref();
    expressions.is_none_or(Vec::is_empty) && wanted.is_some_and(|wanted| are_in(wanted, labels))
}

fn are_in(wanted: &Labels, labels: &Labels) -> bool {
    !wanted.is_empty() && wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
}

/// The labels of a Deployment's pods.
pub(super) fn pod_labels(deployment: &Deployment) -> Labels {
    let metadata = deployment.spec.template.metadata.clone();
    metadata.and_then(|metadata| metadata.labels).unwrap_or_default()
}

/// The Deployments whose pods fit.
pub(super) fn found(objects: &Objects, fits: impl Fn(&Labels) -> bool) -> Vec<&In<Deployment>> {
    let all = objects.deployments.iter();
    all.filter(|deployment| fits(&pod_labels(&deployment.object))).collect()
}

/// Whether the pods have a port of that name.
pub(super) fn has_port(deployment: &Deployment, name: &str) -> bool {
    let containers = pod(deployment).into_iter().flat_map(|pod| &pod.containers);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports.any(|port| port.name.as_deref() == Some(name))
}

fn check_service(service: &Service, objects: &Objects) -> Vec<String> {
    let spec = service.spec.clone().unwrap_or_default();
    let selector = spec.selector.unwrap_or_default();
    let pods = found(objects, |labels| are_in(&selector, labels));
    if pods.is_empty() {
        return vec!["selects no pods".to_owned()];
    }
    let ports: Vec<ServicePort> = spec.ports.unwrap_or_default();
    let mut wrong = Vec::new();
    for port in &ports {
        let Some(IntOrString::String(name)) = &port.target_port else {
            wrong.push(format!("the port {} leads to a number, not to a name", port.port));
            continue;
        };
        if !pods.iter().all(|pods| has_port(&pods.object, name)) {
            wrong.push(format!("the pods have no port `{name}`"));
        }
    }
    if ports.is_empty() {
        wrong.push("has no port".to_owned());
    }
    wrong
}

fn check_budget(budget: &PodDisruptionBudget, objects: &Objects) -> Vec<String> {
    let spec = budget.spec.clone().unwrap_or_default();
    let selector = spec.selector.unwrap_or_default();
    let pods = found(objects, |labels| selects(&selector, labels));
    let Some(pods) = pods.first() else { return vec!["selects no pods".to_owned()] };
    let replicas = pods.object.spec.replicas.unwrap_or(1);
    // With none that may be away no node can be emptied; with all of them it is no budget.
    let away = match (&spec.max_unavailable, &spec.min_available) {
        (Some(IntOrString::Int(away)), None) => *away,
        (None, Some(IntOrString::Int(there))) => replicas - there,
        _ => return vec!["says not in a number how many pods may be away".to_owned()],
    };
    let fits = (1..replicas).contains(&away);
    (!fits).then(|| format!("{away} of {replicas} pods may be away")).into_iter().collect()
}

fn check_policy(policy: &NetworkPolicy, objects: &Objects) -> Vec<String> {
    let spec = policy.spec.clone().unwrap_or_default();
    let selector = spec.pod_selector.unwrap_or_default();
    let pods = found(objects, |labels| selects(&selector, labels));
    if pods.is_empty() {
        return vec!["selects no pods".to_owned()];
    }
    let mut wrong = Vec::new();
    let mut reached = Vec::new();
    for rule in spec.ingress.iter().flatten() {
        let is_open = rule.from.as_ref().is_none_or(Vec::is_empty);
        let ports = rule.ports.as_deref().unwrap_or_default();
        if ports.is_empty() {
            wrong.push("a rule opens every port".to_owned());
        }
        for port in ports {
            let Some(IntOrString::String(name)) = &port.port else {
                wrong.push("a port is not named".to_owned());
                continue;
            };
            if !pods.iter().all(|pods| has_port(&pods.object, name)) {
                wrong.push(format!("the pods have no port `{name}`"));
            }
            if is_open && name == "metrics" {
                wrong.push("everybody reaches the metrics".to_owned());
            }
            reached.push(name.clone());
        }
    }
    let shut =
        ["http", "metrics"].into_iter().filter(|port| !reached.iter().any(|name| name == port));
    wrong.extend(shut.map(|port| format!("nobody reaches the port `{port}`")));
    wrong
}

/// What no budget and no policy guards.
fn unguarded(deployment: &Deployment, objects: &Objects) -> Vec<String> {
    let labels = pod_labels(deployment);
    let chosen = |selector: Option<&LabelSelector>| {
        selector.is_some_and(|selector| selects(selector, &labels))
    };
    let budgets = objects.budgets.iter().filter_map(|budget| budget.object.spec.as_ref());
    let policies = objects.policies.iter().filter_map(|policy| policy.object.spec.as_ref());
    let has_budget = budgets.into_iter().any(|spec| chosen(spec.selector.as_ref()));
    let has_policy = policies.into_iter().any(|spec| chosen(spec.pod_selector.as_ref()));
    [(has_budget, "has no PodDisruptionBudget"), (has_policy, "has no NetworkPolicy")]
        .into_iter()
        .filter(|(is_there, _)| !is_there)
        .map(|(_, what)| what.to_owned())
        .collect()
}
