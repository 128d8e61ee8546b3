//! The lines of the compatibility checklist that are a matter of text: each test is named after its line.

mod connecting;
mod closing;
mod channels;
mod subscribing;
mod presence;
mod events;
mod users;
mod signing;
mod signers;
mod publishing;
mod asking;
mod webhooks;

use campanile_pusher::*;
use serde_json::Value;

/// The application of the documentation's examples.
pub(crate) fn credentials() -> Credentials {
    Credentials::new("278d425bdf160c739803", "7ad3773142a6692b25b8")
}

pub(crate) fn keys() -> Keys {
    Keys::new(vec![credentials()])
}

pub(crate) fn socket() -> SocketId {
    SocketId::new(1234, 1234)
}

pub(crate) fn channel(name: &str) -> ChannelName {
    ChannelName::parse(name, &Limits::default()).expect("a name")
}

pub(crate) fn raw(json: &str) -> &RawValue {
    serde_json::from_str(json).expect("JSON")
}

pub(crate) fn decode(text: &str) -> Result<ClientFrame<'_>, BadFrame> {
    ClientFrame::decode(text, &Limits::default())
}

/// The text of a frame, which has to be JSON.
pub(crate) fn text_of(frame: ServerFrame<'_>) -> String {
    let text = String::from_utf8(frame.to_bytes().to_vec()).expect("UTF-8");
    serde_json::from_str::<Value>(&text).expect("JSON");
    text
}

/// A frame as JSON, and its `data` as the JSON that is in the string.
pub(crate) fn read(frame: ServerFrame<'_>) -> (Value, Value) {
    let frame: Value = serde_json::from_str(&text_of(frame)).expect("JSON");
    let data = frame["data"].as_str().expect("data is a string");
    let data = serde_json::from_str(data).expect("data holds JSON");
    (frame, data)
}
