//! Someone who uses the REST interface.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use minreq::Method;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::server::Server;
use crate::wait;

const TIMEOUT: Duration = Duration::from_secs(10);

/// As long as many log in at once.
const LET_IN_DEADLINE: Duration = Duration::from_secs(60);

/// A user with an account and a token.
pub(crate) struct Client {
    pub(crate) name: String,
    pub(crate) token: String,
    password: String,
    api: String,
}

impl Client {
    pub(crate) const PASSWORD: &str = "correct horse battery staple";

    /// Makes an account and logs in. The first one on a server is its operator.
    pub(crate) fn sign_up(server: &Server, name: &str) -> Result<Self> {
        let client = Self::nobody(server.url("/api/v1"), name, Self::PASSWORD);
        client.request(Method::Post, "/users", &client.credentials())?;
        client.log_in()
    }

    /// Somebody at the interface below this address, who is not logged in.
    fn nobody(api: String, name: &str, password: &str) -> Self {
        let (name, password) = (name.to_owned(), password.to_owned());
        Self { name, password, token: String::new(), api }
    }

    /// Somebody who has an account: one who logs in while a server is busy is let in later.
    pub(crate) fn let_in(api: &str, name: &str, password: &str) -> Result<Self> {
        wait::patiently(&format!("{name} is let in"), LET_IN_DEADLINE, || {
            Self::nobody(api.to_owned(), name, password).log_in()
        })
    }

    fn log_in(mut self) -> Result<Self> {
        let session = self.request(Method::Post, "/login", &self.credentials())?;
        self.token = session["token"].as_str().context("logging in gave no token")?.to_owned();
        Ok(self)
    }

    fn credentials(&self) -> Value {
        json!({"name": self.name, "password": self.password})
    }

    /// Sends a request and expects it to succeed. A body of null is no body.
    pub(crate) fn request(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        let what = format!("{method} {path}");
        let mut request = minreq::Request::new(method, format!("{}{path}", self.api))
            .with_timeout(TIMEOUT.as_secs());
        if !self.token.is_empty() {
            request = request.with_header("Authorization", format!("Bearer {}", self.token));
        }
        if !body.is_null() {
            request =
                request.with_header("Content-Type", "application/json").with_body(body.to_string());
        }
        let answer = request.send().with_context(|| what.clone())?;
        let text = answer.as_str().unwrap_or_default();
        ensure!((200..300).contains(&answer.status_code), "{what}: {} {text}", answer.status_code);
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(text).with_context(|| format!("{what}: not JSON: {text}"))
    }
}

/// The status of `GET /metrics` asked from one of this machine's addresses, and the whole answer.
pub(crate) fn status_from(
    source: IpAddr,
    target: SocketAddr,
    headers: &[(&str, &str)],
) -> Result<(u16, String)> {
    let socket = Socket::new(Domain::for_address(target), Type::STREAM, None)?;
    socket
        .bind(&SocketAddr::new(source, 0).into())
        .with_context(|| format!("cannot speak from {source}"))?;
    socket
        .connect(&target.into())
        .with_context(|| format!("cannot reach {target} from {source}"))?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(TIMEOUT))?;
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {target}\r\n{headers}Connection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream);
    while reader.read_until(b'\n', &mut answer).context("the answer broke off")? > 0 {}
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.with_context(|| format!("no HTTP: {answer}"))?, answer))
}
