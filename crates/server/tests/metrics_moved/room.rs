//! What happens to rooms.

use crate::{
    scene::{NATIVE, Scene, WEBSOCKET, cases, listener},
    support::{Server, sabotage::change, socket::Socket, start, start_with},
};
use serde_json::json;

const PUBLIC: (&str, &str) = ("channel_type", "public");

cases! {
    rooms_come_to_life_and_end_with_their_listeners moves [
        "chat_rooms_active{channel_type=public}",
        "chat_room_participants{channel_type=public}",
        "chat_room_joins_total{channel_type=public}",
        "chat_room_leaves_total{channel_type=public,reason=client|disconnect}",
        "chat_room_openings_total{channel_type=public}",
        "chat_room_closings_total{channel_type=public}",
        "chat_room_participants_per_room",
    ] life;
    who_may_not_join_is_counted moves [
        "chat_room_join_failures_total{channel_type=public|private,reason=unknown_room}",
    ] refused;
    joins_are_counted_by_why_they_fail moves [
        "chat_room_join_failures_total{channel_type=public,reason=full|rate_limited|backend_error}",
    ] failing;
    who_is_put_out_is_counted moves [
        "chat_room_leaves_total{channel_type=public,reason=kicked|room_closed}",
        "chat_room_closings_total{channel_type=public}",
    ] put_out;
    rooms_of_every_kind_are_counted_apart moves [
        "chat_rooms_active{channel_type=private|direct}",
        "chat_room_participants{channel_type=private|direct}",
        "chat_room_joins_total{channel_type=private|direct}",
        "chat_room_leaves_total{channel_type=private|direct,reason=client}",
        "chat_room_openings_total{channel_type=private|direct}",
        "chat_room_closings_total{channel_type=private|direct}",
        "chat_messages_received_total{transport=websocket,kind=direct|room}",
        "chat_messages_processed_total{kind=direct|room,result=accepted}",
        "chat_message_processing_duration_seconds{kind=direct|room}",
        "chat_message_broadcasts_total{channel_type=private|direct}",
        "chat_messages_sent_total{transport=websocket,channel_type=private|direct}",
        "chat_client_events_total{channel_type=private|direct,result=accepted}",
    ] kinds;
}

fn life(scene: &Scene) {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let before = server.scrape();
    let (mut one, other) = (listener(&server, &ada, "lobby"), listener(&server, &bob, "lobby"));
    scene.is(&server, "chat_rooms_active", &[NATIVE, PUBLIC], 1.0);
    scene.is(&server, "chat_room_participants", &[PUBLIC], 2.0);
    scene.rose(&server, &before, ("chat_room_joins_total", &[NATIVE, PUBLIC]), 2.0);
    scene.rose(&server, &before, ("chat_room_openings_total", &[PUBLIC]), 1.0);
    scene.rose(&server, &before, ("chat_room_participants_per_room_count", &[]), 2.0);
    scene.rose(&server, &before, ("chat_room_participants_per_room_sum", &[]), 3.0);
    one.ask(json!({"op": "leave", "room": "lobby"}));
    other.close();
    for reason in ["client", "disconnect"] {
        let labels = &[NATIVE, PUBLIC, ("reason", reason)];
        scene.rose(&server, &before, ("chat_room_leaves_total", labels), 1.0);
    }
    scene.rose(&server, &before, ("chat_room_closings_total", &[PUBLIC]), 1.0);
    scene.is(&server, "chat_rooms_active", &[NATIVE, PUBLIC], 0.0);
    scene.is(&server, "chat_room_participants", &[PUBLIC], 0.0);
    scene.rose(&server, &before, ("chat_room_participants_per_room_count", &[]), 4.0);
    scene.rose(&server, &before, ("chat_room_participants_per_room_sum", &[]), 4.0);
}

fn refused(scene: &Scene) {
    let server = start();
    let (ada, eve) = (server.user("ada"), server.user("eve"));
    let room = json!({"name": "cellar", "kind": "private"});
    server.post_as(&ada, "/api/v1/rooms", room).expect(201);
    let mut socket = Socket::of(&server, &eve);
    let before = server.scrape();
    for room in ["cellar", "nowhere"] {
        let refused = socket.try_ask(json!({"op": "join", "room": room}));
        assert_eq!(refused["code"], "not_found");
    }
    let path = "/api/v1/rooms/nowhere/members/eve";
    assert_eq!(server.put_as(&eve, path, json!({})).refused(404), "not_found");
    for (channel_type, by) in [("private", 1.0), ("public", 2.0)] {
        let labels = &[("channel_type", channel_type), ("reason", "unknown_room")];
        scene.rose(&server, &before, ("chat_room_join_failures_total", labels), by);
    }
    scene.total_rose(&server, &before, "chat_room_join_failures_total", 3.0);
}

