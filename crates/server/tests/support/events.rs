//! A client of server-sent events that remembers its last event's id, as a browser does.

use super::{PATIENCE, Server, User};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// A stream of events.
pub(crate) struct Events {
    reader: BufReader<TcpStream>,
    pub(crate) status: u16,
    pub(crate) headers: String,
    /// What was read and is no whole block yet.
    text: Vec<u8>,
    /// What to come back with.
    pub(crate) last_id: String,
}

/// An event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Events {
    /// Asks for these rooms, having heard up to `last_id`.
    pub(crate) fn open(server: &Server, user: &User, rooms: &[&str], last_id: &str) -> Self {
        let stream = TcpStream::connect(server.address).expect("the server listens");
        Self::over(stream, user, rooms, last_id)
    }

    /// The same over a network connection that holds little of what is not read.
    pub(crate) fn open_narrow(server: &Server, user: &User, rooms: &[&str]) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a socket takes it");
        socket.connect(&server.address.into()).expect("the server listens");
        Self::over(socket.into(), user, rooms, "")
    }

    /// Asks for the stream of another path.
    pub(crate) fn at(server: &Server, user: &User, path: &str) -> Self {
        let stream = TcpStream::connect(server.address).expect("the server listens");
        Self::ask(stream, user, path, "")
    }

    fn over(stream: TcpStream, user: &User, rooms: &[&str], last_id: &str) -> Self {
        let query = rooms.iter().map(|room| format!("room={room}")).collect::<Vec<_>>().join("&");
        Self::ask(stream, user, &format!("/sse?{query}"), last_id)
    }

    fn ask(mut stream: TcpStream, user: &User, path: &str, last_id: &str) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a stream takes a time-out");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Accept: text/event-stream\r\nLast-Event-ID: {last_id}\r\n\r\n",
            user.token
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut reader = BufReader::new(stream);
        let mut headers = String::new();
        while !headers.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut headers).expect("a line of the head"), 0);
        }
        let status = headers.split(' ').nth(1).expect("a status").parse().expect("a number");
        let headers = headers.to_lowercase();
        Self { reader, status, headers, text: Vec::new(), last_id: last_id.to_owned() }
    }

    /// The next event; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Event> {
        loop {
            let (mut name, mut data) = (String::new(), String::new());
            for line in self.block()?.lines() {
                match line.split_once(": ") {
                    Some(("id", id)) => id.clone_into(&mut self.last_id),
                    Some(("event", event)) => event.clone_into(&mut name),
                    Some(("data", text)) => data.push_str(text),
                    Some(("retry", _)) | None => {}
                    Some(other) => panic!("what is {other:?}?"),
                }
            }
            if !data.is_empty() {
                let data = serde_json::from_str(&data).expect("JSON");
                return Some(Event { name, data });
            }
        }
    }

    /// The next event with this name; others are thrown away.
    #[track_caller]
    pub(crate) fn hear(&mut self, name: &str) -> Value {
        loop {
            let event = self.next().expect("an event, not the end");
            if event.name == name {
                return event.data;
            }
        }
    }

    /// The numbers of so many messages: room and number.
    #[track_caller]
    pub(crate) fn numbers(&mut self, count: usize) -> Vec<(String, u64)> {
        (0..count).map(|_| number(&self.hear("message"))).collect()
    }

    /// The numbers of all messages until the end.
    pub(crate) fn rest(&mut self) -> Vec<(String, u64)> {
        let mut numbers = Vec::new();
        while let Some(event) = self.next() {
            if event.name == "message" {
                numbers.push(number(&event.data));
            }
        }
        numbers
    }

    /// Waits until the last event's id is as wanted.
    pub(crate) fn until_id(&mut self, wanted: impl Fn(&str) -> bool) {
        while !wanted(&self.last_id) {
            let block = self.block().expect("a block, not the end");
            if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                id.clone_into(&mut self.last_id);
            }
        }
    }

    /// What comes until a blank line; `None` at the end.
    pub(crate) fn block(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block = self.text.drain(..end + 2).collect();
                return Some(String::from_utf8(block).expect("text"));
            }
            let chunk = self.chunk()?;
            self.text.extend(chunk);
        }
    }

    /// Waits until the server ends the stream, in so long.
    pub(crate) fn ends_within(&mut self, limit: Duration) {
        let started = std::time::Instant::now();
        while self.block().is_some() {}
        assert!(started.elapsed() < limit, "{:?}", started.elapsed());
    }

    /// A chunk of the body; `None` at the end, whether it is a proper one or not.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        self.reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok().filter(|size| *size > 0)?;
        let mut chunk = vec![0; size + 2];
        self.reader.read_exact(&mut chunk).ok()?;
        chunk.truncate(size);
        Some(chunk)
    }
}

/// Room and number of a message.
fn number(message: &Value) -> (String, u64) {
    let room = message["room"].as_str().expect("a room").to_owned();
    (room, message["seq"].as_u64().expect("a number"))
}
