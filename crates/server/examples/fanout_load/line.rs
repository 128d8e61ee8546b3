//! A WebSocket without a library, so that the client costs little beside the server.

use crate::heard::Heard;
use anyhow::{Result, ensure};
use bytes::BytesMut;
use serde_json::Value;
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// How a message begins.
pub(crate) const MESSAGE: &[u8] = br#"{"op":"message""#;

/// How the answer to a request begins that was done.
pub(crate) const ACKNOWLEDGEMENT: &[u8] = br#"{"op":"ok""#;

/// The half that speaks.
pub(crate) struct Speaker(OwnedWriteHalf);

/// The half that hears.
pub(crate) struct Listener(OwnedReadHalf);

/// Connects as the owner of `token`.
pub(crate) async fn connect(address: SocketAddr, token: &str) -> Result<(Speaker, Listener)> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    ensure!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
    let (reading, writing) = stream.into_split();
    Ok((Speaker(writing), Listener(reading)))
}

impl Speaker {
    /// Sends a text frame, masked with zeros.
    pub(crate) async fn send(&mut self, request: &Value) -> Result<()> {
        let text = request.to_string();
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length @ 0..126) => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(text.len())?.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        Ok(self.0.write_all(&frame).await?)
    }
}

impl Listener {
    /// Hears frames that begin like this until the server is gone.
    pub(crate) async fn listen(mut self, beginning: &[u8], heard: Arc<Heard>) -> Result<()> {
        let mut buffer = BytesMut::with_capacity(64 * 1024);
        while self.0.read_buf(&mut buffer).await? > 0 {
            let burst = heard.burst();
            while let Some(payload) = next_frame(&mut buffer) {
                if payload.starts_with(beginning) {
                    burst.message(&payload);
                }
            }
        }
        Ok(())
    }
}

/// Takes one frame out of what was read; what it carries.
fn next_frame(buffer: &mut BytesMut) -> Option<BytesMut> {
    let short = usize::from(*buffer.get(1)?);
    let (header, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, short),
    };
    if buffer.len() < header + length {
        return None;
    }
    let mut frame = buffer.split_to(header + length);
    Some(frame.split_off(header))
}
