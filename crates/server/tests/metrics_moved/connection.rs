//! What becomes of connections.

use crate::{
    scene::{NATIVE, SSE, Scene, WEBSOCKET, cases},
    support::{events::Events, socket::Socket, start, start_with, until},
};
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

cases! {
    connections_are_counted_from_beginning_to_end moves [
        "chat_connections_active{transport=websocket}",
        "chat_connections_opened_total{transport=websocket}",
        "chat_connections_closed_total{transport=websocket,reason=client_close}",
        "chat_connection_duration_seconds{transport=websocket}",
        "chat_connection_handshake_duration_seconds{transport=websocket}",
        "chat_users_online",
    ] lives;
    a_stream_of_events_is_a_connection_too moves [
        "chat_connections_active{transport=sse}",
        "chat_connections_opened_total{transport=sse}",
        "chat_connections_closed_total{transport=sse,reason=client_close}",
        "chat_connection_duration_seconds{transport=sse}",
        "chat_connection_handshake_duration_seconds{transport=sse}",
        "chat_connection_sent_bytes_total{transport=sse}",
        "chat_messages_sent_total{transport=sse,channel_type=public}",
        "chat_http_requests_total{method=GET,route=/sse,status=200}",
        "chat_http_request_duration_seconds",
    ] streams;
    who_may_not_connect_is_counted moves [
        "chat_connections_rejected_total{transport=websocket,reason=origin|other}",
        "chat_connection_errors_total{error_type=handshake}",
    ] refused;
    a_pong_is_timed moves [
        "chat_connection_ping_rtt_seconds{transport=websocket}",
    ] pong;
    bytes_are_counted_both_ways moves [
        "chat_connection_received_bytes_total{transport=websocket}",
        "chat_connection_sent_bytes_total{transport=websocket}",
    ] bytes;
    the_configured_bound_is_shown moves [
        "chat_connections_max",
    ] bound;
    a_reader_that_does_not_read_is_cut moves [
        "chat_connections_closed_total{transport=websocket,reason=slow_consumer}",
        "chat_connection_slow_consumers_total{transport=websocket}",
        "chat_connection_send_queue_messages",
        "chat_messages_dropped_total{reason=slow_consumer}",
    ] slow;
    a_client_that_comes_back_gets_what_it_missed moves [
        "chat_session_resumptions_total{result=ok}",
        "chat_history_recoveries_total{result=ok,source=storage}",
        "chat_history_recovered_messages",
    ] resumed;
}

fn lives(scene: &Scene) {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let before = server.scrape();
    let (one, _two, _three) =
        (Socket::of(&server, &ada), Socket::of(&server, &ada), Socket::of(&server, &bob));
    let both = &[NATIVE, WEBSOCKET];
    scene.is(&server, "chat_connections_active", both, 3.0);
    scene.rose(&server, &before, ("chat_connections_opened_total", both), 3.0);
    let handshakes = ("chat_connection_handshake_duration_seconds_count", &[WEBSOCKET][..]);
    scene.rose(&server, &before, handshakes, 3.0);
    scene.is(&server, "chat_users_online", &[NATIVE], 2.0);
    one.close();
    let closed = &[WEBSOCKET, ("reason", "client_close")];
    scene.rose(&server, &before, ("chat_connections_closed_total", closed), 1.0);
    scene.total_rose(&server, &before, "chat_connections_closed_total", 1.0);
    let lifetimes = ("chat_connection_duration_seconds_count", &[WEBSOCKET][..]);
    scene.rose(&server, &before, lifetimes, 1.0);
    scene.is(&server, "chat_connections_active", both, 2.0);
}

fn streams(scene: &Scene) {
    let server = start_with(|config| config.websocket.ping_interval_seconds = 0.2);
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let before = server.scrape();
    let mut events = Events::open(&server, &ada, &["lobby"], "");
    let both = &[NATIVE, SSE];
    scene.is(&server, "chat_connections_active", both, 1.0);
    scene.is(&server, "chat_connections_active", &[NATIVE, WEBSOCKET], 0.0);
    scene.rose(&server, &before, ("chat_connections_opened_total", both), 1.0);
    let handshakes = ("chat_connection_handshake_duration_seconds_count", &[SSE][..]);
    scene.rose(&server, &before, handshakes, 1.0);
    let endpoint = [("method", "GET"), ("route", "/sse")];
    let answered = [endpoint[0], endpoint[1], ("status", "200")];
    scene.rose(&server, &before, ("chat_http_requests_total", &answered), 1.0);
    server.post_as(&ada, "/api/v1/rooms/lobby/messages", json!({"body": "x"})).expect(201);
    events.hear("message");
    let sent = ("chat_messages_sent_total", &[NATIVE, SSE, ("channel_type", "public")][..]);
    scene.rose(&server, &before, sent, 1.0);
    let sent_bytes = ("chat_connection_sent_bytes_total", &[SSE][..]);
    scene.becomes(&server, sent_bytes, |bytes| bytes > 100.0);
    drop(events);
    scene.is(&server, "chat_connections_active", both, 0.0);
    let closed = ("chat_connections_closed_total", &[SSE, ("reason", "client_close")][..]);
    scene.rose(&server, &before, closed, 1.0);
    scene.rose(&server, &before, ("chat_connection_duration_seconds_count", &[SSE]), 1.0);
    // How long it lived is not how long the request took.
    scene.stays(&server, &before, ("chat_http_request_duration_seconds_count", &endpoint));
}

