//! What operators see and do.

use crate::support::{PASSWORD, socket::Socket, start, until};
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

type Map = BTreeMap<&'static str, u64>;

#[test]
fn a_ban_closes_connections_and_lasts_until_it_is_lifted() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let mut socket = Socket::of(&server, &bob);
    let started = Instant::now();
    server.ask(&ada, minreq::Method::Put, "/api/v1/users/bob/ban", None).expect(204);
    assert_eq!(socket.closed(), Some(1008));
    assert!(started.elapsed() < Duration::from_secs(2));
    assert_eq!(server.get_as(&bob, "/api/v1/me").refused(401), "unauthenticated");
    let login = json!({"name": "bob", "password": PASSWORD});
    assert_eq!(server.post("/api/v1/login", &login).refused(403), "forbidden");
    server.delete_as(&ada, "/api/v1/users/bob/ban").expect(204);
    server.post("/api/v1/login", &login).expect(200);
    let path = "/api/v1/users/ada/ban";
    let own = server.ask(&ada, minreq::Method::Put, path, None);
    assert_eq!(own.refused(409), "conflict");
    let nobody = server.ask(&ada, minreq::Method::Put, "/api/v1/users/nobody/ban", None);
    assert_eq!(nobody.refused(404), "not_found");
}

#[test]
fn others_see_nothing() {
    let server = start();
    server.user("ada");
    let bob = server.user("bob");
    for path in ["stats", "stats/rooms", "stats/connections", "nodes"] {
        let path = format!("/api/v1/{path}");
        assert_eq!(server.get_as(&bob, &path).refused(403), "forbidden", "{path}");
        assert_eq!(server.get(&path).refused(401), "unauthenticated", "{path}");
    }
    let ban = server.ask(&bob, minreq::Method::Put, "/api/v1/users/ada/ban", None);
    assert_eq!(ban.refused(403), "forbidden");
}

#[test]
fn the_numbers_are_those_of_monitoring() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut socket = Socket::of(&server, &ada);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    socket.ask(json!({"op": "send", "room": "lobby", "body": "hello"}));
    socket.hear("message");
    let stats = until("a delivery", || {
        let stats = server.get_as(&ada, "/api/v1/stats").expect(200);
        (stats["messages"]["sent_total"] == 1).then_some(stats)
    });
    assert_eq!(stats["connections"]["active"], 1);
    assert_eq!(stats["users_online"], 1);
    assert_eq!(stats["messages"]["accepted_total"], 1);
    assert_eq!(stats["rooms_active"], 1);
    assert_eq!((&stats["store"]["kind"], &stats["store"]["up"]), (&json!("sqlite"), &json!(true)));
    assert_eq!((&stats["bus"]["kind"], &stats["bus"]["up"]), (&json!("memory"), &json!(true)));
    assert_eq!(stats["cluster"], json!({"nodes": 1, "nodes_expected": 1}));
    assert_eq!(stats["store"]["queue_messages"], 0);
    assert_eq!(stats["store"]["pool"]["timeouts_total"], 0);
    assert_eq!(stats["bus"]["lag_p50_seconds"], json!(null), "nobody is there to be heard");
    let empty = ["hits_total", "misses_total", "used_bytes", "max_bytes", "evictions_total"];
    assert_eq!(stats["cache"], json!(empty.map(|name| (name, 0)).into_iter().collect::<Map>()));
    let nodes = server.get_as(&ada, "/api/v1/nodes").expect(200);
    let itself = &nodes["nodes"][0];
    assert_eq!((&stats["node"], &stats["name"]), (&itself["node"], &itself["name"]));
    assert!(stats["delivery"]["p99_seconds"].as_f64().expect("a delivery") < 5.0);
    assert!(stats["memory_bytes"].as_u64().expect("bytes") > 1_000_000);
    let scraped = server.scrape().sum("chat_messages_sent_total");
    assert_eq!(stats["messages"]["sent_total"].as_f64(), Some(scraped));
}

#[test]
fn rooms_connections_and_nodes_are_listed() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut socket = Socket::of(&server, &ada);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    socket.ask(json!({"op": "send", "room": "lobby", "body": "hello"}));
    let rooms = until("the room is counted", || {
        let rooms = server.get_as(&ada, "/api/v1/stats/rooms?top=5").expect(200);
        (rooms["rooms"][0]["messages_total"] == 1).then_some(rooms)
    });
    assert_eq!(rooms["rooms"][0]["room"], "lobby");
    assert_eq!(rooms["rooms"][0]["participants"], 1);
    let connections = server.get_as(&ada, "/api/v1/stats/connections").expect(200);
    let connection = &connections["connections"][0];
    assert_eq!(connection["user"], "ada");
    assert_eq!(connection["transport"], "websocket");
    assert_eq!(connection["address"], "127.0.0.1");
    assert_eq!(connection["rooms"], 1);
    let nodes = server.get_as(&ada, "/api/v1/nodes").expect(200);
    assert_eq!(nodes["nodes"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&nodes["nodes"][0]["self"], &nodes["nodes"][0]["connections"]),
        (&json!(true), &json!(1))
    );
    for bad in ["rooms?top=0", "rooms?top=1001", "connections?limit=0", "connections?top=1"] {
        let answer = server.get_as(&ada, &format!("/api/v1/stats/{bad}"));
        assert_eq!(answer.refused(400), "bad_request", "{bad}");
    }
}
