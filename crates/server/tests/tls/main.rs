//! TLS where people come in: what is served, what is refused, and what monitoring sees of it.

#[path = "../support/mod.rs"]
mod support;

mod client;
mod commands;
mod program;

use client::{Client, in_time};
use program::{Identity, Program, command, eventually};
use serde_json::json;
use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use support::pusher::{KEY, app_file};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const EXPIRY: &str = "chat_tls_certificate_not_after_timestamp_seconds";
const RELOADED: &str = "chat_config_last_reload_successful";
/// 2040-01-01T00:00:00Z.
const IN_2040: f64 = 2_208_988_800.0;
/// 2050-01-01T00:00:00Z.
const IN_2050: f64 = 2_524_608_000.0;

/// A program over TLS, and a client that trusts it.
struct Site {
    program: Program,
    client: Client,
    identity: Identity,
    _directory: TempDir,
}

/// A site with a certificate until 2040.
fn start() -> Site {
    start_with(|_| {})
}

fn start_with(set: impl FnOnce(&mut Command)) -> Site {
    let directory = tempfile::tempdir().expect("a directory");
    let identity = Identity::new(directory.path(), "server");
    let client = Client::trusting(&identity.write(2020, 2040));
    let mut command = command(directory.path(), Some(&identity));
    set(&mut command);
    Site { program: Program::start(&mut command), client, identity, _directory: directory }
}

impl Site {
    /// Sends these bytes without any handshake; what comes back until the server closes.
    async fn send_raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.program.address).await.expect("it listens");
        let mut answer = Vec::new();
        in_time(async {
            stream.write_all(bytes).await.expect("written");
            // A reset after the alert is as good an end as any.
            let _end = stream.read_to_end(&mut answer).await;
        })
        .await;
        answer
    }

    async fn sign_up(&self, name: &str) -> String {
        let who = json!({"name": name, "password": "correct horse battery"}).to_string();
        let (status, _) = self.client.ask(&self.program, ("POST", "/api/v1/users"), "", &who).await;
        assert_eq!(status, 201);
        let (status, answer) =
            self.client.ask(&self.program, ("POST", "/api/v1/login"), "", &who).await;
        assert_eq!(status, 200);
        answer["token"].as_str().expect("a token").to_owned()
    }
}

#[tokio::test]
async fn https_is_served_and_said_to_be() {
    let site = start();
    assert!(site.program.started.url.starts_with("https://"), "{}", site.program.started.url);
    let (status, _) = site.client.ask(&site.program, ("GET", "/livez"), "", "").await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn clients_of_an_application_that_wants_tls_come_by_wss() {
    let settings = tempfile::tempdir().expect("a directory");
    let file = settings.path().join("campanile.toml");
    fs::write(&file, format!("{}tls_only = true\n", app_file())).expect("written");
    let site = start_with(|command| {
        command.env("CAMPANILE_CONFIG", &file);
    });
    let greeting = site.client.first_frame(&site.program, &format!("/app/{KEY}?protocol=7")).await;
    assert_eq!(greeting["event"], "pusher:connection_established", "{greeting}");
}

#[tokio::test]
async fn people_talk_over_wss() {
    let site = start();
    let (ada, bob) = (site.sign_up("ada").await, site.sign_up("bob").await);
    let room = json!({"name": "lobby", "kind": "public"}).to_string();
    let made = site.client.ask(&site.program, ("POST", "/api/v1/rooms"), &ada, &room).await;
    assert_eq!(made.0, 201);
    let mut ada = site.client.hello(&site.program, &ada).await;
    let mut bob = site.client.hello(&site.program, &bob).await;
    for conversation in [&mut ada, &mut bob] {
        conversation.ask(&json!({"op": "join", "id": 1, "room": "lobby"})).await;
    }
    // Many records each way, and one message that is larger than a record.
    for number in 0..100 {
        let body = format!("{number} {}", "x".repeat(if number == 50 { 16_000 } else { 10 }));
        let say = json!({"op": "send", "id": 2, "room": "lobby", "body": body});
        let heard = ada.ask(&say).await;
        assert_eq!(heard.last().expect("an answer")["op"], "ok", "{heard:?}");
        let message = loop {
            let event = bob.hear().await;
            if event["op"] == "message" {
                break event;
            }
        };
        assert_eq!(message["body"], body);
    }
    // Gone without goodbye, of TLS or of the WebSocket: noticed all the same.
    drop(ada);
    let closed = "chat_connections_closed_total";
    let lost = [("transport", "websocket"), ("reason", "network_error")];
    eventually(|| site.program.value(closed, &lost), &Some(1.0));
}

#[tokio::test]
async fn the_network_connection_ends_with_the_closing_frame() {
    let site = start();
    let mut stream = site.client.connect(&site.program).await.expect("a connection");
    let upgrade = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    in_time(stream.write_all(upgrade.as_bytes())).await.expect("written");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(in_time(stream.read_u8()).await.expect("an answer"));
    }
    // Not a frame that a server may get: its mask is missing.
    in_time(stream.write_all(b"\x81\x02{}")).await.expect("written");
    let mut frame = [0; 4];
    in_time(stream.read_exact(&mut frame)).await.expect("the closing frame");
    assert_eq!(frame, [0x88, 2, 0x03, 0xea], "1002");
    let closed = Instant::now();
    // With or without the farewell of TLS.
    let ended = in_time(stream.read_u8()).await;
    let after = closed.elapsed();
    assert_eq!(ended.expect_err("the end").kind(), std::io::ErrorKind::UnexpectedEof);
    assert!(after < Duration::from_millis(300), "{after:?} after the closing frame");
}

