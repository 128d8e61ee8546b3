//! A client over TLS that knows whom it trusts.

use crate::{program::Program, support::PATIENCE};
use futures_util::{SinkExt, StreamExt};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion, crypto::aws_lc_rs::default_provider,
    pki_types::ServerName,
};
use serde_json::{Value, json};
use std::{future::Future, io, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// A client over TLS.
#[derive(Clone)]
pub(crate) struct Client {
    roots: Arc<RootCertStore>,
    settings: Arc<ClientConfig>,
}

impl Client {
    /// One that trusts this certificate.
    pub(crate) fn trusting(certificate: &rcgen::Certificate) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.der().clone()).expect("a certificate");
        Self::new(roots.into(), rustls::DEFAULT_VERSIONS, &[])
    }

    /// The same, but it speaks these versions only, and asks for these protocols.
    pub(crate) fn speaking(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> Self {
        Self::new(self.roots.clone(), versions, protocols)
    }

    fn new(
        roots: Arc<RootCertStore>,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> Self {
        let mut settings = ClientConfig::builder_with_provider(default_provider().into())
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        settings.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { roots, settings: Arc::new(settings) }
    }

    /// Connects.
    pub(crate) async fn connect(&self, program: &Program) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from("localhost").expect("a name");
        in_time(async {
            let stream = TcpStream::connect(program.address).await?;
            TlsConnector::from(self.settings.clone()).connect(name, stream).await
        })
        .await
    }

    /// Asks over a connection of its own; status and body.
    pub(crate) async fn ask(
        &self,
        program: &Program,
        (method, path): (&str, &str),
        token: &str,
        body: &str,
    ) -> (u16, Value) {
        let mut stream = self.connect(program).await.expect("a connection");
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        let mut answer = String::new();
        in_time(async {
            stream.write_all(request.as_bytes()).await?;
            // An end without the farewell of TLS would be an error.
            stream.read_to_string(&mut answer).await
        })
        .await
        .expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, serde_json::from_str(body).unwrap_or_default())
    }

    /// Opens a WebSocket at this path; what it is told first.
    pub(crate) async fn first_frame(&self, program: &Program, path: &str) -> Value {
        let stream = self.connect(program).await.expect("a connection");
        let url = format!("wss://{}{path}", program.address);
        let (socket, _response) = in_time(client_async(url, stream)).await.expect("a WebSocket");
        Conversation { socket }.hear().await
    }

    /// Opens a native connection and says hello.
    pub(crate) async fn hello(&self, program: &Program, token: &str) -> Conversation {
        let stream = self.connect(program).await.expect("a connection");
        let url = format!("wss://{}/ws", program.address);
        let (socket, _response) = in_time(client_async(url, stream)).await.expect("a WebSocket");
        let mut conversation = Conversation { socket };
        let heard = conversation.ask(&json!({"op": "hello", "id": 0, "token": token})).await;
        assert_eq!(heard[0]["op"], "ok", "{heard:?}");
        conversation
    }
}

/// A native connection over TLS.
pub(crate) struct Conversation {
    socket: WebSocketStream<TlsStream<TcpStream>>,
}

impl Conversation {
    /// Asks, and hears until the answer; all that was heard.
    pub(crate) async fn ask(&mut self, request: &Value) -> Vec<Value> {
        in_time(self.socket.send(Message::text(request.to_string()))).await.expect("sent");
        let mut heard: Vec<Value> = Vec::new();
        while heard.last().is_none_or(|frame| frame["id"] != request["id"]) {
            heard.push(self.hear().await);
        }
        heard
    }

    /// What the server says next.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            let frame = in_time(self.socket.next()).await.expect("open").expect("a frame");
            if let Message::Text(text) = frame {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }
}

/// Waits for it, but not for ever.
pub(crate) async fn in_time<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("in time")
}
