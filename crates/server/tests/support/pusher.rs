//! A client of an application, and the application itself.

use super::{Answer, PATIENCE, Server, send};
use campanile_adapter_memory::SystemClock;
use campanile_core::port::Clock;
use campanile_pusher::{ChannelName, Credentials, Limits, SocketId, http::signed_query};
use campanile_server::config::{self, Config, Secret};
use minreq::Method;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpStream};
use tungstenite::{Message, WebSocket, client::IntoClientRequest, protocol::CloseFrame};

pub(crate) const APP: &str = "1001";
pub(crate) const KEY: &str = "278d425bdf160c739803";
const SECRET: &str = "7ad3773142a6692b25b8-of-tests";

/// The application of these tests, as settings in a file.
pub(crate) fn app_file() -> String {
    format!("[[apps]]\nid = \"{APP}\"\nkey = \"{KEY}\"\nsecret = \"{SECRET}\"\n")
}

/// Adds the application of these tests, changed as wanted.
pub(crate) fn with_app(config: &mut Config, change: impl FnOnce(&mut config::App)) {
    let mut app = config::App {
        id: Some(APP.into()),
        key: Some(KEY.into()),
        secret: Some(Secret::new(SECRET)),
        ..config::App::default()
    };
    change(&mut app);
    config.apps.push(app);
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new(KEY, SECRET)
}

/// A connection of the application.
pub(crate) struct Client {
    inner: WebSocket<TcpStream>,
    pub(crate) socket_id: String,
}

impl Client {
    pub(crate) fn open(server: &Server) -> Self {
        Self::open_at(server.address)
    }

    pub(crate) fn open_at(address: SocketAddr) -> Self {
        Self::open_with(address, KEY)
    }

    /// A connection of the application with this key.
    pub(crate) fn open_with(address: SocketAddr, key: &str) -> Self {
        let mut client = Self::try_open(address, &format!("{key}?protocol=7"));
        let established = client.hear("pusher:connection_established");
        let data = inner(&established);
        client.socket_id = data["socket_id"].as_str().expect("an id").to_owned();
        client
    }

    /// Connects with this key and query, whatever comes of it.
    pub(crate) fn try_open(address: SocketAddr, rest: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a stream takes a time-out");
        let url = format!("ws://{address}/app/{rest}");
        let request = url.into_client_request().expect("a URL");
        let (inner, _) = tungstenite::client(request, stream).expect("a handshake");
        Self { inner, socket_id: String::new() }
    }

    pub(crate) fn say(&mut self, event: &str, data: &Value) {
        self.send(&json!({"event": event, "data": data}).to_string());
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.inner.send(Message::text(text)).expect("it is open");
    }

    /// Subscribes, with a signature where the channel asks for one; what it is answered.
    pub(crate) fn subscribe(&mut self, channel: &str, user: Option<&str>) -> Value {
        let data = user.map(|user| json!({"user_id": user}).to_string());
        self.subscribe_with(&credentials(), channel, data.as_deref())
    }

    /// The same with data and credentials of one's own.
    pub(crate) fn subscribe_with(
        &mut self,
        credentials: &Credentials,
        channel: &str,
        data: Option<&str>,
    ) -> Value {
        let name = ChannelName::parse(channel, &Limits::default()).expect("a name");
        let socket: SocketId = self.socket_id.parse().expect("an id");
        let auth = credentials.authorise_channel(socket, &name, data);
        let wanted = json!({"channel": channel, "auth": auth, "channel_data": data});
        self.say("pusher:subscribe", &wanted);
        inner(&self.hear("pusher_internal:subscription_succeeded"))
    }

    /// The next event of this name; others are thrown away.
    #[track_caller]
    pub(crate) fn hear(&mut self, event: &str) -> Value {
        loop {
            let frame = self.read().expect("an event, not the end");
            if frame["event"] == event {
                return frame;
            }
        }
    }

    /// The next event, whatever it is.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        self.read().expect("an event, not the end")
    }

    /// How the connection was closed; what comes before is thrown away.
    pub(crate) fn closed(&mut self) -> u16 {
        loop {
            match self.inner.read().expect("a closing frame") {
                Message::Close(Some(CloseFrame { code, .. })) => return code.into(),
                Message::Close(None) => return 1005,
                _ => {}
            }
        }
    }

    fn read(&mut self) -> Option<Value> {
        loop {
            match self.inner.read().ok()? {
                Message::Text(text) => return serde_json::from_str(&text).ok(),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub(crate) fn leave(mut self) {
        let _ = self.inner.close(None);
        while self.inner.read().is_ok() {}
    }
}

/// The JSON in the string `data` of a frame.
pub(crate) fn inner(frame: &Value) -> Value {
    serde_json::from_str(frame["data"].as_str().expect("a string")).expect("JSON")
}

impl Server {
    /// Asks as the application does.
    pub(crate) fn ask_signed(&self, method: Method, path: &str, body: &str) -> Answer {
        ask_at(self.address, method, path, body)
    }

    pub(crate) fn publish(&self, channel: &str, event: &str, data: &str) {
        let body = publication(channel, event, data);
        self.ask_signed(Method::Post, "/events", &body).expect(200);
    }
}

/// What publishes an event to a channel.
pub(crate) fn publication(channel: &str, event: &str, data: &str) -> String {
    json!({"name": event, "channel": channel, "data": data}).to_string()
}

/// Asks the server at an address as the application does.
pub(crate) fn ask_at(address: SocketAddr, method: Method, path: &str, body: &str) -> Answer {
    ask_for((APP, &credentials()), address, method, (path, body))
}

/// The same as another application does.
pub(crate) fn ask_for(
    (app, credentials): (&str, &Credentials),
    address: SocketAddr,
    method: Method,
    (path, body): (&str, &str),
) -> Answer {
    let name = if method == Method::Get { "GET" } else { "POST" };
    let path = format!("/apps/{app}{path}");
    let now_seconds = SystemClock::new().now().0 / 1_000;
    let query = signed_query(credentials, (name, &path), &[], body.as_bytes(), now_seconds);
    let request = minreq::Request::new(method, format!("http://{address}{path}?{query}"));
    send(if body.is_empty() { request } else { request.with_body(body) })
}
