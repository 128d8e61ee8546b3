//! Loki keeps lines in the form of today, deletes them in time, writes where it can, and has our rules.

use std::collections::BTreeMap;
use std::time::Duration;

use promql_parser::util::parse_duration;
use serde::Deserialize;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::super::typed;
use super::compose::{Compose, Inside};

const FILE: &str = "deploy/loki/loki.yaml";

const SERVICE: &str = "loki";

/// Who everybody is to a Loki that asks for no names.
const NOBODY: &str = "fake";

/// What Loki writes today, and what its retention needs.
const SCHEMA: &str = "v13";
const STORE: &str = "tsdb";
const INDEX_PERIOD: &str = "24h";

/// Loki takes no shorter one.
const RETENTION_MIN: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Deserialize)]
pub(super) struct Config {
    auth_enabled: bool,
    pub(super) server: Server,
    common: Common,
    storage_config: StorageConfig,
    schema_config: SchemaConfig,
    limits_config: Limits,
    compactor: Compactor,
    ruler: Ruler,
    #[serde(rename = "analytics")]
    _analytics: Option<Analytics>,
}

#[derive(Deserialize)]
pub(super) struct Server {
    pub(super) http_listen_port: u16,
    #[serde(rename = "log_level")]
    _log_level: Option<String>,
}

#[derive(Deserialize)]
struct Common {
    path_prefix: String,
    #[serde(rename = "instance_addr")]
    _instance_addr: Option<String>,
    replication_factor: u32,
    #[serde(rename = "ring")]
    _ring: Ring,
}

#[derive(Deserialize)]
struct Ring {
    #[serde(rename = "kvstore")]
    _kvstore: KeyValueStore,
}

#[derive(Deserialize)]
struct KeyValueStore {
    #[serde(rename = "store")]
    _store: String,
}

#[derive(Deserialize)]
struct StorageConfig {
    /// Loki 3 says no unless it is told, Loki 4 yes.
    use_thanos_objstore: Option<bool>,
    filesystem: Filesystem,
}

#[derive(Deserialize)]
struct Filesystem {
    directory: String,
}

#[derive(Deserialize)]
struct SchemaConfig {
    configs: Vec<Schema>,
}

#[derive(Deserialize)]
struct Schema {
    from: String,
    store: String,
    object_store: String,
    schema: String,
    index: Index,
}

#[derive(Deserialize)]
struct Index {
    #[serde(rename = "prefix")]
    _prefix: String,
    period: String,
}

#[derive(Deserialize)]
struct Limits {
    retention_period: Option<String>,
    #[serde(rename = "allow_structured_metadata")]
    _allow_structured_metadata: Option<bool>,
    discover_service_name: Option<Vec<String>>,
    #[serde(rename = "reject_old_samples")]
    _reject_old_samples: Option<bool>,
    #[serde(rename = "reject_old_samples_max_age")]
    _reject_old_samples_max_age: Option<String>,
    #[serde(rename = "ingestion_rate_mb")]
    _ingestion_rate_mb: Option<f64>,
    #[serde(rename = "ingestion_burst_size_mb")]
    _ingestion_burst_size_mb: Option<f64>,
    #[serde(rename = "per_stream_rate_limit")]
    _per_stream_rate_limit: Option<String>,
    #[serde(rename = "per_stream_rate_limit_burst")]
    _per_stream_rate_limit_burst: Option<String>,
}

#[derive(Deserialize)]
struct Compactor {
    working_directory: String,
    #[serde(default)]
    retention_enabled: bool,
    delete_request_store: Option<String>,
    #[serde(rename = "compaction_interval")]
    _compaction_interval: Option<String>,
}

#[derive(Deserialize)]
struct Ruler {
    storage: RulerStorage,
    rule_path: String,
    alertmanager_url: String,
    enable_alertmanager_v2: Option<bool>,
    #[serde(rename = "ring")]
    _ring: Option<Ring>,
    #[serde(default)]
    enable_api: bool,
}

#[derive(Deserialize)]
struct RulerStorage {
    #[serde(rename = "type")]
    kind: String,
    local: LocalRules,
}

#[derive(Deserialize)]
struct LocalRules {
    directory: String,
}

#[derive(Deserialize)]
struct Analytics {
    #[serde(rename = "reporting_enabled")]
    _reporting_enabled: bool,
}

pub(super) fn check(tree: &Tree, compose: &Compose) -> Vec<Finding> {
    let (config, mut findings) = typed::read::<Config>(tree, FILE);
    let Some(config) = config else { return findings };
    let mut wrong = config.schema();
    wrong.extend(config.retention());
    wrong.extend(config.labels());
    wrong.extend(config.places(compose));
    wrong.extend(config.ruler(tree, compose));
    findings.extend(wrong.into_iter().map(|what| Finding::about(FILE, what)));
    findings
}

