//! Rooms and their members.

use crate::support::{Server, start, start_with, until};
use minreq::Method;
use serde_json::{Value, json};

#[test]
fn a_public_room_is_found_and_joined_by_anyone() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    assert_eq!(names(&server.get_as(&bob, "/api/v1/rooms").expect(200)), ["lobby"]);
    let member = server.put_as(&bob, "/api/v1/rooms/lobby/members/bob", json!({})).expect(200);
    assert_eq!(member["member"]["role"], "member");
    let room = server.get_as(&bob, "/api/v1/rooms/lobby").expect(200);
    assert_eq!(room["room"]["members"], 2);
    assert_eq!(room["member_list"].as_array().map(Vec::len), Some(2));
    let mine = server.get_as(&bob, "/api/v1/me").expect(200);
    assert_eq!(mine["rooms"][0]["role"], "member");
}

#[test]
fn a_private_room_is_not_there_for_others() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let room = json!({"name": "cellar", "kind": "private"});
    server.post_as(&ada, "/api/v1/rooms", room).expect(201);
    assert!(names(&server.get_as(&bob, "/api/v1/rooms").expect(200)).is_empty());
    let path = "/api/v1/rooms/cellar";
    assert_eq!(server.get_as(&bob, path).refused(404), "not_found");
    let own = server.put_as(&bob, "/api/v1/rooms/cellar/members/bob", json!({}));
    assert_eq!(own.refused(404), "not_found");
    server.put_as(&ada, "/api/v1/rooms/cellar/members/bob", json!({})).expect(200);
    server.get_as(&bob, path).expect(200);
    server.delete_as(&ada, "/api/v1/rooms/cellar/members/bob").expect(204);
    assert_eq!(server.get_as(&bob, path).refused(404), "not_found");
}

#[test]
fn a_direct_room_is_one_whoever_asks() {
    let server = start();
    let (ada, bob, eve) = (server.user("ada"), server.user("bob"), server.user("eve"));
    let with = |name: &str| json!({"kind": "direct", "with": name});
    let one = server.post_as(&ada, "/api/v1/rooms", with("bob")).expect(201);
    let other = server.post_as(&bob, "/api/v1/rooms", with("ada")).expect(200);
    assert_eq!(one["room"]["name"], other["room"]["name"]);
    assert_eq!((&one["room"]["with"], &other["room"]["with"]), (&json!("bob"), &json!("ada")));
    let path = format!("/api/v1/rooms/{}", one["room"]["name"].as_str().expect("a name"));
    assert_eq!(server.get_as(&eve, &path).refused(404), "not_found");
    let join = server.put_as(&bob, &format!("{path}/members/eve"), json!({}));
    assert_eq!(join.refused(403), "forbidden");
    let nobody = server.post_as(&ada, "/api/v1/rooms", with("nobody"));
    assert_eq!(nobody.refused(404), "not_found");
}

#[test]
fn owners_change_and_delete_and_others_may_not() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    server.put_as(&bob, "/api/v1/rooms/lobby/members/bob", json!({})).expect(200);
    let topic = |text: &str| Some(json!({"topic": text}));
    let path = "/api/v1/rooms/lobby";
    let changed = server.ask(&ada, Method::Patch, path, topic("bells")).expect(200);
    assert_eq!(changed["room"]["topic"], "bells");
    assert_eq!(server.ask(&bob, Method::Patch, path, topic("mine")).refused(403), "forbidden");
    let long = server.ask(&ada, Method::Patch, path, topic(&"x".repeat(1_025)));
    assert_eq!(long.refused(400), "too_large");
    assert_eq!(server.delete_as(&bob, path).refused(403), "forbidden");
    let last = server.delete_as(&ada, "/api/v1/rooms/lobby/members/ada");
    assert_eq!(last.refused(409), "conflict");
    server.delete_as(&ada, path).expect(204);
    assert_eq!(server.get_as(&ada, path).refused(404), "not_found");
}

