//! What becomes of messages.

use crate::{
    scene::{NATIVE, Scene, WEBSOCKET, cases, listener},
    support::{Server, User, sabotage::lock, socket::Socket, start, start_with, until},
};
use serde_json::json;

const ROOM: (&str, &str) = ("kind", "room");
const PUBLIC: (&str, &str) = ("channel_type", "public");

cases! {
    a_message_is_followed_from_its_sender_to_every_reader moves [
        "chat_messages_received_total{transport=websocket,kind=room}",
        "chat_messages_processed_total{kind=room,result=accepted}",
        "chat_message_broadcasts_total{channel_type=public}",
        "chat_messages_sent_total{transport=websocket,channel_type=public}",
        "chat_message_delivery_latency_seconds{scope=local}",
        "chat_message_processing_duration_seconds{kind=room}",
        "chat_message_size_bytes{direction=in|out}",
        "chat_message_fanout_recipients",
    ] followed;
    a_message_that_is_refused_says_why moves [
        "chat_message_errors_total{reason=malformed|too_large|forbidden|unknown_target}",
        "chat_messages_processed_total{kind=room,result=rejected}",
    ] refused;
    a_message_that_the_store_does_not_take_in_time_is_an_error moves [
        "chat_message_errors_total{reason=timeout}",
        "chat_messages_processed_total{kind=room,result=failed}",
    ] late;
    a_repeated_message_is_stored_once moves [
        "chat_message_duplicates_suppressed_total",
        "chat_messages_processed_total{kind=room,result=duplicate}",
    ] repeated;
    a_read_mark_is_an_acknowledgement moves [
        "chat_message_acks_total{result=ok}",
    ] read;
    a_sign_that_somebody_types_is_an_event_of_a_client moves [
        "chat_client_events_total{channel_type=public,result=accepted|rejected}",
    ] typed;
    a_read_mark_that_is_refused_is_one_too moves [
        "chat_message_acks_total{result=error}",
        "chat_messages_processed_total{kind=receipt,result=rejected}",
        "chat_message_errors_total{reason=unknown_target}",
    ] marked_in_vain;
    what_is_said_of_a_message_is_counted_by_kind moves [
        "chat_messages_received_total{transport=websocket,kind=event|receipt|control}",
        "chat_messages_processed_total{kind=event|receipt,result=accepted}",
        "chat_message_processing_duration_seconds{kind=event}",
    ] said_of;
    a_message_that_is_being_handled_is_seen moves [
        "chat_message_handlers_active",
    ] handled;
}

fn conversation(server: &Server) -> (User, Socket, Socket) {
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let (one, other) = (listener(server, &ada, "lobby"), listener(server, &bob, "lobby"));
    (ada, one, other)
}

fn typed(scene: &Scene) {
    let server = start();
    let (_, mut ada, mut bob) = conversation(&server);
    let before = server.scrape();
    for on in [true, false] {
        ada.ask(json!({"op": "typing", "room": "lobby", "on": on}));
        bob.hear("typing");
    }
    let refused = bob.try_ask(json!({"op": "typing", "room": "nowhere", "on": true}));
    assert_eq!(refused["code"], "not_found");
    for (result, by) in [("accepted", 2.0), ("rejected", 1.0)] {
        let labels = [PUBLIC, ("result", result)];
        scene.rose(&server, &before, ("chat_client_events_total", &labels), by);
    }
    scene.total_rose(&server, &before, "chat_client_events_total", 3.0);
}

fn followed(scene: &Scene) {
    let server = start();
    let (_, mut ada, mut bob) = conversation(&server);
    let before = server.scrape();
    ada.ask(json!({"op": "send", "room": "lobby", "body": "five!"}));
    ada.hear("message");
    bob.hear("message");
    let received = ("chat_messages_received_total", &[NATIVE, WEBSOCKET, ROOM][..]);
    scene.rose(&server, &before, received, 1.0);
    let accepted = ("chat_messages_processed_total", &[ROOM, ("result", "accepted")][..]);
    scene.rose(&server, &before, accepted, 1.0);
    scene.rose(&server, &before, ("chat_message_broadcasts_total", &[PUBLIC]), 1.0);
    let sent = ("chat_messages_sent_total", &[NATIVE, WEBSOCKET, PUBLIC][..]);
    scene.rose(&server, &before, sent, 2.0);
    let local = &[("scope", "local")];
    let latency = ("chat_message_delivery_latency_seconds_count", &local[..]);
    scene.rose(&server, &before, latency, 2.0);
    let processing = ("chat_message_processing_duration_seconds_count", &[ROOM][..]);
    scene.rose(&server, &before, processing, 1.0);
    for direction in ["in", "out"] {
        let labels = &[("direction", direction)];
        scene.rose(&server, &before, ("chat_message_size_bytes_count", labels), 1.0);
        scene.rose(&server, &before, ("chat_message_size_bytes_sum", labels), 5.0);
    }
    scene.rose(&server, &before, ("chat_message_fanout_recipients_count", &[]), 1.0);
    scene.rose(&server, &before, ("chat_message_fanout_recipients_sum", &[]), 2.0);
}

