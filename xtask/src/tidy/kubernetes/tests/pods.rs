//! Pods that may too much, are asked at the wrong place, or lack what they ask for.

use super::{DEPLOYMENT, SETTINGS, finds};

#[test]
fn what_a_pod_may_do_is_bounded() {
    for (from, to, expected) in [
        ("replicas: 2", "replicas: 1", "one pod alone is down"),
        ("runAsUser: 10001", "runAsUser: 0", "runs as 0:10001, and the image is made for"),
        ("runAsNonRoot: true", "runAsNonRoot: false", "runs as 10001:10001"),
        ("fsGroup: 10001", "fsGroup: 1", "cannot read its secrets"),
        ("RuntimeDefault", "Unconfined", "every call of the kernel is allowed"),
        ("enableServiceLinks: false", "enableServiceLinks: true", "can be taken for settings"),
        (
            "automountServiceAccountToken: false",
            "automountServiceAccountToken: true",
            "a token that it does not need",
        ),
        (
            "readOnlyRootFilesystem: true",
            "readOnlyRootFilesystem: false",
            "the root file system can be written",
        ),
        (
            "allowPrivilegeEscalation: false",
            "allowPrivilegeEscalation: true",
            "may become more than it is",
        ),
        ("drop: [ALL]", "drop: [NET_RAW]", "keeps capabilities"),
        ("drop: [ALL]", "drop: [ALL], add: [SYS_ADMIN]", "keeps capabilities"),
        ("limits: {cpu: \"2\", memory: 1Gi}", "limits: {cpu: \"2\"}", "limits no memory"),
        ("image: campanile", "image: other", "the image `other` is not pinned"),
    ] {
        finds(DEPLOYMENT, from, to, expected);
    }
    finds(
        "server/kustomization.yaml",
        "newTag: 0.1.0",
        "newTag: latest",
        "`campanile` is not pinned",
    );
}

#[test]
fn probes_ask_where_the_server_answers() {
    finds(DEPLOYMENT, "/readyz", "/ready", "readinessProbe asks for `/ready`");
    finds(DEPLOYMENT, "/livez", "/readyz", "livenessProbe asks for `/readyz`");
    finds(DEPLOYMENT, "path: /livez, port: http", "path: /livez, port: web", "asks at the port");
    finds("docs/metrics.json", "/readyz", "/ready", "readinessProbe asks for `/readyz`");
}

#[test]
fn a_pod_has_the_time_that_its_server_may_take() {
    finds(
        DEPLOYMENT,
        "PeriodSeconds: 55",
        "PeriodSeconds: 49",
        "is killed after 49 s, and may need 50 s",
    );
    finds(DEPLOYMENT, "sleep: {seconds: 5}", "sleep: {seconds: 15}", "may need 60 s");
    finds(SETTINGS, "drain_seconds = 30.0", "drain_seconds = 60", "may need 80 s to end");
    finds(SETTINGS, "drain_seconds = 30.0\n", "", "`server.drain_seconds` is not set");
}

#[test]
fn keys_of_config_maps_and_secrets_are_there() {
    finds(
        "server/secret.example.yaml",
        "redis_password",
        "redis",
        "`bus.password_file` names `/run/secrets/campanile/redis_password`, which is not mounted",
    );
    finds(
        "server/secret.example.yaml",
        "metrics_token",
        "token",
        "`campanile-secrets` has no key `metrics_token`",
    );
    finds(
        "server/secret.example.yaml",
        "name: campanile-secrets",
        "name: other",
        "nothing holds what is in the volume `secrets`",
    );
    finds(
        DEPLOYMENT,
        "configMap: {name: campanile-config}",
        "configMap: {name: config}",
        "nothing holds what is in the volume `config`",
    );
    finds(
        DEPLOYMENT,
        "value: /etc/campanile/campanile.toml",
        "value: /etc/campanile.toml",
        "`CAMPANILE_CONFIG` names `/etc/campanile.toml`, which is not mounted",
    );
    finds(
        DEPLOYMENT,
        "{name: data, mountPath",
        "{name: date, mountPath",
        "there is no volume `date`",
    );
    let item = "{name: campanile-config, items: [{key: a.toml, path: campanile.toml}]}";
    finds(DEPLOYMENT, "{name: campanile-config}", item, "`campanile-config` has no key `a.toml`");
    let variable = "{name: A, valueFrom: {secretKeyRef: {name: campanile-secrets, key: nothing}}}";
    finds(
        DEPLOYMENT,
        "env:\n",
        &format!("env:\n            - {variable}\n"),
        "`campanile-secrets` has no key `nothing`",
    );
    finds(
        DEPLOYMENT,
        "env:\n",
        "envFrom: [{configMapRef: {name: none}}]\n          env:\n",
        "there is no `none`",
    );
}

#[test]
fn settings_are_those_of_the_server() {
    finds(
        SETTINGS,
        "drain_seconds",
        "drain",
        "campanile.toml:9: there is no setting `server.drain`",
    );
    finds(
        SETTINGS,
        "format = \"json\"",
        "format_file = \"/x\"",
        "there is no setting `log.format_file`",
    );
    finds(SETTINGS, "nodes = 2", "nodes = 3", "has 2 replicas, and `cluster.nodes` is Some(3.0)");
    finds(SETTINGS, "[log]", "[log", "is no TOML");
}
