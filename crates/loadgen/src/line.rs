//! One native WebSocket of a client: what goes in, what comes out, how it ends.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use campanile_protocol::{Codec, JsonV1, Request, RequestFrame, SUBPROTOCOL, ServerFrame};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::target::{Target, Window};

/// How long a connection may take to open, and a frame to leave.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open connection.
#[derive(Debug)]
pub struct Line {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
}

/// Why there is no connection, or none any more.
#[derive(Debug)]
pub enum Cut {
    /// The upgrade was refused, with this status.
    Refused(u16, Option<Duration>),
    /// The server closed, with this code.
    Closed(Option<u16>),
    /// The network, or something on the way, gave up.
    Broken,
}

impl Line {
    /// Connects. Who it is is said afterwards.
    pub async fn open(target: &Target, client: usize, window: Window) -> Result<Self, Cut> {
        let opening = async {
            let url = format!("ws://{}/ws", target.authority());
            let mut request = url.into_client_request()?;
            let protocol = HeaderValue::from_static(SUBPROTOCOL);
            request.headers_mut().insert("sec-websocket-protocol", protocol);
            let stream = target.connect(client, window).await?;
            Ok::<_, Error>(client_async(request, stream).await?.0)
        };
        match timeout(PATIENCE, opening).await {
            Ok(Ok(socket)) => Ok(Self { socket, last_id: 0 }),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Cut::Broken),
        }
    }

    /// Sends a request; the id that its answer will have.
    pub async fn say(&mut self, request: Request) -> Result<u64, Cut> {
        self.last_id += 1;
        let mut text = BytesMut::new();
        let frame = RequestFrame { id: self.last_id.into(), request };
        JsonV1.encode_request(&frame, &mut text);
        let text = std::str::from_utf8(&text).expect("JSON is UTF-8");
        self.throw(Message::text(text)).await?;
        Ok(self.last_id)
    }

    /// Sends any frame at all.
    pub async fn throw(&mut self, message: Message) -> Result<(), Cut> {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(Cut::Broken),
        }
    }

    /// The next thing the server says. Nothing is lost when the wait is given up.
    pub async fn hear(&mut self) -> Result<ServerFrame, Cut> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return JsonV1.decode(text.as_bytes()).map_err(|_| Cut::Broken);
                }
                Some(Ok(Message::Close(close))) => {
                    return Err(Cut::Closed(close.map(|close| close.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(Cut::Broken),
            }
        }
    }

    /// Says goodbye and waits a little for the answer.
    pub async fn close(mut self) {
        if self.throw(Message::Close(None)).await.is_ok() {
            self.part().await;
        }
    }

    /// Answers a goodbye, or hears the answer to one.
    pub async fn part(&mut self) {
        let rest = async { while let Some(Ok(_)) = self.socket.next().await {} };
        // A peer that never hangs up is left.
        let _ = timeout(Duration::from_secs(2), rest).await;
    }
}

impl From<Error> for Cut {
    fn from(error: Error) -> Self {
        match error {
            Error::Http(response) => {
                let retry_after = response.headers().get("retry-after");
                let seconds = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
                Self::Refused(response.status().as_u16(), seconds.map(Duration::from_secs))
            }
            _ => Self::Broken,
        }
    }
}

impl From<io::Error> for Cut {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}