fn refused(scene: &Scene) {
    let server = start();
    let (ada, mut socket, _other) = conversation(&server);
    let before = server.scrape();
    let path = "/api/v1/rooms/lobby/messages";
    let long = json!({"body": "x".repeat(16 * 1024 + 1)});
    assert_eq!(server.post_as(&ada, path, long).status, 400);
    let nowhere = json!({"op": "send", "room": "nowhere", "body": "x"});
    assert_eq!(socket.try_ask(nowhere)["code"], "not_found");
    socket.say("this is no frame");
    for reason in ["too_large", "unknown_target", "malformed"] {
        let labels = &[("reason", reason)];
        scene.rose(&server, &before, ("chat_message_errors_total", labels), 1.0);
    }
    scene.total_rose(&server, &before, "chat_message_errors_total", 3.0);
    let rejected = ("chat_messages_processed_total", &[ROOM, ("result", "rejected")][..]);
    scene.rose(&server, &before, rejected, 2.0);
    let eve = server.user("eve");
    assert_eq!(server.post_as(&eve, path, json!({"body": "x"})).refused(403), "forbidden");
    let forbidden = ("chat_message_errors_total", &[("reason", "forbidden")][..]);
    scene.rose(&server, &before, forbidden, 1.0);
}

fn late(scene: &Scene) {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let before = server.scrape();
    let hold = lock(&server);
    let path = "/api/v1/rooms/lobby/messages";
    assert_eq!(server.post_as(&ada, path, json!({"body": "x"})).refused(503), "unavailable");
    drop(hold);
    let timeout = ("chat_message_errors_total", &[("reason", "timeout")][..]);
    scene.rose(&server, &before, timeout, 1.0);
    scene.total_rose(&server, &before, "chat_message_errors_total", 1.0);
    let failed = ("chat_messages_processed_total", &[ROOM, ("result", "failed")][..]);
    scene.rose(&server, &before, failed, 1.0);
}

fn repeated(scene: &Scene) {
    let server = start();
    let (_, mut socket, _other) = conversation(&server);
    let before = server.scrape();
    for _ in 0..3 {
        socket.ask(json!({"op": "send", "room": "lobby", "body": "x", "key": "same"}));
    }
    scene.rose(&server, &before, ("chat_message_duplicates_suppressed_total", &[]), 2.0);
    let duplicate = ("chat_messages_processed_total", &[ROOM, ("result", "duplicate")][..]);
    scene.rose(&server, &before, duplicate, 2.0);
}

fn marked_in_vain(scene: &Scene) {
    let server = start();
    let (_, _, mut bob) = conversation(&server);
    let before = server.scrape();
    let refused = bob.try_ask(json!({"op": "read", "room": "nowhere", "seq": 1}));
    assert_eq!(refused["code"], "not_found");
    scene.rose(&server, &before, ("chat_message_acks_total", &[("result", "error")]), 1.0);
    let processed = [("kind", "receipt"), ("result", "rejected")];
    scene.rose(&server, &before, ("chat_messages_processed_total", &processed), 1.0);
    let errors = [("reason", "unknown_target")];
    scene.rose(&server, &before, ("chat_message_errors_total", &errors), 1.0);
}

fn read(scene: &Scene) {
    let server = start();
    let (_, mut ada, mut bob) = conversation(&server);
    ada.ask(json!({"op": "send", "room": "lobby", "body": "x"}));
    let before = server.scrape();
    for _ in 0..2 {
        bob.ask(json!({"op": "read", "room": "lobby", "seq": 1}));
    }
    let moved = ("chat_message_acks_total", &[("result", "ok")][..]);
    scene.rose(&server, &before, moved, 1.0);
}

fn said_of(scene: &Scene) {
    let server = start();
    let (_, mut ada, _other) = conversation(&server);
    ada.ask(json!({"op": "send", "room": "lobby", "body": "x"}));
    let before = server.scrape();
    ada.ask(json!({"op": "edit", "room": "lobby", "seq": 1, "body": "y"}));
    ada.ask(json!({"op": "read", "room": "lobby", "seq": 1}));
    ada.ask(json!({"op": "ping"}));
    for kind in ["event", "receipt", "control"] {
        let received = [NATIVE, WEBSOCKET, ("kind", kind)];
        scene.rose(&server, &before, ("chat_messages_received_total", &received), 1.0);
    }
    for kind in ["event", "receipt"] {
        let accepted = [("kind", kind), ("result", "accepted")];
        scene.rose(&server, &before, ("chat_messages_processed_total", &accepted), 1.0);
    }
    let event = ("chat_message_processing_duration_seconds_count", &[("kind", "event")][..]);
    scene.rose(&server, &before, event, 1.0);
}

fn handled(scene: &Scene) {
    // The second message waits for its time within its handler.
    let server = start_with(|config| {
        config.limits.messages_per_user.per_second = 0.5;
        config.limits.messages_per_user.burst = 1;
        config.limits.rate_wait_max_seconds = 5.0;
    });
    let (_, mut socket, _other) = conversation(&server);
    socket.ask(json!({"op": "send", "room": "lobby", "body": "first"}));
    socket.say(r#"{"op":"send","id":99,"room":"lobby","body":"second"}"#);
    scene.is(&server, "chat_message_handlers_active", &[], 1.0);
    until("the message is handled", || {
        (server.scrape().sum("chat_message_handlers_active") == 0.0).then_some(())
    });
}
