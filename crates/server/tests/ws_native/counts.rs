//! Each thing that happens to a connection moves its series, by exactly as much as happened.

use crate::{
    client::{Client, Raw, say},
    server::{Setup, start, start_with},
};
use campanile_core::room::RoomKind as Kind;
use campanile_protocol::Request;
use std::time::Duration;

const NATIVE: (&str, &str) = ("app", "native");
const WEBSOCKET: (&str, &str) = ("transport", "websocket");

#[tokio::test]
async fn a_connection_is_counted_once_when_it_opens_and_once_when_it_ends() {
    let server = start();
    let token = server.user("ada").await;
    let one = Client::hello(server.address, &token).await;
    let two = Client::connect(server.address).await;
    server.counts("chat_connections_opened_total", &[NATIVE, WEBSOCKET], 2.0).await;
    let active = "chat_connections_active";
    assert_eq!(server.count(active, &[NATIVE, WEBSOCKET]), 2.0);
    let handshakes = "chat_connection_handshake_duration_seconds_count";
    assert_eq!(server.count(handshakes, &[WEBSOCKET]), 1.0, "only one has said hello");

    one.close().await;
    drop(two);
    let closed = |reason| [WEBSOCKET, ("reason", reason)];
    let total = "chat_connections_closed_total";
    server.counts(total, &closed("client_close"), 1.0).await;
    server.counts(total, &closed("network_error"), 1.0).await;
    assert_eq!(server.probe().sum(total), 2.0);
    server.counts(active, &[NATIVE, WEBSOCKET], 0.0).await;
    assert_eq!(server.count("chat_connection_duration_seconds_count", &[WEBSOCKET]), 2.0);
    let errors = [NATIVE, ("error_type", "reset")];
    assert_eq!(server.count("chat_connection_errors_total", &errors), 1.0);
}

#[tokio::test]
async fn while_connections_come_and_go_none_is_counted_twice_or_forgotten() {
    const AT_ONCE: usize = 8;
    const EACH: usize = 25;
    let server = start();
    let token = server.user("ada").await;
    let address = server.address;
    let (opened, closed) = ("chat_connections_opened_total", "chat_connections_closed_total");
    let active = "chat_connections_active";
    let mut churn = tokio::task::JoinSet::new();
    for place in 0..AT_ONCE {
        let token = token.clone();
        churn.spawn(async move {
            for round in 0..EACH {
                // Some say goodbye, some are just gone, and some break the rules.
                match (place + round) % 3 {
                    0 => drop(Client::hello(address, &token).await.close().await),
                    1 => drop(Client::hello(address, &token).await),
                    _ => {
                        let mut raw = Raw::connect(address).await;
                        raw.write(b"\x81\x00\x00\x00\x00\x00").await;
                        raw.close_code().await;
                    }
                }
            }
        });
    }
    let balance = || {
        let probe = server.probe();
        (probe.sum(opened) - probe.sum(closed), probe.sum(active))
    };
    while !churn.is_empty() {
        // Those that come or go just now may be counted on one side only.
        let (counted, open) = balance();
        assert!((counted - open).abs() <= AT_ONCE as f64, "{counted} by counters, {open} open");
        assert!((0.0..=3.0 * AT_ONCE as f64).contains(&open), "{open} open of {AT_ONCE}");
        while let Some(ended) = churn.try_join_next() {
            ended.expect("a client does not panic");
        }
        tokio::task::yield_now().await;
    }
    server.counts(active, &[NATIVE, WEBSOCKET], 0.0).await;
    assert_eq!(balance(), (0.0, 0.0));
    assert_eq!(server.probe().sum(opened), (AT_ONCE * EACH) as f64);
    assert_eq!(server.probe().sum("chat_connection_duration_seconds_count"), 200.0);
    let stays = Client::hello(address, &token).await;
    assert_eq!(balance(), (1.0, 1.0));
    drop(stays);
}

#[tokio::test]
async fn errors_are_counted_by_what_was_wrong() {
    let server = start();
    let errors = "chat_connection_errors_total";
    for (frame, error_type) in [
        (&b"\x81\x00\x00\x00\x00\x00"[..], "protocol"),
        (&b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"[..], "frame_too_large"),
    ] {
        let mut raw = Raw::connect(server.address).await;
        raw.write(frame).await;
        raw.close_code().await;
        server.counts(errors, &[NATIVE, ("error_type", error_type)], 1.0).await;
    }
    let mut raw = tokio::net::TcpStream::connect(server.address).await.expect("it listens");
    let plain = b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n";
    tokio::io::AsyncWriteExt::write_all(&mut raw, plain).await.expect("written");
    server.counts(errors, &[NATIVE, ("error_type", "handshake")], 1.0).await;
    let rejected = [WEBSOCKET, ("reason", "other")];
    server.counts("chat_connections_rejected_total", &rejected, 1.0).await;
    assert_eq!(server.probe().sum(errors), 3.0);

    let mut setup = Setup::default();
    setup.ws.patience.authentication = Duration::from_millis(100);
    let server = start_with(setup);
    Raw::connect(server.address).await.close_code().await;
    server.counts(errors, &[NATIVE, ("error_type", "timeout")], 1.0).await;
}

#[tokio::test]
async fn bytes_are_counted_as_they_pass() {
    let server = start();
    let mut raw = Raw::connect(server.address).await;
    let (received, sent) =
        ("chat_connection_received_bytes_total", "chat_connection_sent_bytes_total");
    raw.write_frame(0x89, b"12345678").await;
    server.counts(received, &[WEBSOCKET], 14.0).await;
    server.counts(sent, &[WEBSOCKET], 10.0).await;
    raw.write_frame(0x88, &1000_u16.to_be_bytes()).await;
    server.counts(received, &[WEBSOCKET], 22.0).await;
    server.counts(sent, &[WEBSOCKET], 14.0).await;
}

#[tokio::test]
async fn pongs_give_the_round_trip() {
    let mut setup = Setup::default();
    setup.ws.patience.ping_interval = Duration::from_millis(50);
    let server = start_with(setup);
    let mut ada = server.client("ada").await;
    let (count, sum) =
        ("chat_connection_ping_rtt_seconds_count", "chat_connection_ping_rtt_seconds_sum");
    // Reading is what makes the client's library answer.
    while server.count(count, &[WEBSOCKET]) < 3.0 {
        ada.ask(Request::Ping).await;
    }
    let mean = server.count(sum, &[WEBSOCKET]) / server.count(count, &[WEBSOCKET]);
    assert!((0.0..5.0).contains(&mean), "{mean}");
}

#[tokio::test]
async fn what_clients_say_is_counted_by_kind() {
    let server = start();
    let mut ada = server.client("ada").await;
    server.room("ada", "lobby", Kind::Public).await;
    ada.join("lobby").await;
    ada.ask(say("lobby", "one")).await;
    ada.ask(Request::Edit { room: "lobby".into(), seq: 1, body: "two".into() }).await;
    ada.ask(Request::Read { room: "lobby".into(), seq: 1 }).await;
    ada.ask(Request::Ping).await;
    ada.send_text("no request").await;
    ada.frame().await;
    ada.ask(Request::Ping).await;
    let received = "chat_messages_received_total";
    for (kind, count) in [("control", 4.0), ("room", 1.0), ("event", 1.0), ("receipt", 1.0)] {
        assert_eq!(server.count(received, &[NATIVE, WEBSOCKET, ("kind", kind)]), count, "{kind}");
    }
    let malformed = [("reason", "malformed")];
    assert_eq!(server.count("chat_message_errors_total", &malformed), 1.0);
}
