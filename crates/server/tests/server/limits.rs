//! Rate limits at the edge.

use crate::support::{PASSWORD, send, start_with, with_json};
use campanile_server::config::{Config, limits::Rate};
use serde_json::json;

fn one_a_minute(rate: &mut Rate) {
    rate.per_second = 1.0 / 60.0;
    rate.burst = 1;
}

#[test]
fn guessing_a_password_is_slowed_down_for_the_account() {
    let server = start_with(|config| one_a_minute(&mut config.limits.logins_per_user));
    let guess = json!({"name": "ada", "password": "is it this?"});
    assert_eq!(server.post("/api/v1/login", &guess).refused(401), "unauthenticated");
    let answer = server.post("/api/v1/login", &guess);
    let wait: u64 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(answer.refused(429), "rate_limited");
    let other = json!({"name": "bob", "password": "is it this?"});
    assert_eq!(server.post("/api/v1/login", &other).refused(401), "unauthenticated");
}

#[test]
fn an_address_that_no_trusted_proxy_names_changes_nothing() {
    let change = |config: &mut Config| one_a_minute(&mut config.limits.logins_per_address);
    let server = start_with(change);
    let guess = |name: &str, from: &str| {
        let request =
            minreq::post(server.url("/api/v1/login")).with_header("X-Forwarded-For", from);
        send(with_json(request, &json!({"name": name, "password": PASSWORD})))
    };
    assert_eq!(guess("ada", "192.0.2.1").refused(401), "unauthenticated");
    assert_eq!(guess("bob", "192.0.2.2").refused(429), "rate_limited");
}

#[test]
fn behind_a_trusted_proxy_each_client_has_its_own_limit() {
    let server = start_with(|config| {
        one_a_minute(&mut config.limits.logins_per_address);
        config.server.trusted_proxies =
            vec!["127.0.0.1".to_owned().try_into().expect("an address")];
    });
    let guess = |name: &str, from: &str| {
        let request =
            minreq::post(server.url("/api/v1/login")).with_header("X-Forwarded-For", from);
        send(with_json(request, &json!({"name": name, "password": PASSWORD})))
    };
    assert_eq!(guess("ada", "192.0.2.1").refused(401), "unauthenticated");
    assert_eq!(guess("bob", "192.0.2.2").refused(401), "unauthenticated");
    assert_eq!(guess("eve", "192.0.2.1").refused(429), "rate_limited");
}

#[test]
fn limits_can_be_switched_off() {
    let server = start_with(|config| {
        one_a_minute(&mut config.limits.api_per_address);
        config.limits.enabled = false;
    });
    for _ in 0..5 {
        assert_eq!(server.get("/api/v1/me").refused(401), "unauthenticated");
    }
}

#[test]
fn an_address_asks_only_so_often() {
    let server = start_with(|config| one_a_minute(&mut config.limits.api_per_address));
    assert_eq!(server.get("/api/v1/me").refused(401), "unauthenticated");
    assert_eq!(server.get("/api/v1/me").refused(429), "rate_limited");
    assert_eq!(server.get("/readyz").status, 200, "only the interface is limited");
}