#[tokio::test]
async fn each_handshake_is_counted_once_by_how_it_ends() {
    let site = start_with(|command| {
        command.env("CAMPANILE_SERVER__REQUEST_TIMEOUT_SECONDS", "1");
    });
    let program = &site.program;
    assert_eq!(program.handshakes(), [0.0; 3]);
    let stranger = Client::trusting(&site.identity.write(2020, 2040));
    let mut ok = 0.0;
    for _ in 0..5 {
        site.client.connect(program).await.expect("a connection");
        ok += 1.0;
        eventually(|| program.handshakes(), &[ok, 0.0, 0.0]);
    }
    // Many requests over one connection are one handshake.
    let mut stream = site.client.connect(program).await.expect("a connection");
    for _ in 0..3 {
        let request = b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
        in_time(stream.write_all(request)).await.expect("sent");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(in_time(stream.read_u8()).await.expect("an answer"));
        }
    }
    ok += 1.0;
    let mut errors = 0.0;
    for bytes in
        [&b"\x00\xffgarbage\r\n"[..], b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", &tls_1_1()]
    {
        site.send_raw(bytes).await;
        errors += 1.0;
        eventually(|| program.handshakes(), &[ok, errors, errors]);
    }
    let refused = stranger.connect(program).await.expect_err("it trusts another");
    assert!(refused.to_string().contains("certificate"), "{refused}");
    errors += 1.0;
    eventually(|| program.handshakes(), &[ok, errors, errors]);

    // Somebody who says nothing at all, until it has taken too long.
    assert_eq!(site.send_raw(b"").await, b"");
    errors += 1.0;
    eventually(|| program.handshakes(), &[ok, errors, errors]);

    // Somebody who leaves in the middle.
    let mut stream = TcpStream::connect(program.address).await.expect("it listens");
    stream.write_all(&[22, 3, 1, 1, 0]).await.expect("written");
    drop(stream);
    errors += 1.0;
    eventually(|| program.handshakes(), &[ok, errors, errors]);
}

#[tokio::test]
async fn versions_before_1_2_and_protocols_other_than_http_1_are_refused() {
    let site = start();
    let alert = site.send_raw(&tls_1_1()).await;
    // A fatal alert: no such version.
    assert_eq!((alert[0], &alert[5..]), (21, &[2, 70][..]), "{alert:?}");
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = site.client.speaking(&[version], &[]);
        client.connect(&site.program).await.expect("it is spoken");
    }
    let client = site.client.speaking(rustls::DEFAULT_VERSIONS, &["h2", "http/1.1"]);
    let stream = client.connect(&site.program).await.expect("it is spoken");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let client = site.client.speaking(rustls::DEFAULT_VERSIONS, &["h2"]);
    client.connect(&site.program).await.expect_err("it is not spoken");
}

#[test]
fn monitoring_sees_when_the_certificate_expires() {
    let site = start();
    assert_eq!(site.program.value(EXPIRY, &[]), Some(IN_2040));
}

#[test]
fn an_expired_certificate_is_served_with_a_warning() {
    let directory = tempfile::tempdir().expect("a directory");
    let identity = Identity::new(directory.path(), "old");
    identity.write(2020, 2024);
    let program = Program::start(&mut command(directory.path(), Some(&identity)));
    let mut lines = program.started.early_lines.iter();
    let line = lines.find(|line| line["message"] == "the certificate has expired");
    let line = line.expect("it is told");
    assert_eq!(line["level"], "warn");
    assert_eq!(line["valid_until"], "2024-01-01T00:00:00.000Z");
    assert_eq!(program.value(EXPIRY, &[]), Some(1_704_067_200.0));
}

#[test]
fn without_tls_monitoring_sees_nothing_of_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let program = Program::start(&mut command(directory.path(), None));
    assert!(program.started.url.starts_with("http://"), "{}", program.started.url);
    let seen = program.scrape();
    assert!(seen.iter().any(|(name, ..)| name == "chat_connections_max"));
    assert!(!seen.iter().any(|(name, ..)| name.starts_with("chat_tls_")));
}

