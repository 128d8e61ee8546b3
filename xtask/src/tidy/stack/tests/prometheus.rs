//! A Prometheus that scrapes, reads or tells what is not there.

use super::finds;

const PROMETHEUS: &str = "deploy/prometheus/prometheus.yml";

#[test]
fn a_misspelt_field_is_found() {
    finds(
        PROMETHEUS,
        "evaluation_interval",
        "evaluate",
        "prometheus.yml:6: there is no field `global.evaluate`",
    );
    finds(
        PROMETHEUS,
        "credentials_file",
        "credentials",
        "there is no field `scrape_configs.0.authorization.credentials`",
    );
}

#[test]
fn prometheus_scrapes_what_it_reaches() {
    finds(
        PROMETHEUS,
        "loki:3100",
        "lokki:3100",
        "`scrape_configs.loki.targets`: there is no service `lokki`",
    );
    finds(
        PROMETHEUS,
        "loki:3100",
        "redis:6379",
        "`prometheus` and `redis` are in no network together",
    );
    finds(PROMETHEUS, "loki:3100", "loki", "`scrape_configs.loki.targets`: `loki` has no port");
    finds(PROMETHEUS, "job_name: alloy", "job_name: loki", "there are two jobs `loki`");
    finds(
        PROMETHEUS,
        "alertmanager:9093",
        "alerts:9093",
        "`alerting.alertmanagers.targets`: there is no service `alerts`",
    );
    finds(
        PROMETHEUS,
        "/etc/campanile/alerts/",
        "/etc/campanile/rules/",
        "`rule_files`: nothing is at `/etc/campanile/rules/*.yaml`",
    );
    finds(PROMETHEUS, "*.yaml", "*.yml", "`rule_files`: nothing is at");
}

#[test]
fn prometheus_keeps_exemplars_and_what_is_promised() {
    let compose = "deploy/compose.yaml";
    finds(
        compose,
        "      - --enable-feature=exemplar-storage\n",
        "",
        "`services.prometheus.command` has no `--enable-feature=exemplar-storage`",
    );
    finds(
        compose,
        "retention.time=30d",
        "retention.time=3d",
        "`services.prometheus.command` has no `--storage.tsdb.retention.time=30d`",
    );
}
