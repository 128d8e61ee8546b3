//! One event is one line, whatever a client sends: where it is printed, and where it is shipped.

use crate::{
    logged::Logged,
    stand_in::StandIn,
    support::{
        PASSWORD,
        pusher::{Client, ask_for, publication},
        socket::Socket,
        until,
    },
};
use campanile_pusher::Credentials;
use campanile_server::apps::APP_FILE;
use minreq::Method;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

/// What some reader takes for the end of a line, or for an order.
const NASTY: &str = "x\n{\"level\":\"error\",\"event\":\"forged\"}\r\n\u{0}\u{1b}[2J\u{85}\u{2028}\u{2029}\u{202e}\"\\\u{7f}";

#[test]
fn one_event_is_one_line_whatever_bytes_a_client_sends() {
    let loki = StandIn::start();
    let logged = Logged::start("trace", &[("LOG__LOKI__URL", &loki.url())]);
    let server = &logged.server;
    let ada = server.user("ada");
    for name in [NASTY.to_owned(), "ä".repeat(30_000), "\u{2028}".repeat(100)] {
        let typed = json!({"name": name, "password": PASSWORD});
        assert_eq!(server.post("/api/v1/login", &typed).status, 400);
        assert_ne!(server.post("/api/v1/users", &typed).status, 201);
        server.post_as(&ada, "/api/v1/rooms", json!({"name": name, "kind": "public"})).refused(400);
    }
    for head in [
        b"GET /app/%0A%E2%80%A8%00%FF?protocol=7&client=%0A%1b HTTP/1.1\r\nHost: x\r\nOrigin: \xff\x1b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".to_vec(),
        b"POST /apps/%0A%FF/events?auth_key=%0A HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n\xff\xfe".to_vec(),
        b"GET /\x00\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"GET /api/v1/rooms/%0A%E2%80%A8%00%FF HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\x80\r\n\r\n".to_vec(),
        b"GET /ws HTTP/1.1\r\nHost: x\r\nOrigin: \xe2\x80\xa8\x1b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".to_vec(),
        b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\ntraceparent: 00-\xff\r\nX-Forwarded-For: \x01\xff\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{\"\xff\xff".to_vec(),
        [b"GET /".to_vec(), vec![b'a'; 20_000], b" HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()].concat(),
        vec![0xff; 2_000],
    ] {
        send_raw(server.address, &head);
    }
    let mut socket = Socket::of(server, &ada);
    socket.try_ask(json!({"op": "join", "room": NASTY}));
    socket.try_ask(json!({"op": "send", "room": "lobby", "body": NASTY, "key": NASTY}));
    socket.say(NASTY);
    socket.say(&"\u{2028}".repeat(10_000));
    let app: toml::Table = logged.kept(APP_FILE).parse().expect("TOML");
    let word = |name: &str| app[name].as_str().expect("a text");
    let mut client = Client::open_with(server.address, word("key"));
    let subscribe = json!({"channel": NASTY, "auth": NASTY, "channel_data": NASTY});
    client.say("pusher:subscribe", &subscribe);
    client.say(NASTY, &json!(NASTY));
    client.say("pusher:signin", &json!({"auth": NASTY, "user_data": NASTY}));
    client.send(NASTY);
    let credentials = Credentials::new(word("key"), word("secret"));
    let body = publication(NASTY, NASTY, NASTY);
    let asked = ("/events", body.as_str());
    let refused = ask_for((word("id"), &credentials), server.address, Method::Post, asked);
    assert_eq!(refused.status, 400);
    client.leave();
    // A frame whose text is no UTF-8.
    socket.stream().write_all(&[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]).expect("written");
    assert!(socket.closed().is_some());
    until("it is told", || (!logged.of("connection_closed").is_empty()).then_some(()));
    let said = logged.stop();
    let printed: Vec<_> = said.split_terminator('\n').map(harmless).collect();
    for field in ["time", "level", "message", "target"] {
        assert!(printed.iter().all(|line| line[field].is_string()), "{field}");
    }
    let seen = loki.lock();
    let shipped: Vec<_> = seen.entries.iter().map(|entry| harmless(&entry.line)).collect();
    assert_eq!(events(&shipped), events(&printed), "the same is shipped as is printed");
}

/// A line, which is one object and steers nobody.
fn harmless(line: &str) -> Value {
    let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}"));
    assert!(object["message"].is_string(), "{line}");
    assert!(line.len() < 16 * 1_024, "Docker breaks this apart: {line}");
    assert_ne!(object["event"], "forged");
    let steers = |one: char| one.is_control() || matches!(one, '\u{2028}'..='\u{202e}');
    assert!(!line.chars().any(steers), "{line:?}");
    object
}

/// What the server itself tells in lines, in any order. When, how gravely and from where is told
/// outside of a line that is shipped, or in other words.
fn events(lines: &[Value]) -> Vec<String> {
    let told = lines.iter().filter(|line| line["event"].is_string()).map(|line| {
        let mut line = line.as_object().expect("an object").clone();
        let elsewhere = ["time", "level", "target"];
        line.retain(|field, _| !field.starts_with('_') && !elsewhere.contains(&field.as_str()));
        Value::from(line).to_string()
    });
    let mut told: Vec<_> = told.collect();
    told.sort_unstable();
    told
}

fn send_raw(address: SocketAddr, bytes: &[u8]) {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.write_all(bytes).expect("written");
    stream.shutdown(std::net::Shutdown::Write).expect("it can be half closed");
    // Whatever the answer is.
    let _end = stream.read_to_end(&mut Vec::new());
}
