//! Somebody who comes to one channel of an application after another, again where a server is away.

use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tungstenite::client::IntoClientRequest;
use tungstenite::{Message, WebSocket};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Channels that one connection comes to.
const CHANNELS_MAX: u32 = 50;

/// From one channel to the next.
const PACE: Duration = Duration::from_millis(100);

/// Until one who was turned away comes back.
const AWAY: Duration = Duration::from_secs(1);

/// Comes to channels until it is dropped.
pub(crate) struct Visitor {
    end: Option<mpsc::SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Visitor {
    /// Of the application with this key.
    pub(crate) fn start(front: SocketAddr, key: &str) -> Self {
        let (end, ended) = mpsc::sync_channel(0);
        let key = key.to_owned();
        let thread = thread::spawn(move || {
            while let Err(error) = visit(front, &key, &ended) {
                println!("  a visitor of channels is turned away: {error:#}");
                if is_over(&ended, AWAY) {
                    return;
                }
            }
        });
        Self { end: Some(end), thread: Some(thread) }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        drop(self.end.take());
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn visit(front: SocketAddr, key: &str, ended: &mpsc::Receiver<()>) -> Result<()> {
    let mut number = 0;
    loop {
        let mut connection = open(front, key)?;
        for _ in 0..CHANNELS_MAX {
            number += 1;
            let data = json!({"channel": format!("visited-{number}")});
            let subscribe = json!({"event": "pusher:subscribe", "data": data});
            connection.send(Message::text(subscribe.to_string()))?;
            if is_over(ended, PACE) {
                return Ok(());
            }
        }
    }
}

/// Whether the end comes within this time.
fn is_over(ended: &mpsc::Receiver<()>, time: Duration) -> bool {
    ended.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
}

fn open(front: SocketAddr, key: &str) -> Result<WebSocket<TcpStream>> {
    let url = format!("ws://{front}/app/{key}?protocol=7&client=visitor&version=1");
    let stream = TcpStream::connect(front)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let (connection, _) = tungstenite::client(url.into_client_request()?, stream)
        .map_err(|error| anyhow::anyhow!("no WebSocket at /app: {error}"))?;
    Ok(connection)
}
