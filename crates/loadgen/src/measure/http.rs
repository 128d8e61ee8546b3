//! A client of HTTP that costs little: one connection, kept while the server keeps it, and one
//! request at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::target::{Target, Window};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes that an answer may have.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A client and its connection.
#[derive(Debug)]
pub(super) struct Http {
    target: Arc<Target>,
    client: usize,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    /// Path and query.
    pub(super) path: &'a str,
    /// Further headers, a line each.
    pub(super) headers: &'a str,
    pub(super) body: &'a str,
}

/// What a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// Whether it was done.
    pub(super) fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Http {
    /// A client that has no connection yet.
    pub(super) fn new(target: Arc<Target>, client: usize) -> Self {
        Self { target, client, stream: None, buffer: Vec::new() }
    }

    /// Asks. After an error it is not known whether the request was done; the next one has a new
    /// connection.
    pub(super) async fn ask(&mut self, request: Request<'_>) -> io::Result<Reply> {
        let stream = self.stream.take();
        let asked = timeout(PATIENCE, self.try_ask(stream, request)).await;
        let (reply, stream) = asked.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.stream = stream;
        Ok(reply)
    }

    async fn try_ask(
        &mut self,
        stream: Option<TcpStream>,
        request: Request<'_>,
    ) -> io::Result<(Reply, Option<TcpStream>)> {
        let mut stream = match stream {
            // A server that has closed it in the meantime has not read the request.
            Some(stream) if is_open(&stream) => stream,
            _ => self.target.connect(self.client, Window::Usual).await?,
        };
        stream.write_all(request.text(self.target.authority()).as_bytes()).await?;
        self.buffer.clear();
        let mut is_over = false;
        loop {
            if let Some(answer) = Answer::read(&self.buffer, is_over)? {
                let kept = answer.is_kept && !is_over;
                return Ok((answer.reply, kept.then_some(stream)));
            }
            if is_over || self.buffer.len() > ANSWER_BYTES_MAX {
                return Err(no_answer());
            }
            is_over = stream.read_buf(&mut self.buffer).await? == 0;
        }
    }
}

/// Whether the other end has neither hung up nor said anything that was not asked for.
fn is_open(stream: &TcpStream) -> bool {
    let nothing = stream.try_read(&mut [0]);
    nothing.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

fn no_answer() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "no answer of HTTP/1.1")
}

impl Request<'_> {
    fn text(self, authority: &str) -> String {
        let Self { method, path, headers, body } = self;
        let length = body.len();
        format!(
            "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}"
        )
    }
}

struct Answer {
    reply: Reply,
    is_kept: bool,
}

impl Answer {
    /// Reads an answer; `None` where more has to come. `is_over`: nothing more will.
    fn read(bytes: &[u8], is_over: bool) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| no_answer())?;
        let behind = &bytes[end + 4..];
        let status = head.split(' ').nth(1).and_then(|status| status.get(..3)?.parse().ok());
        let status = status.ok_or_else(no_answer)?;
        let header = |name: &str| {
            let mut headers = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        let closes = header("connection").is_some_and(|what| what.eq_ignore_ascii_case("close"));
        let body = match (header("transfer-encoding"), header("content-length")) {
            (Some(_), _) => unchunk(behind)?,
            (None, Some(length)) => {
                let length: usize = length.parse().map_err(|_| no_answer())?;
                behind.get(..length).map(<[u8]>::to_vec)
            }
            (None, None) if matches!(status, 204 | 304) => Some(Vec::new()),
            (None, None) => is_over.then(|| behind.to_vec()),
        };
        let is_kept = !closes && head.starts_with("HTTP/1.1");
        Ok(body.map(|body| Self { reply: Reply { status, body }, is_kept }))
    }
}

/// A body that came in chunks (RFC 9112, section 7.1); `None` where it is not whole.
fn unchunk(mut bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
        let line = std::str::from_utf8(&bytes[..end]).map_err(|_| no_answer())?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_| no_answer())?;
        if size > ANSWER_BYTES_MAX {
            return Err(no_answer());
        }
        let Some(chunk) = bytes.get(end + 2..end + 2 + size + 2) else { return Ok(None) };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        bytes = &bytes[end + 2 + size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_over: bool) -> Option<(u16, String, bool)> {
        let answer = Answer::read(text.as_bytes(), is_over).expect("an answer")?;
        let body = String::from_utf8(answer.reply.body).expect("text");
        Some((answer.reply.status, body, answer.is_kept))
    }

    #[test]
    fn an_answer_is_read_once_it_is_whole() {
        let length = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        let chunks = "HTTP/1.1 404 No\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\n\r\n";
        for (text, status) in [(length, 200), (chunks, 404)] {
            for end in 0..text.len() {
                assert_eq!(read(&text[..end], false), None, "{end} of {text}");
            }
            assert_eq!(read(text, false), Some((status, "{}".to_owned(), true)));
        }
    }

    #[test]
    fn a_connection_is_kept_where_the_server_keeps_it() {
        let closed = "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(read(closed, false), Some((200, String::new(), false)));
        let endless = "HTTP/1.0 200 OK\r\n\r\nhello";
        assert_eq!(read(endless, false), None);
        assert_eq!(read(endless, true), Some((200, "hello".to_owned(), false)));
        assert_eq!(read("HTTP/1.1 204 None\r\n\r\n", false), Some((204, String::new(), true)));
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in ["hello\r\n\r\n", "HTTP/1.1 200\r\nContent-Length: x\r\n\r\n"] {
            assert!(Answer::read(text.as_bytes(), false).is_err(), "{text}");
        }
    }
}