#[tokio::test]
async fn a_certificate_is_renewed_under_open_connections() {
    let site = start();
    let token = site.sign_up("ada").await;
    let mut conversations = Vec::new();
    for _ in 0..100 {
        conversations.push(site.client.hello(&site.program, &token).await);
    }
    let renewed = site.identity.write(2020, 2050);
    site.program.started.signal("-HUP");
    site.program.logged("serving a certificate");
    eventually(|| site.program.value(EXPIRY, &[]), &Some(IN_2050));
    // One that has been there before would resume, and not look at the certificate again.
    let newcomer = site.client.speaking(rustls::DEFAULT_VERSIONS, &[]);
    newcomer.connect(&site.program).await.expect_err("the old one is not served");
    Client::trusting(&renewed).connect(&site.program).await.expect("the new one is");

    fs::write(&site.identity.key, "spoilt").expect("written");
    site.program.started.signal("-HUP");
    let line = site.program.logged("the certificate stays as it was");
    let error = line["error"].to_string();
    assert!(error.contains("server.key"), "{error}");
    Client::trusting(&renewed).connect(&site.program).await.expect("it is still served");
    assert_eq!(site.program.value(EXPIRY, &[]), Some(IN_2050));
    eventually(|| site.program.value(RELOADED, &[]), &Some(0.0));
    site.identity.write(2020, 2050);
    site.program.started.signal("-HUP");
    eventually(|| site.program.value(RELOADED, &[]), &Some(1.0));

    for conversation in &mut conversations {
        let heard = conversation.ask(&json!({"op": "ping", "id": 1})).await;
        assert_eq!(heard.last().expect("an answer")["op"], "ok", "{heard:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_only_kept_does_not_hold_up_the_end() {
    let mut site = start();
    let mut stream = site.client.connect(&site.program).await.expect("a connection");
    let request = b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    in_time(stream.write_all(request)).await.expect("sent");
    let mut answer = [0; 12];
    in_time(stream.read_exact(&mut answer)).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    site.program.started.signal("-TERM");
    let since = Instant::now();
    let status = site.program.ended();
    assert!(status.success(), "{status}");
    // Requests may take five seconds to end; this is none.
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
}

#[test]
fn files_that_are_no_good_are_told_in_one_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path();
    let (one, other) = (Identity::new(path, "one"), Identity::new(path, "other"));
    one.write(2020, 2040);
    other.write(2020, 2040);
    let empty = path.join("empty.pem");
    fs::write(&empty, "").expect("written");
    let broken = path.join("broken.pem");
    let text = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&broken, text).expect("written");
    let absent = path.join("absent.pem");
    let said = |cert: &Path, key: &Path| {
        let identity = Identity { cert: cert.to_owned(), key: key.to_owned() };
        said(command(path, Some(&identity)))
    };
    let line = said(&absent, &one.key);
    assert!(
        line.contains("cannot read") && line.contains("absent.pem (server.tls.cert)"),
        "{line}"
    );
    let line = said(&one.cert, &absent);
    assert!(line.contains("cannot read") && line.contains("absent.pem (server.tls.key)"), "{line}");
    let line = said(&empty, &one.key);
    assert!(line.contains("there is no certificate in") && line.contains("empty.pem"), "{line}");
    let line = said(&one.cert, &one.cert);
    assert!(line.contains("there is no private key in") && line.contains("one.crt"), "{line}");
    let line = said(&broken, &one.key);
    assert!(line.contains("broken.pem"), "{line}");
    let line = said(&one.cert, &other.key);
    assert!(line.contains("other.key") && line.contains("does not belong to"), "{line}");
}

#[test]
fn a_certificate_can_be_checked_before_it_is_served() {
    let directory = tempfile::tempdir().expect("a directory");
    let identity = Identity::new(directory.path(), "server");
    let check = || {
        let mut command = command(directory.path(), Some(&identity));
        let output = command.args(["check", "modules"]).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = check();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("WRONG  server.tls: cannot read"), "{text}");
    identity.write(2020, 2040);
    let (code, text) = check();
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("until 2040-01-01T00:00:00.000Z"), "{text}");
    identity.write(2020, 2024);
    let (code, text) = check();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("WRONG  server.tls: valid from 2020"), "{text}");
}

#[test]
fn a_certificate_goes_with_its_key() {
    for key in ["CERT", "KEY"] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut command = command(directory.path(), None);
        command.env(format!("CAMPANILE_SERVER__TLS__{key}"), "file.pem");
        let line = said(command);
        assert!(line.contains("server.tls.cert goes with server.tls.key"), "{line}");
    }
}

/// Why it did not start: one line, and the status of what is set wrongly.
fn said(mut command: Command) -> String {
    let output = command.output().expect("it runs");
    let line = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(2), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

/// How a client begins that knows nothing newer than TLS 1.1.
fn tls_1_1() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    // No session; ciphers that the server has, so that only the version is wrong; no compression.
    hello.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0]);
    // Signatures and curves that the server has.
    hello.extend([0, 20, 0, 13, 0, 6, 0, 4, 4, 3, 4, 1, 0, 10, 0, 6, 0, 4, 0, 23, 0, 29]);
    let length = u8::try_from(hello.len()).expect("it is short");
    let mut record = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    record.extend(hello);
    record
}
