//! A client of the native protocol, for tests: asks, hears, and notices how it is closed.

use bytes::BytesMut;
use campanile_protocol::*;
use futures_util::{SinkExt, StreamExt};
use std::{collections::VecDeque, net::SocketAddr, time::Duration};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{
        self, Message as Frame,
        client::IntoClientRequest,
        http::HeaderValue,
        protocol::{CloseFrame, frame::coding::CloseCode::Normal},
    },
};

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// A connected client.
pub(crate) struct Client {
    socket: WebSocketStream<TcpStream>,
    next_id: u64,
    events: VecDeque<Event>,
    answers: VecDeque<ServerFrame>,
}

/// What the server says next.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A frame.
    Frame(ServerFrame),
    /// It closes, with this code.
    Closed(Option<u16>),
    /// The network connection ended without a closing frame.
    Gone,
}

impl Client {
    /// Connects without saying who it is.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address, &[]).await.expect("the server takes the connection")
    }

    /// Connects with these headers.
    pub(crate) async fn try_connect(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{address}/ws").into_client_request()?;
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header's value");
            request.headers_mut().insert(*name, value);
        }
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (socket, _response) = client_async(request, stream).await?;
        Ok(Self { socket, next_id: 1, events: VecDeque::new(), answers: VecDeque::new() })
    }

    /// Connects and says hello.
    pub(crate) async fn hello(address: SocketAddr, token: &str) -> Self {
        let mut client = Self::connect(address).await;
        let answer = client.ask(Request::Hello { token: Some(token.into()) }).await;
        assert!(matches!(answer, Answer::Welcome(_)), "{answer:?}");
        client
    }

    /// Asks, and expects it to be done.
    pub(crate) async fn ask(&mut self, request: Request) -> Answer {
        let told = format!("{request:?}");
        self.try_ask(request).await.unwrap_or_else(|refusal| panic!("{told}: {refusal:?}"))
    }

    /// Asks; what it gave, or why not.
    pub(crate) async fn try_ask(&mut self, request: Request) -> Result<Answer, Refusal> {
        let id = self.send(request).await;
        self.answer(id).await
    }

    /// Sends a request and does not wait; its id.
    pub(crate) async fn send(&mut self, request: Request) -> RequestId {
        let sent = timeout(DEADLINE, self.try_send(request)).await;
        sent.expect("in time").expect("the server is there")
    }

    /// Sends a request, which fails once the server is gone.
    pub(crate) async fn try_send(
        &mut self,
        request: Request,
    ) -> Result<RequestId, tungstenite::Error> {
        let (id, text) = self.encode(request);
        self.socket.send(Frame::text(text)).await?;
        Ok(id)
    }

    /// Writes a request into the connection's buffer, to be sent with others; its id.
    pub(crate) async fn queue(&mut self, request: Request) -> RequestId {
        let (id, text) = self.encode(request);
        self.socket.feed(Frame::text(text)).await.expect("there is room");
        id
    }

    /// Sends what is in the buffer.
    pub(crate) async fn flush(&mut self) {
        timeout(DEADLINE, self.socket.flush()).await.expect("in time").expect("sent");
    }

    fn encode(&mut self, request: Request) -> (RequestId, String) {
        let id = RequestId::from(self.next_id);
        self.next_id += 1;
        let mut text = BytesMut::new();
        JsonV1.encode_request(&RequestFrame { id: id.clone(), request }, &mut text);
        (id, String::from_utf8(text.to_vec()).expect("JSON is UTF-8"))
    }

    /// Sends any text.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send_frame(Frame::text(text)).await;
    }

    /// Sends any frame.
    pub(crate) async fn send_frame(&mut self, frame: Frame) {
        timeout(DEADLINE, self.socket.send(frame)).await.expect("in time").expect("sent");
    }

    /// The answer with this id; events meanwhile are kept.
    pub(crate) async fn answer(&mut self, wanted: RequestId) -> Result<Answer, Refusal> {
        loop {
            let frame = match self.answers.pop_front() {
                Some(frame) => frame,
                None => self.frame().await,
            };
            match frame {
                ServerFrame::Ok { id, answer } if id == wanted => return Ok(answer),
                ServerFrame::Error { id, refusal } if id.as_ref() == Some(&wanted) => {
                    return Err(refusal);
                }
                ServerFrame::Event(event) => self.events.push_back(event),
                other => panic!("answers come in the order of requests, this one not: {other:?}"),
            }
        }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Event {
        if let Some(event) = self.events.pop_front() {
            return event;
        }
        loop {
            match self.frame().await {
                ServerFrame::Event(event) => return event,
                answer => self.answers.push_back(answer),
            }
        }
    }

    /// The next event that this says something about; others are passed over.
    pub(crate) async fn event_of<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            if let Some(picked) = pick(self.event().await) {
                return picked;
            }
        }
    }

    /// The next message; other events are passed over.
    pub(crate) async fn message(&mut self) -> Message {
        self.event_of(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
        .await
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> ServerFrame {
        match self.hear().await {
            Heard::Frame(frame) => frame,
            other => panic!("a frame was expected: {other:?}"),
        }
    }

    /// The code with which the server closes; what it says before is passed over.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.hear().await {
                Heard::Frame(_) => {}
                Heard::Closed(code) => return code,
                Heard::Gone => panic!("the connection ended without a closing frame"),
            }
        }
    }

    /// What the server says next.
    pub(crate) async fn hear(&mut self) -> Heard {
        timeout(DEADLINE, self.hear_some()).await.expect("the server says something in time")
    }

    /// What the server says next, whenever that is.
    pub(crate) async fn hear_some(&mut self) -> Heard {
        loop {
            return match self.socket.next().await {
                None | Some(Err(_)) => Heard::Gone,
                Some(Ok(Frame::Text(text))) => {
                    Heard::Frame(JsonV1.decode(text.as_bytes()).expect("a frame of the protocol"))
                }
                Some(Ok(Frame::Close(close))) => {
                    // What the library answers goes out only when it is asked to.
                    let _gone_already = self.socket.flush().await;
                    Heard::Closed(close.map(|close| u16::from(close.code)))
                }
                Some(Ok(_)) => continue,
            };
        }
    }

    /// Says goodbye; the code that is said back.
    pub(crate) async fn close(mut self) -> Option<u16> {
        let normal = CloseFrame { code: Normal, reason: "".into() };
        self.socket.close(Some(normal)).await.expect("the closing frame is sent");
        self.close_code().await
    }

    /// Joins a room and forgets what the answer says.
    pub(crate) async fn join(&mut self, room: &str) -> JoinedRoom {
        self.join_since(room, None).await
    }

    /// Joins a room, with what is known of it.
    pub(crate) async fn join_since(&mut self, room: &str, since: Option<Since>) -> JoinedRoom {
        match self.ask(Request::Join { room: room.into(), since }).await {
            Answer::Joined(joined) => joined,
            other => panic!("{other:?}"),
        }
    }

    /// Says something in a room.
    pub(crate) async fn say(&mut self, room: &str, body: &str) -> SentMessage {
        match self.ask(say(room, body)).await {
            Answer::Sent(sent) => sent,
            other => panic!("{other:?}"),
        }
    }
}

