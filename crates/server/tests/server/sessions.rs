//! Sessions.

use crate::support::{PASSWORD, socket::Socket, start};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn a_token_is_known_until_its_user_logs_out() {
    let server = start();
    let ada = server.user("ada");
    let me = server.get_as(&ada, "/api/v1/me").expect(200);
    assert_eq!(me["user"]["name"], "ada");
    let other = server.post("/api/v1/login", &json!({"name": "ada", "password": PASSWORD}));
    assert_eq!(other.expect(200)["token"].as_str().map(str::len), Some(43));
    server.ask(&ada, minreq::Method::Post, "/api/v1/logout", None).expect(204);
    assert_eq!(server.get_as(&ada, "/api/v1/me").refused(401), "unauthenticated");
}

#[test]
fn logging_out_closes_the_sessions_connections_at_once() {
    let server = start();
    let ada = server.user("ada");
    let mut socket = Socket::of(&server, &ada);
    let started = Instant::now();
    server.ask(&ada, minreq::Method::Post, "/api/v1/logout", None).expect(204);
    assert_eq!(socket.closed(), Some(1008));
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn nobody_learns_whether_a_user_is_there() {
    let server = start();
    server.user("ada");
    let wrong = server.post("/api/v1/login", &json!({"name": "ada", "password": "not the one"}));
    let absent = server.post("/api/v1/login", &json!({"name": "eve", "password": "not the one"}));
    assert_eq!((wrong.status, absent.status), (401, 401));
    assert_eq!(wrong.body, absent.body);
}

#[test]
fn without_a_token_one_is_told_how_to_say_who_asks() {
    let server = start();
    let answer = server.get("/api/v1/me");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.refused(401), "unauthenticated");
}

#[test]
fn a_token_is_kept_by_nobody_on_the_way() {
    let server = start();
    server.user("ada");
    let answer = server.post("/api/v1/login", &json!({"name": "ada", "password": PASSWORD}));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[test]
fn what_is_kept_of_a_token_is_not_the_token() {
    let server = start();
    let ada = server.user("ada");
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let file = std::fs::read(data.path().join("campanile.db")).expect("the store");
    for secret in [ada.token.as_str(), PASSWORD] {
        assert!(!file.windows(secret.len()).any(|part| part == secret.as_bytes()));
    }
}
