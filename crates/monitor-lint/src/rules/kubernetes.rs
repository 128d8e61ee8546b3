//! Objects for the operator of Prometheus: whether what they select is there.

use crate::finding::{Report, Rule};
use crate::source::{Document, Kind, Node, Setup};

pub(super) const MONITOR_SELECTS_NOTHING: Rule =
    Rule::error("monitor-selects-nothing", "a monitor selects nothing that is there");

/// A kind of monitor, what it selects, and where that has its labels and ports.
struct Monitor {
    kind: &'static str,
    endpoints: &'static str,
    selects: &'static [&'static str],
}

const MONITORS: [Monitor; 2] = [
    Monitor { kind: "ServiceMonitor", endpoints: "endpoints", selects: &["Service"] },
    Monitor {
        kind: "PodMonitor",
        endpoints: "podMetricsEndpoints",
        selects: &["Pod", "Deployment", "StatefulSet", "DaemonSet"],
    },
];

/// Said only where objects of the kind that is selected are part of the setup.
pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for document in setup.of_kind(Kind::Kubernetes) {
        let kind = document.node.text_of("kind");
        let Some(monitor) = MONITORS.iter().find(|one| kind == Some(one.kind)) else { continue };
        let selected: Vec<&Node> = setup
            .of_kind(Kind::Kubernetes)
            .map(|other| &other.node)
            .filter(|node| node.text_of("kind").is_some_and(|kind| monitor.selects.contains(&kind)))
            .collect();
        // One that is shown without its labels may have any.
        if !selected.is_empty() && selected.iter().all(|node| labels(node).is_some()) {
            look(monitor, document, &selected, report);
        }
    }
}

fn look(monitor: &Monitor, document: &Document<'_>, all: &[&Node], report: &mut Report) {
    let Some(selector) = document.node.at(&["spec", "selector"]) else { return };
    let Some(wanted) = selector.get("matchLabels").filter(|_| selector.entries().count() == 1)
    else {
        return;
    };
    let fits = |node: &&&Node| {
        let labels = labels(node);
        wanted
            .entries()
            .all(|(key, value)| labels.and_then(|labels| labels.text_of(&key.name)) == value.text())
    };
    let fitting: Vec<&&Node> = all.iter().filter(fits).collect();
    if fitting.is_empty() {
        let why = format!("no {} here has these labels: nothing is scraped", monitor.selects[0]);
        let place = document.origin.of_node(wanted);
        report.at(&MONITOR_SELECTS_NOTHING, place, why, "the labels that it has under metadata");
        return;
    }
    for endpoint in document.node.get("spec").map_or(&[][..], |spec| spec.list(monitor.endpoints)) {
        let Some(port) = endpoint.get("port") else { continue };
        let name = port.text().unwrap_or_default();
        if !fitting.iter().any(|node| port_names(node).contains(&name)) {
            let why =
                format!("what it selects has no port that is named {name}: nothing is scraped");
            let place = document.origin.of_node(port);
            report.at(&MONITOR_SELECTS_NOTHING, place, why, "the name of a port, not its number");
        }
    }
}

/// A pod that is made from a template has the labels of that.
fn labels(node: &Node) -> Option<&Node> {
    node.at(&["spec", "template", "metadata", "labels"])
        .or_else(|| node.at(&["metadata", "labels"]))
}

/// The names of all ports of a service, or of the containers of a pod.
fn port_names(node: &Node) -> Vec<&str> {
    let mut names = Vec::new();
    node.walk("", &mut |name, below| {
        if name == "ports" {
            names.extend(below.text_of("name"));
        }
    });
    names
}
