//! Data sources that are not there, and boards that are not found.

use super::finds;

const DATASOURCES: &str = "deploy/grafana/provisioning/datasources/campanile.yaml";
const PROVIDERS: &str = "deploy/grafana/provisioning/dashboards/campanile.yaml";

#[test]
fn a_misspelt_field_is_found() {
    finds(
        DATASOURCES,
        "httpMethod",
        "method",
        "campanile.yaml:11: there is no field `datasources.0.jsonData.method`",
    );
    finds(DATASOURCES, "isDefault", "default", "there is no field `datasources.0.default`");
    finds(
        PROVIDERS,
        "allowUiUpdates",
        "allowUIUpdates",
        "there is no field `providers.0.allowUIUpdates`",
    );
}

#[test]
fn data_sources_are_reached_and_boards_have_theirs() {
    for (from, to, expected) in [
        (
            "url: http://loki:3100",
            "url: http://logs:3100",
            "`datasources.Loki.url`: there is no service `logs`",
        ),
        (
            "url: http://loki:3100",
            "url: http://redis:6379",
            "`grafana` and `redis` are in no network together",
        ),
        ("access: proxy", "access: direct", "`datasources.Prometheus.access` is `direct`"),
        ("isDefault: true", "isDefault: false", "`datasources`: 0 have `isDefault`, not one"),
        ("uid: loki", "uid: prometheus", "`datasources.Loki`: there are two of its name or uid"),
        ("apiVersion: 1", "apiVersion: 2", "`apiVersion` is 2, not 1"),
        (
            "type: loki",
            "type: elasticsearch",
            "dashboards/logs.json:1: `datasource.uid`: Grafana is given no loki `${loki_datasource}`",
        ),
        (
            "type: prometheus",
            "type: graphite",
            "dashboards/overview.json:1: `datasource.uid`: Grafana is given no prometheus `${datasource}`",
        ),
    ] {
        finds(DATASOURCES, from, to, expected);
    }
    finds(
        "dashboards/overview.json",
        "\"uid\": \"${datasource}\"",
        "\"uid\": \"metrics\"",
        "dashboards/overview.json:1: `datasource.uid`: Grafana is given no prometheus `metrics`",
    );
    finds(
        "dashboards/logs.json",
        "\"query\": \"loki\"",
        "\"query\": \"tempo\"",
        "Grafana is given no loki `${loki_datasource}`",
    );
}

#[test]
fn exemplars_lead_to_the_lines_of_their_trace() {
    let key = "`datasources.Prometheus.jsonData.exemplarTraceIdDestinations`";
    for (from, to, expected) in [
        ("name: trace_id", "name: traceID", "the exemplars' `trace_id` leads nowhere"),
        ("url: /explore?", "url: /d/logs?", "`/d/logs` is not Explore"),
        ("%22datasource%22%3A%22loki%22", "%22datasource%22%3A%22prometheus%22", "asks no Loki"),
        ("trace_id%3D%5C%22", "trace%3D%5C%22", "asks no Loki"),
        ("$${__value.raw}", "$${__value.time}", "asks no Loki"),
        ("&panes=", "&panels=", "it names no panes"),
    ] {
        finds(DATASOURCES, from, to, &format!("{key}: {expected}"));
    }
    finds(DATASOURCES, "name: trace_id", "nme: trace_id", "campanile.yaml:");
}

#[test]
fn boards_are_where_grafana_looks() {
    for (from, to, expected) in [
        (
            "path: /etc/campanile/dashboards",
            "path: /etc/campanile/boards",
            "`providers.campanile.options.path`: there is no board at `/etc/campanile/boards`",
        ),
        ("type: file", "type: database", "`providers.campanile.type` is `database`, not `file`"),
        (
            "disableDeletion: true",
            "disableDeletion: false",
            "`providers.campanile`: boards could be changed in Grafana",
        ),
        ("apiVersion: 1", "apiVersion: 3", "`apiVersion` is 3, not 1"),
    ] {
        finds(PROVIDERS, from, to, expected);
    }
    finds(
        "deploy/compose.yaml",
        ":/etc/grafana/provisioning:ro",
        ":/etc/provisioning:ro",
        "`services.grafana.volumes` does not bring",
    );
}
