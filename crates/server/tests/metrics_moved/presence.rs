//! Who is there.

use crate::{
    scene::{NATIVE, Scene, cases, listener},
    support::start,
};
use serde_json::json;

cases! {
    what_a_user_says_of_itself_reaches_the_others moves [
        "chat_presence_updates_received_total{type=available|unavailable|away|dnd}",
        "chat_presence_updates_sent_total{type=available|unavailable|away|dnd}",
        "chat_presence_members",
        "chat_presence_subscriptions",
    ] said;
}

fn said(scene: &Scene) {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let first = server.scrape();
    let (mut one, mut other) = (listener(&server, &ada, "lobby"), listener(&server, &bob, "lobby"));
    scene.is(&server, "chat_presence_members", &[NATIVE], 2.0);
    scene.is(&server, "chat_presence_subscriptions", &[], 2.0);
    let before = server.scrape();
    one.ask(json!({"op": "presence", "status": "away"}));
    let event = other.hear_where("presence", |event| event["status"] == "away");
    assert_eq!(event["user"], "ada");
    let away = &[("type", "away")];
    scene.rose(&server, &before, ("chat_presence_updates_received_total", away), 1.0);
    scene.rose(&server, &before, ("chat_presence_updates_sent_total", away), 2.0);
    for status in ["dnd", "unavailable", "available"] {
        let before = server.scrape();
        one.ask(json!({"op": "presence", "status": status}));
        let said = &[("type", status)];
        scene.rose(&server, &before, ("chat_presence_updates_received_total", said), 1.0);
        let sent = ("chat_presence_updates_sent_total", &said[..]);
        scene.becomes(&server, sent, |total| total >= 2.0);
    }
    // To connect is to say nothing.
    scene.total_rose(&server, &first, "chat_presence_updates_received_total", 4.0);
}
