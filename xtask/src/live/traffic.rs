//! A small conversation whose every number is known beforehand.

use anyhow::{Result, ensure};
use minreq::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::server::Server;
use super::socket::Socket;

const ROOM: &str = "lobby";
// Together fewer than anyone may say at once.
const SPOKEN: usize = 10;
const POSTED: usize = 5;

/// Messages that are stored in the room when the conversation has taken place.
pub(crate) const ROOM_MESSAGES: usize = SPOKEN + POSTED;

/// Two users in one room, connected, who have heard all that was said.
pub(crate) struct Conversation {
    sockets: Vec<Socket>,
}

impl Conversation {
    /// Ada speaks through her WebSocket and posts over REST; Ben, connected too, hears it all.
    pub(crate) fn hold(server: &Server) -> Result<Self> {
        let ada = Client::sign_up(server, "ada")?;
        let ben = Client::sign_up(server, "ben")?;
        ada.request(Method::Post, "/rooms", &json!({"name": ROOM, "kind": "public"}))?;
        ben.request(Method::Put, &format!("/rooms/{ROOM}/members/{}", ben.name), &json!({}))?;
        let mut sockets = Vec::new();
        for user in [&ada, &ben] {
            let mut socket = Socket::open(server, user)?;
            socket.ask("join", json!({"room": ROOM}))?;
            sockets.push(socket);
        }
        for number in 1..=SPOKEN {
            sockets[0].ask("send", json!({"room": ROOM, "body": format!("message {number}")}))?;
        }
        for number in SPOKEN + 1..=ROOM_MESSAGES {
            let body = json!({"body": format!("message {number}")});
            ada.request(Method::Post, &format!("/rooms/{ROOM}/messages"), &body)?;
        }
        for number in 1..=ROOM_MESSAGES {
            let event = sockets[1].hear("message")?;
            ensure!(event["seq"] == number, "message {number} was expected, not {event}");
        }
        let page =
            ada.request(Method::Get, &format!("/rooms/{ROOM}/messages?limit=200"), &Value::Null)?;
        ensure!(page["last_seq"] == ROOM_MESSAGES, "the history ends with {}", page["last_seq"]);
        Ok(Self { sockets })
    }

    /// How many connections are open.
    pub(crate) fn connections(&self) -> usize {
        self.sockets.len()
    }

    /// Both leave.
    pub(crate) fn end(self) -> Result<()> {
        self.sockets.into_iter().try_for_each(Socket::close)
    }
}
