//! How connections end, and how they are turned away.

use crate::{
    scene::{NATIVE, Scene, WEBSOCKET, cases},
    support::{Server, socket::Socket, start, start_with},
};
use campanile_server::config::limits::Rate;
use minreq::Method;
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

const CLOSED: &str = "chat_connections_closed_total";
const ERRORS: &str = "chat_connection_errors_total";
const REJECTED: &str = "chat_connections_rejected_total";

cases! {
    connections_are_counted_by_why_they_end moves [
        "chat_connections_closed_total{transport=websocket,reason=protocol_error|auth_expired|policy|network_error}",
        "chat_connection_errors_total{error_type=protocol|reset|frame_too_large}",
    ] ends;
    clients_that_are_silent_are_counted_by_what_they_did_not_say moves [
        "chat_connections_closed_total{transport=websocket,reason=ping_timeout|idle_timeout|policy}",
        "chat_connection_errors_total{error_type=timeout}",
    ] silences;
    attempts_to_connect_are_counted_by_why_they_are_refused moves [
        "chat_connections_rejected_total{transport=websocket,reason=limit|origin|auth|quota}",
    ] turned_away;
}

/// The unmasked frame that no server may get.
const UNMASKED: &[u8] = b"\x81\x02{}";
/// The header of a frame that announces far too much.
const ENDLESS: &[u8] = b"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";

fn ends(scene: &Scene) {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let eve = server.user("eve");
    let before = server.scrape();
    let closed = |reason| (CLOSED, [WEBSOCKET, ("reason", reason)]);
    let failed = |error_type| (ERRORS, [NATIVE, ("error_type", error_type)]);
    for (bytes, code, error_type) in
        [(UNMASKED, 1002, "protocol"), (ENDLESS, 1009, "frame_too_large")]
    {
        let mut socket = Socket::open(&server);
        socket.stream().write_all(bytes).expect("written");
        assert_eq!(socket.closed(), Some(code));
        let (name, labels) = failed(error_type);
        scene.rose(&server, &before, (name, &labels), 1.0);
    }
    let (name, labels) = closed("protocol_error");
    scene.rose(&server, &before, (name, &labels), 2.0);

    let mut socket = Socket::of(&server, &eve);
    server.ask(&eve, Method::Post, "/api/v1/logout", None).expect(204);
    assert_eq!(socket.closed(), Some(1008));
    let (name, labels) = closed("auth_expired");
    scene.rose(&server, &before, (name, &labels), 1.0);

    let mut socket = Socket::of(&server, &bob);
    server.ask(&ada, Method::Put, "/api/v1/users/bob/ban", None).expect(204);
    assert_eq!(socket.closed(), Some(1008));
    let (name, labels) = closed("policy");
    scene.rose(&server, &before, (name, &labels), 1.0);

    // Without a goodbye of any kind.
    let mut socket = Socket::of(&server, &ada);
    let stream = socket.stream().try_clone().expect("another handle");
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).expect("it takes it");
    drop((socket, stream));
    let (name, labels) = closed("network_error");
    scene.rose(&server, &before, (name, &labels), 1.0);
    let (name, labels) = failed("reset");
    scene.rose(&server, &before, (name, &labels), 1.0);
    scene.total_rose(&server, &before, CLOSED, 5.0);
    scene.total_rose(&server, &before, ERRORS, 3.0);
}

fn silences(scene: &Scene) {
    let server = start_with(|config| {
        config.websocket.authentication_seconds = 0.3;
        config.websocket.idle_seconds = 0.8;
    });
    let ada = server.user("ada");
    let before = server.scrape();
    assert_eq!(Socket::open(&server).closed(), Some(1008));
    let nobody = [WEBSOCKET, ("reason", "policy")];
    scene.rose(&server, &before, (CLOSED, &nobody), 1.0);
    scene.rose(&server, &before, (ERRORS, &[NATIVE, ("error_type", "timeout")]), 1.0);
    assert_eq!(Socket::of(&server, &ada).closed(), Some(1008));
    let idle = [WEBSOCKET, ("reason", "idle_timeout")];
    scene.rose(&server, &before, (CLOSED, &idle), 1.0);
    scene.total_rose(&server, &before, CLOSED, 2.0);

    let server = start_with(|config| {
        config.websocket.ping_interval_seconds = 0.1;
        config.websocket.ping_timeout_seconds = 0.3;
        config.websocket.closing_seconds = 0.2;
    });
    let ada = server.user("ada");
    let before = server.scrape();
    // It is not read from, so it answers no ping.
    let _silent = Socket::of(&server, &ada);
    let unanswered = [WEBSOCKET, ("reason", "ping_timeout")];
    scene.rose(&server, &before, (CLOSED, &unanswered), 1.0);
    scene.rose(&server, &before, (ERRORS, &[NATIVE, ("error_type", "timeout")]), 1.0);
}

/// A header that says nothing.
pub(crate) const PLAIN: &str = "X-Nothing: strange";

/// The status of a handshake with this header too.
pub(crate) fn handshake(server: &Server, header: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         {header}\r\n\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    let answer = std::str::from_utf8(&answer).expect("text");
    answer.strip_prefix("HTTP/1.1 ").expect("HTTP").parse().expect("a status")
}

fn turned_away(scene: &Scene) {
    let server = start_with(|config| config.server.connections_max = 1);
    let before = server.scrape();
    let is_rejected = |server, before, header, (status, reason)| {
        assert_eq!(handshake(server, header), status, "{reason}");
        let rejected = [WEBSOCKET, ("reason", reason)];
        scene.rose(server, before, (REJECTED, &rejected), 1.0);
    };
    is_rejected(&server, &before, "Origin: https://evil.example", (403, "origin"));
    is_rejected(&server, &before, "Authorization: Bearer guessed", (401, "auth"));
    let _taken = Socket::open(&server);
    is_rejected(&server, &before, PLAIN, (503, "limit"));
    scene.total_rose(&server, &before, REJECTED, 3.0);

    let server = start_with(|config| {
        config.limits.connections_per_address = Rate { per_second: 0.001, burst: 1 };
    });
    let before = server.scrape();
    let _first = Socket::open(&server);
    is_rejected(&server, &before, PLAIN, (429, "quota"));
    scene.total_rose(&server, &before, REJECTED, 1.0);
}
