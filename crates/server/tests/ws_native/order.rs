//! What readers with small buffers and many pauses get: whole frames, each once, in order.

use crate::{
    client::{DEADLINE, Raw, masked},
    server::{Server, Setup, serve_over, start_served},
};
use campanile_core::{
    chat::Source,
    labels::Transport,
    message::Draft,
    name::{RoomName, UserName},
    room::RoomKind,
};
use campanile_protocol::{Codec, Event, JsonV1, RequestId, ServerFrame};
use campanile_server::ws::SharedStream;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use socket2::SockRef;
use std::{io, time::Duration};
use tokio::{net::TcpSocket, time::timeout};

const READERS: u64 = 4;
const MESSAGES: u64 = 1_200;
const WEBSOCKET: [(&str, &str); 1] = [("transport", "websocket")];

/// So small that writes end in the middle of frames.
const BUFFER_BYTES: u32 = 4 * 1024;

/// A server that writes to small buffers, and cuts nobody for being slow.
fn start() -> Server {
    let mut setup = Setup::default();
    setup.limits.outbox_bytes_max = 1024 * 1024 * 1024;
    setup.limits.outbox_age_max = Duration::from_secs(3_600);
    let wrap = |stream: tokio::net::TcpStream| {
        let sets = SockRef::from(&stream).set_send_buffer_size(BUFFER_BYTES as usize);
        sets.expect("a socket has a buffer");
        SharedStream::new(stream)
    };
    start_served(setup, move |listener, worker| {
        serve_over(listener, worker, wrap, SharedStream::share)
    })
}

/// What the message with this number says: mostly little, at times more than the buffers take.
fn body(number: u64) -> String {
    let bytes = match number % 50 {
        7 => 15_000,
        0 | 20 | 21 => 3_000,
        _ => number % 90,
    };
    format!("{number} {}", "x".repeat(usize::try_from(bytes).expect("short")))
}

/// A client that reads when it likes.
struct Reader {
    raw: Raw,
    random: SmallRng,
    /// Read and not yet understood.
    bytes: Vec<u8>,
    read: usize,
    /// What was asked, and what was answered so far.
    asked: u64,
    answered: u64,
    pinged: u64,
    ponged: u64,
    messages: u64,
}

impl Reader {
    async fn connect(server: &Server, number: u64, token: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(BUFFER_BYTES).expect("a socket has a buffer");
        let stream = socket.connect(server.address).await.expect("the server listens");
        let raw = Raw::over(stream, &format!("Authorization: Bearer {token}\r\n")).await;
        let random = SmallRng::seed_from_u64(number);
        let (bytes, read) = (Vec::new(), 0);
        let (asked, answered, pinged, ponged, messages) = (0, 0, 0, 0, 0);
        Self { raw, random, bytes, read, asked, answered, pinged, ponged, messages }
    }

    /// Asks for something.
    async fn ask(&mut self, operation: &str) {
        self.asked += 1;
        let request = format!(r#"{{"id":{},{operation}}}"#, self.asked);
        self.raw.write_frame(0x81, request.as_bytes()).await;
    }

    async fn ping(&mut self) {
        self.pinged += 1;
        self.raw.write(&masked(0x89, self.pinged.to_string().as_bytes())).await;
    }

    /// Does something or nothing, as it likes.
    async fn act(&mut self) {
        match self.random.random_range(0..12) {
            0 => self.ask(r#""op":"ping""#).await,
            1 => self.ping().await,
            2..5 => self.read_what_is_there(),
            _ => {}
        }
    }

    fn read_what_is_there(&mut self) {
        let mut some = vec![0; self.random.random_range(1..20_000)];
        match self.raw.stream.try_read(&mut some) {
            Ok(0) => panic!("the server has closed"),
            Ok(read) => self.take(&some[..read]),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}"),
        }
    }

    /// Reads until this holds.
    async fn read_until(&mut self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            let ready = timeout(DEADLINE, self.raw.stream.readable()).await;
            ready.expect("something comes in time").expect("the server is there");
            self.read_what_is_there();
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.read += bytes.len();
        self.bytes.extend_from_slice(bytes);
        while let Some((opcode, start, end)) = frame(&self.bytes) {
            let payload: Vec<u8> = self.bytes.drain(..end).skip(start).collect();
            self.hear(opcode, &payload);
        }
    }

    /// Checks that this is what comes next.
    fn hear(&mut self, opcode: u8, payload: &[u8]) {
        if opcode == 0x8a {
            self.ponged += 1;
            assert_eq!(payload, self.ponged.to_string().as_bytes());
            return;
        }
        assert_eq!(opcode, 0x81, "after {} bytes", self.read);
        match JsonV1.decode(payload).expect("a frame of the protocol") {
            ServerFrame::Ok { id, .. } => {
                self.answered += 1;
                assert_eq!(id, RequestId::from(self.answered));
            }
            ServerFrame::Event(Event::Message(message)) => {
                self.messages += 1;
                assert_eq!(message.seq, self.messages);
                assert_eq!(message.body, body(self.messages));
            }
            ServerFrame::Event(_) => {}
            error @ ServerFrame::Error { .. } => panic!("{error:?}"),
        }
    }
}

/// The first byte of the first frame, where its payload begins and where it ends, if all of it is
/// there.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (start, length) = match *bytes.get(1)? {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => panic!("no frame is that long"),
        short => (2, usize::from(short)),
    };
    let end = start + length;
    (bytes.len() >= end).then_some((bytes[0], start, end))
}

async fn say(server: &Server, number: u64) {
    let draft = Draft {
        room: RoomName::parse("lobby").expect("a name"),
        from: UserName::parse("ada").expect("a name"),
        body: body(number).into(),
        key: None,
        reply_to: None,
    };
    let source = Source { transport: Transport::WebSocket, trace: None };
    server.chat.send(draft, source).await.expect("sent");
}

#[tokio::test]
async fn a_reader_of_any_pace_gets_whole_frames_each_once_and_in_order() {
    let server = start();
    let token = server.user("ada").await;
    server.room("ada", "lobby", RoomKind::Public).await;
    let mut readers = Vec::new();
    for number in 0..READERS {
        let mut reader = Reader::connect(&server, number, &token).await;
        reader.ask(r#""op":"join","room":"lobby""#).await;
        reader.read_until(|reader| reader.answered == reader.asked).await;
        readers.push(reader);
    }
    for number in 1..=MESSAGES {
        say(&server, number).await;
        for reader in &mut readers {
            reader.act().await;
        }
    }
    let mut read = 0;
    for reader in &mut readers {
        reader.ping().await;
        let is_all = |reader: &Reader| {
            let heard = (reader.messages, reader.answered, reader.ponged);
            heard == (MESSAGES, reader.asked, reader.pinged)
        };
        reader.read_until(is_all).await;
        assert!(reader.bytes.is_empty(), "nothing comes behind it");
        read += reader.read;
    }
    // What was counted is what was read, however the frames were cut.
    server.counts("chat_connection_sent_bytes_total", &WEBSOCKET, read as f64).await;
    let sent = [("app", "native"), ("transport", "websocket"), ("channel_type", "public")];
    server.counts("chat_messages_sent_total", &sent, (READERS * MESSAGES) as f64).await;
    assert_eq!(server.probe().sum("chat_messages_dropped_total"), 0.0);
    server.counts("chat_connection_send_queue_messages", &[], 0.0).await;
}
