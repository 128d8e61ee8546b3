//! What lies over the stack for its drills, and names what is not there, or is looser than what ships.

use super::finds;

const OVER: &str = "xtask/e2e/compose.yaml";

#[test]
fn a_misspelt_field_is_found() {
    finds(
        OVER,
        "healthcheck:",
        "health_check:",
        "there is no field `services.victoria-metrics.health_check`",
    );
    finds(OVER, "services:\n", "service: {}\nservices:\n", "there is no field `service`");
}

#[test]
fn a_new_service_is_as_whole_as_what_ships() {
    for (from, to, expected) in [
        ("v1.123.0", "latest", "`services.victoria-metrics.image` is not pinned"),
        ("    user: \"65534:65534\"\n", "", "`services.victoria-metrics.user` is no number"),
        ("    read_only: true\n", "", "`services.victoria-metrics.read_only` is not set"),
        ("    mem_limit: 512m\n", "", "`services.victoria-metrics.mem_limit` is not set"),
        ("127.0.0.1::8428", "8428:8428", "`services.victoria-metrics.ports` lets in more"),
        ("    networks: [monitoring]\n", "", "`services.victoria-metrics.networks` is missing"),
        ("      retries: 12\n", "", "`services.victoria-metrics.healthcheck.retries` is not set"),
    ] {
        finds(OVER, from, to, expected);
    }
}

#[test]
fn what_is_named_is_there() {
    for (from, to, expected) in [
        ("[monitoring]", "[monitor]", "`services.victoria-metrics.networks` names `monitor`"),
        ("[metrics_token]", "[token]", "`services.victoria-metrics.secrets` names `token`"),
        ("./alertmanager:", "./alerts:", "`services.alertmanager.volumes` names `./alerts`"),
        ("haproxy.cfg:ro", "haproxy.cfg", "lets `${CAMPANILE_E2E}/haproxy.cfg` be written"),
        ("${CAMPANILE_E2E_HOST}", "${CAMPANILE_HOST}", "`${CAMPANILE_HOST}` is set by nobody"),
    ] {
        finds(OVER, from, to, expected);
    }
}

#[test]
fn what_ships_is_what_is_drilled() {
    for line in ["image: prom/prometheus:v3.0.0", "user: \"0:0\"", "cap_add: [NET_RAW]"] {
        let key = line.split(':').next().expect("it has a key");
        let to = format!("  prometheus:\n    {line}\n");
        let expected = format!("`services.prometheus.{key}` is not what ships");
        finds(OVER, "  prometheus:\n", &to, &expected);
    }
}

#[test]
fn a_stand_in_stands_in_for_something() {
    let standin = "xtask/e2e/compose.standin.yaml";
    finds(
        standin,
        "  victoria-metrics:",
        "  victoria:",
        "`services.victoria` stands in for no service",
    );
    finds(standin, "entrypoint:", "entrypoints:", "there is no field");
}

#[test]
fn an_image_is_built_on_what_is_pinned() {
    finds(
        "deploy/Dockerfile",
        "trixie-20260803-slim",
        "trixie-slim",
        "`debian:trixie-slim` is not pinned",
    );
    finds(
        "rust-toolchain.toml",
        "1.95.0",
        "1.96.0",
        "is not the toolchain of rust-toolchain.toml: 1.96.0",
    );
}
