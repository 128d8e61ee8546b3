//! Messages over REST.

use crate::support::{Server, User, send, socket::Socket, start, with_json};
use serde_json::{Value, json};

#[test]
fn what_was_sent_is_read_in_order() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    for number in 1..=5 {
        let sent = say(&server, &ada, json!({"body": format!("number {number}")})).expect(201);
        assert_eq!(sent["seq"], number);
        assert_eq!(sent["duplicate"], false);
    }
    let newest = history(&server, &ada, "?limit=2");
    assert_eq!(seqs(&newest), [4, 5]);
    assert_eq!((&newest["has_more"], &newest["last_seq"]), (&json!(true), &json!(5)));
    assert_eq!(seqs(&history(&server, &ada, "?before=3")), [1, 2]);
    assert_eq!(seqs(&history(&server, &ada, "?after=3")), [4, 5]);
    assert_eq!(history(&server, &ada, "?after=0&limit=1")["messages"][0]["body"], "number 1");
}

#[test]
fn the_same_key_is_the_same_message() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let keyed = |key: &str, body: &str| {
        let request = minreq::post(server.url("/api/v1/rooms/lobby/messages"))
            .with_header("Authorization", format!("Bearer {}", ada.token))
            .with_header("Idempotency-Key", key);
        send(with_json(request, &json!({"body": body})))
    };
    let first = keyed("once", "hello").expect(201);
    let again = keyed("once", "hello").expect(201);
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    assert_eq!(first["message_id"], again["message_id"]);
    assert_eq!(history(&server, &ada, "")["last_seq"], 1);
    for bad in ["", "two words", &"k".repeat(129)] {
        assert_eq!(keyed(bad, "hello").refused(400), "bad_request", "{bad:?}");
    }
}

#[test]
fn what_is_sent_over_rest_is_heard_at_once() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let mut socket = Socket::of(&server, &bob);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    say(&server, &ada, json!({"body": "over rest"})).expect(201);
    let event = socket.hear("message");
    assert_eq!((&event["body"], &event["from"]), (&json!("over rest"), &json!("ada")));
    let stored = history(&server, &ada, "")["messages"][0].clone();
    let mut told = event;
    told.as_object_mut().expect("an object").remove("op");
    assert_eq!(told, stored, "the same object in both");
}

#[test]
fn who_may_not_send_is_told_why() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let hello = json!({"body": "hello"});
    assert_eq!(say(&server, &bob, hello.clone()).refused(403), "forbidden");
    let nowhere = server.post_as(&ada, "/api/v1/rooms/nowhere/messages", hello);
    assert_eq!(nowhere.refused(404), "not_found");
    for (body, status, code) in [
        (json!({"body": ""}), 400, "bad_request"),
        (json!({"body": " \n "}), 400, "bad_request"),
        (json!({"body": "x".repeat(16 * 1024 + 1)}), 400, "too_large"),
        (json!({"body": "x", "reply_to": 0}), 400, "bad_request"),
        (json!({"body": "x", "reply_to": null}), 400, "bad_request"),
        (json!({"body": "x", "reply_to": 7}), 404, "not_found"),
        (json!({"body": "x", "loud": true}), 400, "bad_request"),
        (json!({"body": "x".repeat(65 * 1024)}), 413, "too_large"),
    ] {
        assert_eq!(say(&server, &ada, body).refused(status), code);
    }
}

#[test]
fn a_message_outlives_the_server() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    say(&server, &ada, json!({"body": "still here"})).expect(201);
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let server = crate::support::start_in(data, |_| {});
    assert_eq!(history(&server, &ada, "")["messages"][0]["body"], "still here");
}

fn say(server: &Server, user: &User, message: Value) -> crate::support::Answer {
    server.post_as(user, "/api/v1/rooms/lobby/messages", message)
}

fn history(server: &Server, user: &User, query: &str) -> Value {
    server.get_as(user, &format!("/api/v1/rooms/lobby/messages{query}")).expect(200)
}

fn seqs(history: &Value) -> Vec<u64> {
    let messages = history["messages"].as_array().expect("messages").iter();
    messages.map(|message| message["seq"].as_u64().expect("a number")).collect()
}
