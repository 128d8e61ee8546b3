//! Lines that do not come to Loki, or never go.

use super::{finds, misses};

const LOKI: &str = "deploy/loki/loki.yaml";
const ALLOY: &str = "deploy/alloy/config.alloy";

#[test]
fn a_misspelt_field_is_found() {
    finds(
        LOKI,
        "retention_enabled",
        "retention",
        "loki.yaml:46: there is no field `compactor.retention`",
    );
    finds(
        LOKI,
        "schema: v13",
        "schemas: v13",
        "there is no field `schema_config.configs.0.schemas`",
    );
    finds(LOKI, "rule_path", "rules_path", "there is no field `ruler.rules_path`");
}

#[test]
fn lines_are_kept_in_the_form_of_today() {
    for (from, to, expected) in [
        ("schema: v13", "schema: v11", "`schema_config.configs.schema` is `v11`, not `v13`"),
        (
            "store: tsdb",
            "store: boltdb-shipper",
            "`schema_config.configs.store` is `boltdb-shipper`, not `tsdb`",
        ),
        (
            "period: 24h",
            "period: 168h",
            "`schema_config.configs.index.period` is `168h`, not `24h`",
        ),
        (
            "replication_factor: 1",
            "replication_factor: 3",
            "`common.replication_factor`: there is one Loki",
        ),
    ] {
        finds(LOKI, from, to, expected);
    }
}

#[test]
fn streams_have_the_labels_of_their_lines() {
    finds(
        LOKI,
        "  discover_service_name: []\n",
        "",
        "`limits_config.discover_service_name` is not empty: streams get a label more",
    );
}

#[test]
fn what_is_old_is_deleted() {
    for (from, to, expected) in [
        (
            "  retention_enabled: true\n",
            "",
            "`compactor.retention_enabled` is not true: nothing is ever deleted",
        ),
        (
            "retention_enabled: true",
            "retention_enabled: false",
            "`compactor.retention_enabled` is not true",
        ),
        ("  delete_request_store: filesystem\n", "", "`compactor.delete_request_store` is None"),
        (
            "delete_request_store: filesystem",
            "delete_request_store: s3",
            "`compactor.delete_request_store` is Some(\"s3\")",
        ),
        (
            "  retention_period: 336h\n",
            "",
            "`limits_config.retention_period` is None: lines are kept for ever",
        ),
        (
            "retention_period: 336h",
            "retention_period: 0s",
            "`limits_config.retention_period` is Some(\"0s\")",
        ),
        (
            "retention_period: 336h",
            "retention_period: 1h",
            "`limits_config.retention_period` is Some(\"1h\")",
        ),
    ] {
        finds(LOKI, from, to, expected);
    }
}

#[test]
fn loki_writes_where_it_can_and_has_our_rules() {
    for (from, to, expected) in [
        (
            "working_directory: /loki/compactor",
            "working_directory: /var/compactor",
            "`compactor.working_directory`: `/var/compactor` is in no volume",
        ),
        (
            "path_prefix: /loki",
            "path_prefix: /etc/loki",
            "`common.path_prefix`: `/etc/loki` is in no volume",
        ),
        (
            "rule_path: /tmp/rules",
            "rule_path: /rules",
            "`ruler.rule_path`: `/rules` is in no volume",
        ),
        (
            "directory: /etc/campanile/loki-rules",
            "directory: /etc/loki/rules",
            "`ruler.storage.local.directory`: there is no rule at `/etc/loki/rules/fake`",
        ),
        (
            "http://alertmanager:9093",
            "http://alerts:9093",
            "`ruler.alertmanager_url`: there is no service `alerts`",
        ),
        ("  enable_api: true\n", "", "`ruler.enable_api` is not true"),
        ("  enable_alertmanager_v2: true\n", "", "`ruler.enable_alertmanager_v2` is not true"),
        (
            "auth_enabled: false",
            "auth_enabled: true",
            "`auth_enabled`: nobody here says who they are",
        ),
        (
            "use_thanos_objstore: false",
            "use_thanos_objstore: true",
            "`storage_config.use_thanos_objstore` is not false: Loki 4 ignores `ruler.storage`",
        ),
        (
            "filesystem: {directory: /loki/chunks}",
            "filesystem: {directory: /chunks}",
            "`storage_config.filesystem.directory`: `/chunks` is in no volume",
        ),
        ("type: local", "type: s3", "`ruler.storage.type` is `s3`, not `local`"),
    ] {
        finds(LOKI, from, to, expected);
    }
    misses(
        "alerts/loki/chat.yaml",
        "`ruler.storage.local.directory`: there is no rule at `/etc/campanile/loki-rules/fake`",
    );
}

#[test]
fn lines_find_their_way_to_loki() {
    for (from, to, expected) in [
        (
            "[loki.process.containers.receiver]",
            "[loki.process.container.receiver]",
            "config.alloy:12: there is no component `loki.process.container`",
        ),
        (
            "[loki.process.containers.receiver]",
            "[loki.write.loki.receiver]",
            "nothing comes to `loki.process.containers`",
        ),
        ("http://loki:3100/", "http://logs:3100/", "`url`: there is no service `logs`"),
        (
            "http://loki:3100/",
            "http://loki:3101/",
            "`url`: Loki takes lines at Some(\"http://loki:3100/loki/api/v1/push\")",
        ),
        (
            "\"/var/lib/docker/containers",
            "\"/var/log/containers",
            "`__path__`: `/var/log/containers/*/*-json.log` is not mounted",
        ),
        (
            "^campanile[^-]*-",
            "^campanile-",
            "`expression`: the service of `campanile_e2e-alertmanager-1` is None",
        ),
        (
            "(?P<service>.+)",
            "(?P<name>.+)",
            "`expression`: the service of `campanile-alertmanager-1` is None",
        ),
        (
            "(?P<service>.+)",
            "(?P<service>.+",
            "`expression`: `^campanile[^-]*-(?P<service>.+-[0-9]+$` is no pattern",
        ),
        (
            "job = \"stack\"",
            "job = \"others\"",
            "dashboards/source/logs.toml:1: asks for the job `stack`",
        ),
        (
            "job = \"chat-server\"",
            "job = \"chat\"",
            "alerts/loki/chat.yaml:1: asks for the job `chat-server`",
        ),
        ("  endpoint {\n", "  endpoint {{\n", "opens what it does not close"),
    ] {
        finds(ALLOY, from, to, expected);
    }
}
