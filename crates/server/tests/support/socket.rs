//! A WebSocket client that waits for what it asked for.

use super::{PATIENCE, Server, User};
use serde_json::{Value, json};
use std::net::TcpStream;
use tungstenite::{Message, WebSocket, client::IntoClientRequest, protocol::CloseFrame};

/// A connection of somebody.
pub(crate) struct Socket {
    inner: WebSocket<TcpStream>,
    next_id: u64,
    /// Events that came while an answer was waited for.
    heard: Vec<Value>,
}

impl Socket {
    /// Opens a connection, and says nothing.
    pub(crate) fn open(server: &Server) -> Self {
        Self::over(TcpStream::connect(server.address).expect("the server listens"), server)
    }

    /// The same over a network connection that holds little of what is not read.
    pub(crate) fn open_narrow(server: &Server) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a socket takes it");
        socket.connect(&server.address.into()).expect("the server listens");
        Self::over(socket.into(), server)
    }

    fn over(stream: TcpStream, server: &Server) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a stream takes a time-out");
        let url = format!("ws://{}/ws", server.address);
        let request = url.into_client_request().expect("a URL");
        let (inner, _) = tungstenite::client(request, stream).expect("a handshake");
        Self { inner, next_id: 1, heard: Vec::new() }
    }

    /// Opens a connection and says who speaks.
    pub(crate) fn of(server: &Server, user: &User) -> Self {
        let mut socket = Self::open(server);
        socket.ask(json!({"op": "hello", "token": user.token}));
        socket
    }

    /// Sends a request, and answers what it gave.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: Value) -> Value {
        let answer = self.try_ask(request);
        assert_eq!(answer["op"], "ok", "{answer}");
        answer["data"].clone()
    }

    /// Sends a request, and answers whatever it was answered with.
    #[track_caller]
    pub(crate) fn try_ask(&mut self, mut request: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        request["id"] = id.into();
        self.say(&request.to_string());
        loop {
            let frame = self.read().expect("an answer, not the end");
            if frame["id"] == id {
                return frame;
            }
            self.heard.push(frame);
        }
    }

    /// The next event with this name; others are thrown away.
    #[track_caller]
    pub(crate) fn hear(&mut self, op: &str) -> Value {
        self.hear_where(op, |_| true)
    }

    /// The next event with this name that is as wanted.
    #[track_caller]
    pub(crate) fn hear_where(&mut self, op: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = if self.heard.is_empty() {
                self.read().expect("an event, not the end")
            } else {
                self.heard.remove(0)
            };
            if event["op"] == op && wanted(&event) {
                return event;
            }
        }
    }

    /// Sends a text as it is.
    pub(crate) fn say(&mut self, text: &str) {
        self.inner.send(Message::text(text)).expect("the connection is open");
    }

    /// Reads until the server closes; with which code.
    pub(crate) fn closed(&mut self) -> Option<u16> {
        loop {
            match self.inner.read() {
                Ok(Message::Close(frame)) => {
                    let _written = self.inner.flush();
                    return frame.map(|CloseFrame { code, .. }| code.into());
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Closes, and waits for the answer.
    pub(crate) fn close(mut self) {
        self.inner.close(None).expect("the connection is open");
        while self.inner.read().is_ok() {}
    }

    /// Waits for a ping of the server, and answers it.
    pub(crate) fn ping(&mut self) {
        while !self.inner.read().expect("the connection is open").is_ping() {}
        self.inner.flush().expect("the pong is sent");
    }

    /// Pings the server with this, and waits for it to come back.
    pub(crate) fn ping_with(&mut self, payload: &[u8]) {
        let ping = Message::Ping(payload.to_vec().into());
        self.inner.send(ping).expect("the connection is open");
        while !self.inner.read().expect("the connection is open").is_pong() {}
    }

    /// The network connection under it.
    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        self.inner.get_mut()
    }

    fn read(&mut self) -> Option<Value> {
        loop {
            match self.inner.read().expect("the connection is open") {
                Message::Text(text) => return Some(serde_json::from_str(&text).expect("JSON")),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }
}
