//! The REST interface, as a client asks it.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use reqwest::{Client, Method, header};
use serde_json::Value;

use crate::tally::Tally;
use crate::target::Target;

/// How long an answer is waited for.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Asks the server, from as many addresses as there are.
#[derive(Clone, Debug)]
pub struct Api {
    clients: Arc<[Client]>,
    target: Arc<Target>,
    tally: Arc<Tally>,
}

/// A request: what is asked for, by whom.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    path: String,
    client: usize,
    token: Option<String>,
    headers: Vec<(&'static str, String)>,
    body: Option<Vec<u8>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// What a refusal says a program should act on.
    pub code: Option<String>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// What is in it; null where it is no JSON.
    pub body: Value,
}

/// Nobody answered.
#[derive(Debug)]
pub struct Unreachable;

impl Ask {
    /// A request without a body.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let (headers, client) = (Vec::new(), 0);
        Self { method, path: path.into(), client, token: None, headers, body: None }
    }

    /// Reads.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Sends JSON.
    pub fn post(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, path).json(body)
    }

    /// Puts JSON.
    pub fn put(path: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::PUT, path).json(body)
    }

    /// Deletes.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// With JSON.
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string().into_bytes())
    }

    /// With anything.
    pub fn bytes(mut self, media_type: &str, body: Vec<u8>) -> Self {
        self.body = Some(body);
        self.header("content-type", media_type.to_owned())
    }

    /// With another header.
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// By the holder of this token.
    pub fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// From the address of this client.
    pub fn from(mut self, client: usize) -> Self {
        self.client = client;
        self
    }
}

impl Reply {
    /// Whether it was done.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the server, or what stands before it, could not do it now.
    pub fn is_away(&self) -> bool {
        matches!(self.status, 429 | 500 | 502 | 503 | 504)
    }

    /// What it says at this place, where that is text.
    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer)?.as_str()
    }

    /// What it says at this place, where that is a number.
    pub fn number(&self, pointer: &str) -> Option<u64> {
        self.body.pointer(pointer)?.as_u64()
    }
}

impl Api {
    /// Asks this server and counts what it refuses.
    pub fn new(target: Arc<Target>, tally: Arc<Tally>) -> Result<Self> {
        let clients = (0..usize::from(target.sources())).map(|number| {
            let client = Client::builder().timeout(PATIENCE).no_proxy();
            let client = client.redirect(reqwest::redirect::Policy::none());
            // Only http is spoken: authorities are not even read.
            let client = client.tls_certs_only([]);
            Ok(client.local_address(target.source(number)).build()?)
        });
        Ok(Self { clients: clients.collect::<Result<_>>()?, target, tally })
    }

    /// Asks. A refusal is an answer too, and is counted.
    pub async fn ask(&self, ask: Ask) -> Result<Reply, Unreachable> {
        match self.try_ask(ask).await {
            Ok(reply) => {
                self.tally.answers.add();
                if !reply.is_ok() {
                    let code = reply.code.as_deref().unwrap_or("-");
                    self.tally.refused(&format!("http {} {code}", reply.status));
                }
                Ok(reply)
            }
            Err(_) => {
                self.tally.unreachable.add();
                Err(Unreachable)
            }
        }
    }

    /// Asks for a stream, whose pieces come as they come.
    pub async fn open(&self, ask: Ask) -> Result<reqwest::Response, Unreachable> {
        // A stream has no end, so it is only the beginning that is waited for.
        let opening = self.prepare(ask).timeout(Duration::from_secs(86_400)).send();
        match tokio::time::timeout(PATIENCE, opening).await {
            Ok(Ok(response)) => Ok(response),
            _ => {
                self.tally.unreachable.add();
                Err(Unreachable)
            }
        }
    }

    fn prepare(&self, ask: Ask) -> reqwest::RequestBuilder {
        let client = &self.clients[ask.client % self.clients.len()];
        let mut request = client.request(ask.method, self.target.url(&ask.path));
        if let Some(token) = ask.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        match ask.body {
            Some(body) => request.body(body),
            None => request,
        }
    }

    async fn try_ask(&self, ask: Ask) -> Result<Reply, reqwest::Error> {
        let mut response = self.prepare(ask).send().await?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await? {
            // What is too long is read to its end and thrown away.
            if bytes.len() < ANSWER_BYTES_MAX {
                bytes.extend_from_slice(&piece);
            }
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let code = body.get("code").and_then(Value::as_str).map(str::to_owned);
        Ok(Reply { status, code, retry_after: retry_after.map(Duration::from_secs), body })
    }
}
