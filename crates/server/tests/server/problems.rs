//! Requests that make no sense: each is answered with a problem that says so.

use crate::support::{send, start, with_json};
use minreq::Method;
use serde_json::json;
use std::{
    io::{Read, Write},
    net::TcpStream,
};

#[test]
fn what_is_not_there_is_not_found() {
    let server = start();
    for path in ["/nowhere", "/api/v1", "/api/v1/nowhere", "/api/v1/rooms/", "/api/v1/users/x/y"] {
        assert_eq!(server.get(path).refused(404), "not_found", "{path}");
    }
}

#[test]
fn another_method_is_told_which_there_are() {
    let server = start();
    for (method, path, allowed) in [
        (Method::Delete, "/api/v1/me", "GET"),
        (Method::Post, "/api/v1/rooms/lobby", "GET, PATCH, DELETE"),
        (Method::Get, "/api/v1/login", "POST"),
        (Method::Options, "/api/v1/rooms", "POST, GET"),
        (Method::Post, "/", "GET, HEAD"),
        (Method::Post, "/ws", "GET"),
    ] {
        let answer = send(minreq::Request::new(method.clone(), server.url(path)));
        assert_eq!(answer.header("allow"), allowed, "{method} {path}");
        assert_eq!(answer.refused(405), "bad_request", "{method} {path}");
    }
}

#[test]
fn a_body_has_to_be_json() {
    let server = start();
    let ada = server.user("ada");
    let post = |media_type: &str, body: &str| {
        send(
            minreq::post(server.url("/api/v1/rooms"))
                .with_header("Authorization", format!("Bearer {}", ada.token))
                .with_header("Content-Type", media_type)
                .with_body(body),
        )
    };
    let room = r#"{"name":"lobby","kind":"public"}"#;
    assert_eq!(post("text/plain", room).refused(415), "bad_request");
    assert_eq!(post("application/json", "{").refused(400), "bad_request");
    assert_eq!(post("application/json", "[]").refused(400), "bad_request");
    assert_eq!(post("application/json", "").refused(400), "bad_request");
    assert_eq!(post("application/json", &"x".repeat(64 * 1024 + 1)).refused(413), "too_large");
    post("Application/JSON; charset=utf-8", room).expect(201);
}

#[test]
fn who_asks_is_checked_before_what() {
    let server = start();
    let request = with_json(minreq::post(server.url("/api/v1/rooms")), &json!("nonsense"));
    assert_eq!(send(request).refused(401), "unauthenticated");
}

#[test]
fn long_headers_are_refused() {
    let server = start();
    let request =
        minreq::get(server.url("/api/v1/me")).with_header("X-Long", "x".repeat(17 * 1024));
    assert_eq!(send(request).refused(431), "too_large");
}

#[test]
fn a_request_that_takes_too_long_to_arrive_is_ended() {
    let server = crate::support::start_with(|config| config.server.request_timeout_seconds = 0.3);
    let mut stream = TcpStream::connect(server.address).expect("it listens");
    stream.set_read_timeout(Some(crate::support::PATIENCE)).expect("a time-out");
    stream.write_all(b"GET / HTTP/1.1\r\nHost: slow").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer, and the end");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[test]
fn two_lengths_are_no_request() {
    let server = start();
    for head in [
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(server.address).expect("it listens");
        stream.set_read_timeout(Some(crate::support::PATIENCE)).expect("a time-out");
        stream.write_all(head.as_bytes()).expect("sent");
        stream.shutdown(std::net::Shutdown::Write).expect("nothing more");
        let mut answer = String::new();
        let _reset = stream.read_to_string(&mut answer);
        assert!(answer.starts_with("HTTP/1.1 400"), "{head:?} is answered with {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "one answer: {answer}");
    }
}
