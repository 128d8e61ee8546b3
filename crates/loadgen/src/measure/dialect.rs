//! The protocols that are measured: how a client comes in, and what frames mean.

use std::time::Duration;

use bytes::BytesMut;
use campanile_protocol::{Answer, Codec, Event, JsonV1, Request, RequestFrame, SUBPROTOCOL};
use campanile_protocol::{ServerFrame, Since};
use campanile_pusher::http::signed_query;
use campanile_pusher::{ChannelName, Credentials, Limits, SocketId};
use clap::ValueEnum;
use serde_json::{Value, json};

/// What the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Protocol {
    /// That of Campanile: accounts, rooms, everything is stored.
    Native,
    /// Pusher Channels, protocol 7, as several servers speak it.
    Pusher,
}

/// The same with what is needed to speak it.
#[derive(Debug)]
pub(super) enum Dialect {
    Native,
    Pusher(Application),
}

/// An application of Pusher Channels.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) id: String,
    pub(super) credentials: Credentials,
}

/// What a frame without a mark says.
#[derive(Debug, PartialEq)]
pub(super) enum Word {
    /// The server knows the client now; under Pusher this is what it calls the connection.
    Welcome(Option<SocketId>),
    /// The client hears the channel from now on. It missed more than it was told, maybe.
    Entered { last: Option<Since>, is_truncated: bool },
    /// A message was taken: how long after the run had begun it had been due.
    Taken(Duration),
    /// A message that had been due then was refused.
    NotTaken(String),
    /// A page of the history.
    Page { last: u64, has_more: bool },
    /// The client is not let in, for this reason.
    Refused(String),
    /// The client has missed something and has to read it again.
    Resync,
    /// The server wants an answer.
    Ping,
    /// Nothing that matters here.
    Other,
}

/// The ids of requests. That of a message says when it was due.
const HELLO: u64 = 1;
const JOIN: u64 = 2;
const HISTORY: u64 = 3;
const FIRST_MESSAGE: u64 = 16;

impl Dialect {
    /// Where connections are opened.
    pub(super) fn upgrade(&self) -> (String, Option<&'static str>) {
        match self {
            Self::Native => ("/ws".to_owned(), Some(SUBPROTOCOL)),
            Self::Pusher(application) => {
                let key = application.credentials.key();
                let version = env!("CARGO_PKG_VERSION");
                let client = "client=campanile-loadgen";
                (format!("/app/{key}?protocol=7&{client}&version={version}&flash=false"), None)
            }
        }
    }

    /// What frames begin with that are surely no messages: a search in them would be in vain.
    pub(super) fn is_word(&self, frame: &[u8]) -> bool {
        let beginning: &[u8] = match self {
            Self::Native => b"{\"op\":\"ok\"",
            Self::Pusher(_) => b"{\"event\":\"pusher",
        };
        frame.starts_with(beginning)
    }

    /// What a frame says that is no message.
    pub(super) fn word(&self, frame: &[u8]) -> Word {
        match self {
            Self::Native => native_word(frame),
            Self::Pusher(_) => pusher_word(frame),
        }
    }

    /// Enters a channel.
    pub(super) fn enter(
        &self,
        channel: &str,
        socket_id: Option<SocketId>,
        since: Option<Since>,
    ) -> String {
        match self {
            Self::Native => request(JOIN, Request::Join { room: channel.to_owned(), since }),
            Self::Pusher(application) => {
                let name = ChannelName::parse(channel, &Limits::default()).ok();
                let private = name.filter(|name| name.as_str().starts_with("private-"));
                let auth = private.zip(socket_id).map(|(name, socket_id)| {
                    application.credentials.authorise_channel(socket_id, &name, None)
                });
                let mut data = json!({"channel": channel});
                if let Some(auth) = auth {
                    data["auth"] = auth.into();
                }
                json!({"event": "pusher:subscribe", "data": data}).to_string()
            }
        }
    }

    /// The name of a channel on the wire: clients of Pusher speak in private ones only.
    pub(super) fn channel(&self, name: &str, clients_speak: bool) -> String {
        match self {
            Self::Pusher(_) if clients_speak => format!("private-{name}"),
            Self::Native | Self::Pusher(_) => name.to_owned(),
        }
    }

    /// A message of a client, due so long after the run began.
    pub(super) fn message(&self, channel: &str, body: String, due: Duration) -> String {
        match self {
            Self::Native => {
                let id = FIRST_MESSAGE + due.as_micros() as u64;
                let room = channel.to_owned();
                request(id, Request::Send { room, body, key: None, reply_to: None })
            }
            Self::Pusher(_) => {
                json!({"event": "client-bell", "channel": channel, "data": body}).to_string()
            }
        }
    }

    /// Whether messages of clients are answered, and come back to who said them.
    pub(super) fn answers_messages(&self) -> bool {
        matches!(self, Self::Native)
    }
}

/// Says who the client is.
pub(super) fn hello(token: &str) -> String {
    request(HELLO, Request::Hello { token: Some(token.to_owned()) })
}

/// Asks for the messages behind this one.
pub(super) fn history(room: &str, after: u64) -> String {
    let room = room.to_owned();
    request(HISTORY, Request::History { room, before: None, after: Some(after), limit: Some(200) })
}

/// What a client of Pusher says that has heard nothing for long, and what it answers.
pub(super) const PING: &str = r#"{"event":"pusher:ping","data":{}}"#;
pub(super) const PONG: &str = r#"{"event":"pusher:pong","data":{}}"#;

fn request(id: u64, request: Request) -> String {
    let mut text = BytesMut::new();
    JsonV1.encode_request(&RequestFrame { id: id.into(), request }, &mut text);
    String::from_utf8(text.into()).expect("JSON is UTF-8")
}

