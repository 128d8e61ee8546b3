//! Services that may too much, or name what is not there.

use super::super::super::tests::says;
use super::{OURS, findings, finds, misses};

const COMPOSE: &str = "deploy/compose.yaml";

/// Asserts that it is found, as `expected`, when a service says something more.
#[track_caller]
fn finds_in(service: &str, line: &str, expected: &str) {
    let from = format!("  {service}:\n    <<: *defaults\n");
    finds(COMPOSE, &from, &format!("{from}    {line}\n"), expected);
}

#[test]
fn a_misspelt_field_is_found() {
    finds_in("redis", "mem_limits: 1g", "there is no field `services.redis.mem_limits`");
    finds(
        COMPOSE,
        "retries: 3",
        "retry: 3",
        "there is no field `services.campanile-1.healthcheck.retry`",
    );
    finds(
        COMPOSE,
        "internal: true",
        "external: true",
        "there is no field `networks.back.external`",
    );
    finds(
        COMPOSE,
        "grafana: {}",
        "grafana: {size: 1g}",
        "there is no field `volumes.grafana.size`",
    );
    finds(COMPOSE, "networks:\n  front", "network:\n  front", "there is no field `network`");
}

#[test]
fn an_image_is_pinned_and_can_be_replaced() {
    finds(
        COMPOSE,
        "prom/prometheus:v2.53.5",
        "prom/prometheus:latest",
        "`services.prometheus.image` is not pinned: `prom/prometheus:latest`",
    );
    finds(COMPOSE, "grafana/loki:3.5.5", "grafana/loki", "`services.loki.image` is not pinned");
    finds(
        COMPOSE,
        "${CAMPANILE_IMAGE_LOKI",
        "${CAMPANILE_LOKI",
        "`services.loki.image` cannot be replaced by CAMPANILE_IMAGE_LOKI",
    );
    finds(
        COMPOSE,
        "${CAMPANILE_IMAGE_REDIS:-redis:8.0.3-alpine}",
        "redis:8.0.3-alpine",
        "`services.redis.image` cannot be replaced",
    );
}

#[test]
fn what_a_service_may_do_is_bounded() {
    for (from, to, expected) in [
        ("472:472", "0:472", "`services.grafana.user` is root, and no reason is known"),
        ("472:472", "grafana", "`services.grafana.user` is no number with a group"),
        ("    user: \"472:472\"\n", "", "`services.grafana.user` is no number with a group: ``"),
        (
            "cap_add: [DAC_READ_SEARCH]",
            "cap_add: [SYS_ADMIN]",
            "`services.alloy.cap_add` gives SYS_ADMIN",
        ),
        ("    mem_limit: 384m\n", "", "`services.redis.mem_limit` is not set"),
        ("    cpus: 2\n    stop", "    stop", "`services.postgres.cpus` is not set"),
        ("  pids_limit: 256\n", "", "`services.haproxy.pids_limit` is not set"),
    ] {
        finds(COMPOSE, from, to, expected);
    }
    finds_in("loki", "read_only: false", "`services.loki.read_only` is not set");
    finds_in("loki", "cap_drop: []", "`services.loki.cap_drop` leaves capabilities");
    finds_in("loki", "cap_add: [NET_RAW]", "`services.loki.cap_add` gives NET_RAW");
    finds_in("loki", "security_opt: []", "`services.loki.security_opt` has not");
    finds_in("loki", "restart: 'no'", "`services.loki.restart` is `no`");
}

#[test]
fn every_service_is_asked_after() {
    let check = "    healthcheck:\n      <<: *probe\n      test: [CMD, pg_isready, --quiet, --host, 127.0.0.1, --username, campanile]\n";
    finds(COMPOSE, check, "", "`services.postgres.healthcheck` is missing");
    finds(
        COMPOSE,
        "[CMD, pg_isready,",
        "[NONE, pg_isready,",
        "`services.postgres.healthcheck.test` runs nothing",
    );
    for key in ["interval", "timeout", "retries", "start_period"] {
        let expected = format!("`services.campanile-1.healthcheck.{key}` is not set");
        finds(COMPOSE, &format!("    {key}: "), &format!("    x_{key}: "), &expected);
    }
}

#[test]
fn logs_are_rotated_and_carry_their_service() {
    finds(COMPOSE, "json-file", "journald", "`services.redis.logging.driver` is `journald`");
    finds(COMPOSE, "max-size: 10m, ", "", "`services.redis.logging.options` has no `max-size`");
    finds(COMPOSE, "max-file: \"5\", ", "", "`services.redis.logging.options` has no `max-file`");
    finds(
        COMPOSE,
        "{{.Name}}",
        "{{.ID}}",
        "`services.redis.logging.options` has not `tag: {{.Name}}`",
    );
}

#[test]
fn nothing_is_open_to_others() {
    let expected = "`services.grafana.ports` lets in more than this machine";
    let port = "\"${CAMPANILE_BIND:-127.0.0.1}:${CAMPANILE_GRAFANA_PORT-3000}:3000\"";
    for open in
        ["\"3000:3000\"", "\"0.0.0.0:3000:3000\"", "\"${CAMPANILE_BIND:-192.168.1.1}:3000:3000\""]
    {
        finds(COMPOSE, port, open, expected);
    }
}

