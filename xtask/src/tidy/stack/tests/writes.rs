//! Services that could not write what they have to.

use super::finds;

const COMPOSE: &str = "deploy/compose.yaml";

#[test]
fn what_a_service_writes_is_in_a_volume() {
    for (from, to, service, path) in [
        ("- grafana:/var/lib/grafana\n", "- grafana:/grafana\n", "grafana", "/var/lib/grafana"),
        ("- alloy:/alloy\n", "- alloy:/var/alloy\n", "alloy", "/alloy"),
        ("--storage.path=/alloy,", "--storage.path=/data,", "alloy", "/data"),
        ("- prometheus:/prometheus\n", "- prometheus:/data\n", "prometheus", "/prometheus"),
        ("--storage.tsdb.path=/prometheus", "--storage.tsdb.path=/x", "prometheus", "/x"),
        ("alertmanager:/alertmanager\"]", "alertmanager:/x\"]", "alertmanager", "/alertmanager"),
        ("\"redis:/data\"", "\"redis:/redis\"", "redis", "/data"),
        (
            "- postgres:/var/lib/postgresql/data",
            "- postgres:/postgres",
            "postgres",
            "/var/lib/postgresql/data/campanile",
        ),
        (", \"/run/postgresql:uid=999,gid=999\"", "", "postgres", "/run/postgresql"),
        (
            "campanile-2:/var/lib/campanile\"",
            "campanile-2:/x\"",
            "campanile-2",
            "/var/lib/campanile",
        ),
    ] {
        let expected = format!("`services.{service}.volumes` has nothing at `{path}`");
        finds(COMPOSE, from, to, &expected);
    }
    finds(
        "deploy/loki/loki.yaml",
        "path_prefix: /loki",
        "path_prefix: /var/lib/loki",
        "`common.path_prefix`: `/var/lib/loki` is in no volume",
    );
}

#[test]
fn it_is_known_where_every_service_writes() {
    finds(
        COMPOSE,
        "      - --storage.path=/alertmanager\n",
        "",
        "`services.alertmanager.command` does not say where it writes: `--storage.path=`",
    );
    finds(
        COMPOSE,
        "      PGDATA: /var/lib/postgresql/data/campanile\n",
        "",
        "`services.postgres.command` does not say where it writes: `PGDATA`",
    );
    finds(
        COMPOSE,
        "  cadvisor:\n",
        "  advisor:\n",
        "`services.advisor.volumes` may be too few: it is not known where it writes",
    );
}

#[test]
fn a_new_volume_belongs_to_its_service() {
    for (from, to, expected) in [
        (
            "- grafana:/var/lib/grafana\n",
            "- grafana:/var/lib/grafana/data\n",
            "mounts `grafana` at `/var/lib/grafana/data`, where it is user 0's when it is new: user 472",
        ),
        (
            "- alloy:/alloy\n",
            "- alloy:/var/lib/alloy/data\n",
            "mounts `alloy` at `/var/lib/alloy/data`, where it is user 473's when it is new: user 0",
        ),
        (
            "user: \"472:472\"",
            "user: \"10001:472\"",
            "`/var/lib/grafana`, where it is user 472's when it is new: user 10001 cannot write",
        ),
    ] {
        finds(COMPOSE, from, to, expected);
    }
}
