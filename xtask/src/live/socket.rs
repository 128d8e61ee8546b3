//! Someone who uses the native WebSocket.

use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::HeaderValue;
use tungstenite::{Message, WebSocket};

use super::client::Client;
use super::server::Server;

const PROTOCOL: &str = "campanile.v1.json";
const TIMEOUT: Duration = Duration::from_secs(10);

/// An open connection of a user, past its greeting.
pub(crate) struct Socket {
    connection: WebSocket<TcpStream>,
    last_id: u64,
    /// Events that came while something else was awaited.
    heard: Vec<Value>,
}

impl Socket {
    pub(crate) fn open(server: &Server, client: &Client) -> Result<Self> {
        let mut request = format!("ws://{}/ws", server.address).into_client_request()?;
        request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(PROTOCOL));
        let stream = TcpStream::connect(server.address)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let (connection, _) = tungstenite::client(request, stream)
            .map_err(|error| anyhow::anyhow!("no WebSocket at /ws: {error}"))?;
        let mut socket = Self { connection, last_id: 0, heard: Vec::new() };
        socket.ask("hello", json!({"token": client.token}))?;
        Ok(socket)
    }

    /// Asks for something and returns what the server answers.
    pub(crate) fn ask(&mut self, op: &str, mut fields: Value) -> Result<Value> {
        self.last_id += 1;
        fields["op"] = op.into();
        fields["id"] = self.last_id.into();
        self.connection.send(Message::text(fields.to_string()))?;
        loop {
            let mut frame = self.read().with_context(|| format!("no answer to {op}"))?;
            if frame["id"] != self.last_id {
                self.heard.push(frame);
                continue;
            }
            ensure!(frame["op"] == "ok", "{op} was answered {frame}");
            return Ok(frame["data"].take());
        }
    }

    /// The next event of this kind, past or to come.
    pub(crate) fn hear(&mut self, op: &str) -> Result<Value> {
        if let Some(index) = self.heard.iter().position(|event| event["op"] == op) {
            return Ok(self.heard.remove(index));
        }
        loop {
            let event = self.read().with_context(|| format!("no event {op}"))?;
            if event["op"] == op {
                return Ok(event);
            }
            self.heard.push(event);
        }
    }

    /// Says goodbye and waits for the answer.
    pub(crate) fn close(mut self) -> Result<()> {
        self.connection.close(None)?;
        while self.connection.read().is_ok() {}
        Ok(())
    }

    fn read(&mut self) -> Result<Value> {
        loop {
            match self.connection.read()? {
                Message::Text(text) => return Ok(serde_json::from_str(text.as_str())?),
                Message::Ping(_) | Message::Pong(_) => {}
                other => bail!("unexpected: {other:?}"),
            }
        }
    }
}
