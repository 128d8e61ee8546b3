//! One request over HTTP or HTTPS, and its whole answer.

use actix_web::http::Uri;
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

/// How long the other end may take for each step.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
}

/// Asks for a page: over TLS where there are settings for it.
pub(super) fn get(
    uri: &Uri,
    authorization: Option<&str>,
    tls: Option<Arc<ClientConfig>>,
) -> io::Result<Answer> {
    let host = uri.host().ok_or_else(|| invalid("the address has no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if tls.is_some() { 443 } else { 80 });
    let stream = connect(host, port)?;
    let request = request(uri, authorization);
    match tls {
        None => exchange(stream, &request),
        Some(settings) => {
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            let connection = ClientConnection::new(settings, name).map_err(io::Error::other)?;
            exchange(StreamOwned::new(connection, stream), &request)
        }
    }
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut failed = invalid("the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// In HTTP/1.0, so that the answer comes in one piece and ends with the connection.
fn request(uri: &Uri, authorization: Option<&str>) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let authorization =
        authorization.map_or_else(String::new, |value| format!("Authorization: {value}\r\n"));
    format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n{authorization}\r\n")
}

fn exchange(mut stream: impl Read + Write, request: &str) -> io::Result<Answer> {
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut bytes = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes) {
        // Without the farewell of TLS: whether the answer is whole is seen by its length.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        read => drop(read?),
    }
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> io::Result<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let no_http = || invalid("the answer is no HTTP");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(no_http)?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1."));
    let status = status.and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(no_http)?;
    let length = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    if length.is_some_and(|length| body.len() < length) {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer is cut off"));
    }
    Ok(Answer { status, text: body.to_owned() })
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_a_whole_or_not_at_all() {
        let answer = parse(b"HTTP/1.1 200 OK\r\nContent-length: 3\r\n\r\none").expect("whole");
        assert_eq!(answer, Answer { status: 200, text: "one".to_owned() });
        let answer = parse(b"HTTP/1.0 404 Not Found\r\n\r\n").expect("whole");
        assert_eq!(answer.status, 404);
        for wrong in [
            "",
            "SSH-2.0-OpenSSH\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\none",
            "\r\n\r\n",
        ] {
            parse(wrong.as_bytes()).expect_err(wrong);
        }
    }

    #[test]
    fn a_request_says_what_is_asked_of_whom() {
        let uri: Uri = "http://[::1]:9601/metrics?x=1".parse().expect("an address");
        assert_eq!(
            request(&uri, Some("Bearer secret")),
            "GET /metrics?x=1 HTTP/1.0\r\nHost: [::1]:9601\r\nAuthorization: Bearer secret\r\n\r\n"
        );
    }
}
