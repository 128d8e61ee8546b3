//! A push service beside a server, and two users with a direct room.

use super::{Server, User, start_in};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_neighbours::PushService;
use campanile_server::config::Config;
use serde_json::{Value, json};
use std::{fs, path::Path};

/// A server that believes a push service on this machine.
pub(crate) fn start_beside(service: &PushService) -> Server {
    let data = tempfile::tempdir().expect("a directory");
    let ca = data.path().join("push-ca.pem");
    fs::write(&ca, service.authority()).expect("written");
    start_in(data, |config| believe(config, &ca))
}

pub(crate) fn believe(config: &mut Config, ca: &Path) {
    config.push.ca = Some(ca.to_owned());
    config.push.allow_private = true;
}

pub(crate) fn subscription(service: &PushService, name: &str) -> Value {
    let (p256dh, auth) = service.keys();
    let keys = json!({
        "p256dh": URL_SAFE_NO_PAD.encode(p256dh),
        "auth": URL_SAFE_NO_PAD.encode(auth),
    });
    json!({"endpoint": service.endpoint(name), "expirationTime": null, "keys": keys})
}

pub(crate) fn subscribe(server: &Server, user: &User, service: &PushService, name: &str) {
    let subscription = subscription(service, name);
    server.put_as(user, "/api/v1/push-subscriptions", subscription).expect(204);
}

/// Two users and their direct room.
pub(crate) fn pair(server: &Server) -> (User, User, String) {
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let direct = json!({"kind": "direct", "with": "bob"});
    let room = server.post_as(&ada, "/api/v1/rooms", direct).expect(201)["room"]["name"].clone();
    (ada, bob, room.as_str().expect("a name").to_owned())
}

pub(crate) fn say(server: &Server, user: &User, room: &str, body: &str) -> u64 {
    let path = format!("/api/v1/rooms/{room}/messages");
    let sent = server.post_as(user, &path, json!({"body": body})).expect(201);
    sent["seq"].as_u64().expect("a number")
}