#[test]
fn owners_say_how_long_messages_are_kept() {
    let server = start_with(|config| config.limits.room_retention_seconds_max = 1_000);
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "annals");
    server.put_as(&bob, "/api/v1/rooms/annals/members/bob", json!({})).expect(200);
    let path = "/api/v1/rooms/annals";
    let keep = |seconds: Value| Some(json!({"retention_seconds": seconds}));
    assert_eq!(server.ask(&bob, Method::Patch, path, keep(json!(1))).refused(403), "forbidden");
    for wrong in [json!(0), json!(1_001), json!(-1), json!(1.5), json!("1"), json!(u64::MAX)] {
        let refused = server.ask(&ada, Method::Patch, path, keep(wrong.clone())).refused(400);
        assert_eq!(refused, "bad_request", "{wrong}");
    }
    let changed = server.ask(&ada, Method::Patch, path, keep(json!(1_000.0))).expect(200);
    assert_eq!(changed["room"]["retention_seconds"], 1_000);
    let topic = server.ask(&ada, Method::Patch, path, Some(json!({"topic": "bells"}))).expect(200);
    assert_eq!(topic["room"]["retention_seconds"], 1_000, "it stays when it is not named");
    let undone = server.ask(&ada, Method::Patch, path, keep(Value::Null)).expect(200);
    assert_eq!(undone["room"].get("retention_seconds"), None);
    assert_eq!(undone["room"]["topic"], "bells");
    server.ask(&ada, Method::Patch, path, Some(json!({}))).expect(200);
}

#[test]
fn a_room_keeps_its_messages_when_others_lose_theirs() {
    let server = start_with(|config| config.store.retention_seconds = 1);
    let ada = server.user("ada");
    for room in ["annals", "other"] {
        server.room(&ada, room);
    }
    let keep = Some(json!({"retention_seconds": 1_000}));
    server.ask(&ada, Method::Patch, "/api/v1/rooms/annals", keep).expect(200);
    let messages = |room: &str| format!("/api/v1/rooms/{room}/messages");
    for room in ["annals", "other"] {
        server.post_as(&ada, &messages(room), json!({"body": "said once"})).expect(201);
    }
    let kept = |room: &str| {
        let history = server.get_as(&ada, &messages(room)).expect(200);
        history["messages"].as_array().map(Vec::len)
    };
    until("the other room is empty", || (kept("other") == Some(0)).then_some(()));
    assert_eq!(kept("annals"), Some(1));
}

#[test]
fn a_name_is_given_once_and_direct_ones_by_nobody() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let room = |name: &str| json!({"name": name, "kind": "public"});
    assert_eq!(server.post_as(&ada, "/api/v1/rooms", room("lobby")).refused(409), "conflict");
    assert_eq!(server.post_as(&ada, "/api/v1/rooms", room("dm.x")).refused(400), "bad_request");
    assert_eq!(server.post_as(&ada, "/api/v1/rooms", room("A b")).refused(400), "bad_request");
    let odd = json!({"name": "x", "kind": "direct", "with": "ada"});
    assert_eq!(server.post_as(&ada, "/api/v1/rooms", odd).refused(400), "bad_request");
}

#[test]
fn the_list_has_pages() {
    let server = start();
    let ada = server.user("ada");
    for name in ["a", "b", "c"] {
        server.room(&ada, name);
    }
    assert_eq!(page(&server, &ada, "?limit=2"), (vec!["a".into(), "b".into()], true));
    assert_eq!(page(&server, &ada, "?limit=2&after=b"), (vec!["c".into()], false));
    for bad in ["?limit=0", "?limit=201", "?limit=x", "?after=B", "?before=b"] {
        let answer = server.get_as(&ada, &format!("/api/v1/rooms{bad}"));
        assert_eq!(answer.refused(400), "bad_request", "{bad}");
    }
}

fn page(server: &Server, user: &crate::support::User, query: &str) -> (Vec<String>, bool) {
    let list = server.get_as(user, &format!("/api/v1/rooms{query}")).expect(200);
    (names(&list), list["has_more"] == true)
}

fn names(list: &Value) -> Vec<String> {
    let rooms = list["rooms"].as_array().expect("rooms").iter();
    rooms.map(|room| room["name"].as_str().expect("a name").to_owned()).collect()
}
