//! Streams of events.

use crate::support::{
    Server, User, events::Events, send, socket::Socket, start, start_with, until,
};
use serde_json::json;
use std::time::Duration;

fn say(server: &Server, user: &User, room: &str, body: &str) {
    let path = format!("/api/v1/rooms/{room}/messages");
    server.post_as(user, &path, json!({"body": body})).expect(201);
}

fn lobby() -> (Server, User) {
    let server = start_with(|config| config.limits.enabled = false);
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    (server, ada)
}

fn numbered(room: &str, numbers: impl IntoIterator<Item = u64>) -> Vec<(String, u64)> {
    numbers.into_iter().map(|seq| (room.to_owned(), seq)).collect()
}

#[test]
fn a_stream_tells_what_a_websocket_tells() {
    let (server, ada) = lobby();
    let mut socket = Socket::of(&server, &ada);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    let mut events = Events::open(&server, &ada, &["lobby"], "");
    assert_eq!(events.status, 200);
    for header in ["content-type: text/event-stream\r\n", "cache-control: no-store\r\n"] {
        assert!(events.headers.contains(header), "{}", events.headers);
    }
    events.until_id(|id| id.ends_with(":0"));
    socket.ask(json!({"op": "send", "room": "lobby", "body": "two\nlines"}));
    socket.ask(json!({"op": "edit", "room": "lobby", "seq": 1, "body": "better"}));
    socket.ask(json!({"op": "typing", "room": "lobby", "on": true}));
    for name in ["message", "edited", "typing"] {
        assert_eq!(events.hear(name), socket.hear(name));
    }
    assert!(events.last_id.ends_with(":1"), "only messages have one: {}", events.last_id);
}

#[test]
fn who_comes_back_hears_what_was_missed_of_every_room() {
    let (server, ada) = lobby();
    server.room(&ada, "tea");
    let rooms = ["lobby", "tea"];
    let mut events = Events::open(&server, &ada, &rooms, "");
    events.until_id(|id| id.contains("lobby:") && id.contains(",tea:"));
    say(&server, &ada, "lobby", "one");
    say(&server, &ada, "tea", "one");
    say(&server, &ada, "lobby", "two");
    let mut heard = events.numbers(3);
    let last_id = events.last_id.clone();
    drop(events);
    for body in ["three", "four"] {
        say(&server, &ada, "lobby", body);
        say(&server, &ada, "tea", body);
    }
    let mut events = Events::open(&server, &ada, &rooms, &last_id);
    heard.extend(events.numbers(2));
    // Cut off again before the other room was told of: nothing of it is lost.
    let last_id = events.last_id.clone();
    drop(events);
    say(&server, &ada, "tea", "five");
    let mut events = Events::open(&server, &ada, &rooms, &last_id);
    heard.extend(events.numbers(3));
    say(&server, &ada, "lobby", "live");
    heard.extend(events.numbers(1));
    let of =
        |name: &str| heard.iter().filter(|(room, _)| room == name).cloned().collect::<Vec<_>>();
    assert_eq!(of("lobby"), numbered("lobby", 1..=5));
    assert_eq!(of("tea"), numbered("tea", 1..=4));
}

#[test]
fn who_missed_too_much_or_another_history_reads_the_room_again() {
    let server = start_with(|config| {
        config.limits.enabled = false;
        config.limits.resume_messages_max = 3;
    });
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut events = Events::open(&server, &ada, &["lobby"], "");
    events.until_id(|id| id.ends_with(":0"));
    let last_id = events.last_id.clone();
    for _ in 0..4 {
        say(&server, &ada, "lobby", "x");
    }
    let mut events = Events::open(&server, &ada, &["lobby"], &last_id);
    assert_eq!(events.hear("resync"), json!({"op": "resync", "room": "lobby", "reason": "gap"}));
    events.until_id(|id| id.ends_with(":4"));
    say(&server, &ada, "lobby", "x");
    assert_eq!(events.numbers(1), numbered("lobby", [5]));
    let other = "lobby:00000000000000ff:4";
    let mut events = Events::open(&server, &ada, &["lobby"], other);
    assert_eq!(events.hear("resync")["reason"], "epoch");
}

