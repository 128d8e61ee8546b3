//! Who proved to be whom.

use crate::{
    scene::{Scene, cases},
    support::{PASSWORD, sabotage::change, start, start_with},
};
use minreq::Method;
use serde_json::json;

const PLAIN: (&str, &str) = ("mechanism", "plain");
const TOKEN: (&str, &str) = ("mechanism", "token");

cases! {
    passwords_and_tokens_are_counted_apart moves [
        "chat_auth_successes_total{mechanism=plain|token}",
        "chat_auth_failures_total{mechanism=plain|token,reason=bad_credentials|unknown_user|malformed}",
        "chat_auth_duration_seconds{mechanism=plain|token}",
    ] proofs;
    who_is_banned_too_eager_or_unknown_to_an_ill_store_is_counted_apart moves [
        "chat_auth_failures_total{mechanism=plain,reason=disabled|rate_limited|backend_error}",
    ] apart;
}

fn proofs(scene: &Scene) {
    let server = start();
    let ada = server.user("ada");
    let before = server.scrape();
    let login = |name: &str, password: &str| {
        server.post("/api/v1/login", &json!({"name": name, "password": password})).status
    };
    assert_eq!(login("ada", PASSWORD), 200);
    assert_eq!(login("ada", "another password"), 401);
    assert_eq!(login("nobody", PASSWORD), 401);
    assert_eq!(login("No Name", PASSWORD), 400);
    let change = json!({"old": "another password", "new": "some new password"});
    assert_eq!(server.put_as(&ada, "/api/v1/me/password", change).status, 403);
    let stranger = crate::support::User { name: "eve".into(), token: "guessed".into() };
    assert_eq!(server.get_as(&stranger, "/api/v1/me").status, 401);
    scene.rose(&server, &before, ("chat_auth_successes_total", &[PLAIN]), 1.0);
    scene.rose(&server, &before, ("chat_auth_successes_total", &[TOKEN]), 1.0);
    for (mechanism, reason, times) in [
        // At the log-in, and as the old one of who wants another.
        (PLAIN, "bad_credentials", 2.0),
        (PLAIN, "unknown_user", 1.0),
        (PLAIN, "malformed", 1.0),
        (TOKEN, "bad_credentials", 1.0),
    ] {
        let labels = &[mechanism, ("reason", reason)];
        scene.rose(&server, &before, ("chat_auth_failures_total", labels), times);
    }
    scene.total_rose(&server, &before, "chat_auth_failures_total", 5.0);
    scene.rose(&server, &before, ("chat_auth_duration_seconds_count", &[PLAIN]), 4.0);
    scene.rose(&server, &before, ("chat_auth_duration_seconds_count", &[TOKEN]), 2.0);
}

fn apart(scene: &Scene) {
    let server = start_with(|config| {
        config.limits.logins_per_user.per_second = 0.001;
        config.limits.logins_per_user.burst = 2;
    });
    let (ada, _bob) = (server.user("ada"), server.user("bob"));
    server.ask(&ada, Method::Put, "/api/v1/users/bob/ban", None).expect(204);
    let before = server.scrape();
    let login = |name: &str| {
        server.post("/api/v1/login", &json!({"name": name, "password": PASSWORD})).status
    };
    assert_eq!((login("bob"), login("bob")), (403, 429));
    change(&server, "ALTER TABLE accounts RENAME TO elsewhere");
    assert_eq!(login("eve"), 503);
    for reason in ["disabled", "rate_limited", "backend_error"] {
        let labels = &[PLAIN, ("reason", reason)];
        scene.rose(&server, &before, ("chat_auth_failures_total", labels), 1.0);
    }
    scene.total_rose(&server, &before, "chat_auth_failures_total", 3.0);
}
