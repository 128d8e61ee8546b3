//! What is scraped, and under which labels.

use super::super::objects::Objects;
use super::super::relabel::{Labels, target};
use super::super::targets::discovered;
use super::{DEPLOYMENT, Repository, SCRAPE, finds};

#[test]
fn targets_have_the_labels_that_boards_ask_for() {
    for name in ["monitoring/service-monitor.yaml", "monitoring/pod-monitor.yaml"] {
        finds(
            name,
            "replacement: chat",
            "replacement: campanile",
            "`job` is Some(\"campanile\"), not `chat`",
        );
        finds(
            name,
            "[__meta_kubernetes_pod_name]",
            "[__meta_kubernetes_pod]",
            "`instance` is Some(\"10.1.2.3:9601\")",
        );
        finds(
            name,
            "scrapeTimeout: 10s",
            "scrapeTimeout: 20s",
            "waits 20s for what it asks every 15s",
        );
        finds(name, "key: metrics_token", "key: token", "`campanile-secrets` has no key `token`");
        finds(
            name,
            "path: /metrics",
            "path: /metric",
            "there are no metrics at `metrics`, `/metric`",
        );
        finds(
            name,
            "{action: replace, targetLabel",
            "{action: drop, sourceLabels: [pod], targetLabel",
            "drops every pod",
        );
    }
    finds(SCRAPE, "job_name: chat", "job_name: pods", "`job` is Some(\"pods\"), not `chat`");
    finds(SCRAPE, "names: [campanile]", "names: [chat]", "looks for a pod in [\"chat\"]");
    finds(SCRAPE, "role: pod", "role: node", "looks for a node");
}

#[test]
fn annotations_lead_to_the_metrics() {
    finds(
        DEPLOYMENT,
        "port: \"9601\"",
        "port: \"8080\"",
        "asks at `10.1.2.3:8080`, where there are no metrics",
    );
    finds(DEPLOYMENT, "scrape: \"true\"", "scrape: \"false\"", "makes 0 targets of a pod");
    finds(DEPLOYMENT, "io/path: /metrics", "io/path: /", "`__metrics_path__` is Some(\"/\")");
    // As the guides have it: without the address the pattern never fits.
    finds(SCRAPE, "[__meta_kubernetes_pod_ip, __meta", "[__meta", "makes 2 targets of a pod");
}

/// What the rules of the scrape file make of our pods, at this address and with these changes.
fn scraped(address: &str, changes: &[(&str, &str)]) -> Vec<Labels> {
    let (objects, findings) = Objects::read(&Repository::ours().tree());
    assert_eq!(findings, []);
    let rules = &objects.scrape_files[0].object.scrape_configs[0].relabel_configs;
    let found = discovered(&objects.deployments[0].object, address);
    assert_eq!(found.len(), 2, "a pod is discovered once for each port");
    let mut targets = Vec::new();
    for mut labels in found {
        for (name, value) in changes {
            let name = format!("__meta_kubernetes_{name}");
            match *value {
                "" => labels.remove(&name),
                value => labels.insert(name, value.to_owned()),
            };
        }
        let labels = target(rules, labels).expect("the rules are well made");
        targets.extend(labels.filter(|labels| !targets.contains(labels)));
    }
    targets
}

#[test]
fn a_pod_that_asks_for_it_is_one_target() {
    let expected = [
        ("__address__", "10.1.2.3:9601"),
        ("__metrics_path__", "/metrics"),
        ("instance", "campanile-5d9c7b6f4-x2x9q"),
        ("namespace", "campanile"),
        ("node", "node-1"),
        ("pod", "campanile-5d9c7b6f4-x2x9q"),
    ];
    let expected: Labels = expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    assert_eq!(scraped("10.1.2.3", &[]), [expected]);
}

#[test]
fn an_address_with_colons_stands_in_brackets() {
    let targets = scraped("fd00::1:2", &[]);
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["__address__"], "[fd00::1:2]:9601");
}

#[test]
fn other_pods_are_no_targets() {
    for changes in [
        ("pod_annotation_prometheus_io_scrape", ""),
        ("pod_annotation_prometheus_io_scrape", "false"),
        ("pod_annotation_prometheus_io_scrape", "trueish"),
        ("pod_label_app_kubernetes_io_name", ""),
        ("pod_label_app_kubernetes_io_name", "postgres"),
        ("pod_phase", "Succeeded"),
        ("pod_phase", "Failed"),
        ("pod_phase", "Pending"),
    ] {
        assert_eq!(scraped("10.1.2.3", &[changes]), Vec::<Labels>::new(), "{changes:?}");
    }
}

#[test]
fn a_pod_that_is_not_ready_is_still_looked_at() {
    assert_eq!(scraped("10.1.2.3", &[("pod_ready", "false")]).len(), 1);
}

#[test]
fn annotations_say_where_a_pod_is_scraped() {
    let changes = [
        ("pod_annotation_prometheus_io_port", "9999"),
        ("pod_annotation_prometheus_io_path", "/other"),
    ];
    let targets = scraped("10.1.2.3", &changes);
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["__address__"], "10.1.2.3:9999");
    assert_eq!(targets[0]["__metrics_path__"], "/other");
    let without = scraped("10.1.2.3", &[("pod_annotation_prometheus_io_path", "")]);
    assert_eq!(without[0]["__metrics_path__"], "/metrics");
}
