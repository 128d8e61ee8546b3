//! Settings from every source, and every way to get them wrong.

use super::*;
use crate::config::{App, Registration};

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
fn a_key_of_before_is_refused_with_its_new_name() {
    let expected =
        "the setting log.loki.flush_deadline_seconds is called log.loki.flush_deadline now";
    let error = given().file("[log.loki]\nflush_deadline_seconds = 1.0").refused();
    assert!(error.contains(expected) && error.contains(FILE), "{error}");
    let error = given().variable("CAMPANILE_LOG__LOKI__FLUSH_DEADLINE_SECONDS", "1").refused();
    assert!(error.contains(expected) && error.contains("FLUSH_DEADLINE_SECONDS"), "{error}");
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
        ("CAMPANILE_LOG__LOKI__FLUSH_DEADLINE", "-1"),
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

/// An application that nothing is wrong with.
const APP: &str =
    "[[apps]]\nid = \"shop\"\nkey = \"shop-key\"\nsecret = \"a2V5IG9mIHRoZSBzaG9w\"\n";

#[test]
fn applications_are_set_in_a_file() {
    let text = "\
        [[apps]]
        id = \"1001\"
        key = \"first\"
        secret = \"a2V5IG9mIHRoZSBzaG9w\"
        client_messages = false
        tls_only = true
        allowed_origins = [\"https://shop.example\"]
        keys = [{ key = \"second\", secret = \"YW5vdGhlciBrZXkgb2Yg\" }]
        [apps.limits]
        presence_members_max = 7
        cache_seconds = 60
        [[apps]]
        id = \"other\"
        key = \"third\"
        secret = \"dGhlIGtleSBvZiBvdGhl\"
        [[apps.keys]]
        key = \"fourth\"
        secret = \"Zm91cnRoIG9mIHRoZW0g\"
    ";
    let config = given().file(text).load().expect("fine");
    let [shop, other] = &config.apps[..] else { panic!("two, and not {:?}", config.apps) };
    assert_eq!(shop.id.as_deref(), Some("1001"));
    assert!(shop.enabled && shop.tls_only && !shop.client_messages && other.client_messages);
    assert_eq!(shop.allowed_origins, ["https://shop.example"]);
    assert_eq!((shop.limits.presence_members_max, shop.limits.cache_seconds), (7, 60.0));
    assert_eq!(other.limits.presence_members_max, 100);
    let keys = |app: &App| app.credentials().map(|(key, _)| key.to_owned()).collect::<Vec<_>>();
    assert_eq!((keys(shop), keys(other)), (both("first", "second"), both("third", "fourth")));
}

fn both(one: &str, other: &str) -> Vec<String> {
    vec![one.to_owned(), other.to_owned()]
}

#[test]
fn applications_are_set_by_variables_beside_a_file() {
    let given = given();
    let path = given.directory.path().join("secret");
    fs::write(&path, "YW5vdGhlciBrZXkgb2Yg\n").expect("written");
    let path = path.to_str().expect("a plain path").to_owned();
    let config = given
        .file(APP)
        .variable("CAMPANILE_APPS__0__KEY", "changed")
        .variable("CAMPANILE_APPS__0__ALLOWED_ORIGINS", "https://a.example, https://b.example")
        .variable("CAMPANILE_APPS__0__LIMITS__CONNECTIONS_MAX", "12")
        .variable("CAMPANILE_APPS__0__KEYS__0__KEY", "second")
        .variable("CAMPANILE_APPS__0__KEYS__0__SECRET_FILE", &path)
        .variable("CAMPANILE_APPS__1__ID", "2")
        .variable("CAMPANILE_APPS__1__KEY", "278425160739803")
        .variable("CAMPANILE_APPS__1__SECRET", "83746529103847561029")
        .load()
        .expect("fine");
    let [shop, other] = &config.apps[..] else { panic!("two, and not {:?}", config.apps) };
    let credentials: Vec<_> =
        shop.credentials().map(|(key, secret)| (key, secret.reveal())).collect();
    let expected = [("changed", "a2V5IG9mIHRoZSBzaG9w"), ("second", "YW5vdGhlciBrZXkgb2Yg")];
    assert_eq!(credentials, expected);
    assert_eq!(shop.allowed_origins, ["https://a.example", "https://b.example"]);
    assert_eq!(shop.limits.connections_max, 12);
    assert_eq!(other.key.as_deref(), Some("278425160739803"));
}

#[test]
fn no_application_is_as_good_as_an_empty_list() {
    assert!(given().load().expect("fine").apps.is_empty());
    assert!(given().file("apps = []").load().expect("fine").apps.is_empty());
}

#[test]
fn what_webhooks_are_told_of_rooms_is_told_by_those_who_hear_it() {
    let hook = |more: &str| {
        let url = "[[apps.webhooks]]\nurl = \"https://hooks.example/\"\n";
        given().file(&format!("{APP}{url}{more}"))
    };
    for (more, parts) in [
        ("events = [\"messages\"]", ["apps.0.webhooks.0.events", "message"]),
        ("events = [\"message\"]\nrooms = [\"all\"]", ["apps.0.webhooks.0.rooms", "direct"]),
        ("rooms = [\"public\"]", ["apps.0.webhooks.0.rooms", "events"]),
        (
            "events = [\"message\"]\ndirect_bodies = true",
            ["apps.0.webhooks.0.direct_bodies", "rooms"],
        ),
    ] {
        let why = hook(more).refused();
        assert!(parts.iter().all(|part| why.contains(part)), "{parts:?} in: {why}");
    }
    let good = "events = [\"message\"]\nrooms = [\"direct\"]\ndirect_bodies = true";
    assert!(hook(good).load().is_ok());
}

#[test]
fn what_is_wrong_with_an_application_is_said_with_its_place() {
    let app = |more: &str| given().file(&format!("{APP}{more}"));
    let second = |text: &str| app(&format!("[[apps]]\n{text}"));
    let credentials = "key = \"second\"\nsecret = \"YW5vdGhlciBrZXkgb2Yg\"";
    for (given, parts) in [
        (app("colour = 1"), ["apps.0.colour", FILE]),
        (app("[apps.limits]\ncolours_max = 1"), ["apps.0.limits.colours_max", FILE]),
        (app("keys = [{ key = \"one\", colour = 1 }]"), ["apps.0.keys.0.colour", FILE]),
        (app("keys = [{ key = \"second\" }]"), ["apps.0.keys.0.secret", "missing"]),
        (app("enabled = \"maybe\""), ["enabled", FILE]),
        (second(""), ["apps.1.id", "missing"]),
        (second("id = \"a\""), ["apps.1.key", "missing"]),
        (second("id = \"a\"\nkey = \"k\""), ["apps.1.secret", "missing"]),
        (second("id = \"a b\""), ["apps.1.id", "letters, digits"]),
        (second("id = \"native\""), ["apps.1.id", "metrics"]),
        (second("id = \"_other\""), ["apps.1.id", "metrics"]),
        (second(&format!("id = \"shop\"\n{credentials}")), ["apps.1.id", "apps.0.id"]),
        (second("id = \"a\"\nkey = \"a:b\""), ["apps.1.key", "letters, digits"]),
        (second("id = \"a\"\nkey = \"b\"\nsecret = \"hunter2\""), ["apps.1.secret", "16 bytes"]),
        (
            app("keys = [{ key = \"shop-key\", secret = \"YW5vdGhlciBrZXkgb2Yg\" }]"),
            ["apps.0.keys.0.key", "apps.0.key"],
        ),
        (app("allowed_origins = [\"*\"]"), ["apps.0.allowed_origins", "\"*\" is no origin"]),
        (app("[apps.limits]\nbatch_events_max = 0"), ["apps.0.limits.batch_events_max", "0"]),
        (
            app("[apps.limits]\nclient_events_per_second = 0"),
            ["apps.0.limits.client_events_per_second", "client_messages"],
        ),
        (
            app("[apps.limits]\nactivity_timeout_seconds = 0"),
            ["apps.0.limits.activity_timeout_seconds", "clients"],
        ),
        (
            app("[apps.limits]\npong_timeout_seconds = 0"),
            ["apps.0.limits.pong_timeout_seconds", "0"],
        ),
        (app("[apps.limits]\ncache_seconds = -1"), ["apps.0.limits.cache_seconds", "-1"]),
        (app("[apps.limits]\nsilence_seconds_max = -1"), ["silence_seconds_max", "-1"]),
        (app("[apps.limits]\nidempotency_seconds = 0"), ["idempotency_seconds", "0"]),
        (given().file("[apps]\nid = \"1\""), ["[[apps]]", FILE]),
        (given().file("apps = 1"), ["[[apps]]", FILE]),
        (given().file("apps = [1]"), ["[[apps]]", FILE]),
        (given().file("[[server]]\nlisten = \"x\""), ["server.0.listen", FILE]),
        (given().variable("CAMPANILE_APPS__ID", "1"), ["[[apps]]", "CAMPANILE_APPS__ID"]),
        (given().variable("CAMPANILE_APPS__0", "1"), ["apps.0", "CAMPANILE_APPS__0"]),
        (given().variable("CAMPANILE_APPS__00__ID", "1"), ["apps", "CAMPANILE_APPS__00__ID"]),
        (app("").variable("CAMPANILE_APPS__2__ID", "1"), ["apps.1", "missing"]),
        (app("").variable("CAMPANILE_APPS__0__KEYS__4__KEY", "1"), ["apps.0.keys.3", "missing"]),
        (
            app("").variable("CAMPANILE_APPS__0__SECRET_FILE", "/nowhere/secret"),
            ["apps.0.secret", "secret_file"],
        ),
        (
            given().variable("CAMPANILE_APPS__0__SECRET_FILE", "/nowhere/secret"),
            ["/nowhere/secret", "apps.0.secret_file"],
        ),
    ] {
        let error = given.refused();
        for part in parts {
            assert!(error.contains(part), "{part} in: {error}");
        }
        for secret in ["hunter2", "YW5vdGhlciBr", "a2V5IG9m"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
}

#[test]
fn there_are_as_many_applications_as_metrics_tell_apart() {
    let file = |number: usize| {
        let one = |place| {
            format!(
                "[[apps]]\nid = \"{place}\"\nkey = \"key-{place}\"\nsecret = \"a2V5IG9mIHRoZSBzaG9w\"\n"
            )
        };
        given().file(&(0..number).map(one).collect::<String>())
    };
    assert_eq!(file(64).load().expect("fine").apps.len(), 64);
    let error = file(65).refused();
    assert!(error.contains("apps") && error.contains("64"), "{error}");
}
