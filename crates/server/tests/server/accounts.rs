//! Accounts.

use crate::support::{PASSWORD, start, start_with};
use campanile_server::config::Registration;
use serde_json::json;

#[test]
fn the_first_account_is_an_operators_and_the_next_is_not() {
    let server = start();
    let account = |name: &str| json!({"name": name, "password": PASSWORD});
    let first = server.post("/api/v1/users", &account("ada")).expect(201);
    assert_eq!(first["user"]["operator"], true);
    let second = server.post("/api/v1/users", &account("bob")).expect(201);
    assert_eq!(second["user"]["operator"], false);
    assert_eq!(server.post("/api/v1/users", &account("bob")).refused(409), "conflict");
}

#[test]
fn names_and_passwords_have_bounds() {
    let server = start();
    for (name, password) in [
        ("Ada", PASSWORD),
        ("", PASSWORD),
        (&"a".repeat(65), PASSWORD),
        ("ada", "seven c"),
        ("ada", &"x".repeat(257)),
    ] {
        let account = json!({"name": name, "password": password});
        assert_eq!(server.post("/api/v1/users", &account).refused(400), "bad_request", "{account}");
    }
    let extra = json!({"name": "ada", "password": PASSWORD, "operator": true});
    assert_eq!(server.post("/api/v1/users", &extra).refused(400), "bad_request");
}

#[test]
fn a_closed_server_makes_no_accounts() {
    let server = start_with(|config| config.server.registration = Some(Registration::Closed));
    let account = json!({"name": "ada", "password": PASSWORD});
    assert_eq!(server.post("/api/v1/users", &account).refused(403), "forbidden");
}

#[test]
fn a_new_password_ends_every_session() {
    let server = start();
    let ada = server.user("ada");
    let wrong = json!({"old": "something else", "new": "another password"});
    assert_eq!(server.put_as(&ada, "/api/v1/me/password", wrong).refused(403), "forbidden");
    let right = json!({"old": PASSWORD, "new": "another password"});
    server.put_as(&ada, "/api/v1/me/password", right).expect(204);
    assert_eq!(server.get_as(&ada, "/api/v1/me").refused(401), "unauthenticated");
    let old = json!({"name": "ada", "password": PASSWORD});
    assert_eq!(server.post("/api/v1/login", &old).refused(401), "unauthenticated");
    let new = json!({"name": "ada", "password": "another password"});
    server.post("/api/v1/login", &new).expect(200);
}