fn failing(scene: &Scene) {
    let join = |socket: &mut Socket, room: &str| {
        let refused = socket.try_ask(json!({"op": "join", "room": room}));
        refused["code"].as_str().unwrap_or("done").to_owned()
    };
    let failures = |reason| ("chat_room_join_failures_total", [PUBLIC, ("reason", reason)]);
    let server = start_with(|config| {
        config.limits.rooms_per_connection_max = 1;
        config.limits.joins_per_user.per_second = 0.001;
        config.limits.joins_per_user.burst = 2;
    });
    let ada = server.user("ada");
    for room in ["lobby", "attic"] {
        server.room(&ada, room);
    }
    let before = server.scrape();
    let (mut one, mut other) = (Socket::of(&server, &ada), Socket::of(&server, &ada));
    assert_eq!(join(&mut one, "lobby"), "done");
    assert_eq!(join(&mut one, "attic"), "conflict");
    assert_eq!(join(&mut other, "lobby"), "done");
    assert_eq!(join(&mut other, "lobby"), "rate_limited");
    for reason in ["full", "rate_limited"] {
        let (name, labels) = failures(reason);
        scene.rose(&server, &before, (name, &labels), 1.0);
    }
    scene.total_rose(&server, &before, "chat_room_join_failures_total", 2.0);

    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut socket = Socket::of(&server, &ada);
    let before = server.scrape();
    change(&server, "ALTER TABLE rooms RENAME TO elsewhere");
    assert_eq!(join(&mut socket, "lobby"), "unavailable");
    let (name, labels) = failures("backend_error");
    scene.rose(&server, &before, (name, &labels), 1.0);
}

fn put_out(scene: &Scene) {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let _listening = [listener(&server, &ada, "lobby"), listener(&server, &bob, "lobby")];
    let before = server.scrape();
    server.delete_as(&ada, "/api/v1/rooms/lobby/members/bob").expect(204);
    let left = |reason| ("chat_room_leaves_total", [NATIVE, PUBLIC, ("reason", reason)]);
    let (name, labels) = left("kicked");
    scene.rose(&server, &before, (name, &labels), 1.0);
    server.delete_as(&ada, "/api/v1/rooms/lobby").expect(204);
    let (name, labels) = left("room_closed");
    scene.rose(&server, &before, (name, &labels), 1.0);
    scene.total_rose(&server, &before, "chat_room_leaves_total", 2.0);
    scene.rose(&server, &before, ("chat_room_closings_total", &[PUBLIC]), 1.0);
}

fn kinds(scene: &Scene) {
    let server = start();
    let (ada, _bob) = (server.user("ada"), server.user("bob"));
    let make = |wanted| server.post_as(&ada, "/api/v1/rooms", wanted).expect(201);
    make(json!({"name": "cellar", "kind": "private"}));
    let direct = make(json!({"kind": "direct", "with": "bob"}))["room"]["name"].clone();
    let direct = direct.as_str().expect("a name").to_owned();
    for (room, channel_type, kind) in [("cellar", "private", "room"), (&direct, "direct", "direct")]
    {
        let (channel_type, kind) = (("channel_type", channel_type), ("kind", kind));
        lives(scene, &server, &mut Socket::of(&server, &ada), (room, channel_type, kind));
    }
}

/// Joins a room, speaks in it and leaves it.
fn lives(
    scene: &Scene,
    server: &Server,
    socket: &mut Socket,
    (room, channel_type, kind): (&str, (&str, &str), (&str, &str)),
) {
    let before = server.scrape();
    socket.ask(json!({"op": "join", "room": room}));
    scene.is(server, "chat_rooms_active", &[NATIVE, channel_type], 1.0);
    scene.is(server, "chat_room_participants", &[channel_type], 1.0);
    scene.rose(server, &before, ("chat_room_joins_total", &[NATIVE, channel_type]), 1.0);
    scene.rose(server, &before, ("chat_room_openings_total", &[channel_type]), 1.0);
    socket.ask(json!({"op": "typing", "room": room, "on": true}));
    let accepted = ("result", "accepted");
    let typed = [channel_type, accepted];
    scene.rose(server, &before, ("chat_client_events_total", &typed), 1.0);
    socket.ask(json!({"op": "send", "room": room, "body": "x"}));
    socket.hear("message");
    let received = [NATIVE, WEBSOCKET, kind];
    scene.rose(server, &before, ("chat_messages_received_total", &received), 1.0);
    scene.rose(server, &before, ("chat_messages_processed_total", &[kind, accepted]), 1.0);
    let timed = ("chat_message_processing_duration_seconds_count", &[kind][..]);
    scene.rose(server, &before, timed, 1.0);
    scene.rose(server, &before, ("chat_message_broadcasts_total", &[channel_type]), 1.0);
    let sent = [NATIVE, WEBSOCKET, channel_type];
    scene.rose(server, &before, ("chat_messages_sent_total", &sent), 1.0);
    socket.ask(json!({"op": "leave", "room": room}));
    let left = [NATIVE, channel_type, ("reason", "client")];
    scene.rose(server, &before, ("chat_room_leaves_total", &left), 1.0);
    scene.rose(server, &before, ("chat_room_closings_total", &[channel_type]), 1.0);
}
