//! Selectors, ports, budgets and policies that miss their pods.

use super::{DEPLOYMENT, SETTINGS, finds};

#[test]
fn selectors_find_their_pods() {
    let label = "app.kubernetes.io/component: server\n  template";
    finds(DEPLOYMENT, label, &label.replace("server", "x"), "does not select its own pods");
    let spread = "app.kubernetes.io/component: server\n          matchLabelKeys";
    finds(
        DEPLOYMENT,
        spread,
        &spread.replace("server", "x"),
        "what is spread over `kubernetes.io/hostname` is other pods",
    );
    let last = "    app.kubernetes.io/component: server\n  ports";
    finds(
        "server/service.yaml",
        last,
        &last.replace("server", "x"),
        "service.yaml:1: selects no pods",
    );
    for name in ["server/pod-disruption-budget.yaml", "server/network-policy.yaml"] {
        let label = "      app.kubernetes.io/component: server";
        finds(name, label, &label.replace("server", "x"), "selects no pods");
        finds(name, label, &label.replace("server", "x"), "deployment.yaml:1: has no ");
    }
    finds(
        "monitoring/service-monitor.yaml",
        "component: metrics\n  endpoints",
        "component: server\n  endpoints",
        "the port `metrics` is not there once: [\"http\"]",
    );
    finds(
        "monitoring/pod-monitor.yaml",
        "component: server",
        "component: metrics",
        "the port `metrics` is not there once: []",
    );
}

#[test]
fn ports_are_there_by_name() {
    finds(
        "server/service.yaml",
        "targetPort: http",
        "targetPort: web",
        "the pods have no port `web`",
    );
    finds("server/service.yaml", "targetPort: http", "targetPort: 8080", "leads to a number");
    finds(
        "server/network-policy.yaml",
        "port: metrics",
        "port: metric",
        "the pods have no port `metric`",
    );
    finds(
        "server/network-policy.yaml",
        "port: metrics",
        "port: metric",
        "nobody reaches the port `metrics`",
    );
    finds(
        "server/service-metrics.yaml",
        "name: metrics, port",
        "name: prom, port",
        "the port `metrics` is not there once",
    );
    finds(
        SETTINGS,
        "0.0.0.0:8080",
        "0.0.0.0:80",
        "the port `http` is Some(8080), and by the settings Some(80)",
    );
    finds(SETTINGS, "port = 9601", "port = 9100", "the port `metrics` is Some(9601)");
    finds(
        SETTINGS,
        "host = \"0.0.0.0\"",
        "host = \"127.0.0.1\"",
        "nobody outside the pod reaches `127.0.0.1`",
    );
}

#[test]
fn the_metrics_are_not_for_everybody() {
    let from = "- {port: http, protocol: TCP}";
    finds(
        "server/network-policy.yaml",
        from,
        &format!("{from}\n        - {{port: metrics}}"),
        "everybody reaches the metrics",
    );
    finds(
        "server/network-policy.yaml",
        &format!("- ports:\n        {from}"),
        "- {}",
        "a rule opens every port",
    );
}

#[test]
fn a_budget_lets_some_pods_go_and_not_all() {
    let name = "server/pod-disruption-budget.yaml";
    finds(name, "maxUnavailable: 1", "maxUnavailable: 0", "0 of 2 pods may be away");
    finds(name, "maxUnavailable: 1", "minAvailable: 2", "0 of 2 pods may be away");
    finds(name, "maxUnavailable: 1", "maxUnavailable: 2", "2 of 2 pods may be away");
}
