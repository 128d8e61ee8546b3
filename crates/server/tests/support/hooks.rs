//! An application with a webhook, its receiver beside a server, and its clients.

use super::{PATIENCE, Server, start_with};
use campanile_neighbours::{Received, Receiver};
use campanile_pusher::{ChannelName, Credentials, Limits, Signature, SocketId};
use campanile_server::config::{App, AppWebhook, Config, Secret};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use tungstenite::{Message, WebSocket, client::IntoClientRequest};

pub(crate) const APP: &str = "1001";
pub(crate) const KEY: &str = "key-of-the-shop";
pub(crate) const SECRET: &str = "x9Kq-2vLw_Zt7RbnPm4s";

/// The application, with a webhook at each of these URLs.
pub(crate) fn app(urls: &[String], events: &[&str]) -> App {
    let webhook = |url: &String| AppWebhook {
        url: Some(url.clone()),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
    };
    App {
        id: Some(APP.to_owned()),
        key: Some(KEY.to_owned()),
        secret: Some(Secret::new(SECRET.to_owned())),
        webhooks: urls.iter().map(webhook).collect(),
        ..App::default()
    }
}

/// Sets the application, whose receiver is told of these events; of all where there are none.
pub(crate) fn set(config: &mut Config, receiver: &Receiver, events: &[&str]) {
    config.webhooks.allow = vec!["localhost".to_owned()];
    config.apps = vec![app(&[receiver.url("hook")], events)];
}

/// A server that tells a receiver of these events; of all where there are none.
pub(crate) fn start_telling(receiver: &Receiver, events: &[&str]) -> Server {
    start_with(|config| set(config, receiver, events))
}

/// The events of a webhook, which is signed with the secret.
#[track_caller]
pub(crate) fn events(received: &Received) -> Vec<Value> {
    assert_eq!(received.headers["x-pusher-key"], KEY);
    assert_eq!(received.headers["content-type"], "application/json");
    let signature = &received.headers["x-pusher-signature"];
    let signature = Signature::parse(signature).expect("a signature");
    let credentials = Credentials::new(KEY, SECRET);
    assert!(credentials.verify([&received.body[..]], &signature), "it is signed");
    let mut body: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert!(body["time_ms"].as_u64().is_some_and(|time| time > 1_600_000_000_000), "{body}");
    body["events"].as_array_mut().map(std::mem::take).expect("a list")
}

/// The one event of the next webhook.
#[track_caller]
pub(crate) fn next(receiver: &Receiver) -> Value {
    let mut events = events(&receiver.next());
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

/// A connection of the application.
pub(crate) struct AppSocket {
    inner: WebSocket<TcpStream>,
    pub(crate) id: SocketId,
}

impl AppSocket {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a stream takes a time-out");
        let url = format!("ws://{address}/app/{KEY}?protocol=7&client=test&version=1");
        let request = url.into_client_request().expect("a URL");
        let (inner, _) = tungstenite::client(request, stream).expect("a handshake");
        let mut socket = Self { inner, id: SocketId::new(0, 0) };
        let greeting = socket.hear("pusher:connection_established");
        let greeting = greeting["data"].as_str().expect("JSON in a text");
        let greeting: Value = serde_json::from_str(greeting).expect("JSON");
        let id = greeting["socket_id"].as_str().expect("an id").to_owned();
        socket.id = id.parse().expect("an id of a socket");
        socket
    }

    /// Subscribes to a channel, as this user where it is one of members.
    pub(crate) fn subscribe(&mut self, channel: &str, user: Option<&str>) {
        let mut data = json!({"channel": channel});
        let member = user.map(|user| json!({"user_id": user}).to_string());
        if channel.starts_with("private-") || channel.starts_with("presence-") {
            let name = ChannelName::parse(channel, &Limits::default()).expect("a name");
            let credentials = Credentials::new(KEY, SECRET);
            data["auth"] = credentials.authorise_channel(self.id, &name, member.as_deref()).into();
        }
        if let Some(member) = member {
            data["channel_data"] = member.into();
        }
        self.say(&json!({"event": "pusher:subscribe", "data": data}));
        self.hear("pusher_internal:subscription_succeeded");
    }

    pub(crate) fn say(&mut self, frame: &Value) {
        self.inner.send(Message::text(frame.to_string())).expect("the connection is open");
    }

    /// The next frame of this event; others are thrown away.
    #[track_caller]
    pub(crate) fn hear(&mut self, event: &str) -> Value {
        loop {
            let message = self.inner.read().expect("a frame, not the end");
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["event"] == event {
                return frame;
            }
            assert_ne!(frame["event"], "pusher:error", "{frame}");
        }
    }

    /// Closes, and waits for the answer.
    pub(crate) fn close(mut self) {
        self.inner.close(None).expect("the connection is open");
        while self.inner.read().is_ok() {}
    }
}