#[test]
fn what_is_mounted_is_there_and_is_left_alone() {
    misses(
        "deploy/haproxy.cfg",
        "`services.haproxy.volumes` names `./haproxy.cfg`, which is not there",
    );
    finds(
        COMPOSE,
        "haproxy.cfg:ro",
        "haproxy.cfg",
        "lets `./haproxy.cfg` be written: it has no `:ro`",
    );
    finds(
        COMPOSE,
        "- loki:/loki",
        "- loki-data:/loki",
        "`services.loki.volumes` names `loki-data`, which is not declared",
    );
    finds(COMPOSE, "- loki:/loki", "- alloy:/loki", "`volumes.loki` is used by no service");
    finds(
        COMPOSE,
        "  loki: {}\n",
        "  loki: {driver: local, driver_opts: {type: tmpfs}}\n",
        "`volumes.loki` is not left to the engine",
    );
    finds(
        COMPOSE,
        "-config.file=/etc/loki/loki.yaml",
        "-config.file=/etc/loki/local.yaml",
        "`services.loki.command` names `/etc/loki/local.yaml`, and `deploy/loki/local.yaml` is not there",
    );
    finds(
        COMPOSE,
        "-config.file=/etc/loki/loki.yaml",
        "-config.file=/etc/loki.yaml",
        "`services.loki.command` names `/etc/loki.yaml`, where nothing is mounted",
    );
    misses("dashboards/overview.json", "`dashboards/overview.json` is not there");
    finds(
        COMPOSE,
        "deploy/Dockerfile",
        "deploy/Containerfile",
        "`services.campanile-1.build` names `deploy/Containerfile`",
    );
}

#[test]
fn networks_and_neighbours_are_declared() {
    finds(
        COMPOSE,
        "networks: [back, monitoring]",
        "networks: [backs, monitoring]",
        "`services.postgres-exporter.networks` names `backs`, which is not declared",
    );
    finds(
        COMPOSE,
        "    networks: [back]\n    secrets: [redis",
        "    secrets: [redis",
        "`services.redis.networks` is missing",
    );
    finds(
        COMPOSE,
        "  monitoring: {}",
        "  monitoring: {}\n  other: {}",
        "`networks.other` is used by no service",
    );
    finds(
        COMPOSE,
        "depends_on: {redis: {condition: service_healthy}}",
        "depends_on: {valkey: {condition: service_healthy}}",
        "`services.redis-exporter.depends_on` names `valkey`, which is no service",
    );
    finds(
        COMPOSE,
        "depends_on: {redis: {condition: service_healthy}}",
        "depends_on: {redis: {condition: service_started}}",
        "`services.redis-exporter.depends_on` waits until `redis` is `service_started`",
    );
}

#[test]
fn secrets_are_made_declared_and_read() {
    finds(
        COMPOSE,
        "    secrets: [grafana_admin_password]\n",
        "",
        "`services.grafana.secrets` has not `grafana_admin_password`, which it reads",
    );
    finds(
        COMPOSE,
        "alertmanager_webhook_url, alertmanager_watchdog_url]",
        "alertmanager_webhook_url]",
        "`services.alertmanager.secrets` has not `alertmanager_watchdog_url`, which it reads",
    );
    finds(
        COMPOSE,
        "secrets: [monitor_password]\n    depends",
        "secrets: [monitor_password, redis_password]\n    depends",
        "`services.postgres-exporter.secrets` has `redis_password`, which it never reads",
    );
    finds(
        COMPOSE,
        "  metrics_token: {file: ./secrets/metrics_token}\n",
        "",
        "`services.prometheus.secrets` names `metrics_token`, which is not declared",
    );
    finds(
        COMPOSE,
        "./secrets/metrics_token",
        "./metrics_token",
        "`secrets.metrics_token.file` is `./metrics_token`: it is made elsewhere",
    );
    finds(
        COMPOSE,
        "secrets:\n  postgres_password",
        "secrets:\n  a: {file: ./secrets/a}\n  postgres_password",
        "`secrets.a` is made by nobody",
    );
}

#[test]
fn a_finding_stands_at_its_service() {
    let mut files = OURS.clone();
    let text = files.get_mut(COMPOSE).expect("it is there");
    *text = text.replace("    mem_limit: 384m\n", "");
    let lines = text.lines().position(|line| line == "  redis:").expect("it is there");
    says(&findings(&files), &format!("{COMPOSE}:{}: `services.redis.mem_limit`", lines + 1));
}

#[test]
fn a_stand_in_stands_in_for_something() {
    let standin = "deploy/compose.standin.yaml";
    finds(
        standin,
        "  redis: *standin",
        "  valkey: *standin",
        "`services.valkey` stands in for no service",
    );
    finds(
        standin,
        "\"./standin:",
        "\"./stand-in:",
        "`services.postgres.volumes`: `./stand-in` is not there",
    );
    finds(
        standin,
        "    entrypoint: [prometheus]\n",
        "    entrypoints: [prometheus]\n",
        "there is no field `services.prometheus.entrypoints`",
    );
}