/// At which port Loki listens.
pub(super) fn port(tree: &Tree) -> Option<u16> {
    let (config, _) = typed::read::<Config>(tree, FILE);
    config.map(|config| config.server.http_listen_port)
}

impl Config {
    fn schema(&self) -> Vec<String> {
        let key = "schema_config.configs";
        // The one that is written now.
        let Some(newest) = self.schema_config.configs.iter().max_by_key(|config| &config.from)
        else {
            return vec![format!("`{key}` is empty")];
        };
        let mut wrong = Vec::new();
        let is = BTreeMap::from([
            ("schema", (newest.schema.as_str(), SCHEMA)),
            ("store", (newest.store.as_str(), STORE)),
            ("index.period", (newest.index.period.as_str(), INDEX_PERIOD)),
        ]);
        for (name, (value, expected)) in is {
            if value != expected {
                wrong.push(format!("`{key}.{name}` is `{value}`, not `{expected}`"));
            }
        }
        if self.common.replication_factor != 1 {
            wrong.push("`common.replication_factor`: there is one Loki".to_owned());
        }
        wrong
    }

    /// Whether lines are deleted, and not only hidden.
    fn retention(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let period = self.limits_config.retention_period.as_deref();
        let is_enough =
            |period: &str| parse_duration(period).is_ok_and(|time| time >= RETENTION_MIN);
        if !period.is_some_and(is_enough) {
            wrong.push(format!(
                "`limits_config.retention_period` is {period:?}: lines are kept for ever"
            ));
        }
        if !self.compactor.retention_enabled {
            wrong.push(
                "`compactor.retention_enabled` is not true: nothing is ever deleted".to_owned(),
            );
        }
        let stores: Vec<&str> =
            self.schema_config.configs.iter().map(|config| config.object_store.as_str()).collect();
        let requests = self.compactor.delete_request_store.as_deref();
        if !requests.is_some_and(|store| stores.contains(&store)) {
            wrong.push(format!(
                "`compactor.delete_request_store` is {requests:?}, and lines are in {stores:?}"
            ));
        }
        wrong
    }

    /// Whether streams have the labels of the log contract, and no more.
    fn labels(&self) -> Option<String> {
        let is_empty = self.limits_config.discover_service_name.as_ref().is_some_and(Vec::is_empty);
        (!is_empty).then(|| {
            "`limits_config.discover_service_name` is not empty: streams get a label more"
                .to_owned()
        })
    }

    /// What Loki writes lies where it can.
    fn places(&self, compose: &Compose) -> Vec<String> {
        let places = [
            ("common.path_prefix", &self.common.path_prefix),
            ("storage_config.filesystem.directory", &self.storage_config.filesystem.directory),
            ("compactor.working_directory", &self.compactor.working_directory),
            ("ruler.rule_path", &self.ruler.rule_path),
        ];
        let closed = places
            .into_iter()
            .filter(|(_, path)| compose.inside(SERVICE, path) != Inside::Writable);
        closed
            .map(|(key, path)| format!("`{key}`: `{path}` is in no volume, and cannot be written"))
            .collect()
    }

    fn ruler(&self, tree: &Tree, compose: &Compose) -> Vec<String> {
        let mut wrong = Vec::new();
        let Ruler { storage, alertmanager_url, enable_alertmanager_v2, enable_api, .. } =
            &self.ruler;
        if self.auth_enabled {
            wrong.push("`auth_enabled`: nobody here says who they are".to_owned());
        }
        if self.storage_config.use_thanos_objstore != Some(false) {
            wrong.push(
                "`storage_config.use_thanos_objstore` is not false: Loki 4 ignores `ruler.storage`"
                    .to_owned(),
            );
        }
        if storage.kind != "local" {
            wrong.push(format!("`ruler.storage.type` is `{}`, not `local`", storage.kind));
        }
        let folder = format!("{}/{NOBODY}", storage.local.directory);
        let has_rules = match compose.inside(SERVICE, &folder) {
            Inside::Ours(folder) => tree.below(&folder, "yaml").next().is_some(),
            _ => false,
        };
        if !has_rules {
            wrong.push(format!("`ruler.storage.local.directory`: there is no rule at `{folder}`"));
        }
        let lost = compose.unreachable(SERVICE, alertmanager_url);
        wrong.extend(lost.map(|why| format!("`ruler.alertmanager_url`: {why}")));
        if *enable_alertmanager_v2 != Some(true) {
            wrong.push(
                "`ruler.enable_alertmanager_v2` is not true: Alertmanager has no other interface"
                    .to_owned(),
            );
        }
        if !enable_api {
            wrong.push("`ruler.enable_api` is not true: nobody can see what is loaded".to_owned());
        }
        wrong
    }
}
