//! A WebSocket that costs little: one read for all that came, and nothing held between frames.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::frames::{Frames, Opcode, Piece, put_frame};
use crate::line::Cut;
use crate::target::{Target, Window};

/// How long a connection may take to open.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes that are taken from the network at once.
const READ_BYTES: usize = 256 * 1024;

/// Bytes that the head of the answer to an upgrade may have.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Bytes that may wait for a server that does not read.
const BACKLOG_BYTES_MAX: usize = 1024 * 1024;

/// The key of every upgrade, and what it is answered: the example of RFC 6455, section 1.3. A
/// server cannot tell, and nobody has to hash.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

thread_local! {
    /// What was read, for all connections of a thread: none needs it longer than a moment.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// The half that hears.
#[derive(Debug)]
pub(super) struct Socket {
    half: OwnedReadHalf,
    frames: Frames,
    writer: Arc<Writer>,
}

/// The half that speaks, shared by whoever does.
#[derive(Debug)]
pub(super) struct Writer {
    half: OwnedWriteHalf,
    /// What the system did not take at once.
    backlog: Mutex<Vec<u8>>,
}

/// What is asked for in an upgrade.
#[derive(Clone, Copy, Debug)]
pub(super) struct Upgrade<'a> {
    pub(super) path: &'a str,
    pub(super) subprotocol: Option<&'a str>,
}

impl Socket {
    /// Connects. Who it is is said afterwards.
    pub(super) async fn open(
        target: &Target,
        client: usize,
        upgrade: Upgrade<'_>,
    ) -> Result<Self, Cut> {
        timeout(PATIENCE, Self::try_open(target, client, upgrade)).await.map_err(|_| Cut::Broken)?
    }

    async fn try_open(target: &Target, client: usize, upgrade: Upgrade<'_>) -> Result<Self, Cut> {
        let stream = target.connect(client, Window::Usual).await?;
        let (mut half, writer) = stream.into_split();
        let writer = Arc::new(Writer { half: writer, backlog: Mutex::default() });
        writer.put(upgrade.request(target).as_bytes())?;
        let mut head = Vec::new();
        let end = loop {
            if half.read_buf(&mut head).await? == 0 || head.len() > HEAD_BYTES_MAX {
                return Err(Cut::Broken);
            }
            if let Some(end) = head.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end;
            }
        };
        check(&head[..end])?;
        let mut frames = Frames::default();
        // What came with the answer is looked at with the first read.
        frames.put_back(&head[end + 4..]);
        Ok(Self { half, frames, writer })
    }

    /// Whoever speaks here.
    pub(super) fn writer(&self) -> &Arc<Writer> {
        &self.writer
    }

    /// Waits for something and hands on every message that is whole with it. Pings are answered.
    /// Nothing is lost when the wait is given up.
    pub(super) async fn hear(&mut self, mut on: impl FnMut(&[u8])) -> Result<(), Cut> {
        let Self { half, frames, writer } = self;
        let mut closed = None;
        let mut on_piece = |piece: Piece<'_>| match piece {
            Piece::Message(text) => on(text),
            // Whoever is gone is noticed at the next read.
            Piece::Ping(payload) => drop(writer.send(Opcode::Pong, payload)),
            Piece::Close(code) => closed = Some(code),
        };
        poll_fn(|context| {
            BUFFER.with_borrow_mut(|buffer| {
                if frames.has_whole() {
                    return Poll::Ready(frames.feed(&[], &mut on_piece).map_err(|_| Cut::Broken));
                }
                let mut buffer = ReadBuf::new(buffer);
                ready!(Pin::new(&mut *half).poll_read(context, &mut buffer))?;
                if buffer.filled().is_empty() {
                    return Poll::Ready(Err(Cut::Broken));
                }
                Poll::Ready(frames.feed(buffer.filled(), &mut on_piece).map_err(|_| Cut::Broken))
            })
        })
        .await?;
        match closed {
            Some(code) => Err(Cut::Closed(code)),
            None => Ok(()),
        }
    }
}

impl Upgrade<'_> {
    fn request(self, target: &Target) -> String {
        let Self { path, subprotocol } = self;
        let authority = target.authority();
        let subprotocol = subprotocol
            .map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"))
            .unwrap_or_default();
        format!(
            "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\
             {subprotocol}\r\n"
        )
    }
}

/// Whether this is the head of an answer that says yes.
fn check(head: &[u8]) -> Result<(), Cut> {
    let head = std::str::from_utf8(head).map_err(|_| Cut::Broken)?;
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse::<u16>().ok());
    let header = |name: &str| {
        let mut headers = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    };
    match status {
        Some(101) if header("sec-websocket-accept") == Some(ACCEPT) => Ok(()),
        Some(101) | None => Err(Cut::Broken),
        Some(status) => {
            let seconds = header("retry-after").and_then(|value| value.parse().ok());
            Err(Cut::Refused(status, seconds.map(Duration::from_secs)))
        }
    }
}

impl Writer {
    /// Sends a text, without waiting: what the system does not take at once goes when it does.
    pub(super) fn say(self: &Arc<Self>, text: &str) -> Result<(), Cut> {
        self.send(Opcode::Text, text.as_bytes())
    }

    /// Says goodbye.
    pub(super) fn close(self: &Arc<Self>) {
        // Who is gone needs none.
        let _ = self.send(Opcode::Close, &1000_u16.to_be_bytes());
    }

    fn send(self: &Arc<Self>, opcode: Opcode, payload: &[u8]) -> Result<(), Cut> {
        let mut frame = Vec::with_capacity(payload.len() + 14);
        put_frame(opcode, payload, &mut frame);
        self.put(&frame)
    }

    fn put(self: &Arc<Self>, bytes: &[u8]) -> Result<(), Cut> {
        let mut backlog = self.backlog.lock().expect("nobody panics while writing");
        if !backlog.is_empty() {
            if backlog.len() + bytes.len() > BACKLOG_BYTES_MAX {
                return Err(Cut::Broken);
            }
            backlog.extend_from_slice(bytes);
            return Ok(());
        }
        let taken = match self.half.try_write(bytes) {
            Ok(taken) => taken,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error.into()),
        };
        if taken < bytes.len() {
            backlog.extend_from_slice(&bytes[taken..]);
            tokio::spawn(flush(self.clone()));
        }
        Ok(())
    }

    /// Writes what it can of what waits; whether that was all, or nobody takes it any more.
    fn flush_some(&self) -> bool {
        let mut backlog = self.backlog.lock().expect("nobody panics while writing");
        match self.half.try_write(&backlog) {
            Ok(taken) => drop(backlog.drain(..taken)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => backlog.clear(),
        }
        backlog.is_empty()
    }
}

/// Writes what waits until nothing does.
async fn flush(writer: Arc<Writer>) {
    while writer.half.writable().await.is_ok() && !writer.flush_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_right_answer_opens_a_connection() {
        let right = format!("HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: {ACCEPT}");
        assert!(check(right.as_bytes()).is_ok());
        let wrong = right.replace("s3p", "s3q");
        assert!(matches!(check(wrong.as_bytes()), Err(Cut::Broken)));
        let busy = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 3";
        let told = Some(Duration::from_secs(3));
        assert!(matches!(check(busy), Err(Cut::Refused(503, after)) if after == told));
        assert!(matches!(check(b"hello"), Err(Cut::Broken)));
    }
}
