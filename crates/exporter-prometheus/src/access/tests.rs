//! Tables of who is let in.

use super::*;
use crate::config::{BasicAuth, Secret};

const CALLER: Caller<'static> = Caller {
    peer: Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)),
    forwarded: &[],
    host: Some("127.0.0.1:9601"),
    authorization: None,
    method: "GET",
    path: PATH,
};

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| text.parse().expect("a network")).collect()
}

fn peer(address: &str) -> Caller<'static> {
    Caller { peer: Some(address.parse().expect("an address")), ..CALLER }
}

#[test]
fn by_default_only_this_machine_may_scrape() {
    let access = Access::new(&Config::default());
    for allowed in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(access.check(&peer(allowed)), Ok(()), "{allowed}");
    }
    for denied in ["127.0.0.2", "10.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1", "fe80::1"] {
        assert_eq!(access.check(&peer(denied)), Err(Denial::Address), "{denied}");
    }
    assert_eq!(access.check(&Caller { peer: None, ..CALLER }), Err(Denial::Address));
}

#[test]
fn addresses_and_networks_of_both_kinds_can_be_allowed() {
    let access = Access::new(&Config {
        allow_ips: ["192.0.2.7", "2001:db8::7", "::ffff:192.0.2.8"]
            .map(|address| address.parse().expect("an address"))
            .into(),
        allow_cidr: networks(&["10.0.0.0/8", "fd00::/8", "::ffff:172.16.0.0/108", "198.51.100.4"]),
        ..Config::default()
    });
    let allowed = [
        "192.0.2.7",
        "::ffff:192.0.2.7",
        "192.0.2.8",
        "2001:db8::7",
        "10.255.255.255",
        "::ffff:10.1.2.3",
        "fdff::1",
        "172.31.0.1",
        "::ffff:172.16.0.1",
        "198.51.100.4",
    ];
    for allowed in allowed {
        assert_eq!(access.check(&peer(allowed)), Ok(()), "{allowed}");
    }
    let denied =
        ["127.0.0.1", "::1", "192.0.2.9", "11.0.0.0", "fe00::1", "172.32.0.1", "::10.0.0.1"];
    for denied in denied {
        assert_eq!(access.check(&peer(denied)), Err(Denial::Address), "{denied}");
    }
}

#[test]
fn no_allowed_address_means_nobody() {
    let access = Access::new(&Config { allow_ips: vec![], ..Config::default() });
    assert_eq!(access.check(&CALLER), Err(Denial::Address));
}

#[test]
fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
    let access = Access::new(&Config {
        allow_ips: vec!["192.0.2.7".parse().expect("an address")],
        trusted_proxies: networks(&["10.0.0.0/8", "::1"]),
        ..Config::default()
    });
    let ok = Ok(());
    let no = Err(Denial::Address);
    let cases: &[(&str, &[&str], Result<(), Denial>)] = &[
        // Whoever is no proxy cannot claim to be another.
        ("203.0.113.5", &["192.0.2.7"], no),
        ("192.0.2.7", &["203.0.113.5"], ok),
        ("10.0.0.1", &["192.0.2.7"], ok),
        ("::ffff:10.0.0.1", &["192.0.2.7"], ok),
        ("::1", &["192.0.2.7"], ok),
        // What stands left of the first stranger is that stranger's claim.
        ("10.0.0.1", &["192.0.2.7, 203.0.113.5"], no),
        ("10.0.0.1", &["203.0.113.5, 192.0.2.7"], ok),
        ("10.0.0.1", &["192.0.2.7", "203.0.113.5"], no),
        ("10.0.0.1", &["203.0.113.5", "192.0.2.7"], ok),
        ("10.0.0.1", &["192.0.2.7, 10.0.0.9, 10.0.0.8"], ok),
        ("10.0.0.1", &["203.0.113.5, 10.0.0.9"], no),
        ("10.0.0.1", &["192.0.2.7:4711"], ok),
        ("10.0.0.1", &["::ffff:192.0.2.7"], ok),
        ("10.0.0.1", &["[::ffff:192.0.2.7]:4711"], ok),
        // A proxy that names nobody, or nonsense, speaks for nobody allowed.
        ("10.0.0.1", &[], no),
        ("10.0.0.1", &[""], no),
        ("10.0.0.1", &["192.0.2.7, nonsense"], no),
        ("10.0.0.1", &["unknown"], no),
        ("10.0.0.1", &["10.0.0.2"], no),
    ];
    for (address, forwarded, expected) in cases {
        let caller = Caller { forwarded, ..peer(address) };
        assert_eq!(access.check(&caller), *expected, "{address} {forwarded:?}");
    }
}

