//! What happens to rooms.

use crate::{
    scene::{NATIVE, Scene, cases, listener},
    support::{socket::Socket, start},
};
use serde_json::json;

const PUBLIC: (&str, &str) = ("channel_type", "public");

cases! {
    rooms_come_to_life_and_end_with_their_listeners moves [
        "chat_rooms_active",
        "chat_room_participants",
        "chat_room_joins_total",
        "chat_room_leaves_total",
        "chat_room_openings_total",
        "chat_room_closings_total",
        "chat_room_participants_per_room",
    ] life;
    who_may_not_join_is_counted moves ["chat_room_join_failures_total"] refused;
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