fn refused(scene: &Scene) {
    let server = start();
    let before = server.scrape();
    assert_ne!(server.get("/ws").status, 101);
    let errors = &[NATIVE, ("error_type", "handshake")];
    scene.rose(&server, &before, ("chat_connection_errors_total", errors), 1.0);
    let other = &[WEBSOCKET, ("reason", "other")];
    scene.rose(&server, &before, ("chat_connections_rejected_total", other), 1.0);

    let mut stream = TcpStream::connect(server.address).expect("it listens");
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13";
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Origin: https://evil.example\r\n{key}\r\n\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 403");
    let origin = &[WEBSOCKET, ("reason", "origin")];
    scene.rose(&server, &before, ("chat_connections_rejected_total", origin), 1.0);
    scene.total_rose(&server, &before, "chat_connections_rejected_total", 2.0);
}

fn pong(scene: &Scene) {
    let server = start_with(|config| config.websocket.ping_interval_seconds = 0.2);
    let ada = server.user("ada");
    let before = server.scrape();
    let mut socket = Socket::of(&server, &ada);
    // The client answers a ping when it reads it, and reads no other.
    socket.ping();
    let trips = ("chat_connection_ping_rtt_seconds_count", &[WEBSOCKET][..]);
    scene.rose(&server, &before, trips, 1.0);
}

fn bytes(scene: &Scene) {
    let server = start();
    let mut socket = Socket::open(&server);
    let before = server.scrape();
    // Two bytes of header, four of mask, eight of what is said; and back without the mask.
    socket.ping_with(b"12345678");
    let received = ("chat_connection_received_bytes_total", &[WEBSOCKET][..]);
    scene.rose(&server, &before, received, 14.0);
    let sent = ("chat_connection_sent_bytes_total", &[WEBSOCKET][..]);
    scene.rose(&server, &before, sent, 10.0);
}

fn bound(scene: &Scene) {
    let server = start_with(|config| config.server.connections_max = 123);
    scene.is(&server, "chat_connections_max", &[], 123.0);
}

fn slow(scene: &Scene) {
    let server = start_with(|config| config.limits.enabled = false);
    let (ada, eve) = (server.user("ada"), server.user("eve"));
    server.room(&ada, "lobby");
    let mut slow = Socket::open_narrow(&server);
    slow.ask(json!({"op": "hello", "token": eve.token}));
    slow.ask(json!({"op": "join", "room": "lobby"}));
    let before = server.scrape();
    let message = json!({"body": "x".repeat(16 * 1024)});
    let (slow_consumers, waiting) =
        ("chat_connection_slow_consumers_total", "chat_connection_send_queue_messages");
    let mut sent = 0.0;
    let mut most_waiting: f64 = 0.0;
    let now = loop {
        // Faster than the operating system gives up on a reader, on a busy machine too.
        for _ in 0..16 {
            server.post_as(&ada, "/api/v1/rooms/lobby/messages", message.clone()).expect(201);
            sent += 1.0;
        }
        let now = server.scrape();
        most_waiting = most_waiting.max(now.sum(waiting));
        if now.sum(slow_consumers) > 0.0 {
            break now;
        }
        assert!(sent < 5_000.0, "the slow reader was never cut");
    };
    assert_eq!(now.since(&before).value(slow_consumers, &[WEBSOCKET]), Some(1.0));
    scene.moved(slow_consumers, &[WEBSOCKET]);
    let cut = [WEBSOCKET, ("reason", "slow_consumer")];
    scene.rose(&server, &before, ("chat_connections_closed_total", &cut), 1.0);
    assert!(most_waiting >= 1.0, "something waited");
    scene.is(&server, waiting, &[], 0.0);
    // Each copy was either written or dropped.
    scene.moved("chat_messages_dropped_total", &[("reason", "slow_consumer")]);
    until("every copy is accounted for", || {
        let since = server.scrape().since(&before);
        let dropped = since.sum("chat_messages_dropped_total");
        let cut = since.value("chat_messages_dropped_total", &[("reason", "slow_consumer")]);
        let written = since.sum("chat_messages_sent_total");
        let copies = since.sum("chat_message_fanout_recipients_sum");
        (cut > Some(0.0) && dropped + written == copies).then_some(())
    });
}

fn resumed(scene: &Scene) {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let mut socket = Socket::of(&server, &bob);
    let joined = socket.ask(json!({"op": "join", "room": "lobby"}));
    let since = json!({"epoch": joined["epoch"], "seq": joined["last_seq"]});
    socket.close();
    for body in ["one", "two", "three"] {
        let path = "/api/v1/rooms/lobby/messages";
        server.post_as(&ada, path, json!({"body": body})).expect(201);
    }
    let before = server.scrape();
    let mut socket = Socket::of(&server, &bob);
    let joined = socket.ask(json!({"op": "join", "room": "lobby", "since": since}));
    assert_eq!(joined["messages"].as_array().map(Vec::len), Some(3));
    let ok = ("result", "ok");
    scene.rose(&server, &before, ("chat_session_resumptions_total", &[ok]), 1.0);
    let recoveries = ("chat_history_recoveries_total", &[ok, ("source", "storage")][..]);
    scene.rose(&server, &before, recoveries, 1.0);
    scene.rose(&server, &before, ("chat_history_recovered_messages_count", &[]), 1.0);
    scene.rose(&server, &before, ("chat_history_recovered_messages_sum", &[]), 3.0);
}