#[test]
fn names_that_a_web_page_could_choose_are_refused() {
    let access = Access::new(&Config {
        allow_hosts: vec!["Metrics.Example.com".to_owned()],
        ..Config::default()
    });
    let allowed = [
        "127.0.0.1",
        "127.0.0.1:9601",
        "[::1]:9601",
        "[::1]",
        "192.0.2.1:80",
        "localhost",
        "LOCALHOST:9601",
        "campanile",
        "chat-1:9601",
        "metrics.example.com",
        "metrics.example.com:9601",
        "METRICS.example.com",
    ];
    for host in allowed {
        assert_eq!(access.check(&Caller { host: Some(host), ..CALLER }), Ok(()), "{host}");
    }
    let denied = [
        "evil.example",
        "evil.example:9601",
        "metrics.example.com.evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example:9601",
        "",
        ":9601",
        "a b",
    ];
    for host in denied {
        let refused = access.check(&Caller { host: Some(host), ..CALLER });
        assert_eq!(refused, Err(Denial::Host), "{host}");
    }
    // Before HTTP/1.1 there was no such header, and no browser is that old.
    assert_eq!(access.check(&Caller { host: None, ..CALLER }), Ok(()));
}

#[test]
fn credentials_are_asked_for_when_there_are_any() {
    let token =
        Config { bearer_token: Some(Secret("s3cret-token".to_owned())), ..Config::default() };
    let basic = Config {
        basic_auth: Some(BasicAuth {
            user: "prometheus".to_owned(),
            password: Secret("pass:word".to_owned()),
        }),
        ..Config::default()
    };
    let both = Config { basic_auth: basic.basic_auth.clone(), ..token.clone() };
    let good_basic = format!("Basic {}", BASE64_STANDARD.encode("prometheus:pass:word"));
    let bad_basic = format!("Basic {}", BASE64_STANDARD.encode("prometheus:pass:wor"));
    let ok = Ok(());
    let no = Err(Denial::Token);
    let cases = [
        (&token, Some("Bearer s3cret-token"), ok),
        (&token, Some("bearer  s3cret-token "), ok),
        (&token, Some("Bearer s3cret-toke"), no),
        (&token, Some("Bearer s3cret-token2"), no),
        (&token, Some("Bearer"), no),
        (&token, Some("Bearer "), no),
        (&token, Some("s3cret-token"), no),
        (&token, Some("Digest s3cret-token"), no),
        (&token, Some(good_basic.as_str()), no),
        (&token, None, no),
        (&basic, Some(good_basic.as_str()), ok),
        (&basic, Some(bad_basic.as_str()), no),
        (&basic, Some("Basic %%%"), no),
        (&basic, Some("Bearer s3cret-token"), no),
        (&both, Some("Bearer s3cret-token"), ok),
        (&both, Some(good_basic.as_str()), ok),
        (&both, None, no),
    ];
    for (config, authorization, expected) in cases {
        let access = Access::new(config);
        let caller = Caller { authorization, ..CALLER };
        assert_eq!(access.check(&caller), expected, "{authorization:?}");
        assert!(access.challenges().count() > 0);
    }
    // A credential says more than a name does; it does not replace the address.
    let named = Caller {
        host: Some("metrics.example.com"),
        authorization: Some("Bearer s3cret-token"),
        ..CALLER
    };
    assert_eq!(Access::new(&token).check(&named), Ok(()));
    let stranger = Caller { peer: "192.0.2.7".parse().ok(), ..named };
    assert_eq!(Access::new(&token).check(&stranger), Err(Denial::Address));
}

#[test]
fn metrics_are_read_and_nothing_else_is_here() {
    let access = Access::new(&Config::default());
    assert_eq!(access.check(&Caller { method: "HEAD", ..CALLER }), Ok(()));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        assert_eq!(access.check(&Caller { method, ..CALLER }), Err(Denial::Method));
    }
    for path in ["/", "/metrics/", "/metrics/x", "/METRICS", "//metrics", "/livez"] {
        assert_eq!(access.check(&Caller { path, ..CALLER }), Err(Denial::Path), "{path}");
    }
    let stranger = Caller { path: "/secret", ..peer("192.0.2.7") };
    assert_eq!(access.check(&stranger), Err(Denial::Address));
}

#[test]
fn secrets_stay_out_of_logs() {
    let config = Config {
        bearer_token: Some(Secret("hush".to_owned())),
        basic_auth: Some(BasicAuth { user: "u".to_owned(), password: Secret("hush".to_owned()) }),
        ..Config::default()
    };
    assert!(!format!("{config:?}").contains("hush"));
}
