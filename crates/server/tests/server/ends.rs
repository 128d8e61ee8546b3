//! How the server ends.

use crate::support::{send, socket::Socket, start, start_with, until};
use serde_json::json;
use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

#[test]
fn a_server_that_is_told_to_stop_says_so_and_lets_everyone_finish() {
    let mut server = start_with(|config| config.server.drain_seconds = 3.0);
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut sockets: Vec<_> = (0..8).map(|_| Socket::of(&server, &ada)).collect();
    server.begin_to_stop();
    until("readiness ends", || {
        let answer = send(minreq::get(server.url("/readyz")));
        (answer.status == 503).then_some(())
    });
    let event = sockets[0].hear("draining");
    assert!(event["after_ms"].as_u64().expect("milliseconds") <= 3_000);
    for socket in &mut sockets {
        assert_eq!(socket.closed(), Some(1001));
    }
    let (ended, _) = server.stop();
    ended.expect("it ends well");
}

#[test]
fn everything_that_was_acknowledged_is_there_after_the_end() {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut socket = Socket::of(&server, &ada);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    for number in 0..20 {
        socket.ask(json!({"op": "send", "room": "lobby", "body": format!("{number}")}));
    }
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let server = crate::support::start_in(data, |_| {});
    let history = server.get_as(&ada, "/api/v1/rooms/lobby/messages").expect(200);
    assert_eq!(history["last_seq"], 20);
    let me = server.get_as(&ada, "/api/v1/rooms/lobby").expect(200);
    assert!(me["member_list"][0]["last_seen"].is_string(), "{me}");
}

#[test]
fn the_network_connection_ends_with_the_closing_frame() {
    let server = start();
    let mut socket = Socket::open(&server);
    // Not a frame that a server may get: its mask is missing.
    let stream = socket.stream();
    stream.write_all(b"\x81\x02{}").expect("written");
    let mut frame = [0; 4];
    stream.read_exact(&mut frame).expect("the closing frame");
    assert_eq!(frame, [0x88, 2, 0x03, 0xea], "1002");
    let closed = Instant::now();
    let mut rest = [0; 1];
    assert_eq!(stream.read(&mut rest).expect("the end, not a reset"), 0);
    let after = closed.elapsed();
    assert!(after < Duration::from_millis(300), "{after:?} after the closing frame");
}