/// The request that says something in a room.
pub(crate) fn say(room: &str, body: &str) -> Request {
    Request::Send { room: room.into(), body: body.into(), key: None, reply_to: None }
}

/// A raw connection after its handshake, for bytes that no library would send.
pub(crate) struct Raw {
    /// The socket.
    pub(crate) stream: TcpStream,
}

impl Raw {
    /// Connects and does the handshake by hand.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        Self::over(stream, "").await
    }

    /// Does the handshake over this stream, with these lines more in its head.
    pub(crate) async fn over(mut stream: TcpStream, lines: &str) -> Self {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: server\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{lines}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("the server answers"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self { stream }
    }

    /// Writes bytes as they are; an error only means that the server has closed already.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        use tokio::io::AsyncWriteExt;
        let _closed = self.stream.write_all(bytes).await;
    }

    /// A masked frame.
    pub(crate) async fn write_frame(&mut self, first: u8, payload: &[u8]) {
        self.write(&masked(first, payload)).await;
    }

    /// The code with which the server closes; other frames before it are passed over.
    pub(crate) async fn close_code(&mut self) -> u16 {
        timeout(DEADLINE, self.read_close_code()).await.expect("closed in time")
    }

    async fn read_close_code(&mut self) -> u16 {
        use tokio::io::AsyncReadExt;
        loop {
            let first = self.stream.read_u8().await.expect("a frame");
            let length = match self.stream.read_u8().await.expect("a length") {
                126 => u64::from(self.stream.read_u16().await.expect("a length")),
                127 => self.stream.read_u64().await.expect("a length"),
                short => u64::from(short),
            };
            let mut payload = vec![0; usize::try_from(length).expect("it fits")];
            self.stream.read_exact(&mut payload).await.expect("a payload");
            if first == 0x88 {
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
        }
    }

    /// Waits until the server has closed the network connection.
    pub(crate) async fn gone(&mut self) {
        use tokio::io::AsyncReadExt;
        let mut rest = [0; 1024];
        let read = async { while matches!(self.stream.read(&mut rest).await, Ok(1..)) {} };
        timeout(DEADLINE, read).await.expect("the server closes in time");
    }
}

/// A masked frame, as a client has to send it.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(0x80 | u8::try_from(length).expect("short")),
        length @ 126..65_536 => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).expect("short").to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    let mask = [1, 2, 3, 4];
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}