fn native_word(frame: &[u8]) -> Word {
    if let Some(due) = native_taken(frame) {
        return Word::Taken(due);
    }
    match JsonV1.decode(frame) {
        Ok(ServerFrame::Ok { answer, .. }) => match answer {
            Answer::Welcome(_) => Word::Welcome(None),
            Answer::Joined(room) => Word::Entered {
                last: Some(Since { epoch: room.epoch, seq: room.last_seq }),
                is_truncated: room.truncated,
            },
            Answer::History(page) => Word::Page {
                last: page.messages.last().map_or(0, |message| message.seq),
                has_more: page.has_more,
            },
            Answer::Sent(_) | Answer::Done(_) => Word::Other,
        },
        Ok(ServerFrame::Error { id, refusal }) => {
            let code = format!("{:?}", refusal.code).to_lowercase();
            match id.and_then(|id| id.as_u64()) {
                Some(FIRST_MESSAGE..) => Word::NotTaken(code),
                _ => Word::Refused(format!("{code}: {}", refusal.message)),
            }
        }
        Ok(ServerFrame::Event(Event::Resync(_))) => Word::Resync,
        Ok(ServerFrame::Event(_)) | Err(_) => Word::Other,
    }
}

/// When the message had been due that this is the answer to, without reading all of it.
fn native_taken(frame: &[u8]) -> Option<Duration> {
    let rest = frame.strip_prefix(b"{\"op\":\"ok\",\"id\":")?;
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    let id: u64 = std::str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    id.checked_sub(FIRST_MESSAGE).map(Duration::from_micros)
}

/// The place in its room that a native message has.
pub(super) fn place_of(frame: &[u8]) -> Option<u64> {
    const FIELD: &[u8] = b",\"seq\":";
    let at = frame.windows(FIELD.len()).position(|bytes| bytes == FIELD)? + FIELD.len();
    let digits = frame[at..].iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn pusher_word(frame: &[u8]) -> Word {
    let frame: Value = serde_json::from_slice(frame).unwrap_or_default();
    // The data of a frame is an object, or text that holds one.
    let data = match &frame["data"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        data => data.clone(),
    };
    match frame["event"].as_str().unwrap_or_default() {
        "pusher:connection_established" => {
            let socket_id = data["socket_id"].as_str().and_then(|id| id.parse().ok());
            Word::Welcome(socket_id)
        }
        "pusher_internal:subscription_succeeded" => {
            Word::Entered { last: None, is_truncated: false }
        }
        "pusher:ping" => Word::Ping,
        "pusher:error" | "pusher:subscription_error" => {
            let code = &data["code"];
            let message = data["message"].as_str().or_else(|| data["error"].as_str());
            Word::Refused(format!("{code}: {}", message.unwrap_or("no reason")))
        }
        _ => Word::Other,
    }
}

impl Application {
    /// Path, query and body that publish something.
    pub(super) fn publication(&self, channel: &str, body: &str, now: i64) -> (String, String) {
        let body = json!({"name": "bell", "channel": channel, "data": body}).to_string();
        let path = format!("/apps/{}/events", self.id);
        let query = signed_query(&self.credentials, ("POST", &path), &[], body.as_bytes(), now);
        (format!("{path}?{query}"), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_a_message_says_when_that_was_due() {
        let due = Duration::from_micros(123_456);
        let sent = Dialect::Native.message("room", "body".to_owned(), due);
        let id = serde_json::from_str::<Value>(&sent).unwrap()["id"].clone();
        let answer = format!(r#"{{"op":"ok","id":{id},"data":{{"seq":1}}}}"#);
        assert_eq!(native_word(answer.as_bytes()), Word::Taken(due));
        let refusal =
            format!(r#"{{"op":"error","id":{id},"code":"rate_limited","message":"wait"}}"#);
        assert_eq!(native_word(refusal.as_bytes()), Word::NotTaken("ratelimited".to_owned()));
        let refusal = r#"{"op":"error","id":2,"code":"not_found","message":"no room"}"#;
        let refused = Word::Refused("notfound: no room".to_owned());
        assert_eq!(native_word(refusal.as_bytes()), refused);
    }

    #[test]
    fn a_message_says_its_place() {
        let frame = br#"{"op":"message","room":"lobby","seq":1234,"message_id":"x"}"#;
        assert_eq!(place_of(frame), Some(1234));
        assert_eq!(place_of(br#"{"op":"typing"}"#), None);
    }

    #[test]
    fn words_of_pusher_are_read_with_data_in_text_and_without() {
        let established = r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\",\"activity_timeout\":120}"}"#;
        let welcome = Word::Welcome(Some(SocketId::new(1, 2)));
        assert_eq!(pusher_word(established.as_bytes()), welcome);
        let error = r#"{"event":"pusher:error","data":{"code":4001,"message":"no such app"}}"#;
        let refused = Word::Refused("4001: no such app".to_owned());
        assert_eq!(pusher_word(error.as_bytes()), refused);
        assert_eq!(pusher_word(br#"{"event":"pusher:ping","data":"{}"}"#), Word::Ping);
        assert_eq!(pusher_word(b"no JSON"), Word::Other);
    }

    #[test]
    fn only_private_channels_are_signed_for() {
        let credentials = Credentials::new("key", "a secret of sixteen");
        let dialect = Dialect::Pusher(Application { id: "1".to_owned(), credentials });
        let socket_id = Some(SocketId::new(1, 2));
        let public = dialect.enter(&dialect.channel("room", false), socket_id, None);
        assert!(!public.contains("auth"), "{public}");
        let private = dialect.enter(&dialect.channel("room", true), socket_id, None);
        assert!(private.contains(r#""auth":"key:"#), "{private}");
    }
}
