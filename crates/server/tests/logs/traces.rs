//! Which lines belong together.

use crate::{
    logged::Logged,
    support::{send, socket::Socket, until},
};
use serde_json::json;

const LATENCY: &str = "chat_message_delivery_latency_seconds_bucket";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[test]
fn a_request_goes_on_with_the_trace_of_its_client() {
    let logged = Logged::start("info,campanile_server=debug", &[]);
    let ada = logged.server.user("ada");
    let request = minreq::post(logged.server.url("/api/v1/rooms"))
        .with_header("Authorization", format!("Bearer {}", ada.token))
        .with_header("Content-Type", "application/json")
        .with_header("traceparent", format!("00-{TRACE}-b7ad6b7169203331-01"))
        .with_body(json!({"name": "lobby", "kind": "public"}).to_string());
    send(request).expect(201);
    let made = logged.first("room_made");
    assert_eq!([&made["trace_id"], &made["user"], &made["room"]], [TRACE, "ada", "lobby"]);
    let answered = logged.of("request_answered");
    let answered = answered.iter().find(|line| line["trace_id"] == TRACE).expect("it is told");
    assert_eq!(answered["route"], "/api/v1/rooms");
    assert!(answered["duration_ms"].as_f64().expect("a number") > 0.0);
    logged.server.get_as(&ada, "/api/v1/me").expect(200);
    let others: Vec<_> = logged.lines().into_iter().filter(|line| line["user"] == "ada").collect();
    assert!(
        others.iter().all(|line| line["trace_id"].as_str().is_some_and(is_trace)),
        "{others:?}"
    );
}

#[test]
fn each_message_of_a_connection_is_a_trace_of_its_own() {
    let logged = Logged::start("info,campanile_server=debug", &[]);
    let ada = logged.server.user("ada");
    logged.server.room(&ada, "lobby");
    let mut socket = Socket::of(&logged.server, &ada);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    socket.ask(json!({"op": "send", "room": "lobby", "body": "hello"}));
    socket.close();
    let opened = logged.first("connection_opened");
    let closed = logged.first("connection_closed");
    assert_eq!(closed["connection"], opened["connection"]);
    assert_eq!((&closed["user"], &closed["reason"]), (&json!("ada"), &json!("client_close")));
    assert!(closed["duration_ms"].as_f64().expect("a number") > 0.0);
    let handled = logged.of("message_handled");
    let mut traces: Vec<_> = handled.iter().filter_map(|line| line["trace_id"].as_str()).collect();
    assert!(handled.iter().all(|line| line["connection"] == opened["connection"]), "{handled:?}");
    assert_eq!(traces.len(), 3);
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), 3);
}

#[test]
fn the_latency_of_a_delivery_leads_to_the_lines_of_its_message() {
    let logged = Logged::start("info,campanile_server=debug", &[]);
    let ada = logged.server.user("ada");
    logged.server.room(&ada, "lobby");
    let mut socket = Socket::of(&logged.server, &ada);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    socket.ask(json!({"op": "send", "room": "lobby", "body": "hello"}));
    socket.hear("message");
    let handled = until("it is handled", || {
        let handled = logged.of("message_handled");
        (handled.len() == 3).then(|| handled[2]["trace_id"].clone())
    });
    let exemplar = until("it is observed", || {
        let scrape = minreq::get(&logged.server.metrics)
            .with_header("Accept", "application/openmetrics-text;version=1.0.0");
        let text = send(scrape).body;
        let mut lines = text.lines().filter(|line| line.starts_with(LATENCY));
        lines.find_map(|line| line.split_once(" # ").map(|(_, exemplar)| exemplar.to_owned()))
    });
    let [labels, amount, at] = exemplar.split(' ').collect::<Vec<_>>().try_into().expect("three");
    assert_eq!(labels, format!("{{trace_id={handled}}}"));
    assert!(amount.parse::<f64>().expect("a number") < 10.0, "{exemplar}");
    assert!(at.parse::<f64>().expect("a number") > 1.7e9, "{exemplar}");
    let plain = send(minreq::get(&logged.server.metrics)).body;
    assert!(plain.lines().all(|line| line.starts_with('#') || !line.contains(" # ")));
}

fn is_trace(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
