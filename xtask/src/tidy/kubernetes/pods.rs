//! What each pod may do, what it may use, and how it is asked after.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, PodSpec, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::super::tree::Tree;
use super::objects::Objects;
use super::references::pod;
use super::selectors::selects;
use crate::tower::Catalogue;
use crate::tower::catalogue::OURS;

/// Says as whom the program runs.
const IMAGE: &str = "deploy/Dockerfile";

/// The metric that knows every path of the server.
const ROUTES: &str = "chat_http_requests_total";

pub(super) fn check(tree: &Tree, deployment: &Deployment, objects: &Objects) -> Vec<String> {
    let spec = &deployment.spec;
    let Some(pod) = pod(deployment) else { return vec!["has no pods".to_owned()] };
    let labels = spec.template.metadata.clone().unwrap_or_default().labels.unwrap_or_default();
    let mut wrong = Vec::new();
    if spec.replicas.unwrap_or(1) < 2 {
        wrong.push("one pod alone is down whenever it starts again".to_owned());
    }
    if !selects(&spec.selector, &labels) {
        wrong.push("does not select its own pods".to_owned());
    }
    wrong.extend(check_pod(tree, pod));
    for spread in pod.topology_spread_constraints.iter().flatten() {
        if !spread.label_selector.as_ref().is_some_and(|selector| selects(selector, &labels)) {
            wrong.push(format!("what is spread over `{}` is other pods", spread.topology_key));
        }
    }
    if pod.topology_spread_constraints.iter().flatten().next().is_none() {
        wrong.push("all pods may be on one node".to_owned());
    }
    if pod.containers.is_empty() {
        wrong.push("has no container".to_owned());
    }
    for container in &pod.containers {
        wrong.extend(check_container(container));
        wrong.extend(check_probes(tree, container));
        wrong.extend(check_image(container, objects));
    }
    wrong
}

fn check_pod(tree: &Tree, pod: &PodSpec) -> Vec<String> {
    let mut wrong = Vec::new();
    let security = pod.security_context.clone().unwrap_or_default();
    let image = tree.text(IMAGE).unwrap_or_default();
    let user = image.lines().filter_map(|line| line.strip_prefix("USER ")).next_back();
    let ids = [security.run_as_user, security.run_as_group].map(Option::unwrap_or_default);
    if security.run_as_non_root != Some(true) || user != Some(&format!("{}:{}", ids[0], ids[1])) {
        wrong.push(format!("runs as {}:{}, and the image is made for {user:?}", ids[0], ids[1]));
    }
    if security.fs_group != Some(ids[1]) {
        wrong.push("cannot read its secrets, which belong to another group".to_owned());
    }
    if security.seccomp_profile.is_none_or(|profile| profile.type_ != "RuntimeDefault") {
        wrong.push("every call of the kernel is allowed: seccompProfile".to_owned());
    }
    if pod.enable_service_links != Some(false) {
        wrong.push("links to services can be taken for settings: enableServiceLinks".to_owned());
    }
    if pod.automount_service_account_token != Some(false) {
        wrong.push("has a token that it does not need: automountServiceAccountToken".to_owned());
    }
    wrong
}

fn check_container(container: &Container) -> Vec<String> {
    let mut wrong = Vec::new();
    let security = container.security_context.clone().unwrap_or_default();
    if security.read_only_root_filesystem != Some(true) {
        wrong.push("the root file system can be written".to_owned());
    }
    if security.allow_privilege_escalation != Some(false) {
        wrong.push("may become more than it is: allowPrivilegeEscalation".to_owned());
    }
    let capabilities = security.capabilities.unwrap_or_default();
    let dropped = capabilities.drop.unwrap_or_default();
    if dropped != ["ALL"] || capabilities.add.is_some_and(|added| !added.is_empty()) {
        wrong.push("keeps capabilities".to_owned());
    }
    let resources = container.resources.clone().unwrap_or_default();
    for (of, given) in [("requests", resources.requests), ("limits", resources.limits)] {
        let given = given.unwrap_or_default();
        let missing = ["cpu", "memory"].into_iter().filter(|name| !given.contains_key(*name));
        wrong.extend(missing.map(|name| format!("{of} no {name}")));
    }
    wrong
}

fn check_probes(tree: &Tree, container: &Container) -> Vec<String> {
    let probes = [
        ("startupProbe", &container.startup_probe, "/livez"),
        ("readinessProbe", &container.readiness_probe, "/readyz"),
        ("livenessProbe", &container.liveness_probe, "/livez"),
    ];
    let catalogue = Catalogue::parse(tree.text(OURS).unwrap_or_default(), "");
    let is_route = |path: &str| {
        let catalogue = catalogue.as_ref().ok();
        catalogue.and_then(|all| all.metric_of(ROUTES)).is_some_and(|all| all.may_be("route", path))
    };
    let mut wrong = Vec::new();
    for (name, probe, expected) in probes {
        let Some((path, port)) = probe.as_ref().and_then(asked) else {
            wrong.push(format!("has no {name} by HTTP"));
            continue;
        };
        if path != expected || !is_route(path) {
            wrong.push(format!("{name} asks for `{path}`; the server answers at `{expected}`"));
        }
        if port != &IntOrString::String("http".to_owned()) || !has_port(container, "http") {
            wrong.push(format!("{name} asks at the port {port:?}, which the container has not"));
        }
    }
    wrong
}

fn asked(probe: &Probe) -> Option<(&str, &IntOrString)> {
    let get = probe.http_get.as_ref()?;
    Some((get.path.as_deref().unwrap_or_default(), &get.port))
}

/// Whether the container has a port of that name.
pub(super) fn has_port(container: &Container, name: &str) -> bool {
    container.ports.iter().flatten().any(|port| port.name.as_deref() == Some(name))
}

/// The version of the image is said by the kustomization, or here.
fn check_image(container: &Container, objects: &Objects) -> Option<String> {
    let image = container.image.as_deref().unwrap_or_default();
    let lists = objects.kustomizations.iter().flat_map(|list| &list.object.images);
    let is_pinned = lists.into_iter().any(|pinned| pinned.name == image);
    (!is_pinned && (!image.contains(':') || image.ends_with(":latest")))
        .then(|| format!("the image `{image}` is not pinned"))
}