#[test]
fn a_slow_reader_is_cut_and_comes_back_without_a_loss() {
    let (server, ada) = lobby();
    let mut slow = Events::open_narrow(&server, &ada, &["lobby"]);
    slow.until_id(|id| id.ends_with(":0"));
    let cut = [("transport", "sse")];
    let mut sent = 0;
    while server.scrape().value("chat_connection_slow_consumers_total", &cut) == Some(0.0) {
        assert!(sent < 5_000, "the slow reader was never cut");
        for _ in 0..16 {
            say(&server, &ada, "lobby", &"x".repeat(16 * 1024));
            sent += 1;
        }
    }
    let mut heard = slow.rest();
    assert!(heard.len() < sent, "something was not told");
    while heard.len() < sent {
        let mut events = Events::open(&server, &ada, &["lobby"], &slow.last_id);
        // More than one opening tells is read as history, which is not what this is about.
        match events.next().expect("an event") {
            event if event.name == "message" => {
                heard.push(("lobby".to_owned(), event.data["seq"].as_u64().expect("a number")));
                slow = events;
            }
            event => {
                assert_eq!(event.name, "resync");
                let after = heard.len();
                let page = format!("/api/v1/rooms/lobby/messages?after={after}&limit=200");
                let page = server.get_as(&ada, &page).expect(200);
                let messages = page["messages"].as_array().expect("messages");
                heard.extend(messages.iter().map(|message| {
                    ("lobby".to_owned(), message["seq"].as_u64().expect("a number"))
                }));
                let epoch = page["epoch"].as_str().expect("an epoch");
                slow.last_id = format!("lobby:{epoch}:{}", heard.len());
            }
        }
    }
    assert_eq!(heard, numbered("lobby", 1..=sent as u64));
}

#[test]
fn the_end_of_a_session_is_the_end_of_its_streams() {
    let (server, ada) = lobby();
    let mut events = Events::open(&server, &ada, &["lobby"], "");
    server.ask(&ada, minreq::Method::Post, "/api/v1/logout", None).expect(204);
    events.ends_within(Duration::from_secs(2));
    let again = Events::open(&server, &ada, &["lobby"], &events.last_id);
    assert_eq!(again.status, 401, "a browser does not ask again");
    let closed = [("transport", "sse"), ("reason", "auth_expired")];
    until("it is counted", || {
        let value = server.scrape().value("chat_connections_closed_total", &closed);
        (value == Some(1.0)).then_some(())
    });
}

#[test]
fn a_stop_is_told_and_ends_every_stream() {
    let (mut server, ada) = lobby();
    let mut events = Events::open(&server, &ada, &["lobby"], "");
    events.until_id(|id| !id.is_empty());
    server.begin_to_stop();
    assert_eq!(events.hear("draining")["op"], "draining");
    events.ends_within(Duration::from_secs(2));
}

#[test]
fn a_stream_without_events_has_a_heartbeat() {
    let server = start_with(|config| config.websocket.ping_interval_seconds = 0.2);
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut events = Events::open(&server, &ada, &["lobby"], "");
    for _ in 0..2 {
        while events.block().expect("a heartbeat") != ":\n\n" {}
    }
    // A client that leaves is found out by what is written to it.
    drop(events);
    let active = [("app", "native"), ("transport", "sse")];
    until("it is gone", || {
        let value = server.scrape().value("chat_connections_active", &active);
        (value == Some(0.0)).then_some(())
    });
}

#[test]
fn who_may_not_listen_is_told_why() {
    let (server, ada) = lobby();
    let eve = server.user("eve");
    let private = json!({"name": "den", "kind": "private"});
    server.post_as(&ada, "/api/v1/rooms", private).expect(201);
    assert_eq!(server.get("/sse?room=lobby").refused(401), "unauthenticated");
    assert_eq!(server.get_as(&eve, "/sse?room=lobby&room=den").refused(404), "not_found");
    for query in ["", "?room=", "?room=lobby&since=4"] {
        let refused = server.get_as(&eve, &format!("/sse{query}")).refused(400);
        assert_eq!(refused, "bad_request", "{query}");
    }
    let request = minreq::get(server.url("/sse?room=lobby"))
        .with_header("Authorization", format!("Bearer {}", eve.token))
        .with_header("Last-Event-ID", "17");
    assert_eq!(send(request).refused(400), "bad_request");
    let rejected = server.scrape().sum("chat_connections_rejected_total");
    assert_eq!(rejected, 6.0);
    assert_eq!(start().get("/sse").refused(401), "unauthenticated");
}
