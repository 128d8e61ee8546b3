//! Settings that can be used, and those that cannot.

use super::*;

fn refused(config: &Config) -> String {
    config.validate().expect_err("it is refused").to_string()
}

#[test]
fn what_is_given_by_default_can_be_used() {
    let config = Config::default();
    config.validate().expect("it can be used");
    assert_eq!(config.labels().collect::<Vec<_>>(), [("job", "chat-server")]);
    let url = config.push_url().expect("a URL");
    assert_eq!(url.as_str(), "http://127.0.0.1:3100/loki/api/v1/push");
}

#[test]
fn what_is_below_a_path_stays_there() {
    for given in ["https://logs.example/loki", "https://logs.example/loki/"] {
        let config = Config { url: given.to_owned(), ..Config::default() };
        let url = config.push_url().expect("a URL");
        assert_eq!(url.as_str(), "https://logs.example/loki/loki/api/v1/push");
    }
}

#[test]
fn a_url_that_is_none_is_refused_without_being_told() {
    for (url, reason) in [
        ("", "relative URL without a base"),
        ("loki:3100", "it begins neither with http:// nor with https://"),
        ("ftp://loki", "it begins neither with http:// nor with https://"),
        ("http://", "empty host"),
        ("http://a:secret@loki", "a user and a password have a setting of their own"),
        ("http://loki?org=1", "it has a query or a fragment"),
    ] {
        let said = refused(&Config { url: url.to_owned(), ..Config::default() });
        assert_eq!(said, format!("cannot ship logs to that URL: {reason}"));
    }
}

#[test]
fn labels_that_loki_would_not_read_are_refused() {
    for value in ["a\nb", "a\u{202e}b", "a\u{7f}", &"x".repeat(2_049)] {
        let config = Config { instance: value.to_owned(), ..Config::default() };
        let said = refused(&config);
        assert!(said.contains("as label instance of log lines: it has"), "{said}");
    }
    for value in ["a b", "it's", "say \"a\"", "c:\\d", "größer 鐘 🔔"] {
        Config { service: value.to_owned(), ..Config::default() }.validate().expect(value);
    }
    let said = refused(&Config { job: String::new(), ..Config::default() });
    assert_eq!(said, "cannot use \"\" as label job of log lines: it is empty");
}

#[test]
fn sizes_and_times_of_nothing_are_refused() {
    let spool = SpoolConfig { directory: "spool".into(), bytes_max: 0 };
    let zero = Duration::ZERO;
    for (setting, config) in [
        ("buffer_bytes_max", Config { buffer_bytes_max: 0, ..Config::default() }),
        ("buffer_entries_max", Config { buffer_entries_max: 0, ..Config::default() }),
        ("spool.bytes_max", Config { spool: Some(spool), ..Config::default() }),
        ("request_bytes_max", Config { request_bytes_max: 0, ..Config::default() }),
        ("line_bytes_max", Config { line_bytes_max: 0, ..Config::default() }),
        ("value_bytes_max", Config { value_bytes_max: 0, ..Config::default() }),
        ("request_timeout", Config { request_timeout: zero, ..Config::default() }),
        ("backoff_min", Config { backoff_min: zero, ..Config::default() }),
        ("age_max", Config { age_max: zero, ..Config::default() }),
    ] {
        let said = refused(&config);
        assert_eq!(said, format!("{setting} of the log shipper must be more than 0"));
    }
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let config = Config { backoff_max: Duration::from_millis(1), ..Config::default() };
    let said = refused(&config);
    assert_eq!(said, "backoff_max of the log shipper must be at least backoff_min, 500ms");
    let said = refused(&Config { request_bytes_max: 500_000, ..Config::default() });
    let least = "532480, for lines of line_bytes_max";
    assert_eq!(said, format!("request_bytes_max of the log shipper must be at least {least}"));
    let said = refused(&Config { buffer_bytes_max: 1_000, ..Config::default() });
    let least = "request_bytes_max, 1048576";
    assert_eq!(said, format!("buffer_bytes_max of the log shipper must be at least {least}"));
}

#[test]
fn a_push_is_a_small_part_of_what_can_wait() {
    let spool = |bytes_max| Some(SpoolConfig { directory: "spool".into(), bytes_max });
    for (config, push_bytes) in [
        (Config::default(), 898_752),
        (Config { buffer_bytes_max: 1 << 20, ..Config::default() }, 131_072),
        (Config { spool: spool(1 << 30), ..Config::default() }, 898_752),
        (Config { spool: spool(1 << 16), ..Config::default() }, 8_192),
    ] {
        assert_eq!(config.bounds().push_bytes, push_bytes, "{config:?}");
    }
    let few = Config { buffer_entries_max: 3, ..Config::default() };
    assert_eq!((few.bounds().push_entries, few.bounds().entries), (1, 3));
}

#[test]
fn what_no_header_can_say_is_refused() {
    let config = Config { tenant: Some("a\nb".to_owned()), ..Config::default() };
    assert!(refused(&config).contains("as tenant of"));
    let secret = |text: &str| Secret(text.to_owned());
    for auth in [
        Auth::Bearer(secret("")),
        Auth::Bearer(secret("a\nb")),
        Auth::Basic { user: "a:b".to_owned(), password: secret("c") },
        Auth::Basic { user: String::new(), password: secret("c") },
        Auth::Basic { user: "a".to_owned(), password: secret("") },
    ] {
        let config = Config { auth: Some(auth), ..Config::default() };
        assert!(refused(&config).contains("as auth of"));
    }
    assert_eq!(format!("{:?}", Auth::Bearer(secret("token"))), "Bearer([secret])");
}

#[test]
fn a_file_without_a_certificate_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("ca.pem");
    let config = Config { ca: Some(file.clone()), ..Config::default() };
    assert!(refused(&config).starts_with("cannot read "));
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n"] {
        fs::write(&file, text).expect("there is room");
        assert!(refused(&config).contains("to know the log store by"), "{text}");
    }
}
