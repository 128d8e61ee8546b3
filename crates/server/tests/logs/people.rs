//! Who is named, and how.

use crate::logged::Logged;
use serde_json::json;

const HASHED: (&str, &str) = ("LOG__USERS", "hashed");

#[test]
fn names_and_addresses_are_hashed_where_that_is_set() {
    let key = ("LOG__USERS_KEY", "the same on every node");
    let nodes = [0; 2].map(|_| Logged::start("trace", &[HASHED, key]));
    let hashes = nodes.map(|node| {
        let ada = node.server.user("ada-lovelace");
        node.server.user("bob");
        let wrong = json!({"name": "ada-lovelace", "password": "another password"});
        assert_eq!(node.server.post("/api/v1/login", &wrong).status, 401);
        node.server.put_as(&ada, "/api/v1/users/bob/ban", json!({})).expect(204);
        let [made, failed, banned] =
            ["account_made", "authentication_failed", "ban_changed"].map(|event| node.first(event));
        let hash = made["user"].as_str().expect("a hash").to_owned();
        assert_eq!(hash.len(), 16, "{hash}");
        assert_eq!((&failed["user"], &banned["user"]), (&made["user"], &made["user"]));
        assert_ne!(banned["account"], "bob");
        let said = node.stop();
        assert!(!said.contains("ada-lovelace"), "{said}");
        assert!(!said.contains("\"address\":\"127.0.0.1\""), "{said}");
        hash
    });
    assert_eq!(hashes[0], hashes[1], "the key is shared");
}

#[test]
fn who_is_typed_and_is_nobody_is_not_named() {
    let logged = Logged::start("trace", &[]);
    let typed = json!({"name": "a-password-in-the-wrong-box", "password": "x".repeat(12)});
    assert_eq!(logged.server.post("/api/v1/login", &typed).status, 401);
    let failed = logged.first("authentication_failed");
    assert_eq!(failed["reason"], "unknown_user");
    assert_eq!(failed["address"], "127.0.0.1");
    let said = logged.stop();
    assert!(!said.contains("wrong-box"), "{said}");
}
