//! Invitations: who makes them, and whom they let in.

use crate::support::{
    Answer, PASSWORD, Server, User, program::campanile, start, start_in, start_with,
};
use campanile_server::config::{Config, Registration};
use serde_json::{Value, json};

/// A server for the invited only, and its operator.
fn invited_only() -> (Server, User) {
    let server = start();
    let ada = server.user("ada");
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let server = start_in(data, ask_for_invitations);
    (server, ada)
}

fn ask_for_invitations(config: &mut Config) {
    config.server.registration = Some(Registration::Invite);
}

fn invite(server: &Server, operator: &User, what: Value) -> Value {
    server.post_as(operator, "/api/v1/invites", what).expect(201)
}

fn sign_up(server: &Server, name: &str, code: Option<&Value>) -> Answer {
    let mut account = json!({"name": name, "password": PASSWORD});
    if let Some(code) = code {
        account["invite"] = code.clone();
    }
    server.post("/api/v1/users", &account)
}

#[test]
fn only_the_invited_make_accounts() {
    let (server, ada) = invited_only();
    let said = server.get("/api/v1/registration").expect(200);
    assert_eq!(said, json!({"registration": "invite"}));
    assert_eq!(sign_up(&server, "bob", None).refused(403), "forbidden");
    assert_eq!(sign_up(&server, "bob", Some(&json!("a guess"))).refused(403), "forbidden");
    let made = invite(&server, &ada, json!({"uses": 2}));
    assert_eq!(
        (&made["invite"]["uses_left"], &made["invite"]["made_by"]),
        (&json!(2), &json!("ada"))
    );
    let code = Some(&made["code"]);
    let bob = sign_up(&server, "bob", code).expect(201);
    assert_eq!(bob["user"]["operator"], false);
    assert_eq!(sign_up(&server, "bob", code).refused(409), "conflict", "which uses nothing up");
    assert_eq!(sign_up(&server, "ada", None).refused(403), "forbidden", "no name is told");
    sign_up(&server, "eve", code).expect(201);
    assert_eq!(sign_up(&server, "tom", code).refused(403), "forbidden", "it was used up");
    let none = json!({"invites": []});
    assert_eq!(server.get_as(&ada, "/api/v1/invites").expect(200), none);
}

#[test]
fn a_revoked_invitation_lets_nobody_in() {
    let (server, ada) = invited_only();
    let made = invite(&server, &ada, json!({}));
    let listed = server.get_as(&ada, "/api/v1/invites").expect(200);
    assert_eq!(listed, json!({"invites": [made["invite"]]}));
    let path = format!("/api/v1/invites/{}", made["invite"]["id"].as_str().expect("an id"));
    server.delete_as(&ada, &path).expect(204);
    assert_eq!(server.delete_as(&ada, &path).refused(404), "not_found");
    assert_eq!(sign_up(&server, "bob", Some(&made["code"])).refused(403), "forbidden");
}

#[test]
fn only_operators_invite() {
    let (server, ada) = invited_only();
    let made = invite(&server, &ada, json!({}));
    sign_up(&server, "bob", Some(&made["code"])).expect(201);
    let bob = server.log_in("bob");
    let refused = server.post_as(&bob, "/api/v1/invites", json!({}));
    assert_eq!(refused.refused(403), "forbidden");
    assert_eq!(server.get_as(&bob, "/api/v1/invites").refused(403), "forbidden");
    let path = format!("/api/v1/invites/{}", "0".repeat(64));
    assert_eq!(server.delete_as(&bob, &path).refused(403), "forbidden");
}

#[test]
fn invitations_have_bounds() {
    let server = start_with(|config| config.limits.invites_max = 1);
    let ada = server.user("ada");
    for bad in [
        json!({"uses": 0}),
        json!({"uses": 1_001}),
        json!({"uses": null}),
        json!({"lifetime_seconds": 0}),
        json!({"lifetime_seconds": 31_536_001}),
        json!({"days": 3}),
    ] {
        let refused = server.post_as(&ada, "/api/v1/invites", bad.clone());
        assert_eq!(refused.refused(400), "bad_request", "{bad}");
    }
    for bad in ["0", &"g".repeat(64), &"A".repeat(64)] {
        let refused = server.delete_as(&ada, &format!("/api/v1/invites/{bad}"));
        assert_eq!(refused.refused(400), "bad_request", "{bad}");
    }
    invite(&server, &ada, json!({"uses": 1000.0, "lifetime_seconds": 31_536_000}));
    let over = server.post_as(&ada, "/api/v1/invites", json!({}));
    assert_eq!(over.refused(409), "conflict");
}

#[test]
fn an_open_server_asks_for_no_invitation() {
    let server = start();
    let said = server.get("/api/v1/registration").expect(200);
    assert_eq!(said, json!({"registration": "open"}));
    sign_up(&server, "ada", Some(&json!("of another server"))).expect(201);
}

#[test]
fn the_command_line_invites() {
    let (server, ada) = invited_only();
    let run = |arguments: &[&str]| {
        let mut command = campanile(server.data.path());
        command.arg("--data-dir").arg(server.data.path()).args(["user", "invite"]);
        command.args(arguments).output().expect("it runs")
    };
    let output = run(&["--uses", "2", "--days", "1"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    let code = json!(text.lines().next().expect("a code"));
    sign_up(&server, "bob", Some(&code)).expect(201);
    let listed = server.get_as(&ada, "/api/v1/invites").expect(200);
    assert_eq!(listed["invites"][0]["uses_left"], 1);
    assert_eq!(listed["invites"][0].get("made_by"), None);
    let output = run(&["--uses", "0"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}
