//! Settings from every source, and every way to get them wrong.

use super::*;
use crate::config::Registration;

struct Given {
    directory: tempfile::TempDir,
    flags: Flags,
    environment: Vec<(String, String)>,
}

fn given() -> Given {
    Given {
        directory: tempfile::tempdir().expect("a temporary directory"),
        flags: Flags::default(),
        environment: Vec::new(),
    }
}

impl Given {
    fn file(self, text: &str) -> Self {
        fs::write(self.directory.path().join(FILE), text).expect("written");
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn flag(mut self, key: &'static str, value: &str) -> Self {
        self.flags.settings.push((key, value.to_owned()));
        self
    }

    fn load(self) -> Result<Config, ConfigError> {
        Sources::given(self.flags, self.environment, self.directory.path()).load()
    }

    fn refused(self) -> String {
        let error = self.load().expect_err("a mistake is refused").to_string();
        assert_eq!(error.lines().count(), 1, "one line: {error}");
        error
    }
}

#[test]
fn nothing_given_is_the_defaults() {
    let config = given().load().expect("defaults are fine");
    assert_eq!(config.server.listen, "127.0.0.1:8080");
    assert_eq!(config.metrics.port, 9601);
    assert_eq!(config.limits.to_core(), campanile_core::limits::Limits::default());
}

#[test]
fn later_sources_go_before_earlier_ones() {
    let text =
        "[server]\nlisten = \"127.0.0.1:1\"\nworkers = 1\n[limits.messages_per_user]\nburst = 7";
    let config = given()
        .file(text)
        .variable("CAMPANILE_SERVER__WORKERS", "2")
        .variable("CAMPANILE_SERVER__DATA_DIR", "/var/two")
        .flag("server.data_dir", "/var/three")
        .load()
        .expect("fine");
    assert_eq!(config.server.listen, "127.0.0.1:1");
    assert_eq!(config.server.workers, 2);
    assert_eq!(config.server.data_dir, PathBuf::from("/var/three"));
    assert_eq!(config.limits.messages_per_user.burst, 7);
    assert_eq!(config.limits.messages_per_user.per_second, 10.0, "the rest stays as it was");
}

#[test]
fn the_names_of_the_guides_mean_the_same() {
    let config = given()
        .variable("METRICS_ENABLED", "false")
        .variable("METRICS_DRIVER", "prometheus")
        .variable("METRICS_HOST", "0.0.0.0")
        .variable("METRICS_PORT", "9999")
        .variable("PROMETHEUS_METRICS_PREFIX", "talk_")
        .variable("CAMPANILE_METRICS_ALLOW_IPS", "10.0.0.1, ::1")
        .variable("CAMPANILE_METRICS_ALLOW_CIDR", "10.0.0.0/8,fd00::/8")
        .variable("CAMPANILE_STATISTICS_INTERVAL", "15")
        .load()
        .expect("fine");
    let metrics = config.metrics;
    assert!(!metrics.enabled);
    assert_eq!((metrics.host.as_str(), metrics.port), ("0.0.0.0", 9999));
    assert_eq!(metrics.prometheus.prefix, "talk_");
    assert_eq!(metrics.allow_ips.len(), 2);
    assert_eq!(metrics.allow_cidr.len(), 2);
    assert_eq!(metrics.statistics_interval, "15");
}

#[test]
fn our_own_spelling_goes_before_that_of_others() {
    let config = given()
        .variable("METRICS_PORT", "1111")
        .variable("CAMPANILE_METRICS__PORT", "2222")
        .load()
        .expect("fine");
    assert_eq!(config.metrics.port, 2222);
}

#[test]
fn the_driver_of_a_file_is_its_exporter() {
    let config = given().file("[metrics]\ndriver = \"prometheus\"").load().expect("fine");
    assert_eq!(config.metrics.exporters, ["prometheus"]);
}

#[test]
fn a_setting_without_a_default_can_be_given() {
    let config = given().variable("CAMPANILE_SERVER__REGISTRATION", "closed").load();
    assert_eq!(config.expect("fine").server.registration, Some(Registration::Closed));
}

#[test]
fn an_unknown_key_is_named_with_its_source() {
    let error = given().file("[server]\nlistne = \"x\"").refused();
    assert!(error.contains("server.listne") && error.contains(FILE), "{error}");
    let error = given().variable("CAMPANILE_SERVER__LISTNE", "x").refused();
    assert!(
        error.contains("server.listne") && error.contains("CAMPANILE_SERVER__LISTNE"),
        "{error}"
    );
    let error = given().file("surver = 1").refused();
    assert!(error.contains("surver"), "{error}");
}

#[test]
fn a_variable_without_a_section_belongs_to_others() {
    given().variable("CAMPANILE_TEST_POSTGRES_URL", "x").load().expect("fine");
}

#[test]
fn a_value_of_another_type_is_named_with_its_source() {
    let error = given().file("[metrics]\nport = \"many\"").refused();
    for part in ["many", "metrics.port", FILE] {
        assert!(error.contains(part), "{part} in: {error}");
    }
    let error = given().variable("CAMPANILE_METRICS__PORT", "70000").refused();
    assert!(error.contains("70000") && error.contains("metrics.port"), "{error}");
    let error = given().variable("CAMPANILE_METRICS__ALLOW_CIDR", "10.0.0.0/99").refused();
    assert!(error.contains("10.0.0.0/99"), "{error}");
    let error = given().variable("CAMPANILE_SERVER__REGISTRATION", "maybe").refused();
    assert!(error.contains("maybe") && error.contains("registration"), "{error}");
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let error = given().variable(FILE_VARIABLE, "absent.toml").refused();
    assert!(error.contains("absent.toml") && error.contains(FILE_VARIABLE), "{error}");
    let mut named = given();
    named.flags.file = Some("gone.toml".into());
    let error = named.refused();
    assert!(error.contains("gone.toml") && error.contains("--config"), "{error}");
}

#[test]
fn a_file_that_is_not_toml_is_named() {
    let error = given().file("[server\n").refused();
    assert!(error.contains(FILE), "{error}");
}

#[test]
fn a_secret_can_lie_in_a_file_of_its_own() {
    let given = given();
    let path = given.directory.path().join("token");
    fs::write(&path, "0123456789abcdef\n").expect("written");
    let path = path.to_str().expect("a plain path").to_owned();
    let config = given.variable("CAMPANILE_METRICS__BEARER_TOKEN_FILE", &path).load();
    let token = config.expect("fine").metrics.bearer_token.expect("given");
    assert_eq!(token.reveal(), "0123456789abcdef");
}

#[test]
fn a_secret_file_that_is_not_there_is_named() {
    let error =
        given().variable("CAMPANILE_METRICS__BEARER_TOKEN_FILE", "/nowhere/token").refused();
    assert!(error.contains("/nowhere/token") && error.contains("bearer_token_file"), "{error}");
}

#[test]
fn a_weak_secret_is_refused_and_not_shown() {
    let error = given().variable("CAMPANILE_METRICS__BEARER_TOKEN", "hunter2").refused();
    assert!(error.contains("metrics.bearer_token") && error.contains("16"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_secret_given_twice_is_refused() {
    let error = given()
        .variable("CAMPANILE_METRICS__BEARER_TOKEN", "0123456789abcdef")
        .variable("CAMPANILE_METRICS__BEARER_TOKEN_FILE", "/x")
        .refused();
    assert!(error.contains("metrics.bearer_token_file"), "{error}");
}

#[test]
fn values_that_make_no_sense_are_refused() {
    for (name, value) in [
        ("CAMPANILE_METRICS__STATISTICS_INTERVAL", "often"),
        ("CAMPANILE_PUSH__TTL_SECONDS", "2419201"),
        ("CAMPANILE_PUSH__CONTACT", "the keeper"),
        ("CAMPANILE_PUSH__VAPID_KEY", "not a key"),
        ("CAMPANILE_SERVER__DRAIN_SECONDS", "-1"),
        ("CAMPANILE_SERVER__KEEP_ALIVE_SECONDS", "1e300"),
        ("CAMPANILE_LIMITS__MESSAGES_PER_USER__BURST", "0"),
        ("CAMPANILE_LIMITS__HISTORY_PAGE_MAX", "0"),
        ("CAMPANILE_LOG__LEVEL", "a=b=c"),
        ("CAMPANILE_LOG__LOKI__URL", "loki:3100"),
        ("CAMPANILE_LOG__LOKI__BUFFER_BYTES", "16383"),
        ("CAMPANILE_LOG__LOKI__FLUSH_DEADLINE_SECONDS", "-1"),
    ] {
        let error = given().variable(name, value).refused();
        let key = name["CAMPANILE_".len()..].to_lowercase().replace("__", ".");
        let key = key.trim_end_matches(".burst");
        assert!(error.contains(key), "{key} in: {error}");
    }
    let error = given().variable("CAMPANILE_METRICS__BASIC_AUTH__USER", "prom").refused();
    assert!(error.contains("metrics.basic_auth.password"), "{error}");
    let error = given().variable("CAMPANILE_LOG__LOKI__USER", "ada").refused();
    assert!(error.contains("log.loki.password"), "{error}");
}

#[test]
fn what_lines_are_shipped_with_makes_sense() {
    let shipping = || given().variable("CAMPANILE_LOG__LOKI__URL", "https://loki.example/");
    shipping().load().expect("that is enough");
    for (name, value, key) in [
        ("TENANT", "", "log.loki.tenant"),
        ("BEARER_TOKEN", "a\nb", "log.loki.bearer_token"),
        ("LABELS__ENV", "a\nb", "log.loki.labels.env"),
    ] {
        let name = format!("CAMPANILE_LOG__LOKI__{name}");
        let error = shipping().variable(&name, value).refused();
        assert!(error.contains(key), "{key} in: {error}");
    }
    let both = shipping()
        .variable("CAMPANILE_LOG__LOKI__USER", "ada")
        .variable("CAMPANILE_LOG__LOKI__PASSWORD", "open sesame")
        .variable("CAMPANILE_LOG__LOKI__BEARER_TOKEN", "a token");
    let error = both.refused();
    assert!(error.contains("bearer_token") && !error.contains("sesame"), "{error}");
    let spool = shipping()
        .variable("CAMPANILE_LOG__LOKI__SPOOL_DIR", "spool")
        .variable("CAMPANILE_LOG__LOKI__SPOOL_BYTES", "0");
    assert!(spool.refused().contains("log.loki.spool_bytes"));
    // Of what is not shipped nothing is asked.
    given().variable("CAMPANILE_LOG__LOKI__TENANT", "").load().expect("fine");
}
