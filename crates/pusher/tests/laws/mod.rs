//! What holds for any bytes: tried by the properties with made-up ones, and by the fuzz targets.

use campanile_pusher::http::{Batch, Event, Publish, SignedRequest};
use campanile_pusher::*;
use serde::de::IgnoredAny;
use serde_json::Value;

/// A client sends these bytes as a frame: it is refused in our own words, or what it says is kept
/// to the byte.
pub(crate) fn frame(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let limits = Limits::default();
    match ClientFrame::decode(text, &limits) {
        Ok(ClientFrame::Subscribe(subscribe)) => enter(&subscribe, &limits),
        Ok(ClientFrame::SignIn(sign_in)) => {
            assert!(
                keys().check_user(Some(&sign_in.auth), socket_id(), &sign_in.user_data).is_err()
            );
            user(&sign_in.user_data, &limits);
        }
        Ok(ClientFrame::ClientEvent(event)) => relay(text, &event),
        Ok(ClientFrame::Unsubscribe { .. } | ClientFrame::Ping | ClientFrame::Pong) => {}
        Err(why) => {
            plain(&why.to_string());
            json(&ServerFrame::Error(&why.into()).to_bytes());
        }
    }
}

fn enter(subscribe: &Subscribe, limits: &Limits) {
    let Subscribe { channel, auth, channel_data } = subscribe;
    assert_eq!(ChannelName::parse(channel.as_str(), limits).as_ref(), Ok(channel));
    let data = channel_data.as_deref();
    let why = keys().check_channel(auth.as_deref(), socket_id(), channel, data);
    plain(&why.expect_err("nobody knows the secret").to_string());
    let auth = credentials().authorise_channel(socket_id(), channel, data);
    let answer = keys().check_channel(Some(&auth), socket_id(), channel, data);
    assert_eq!(answer.is_ok(), channel.user().is_none());
    member(channel_data.as_deref().unwrap_or_default(), channel, limits);
}

fn member(data: &str, channel: &ChannelName, limits: &Limits) {
    match Member::parse(data, limits) {
        Ok(member) => {
            assert!(!member.user_id.is_empty());
            let members = [Present::from(&member)];
            let frame =
                ServerFrame::SubscribedPresence { channel: channel.as_str(), members: &members };
            let frame = json(&frame.to_bytes());
            assert!(serde_json::from_str::<IgnoredAny>(data_of(&frame)).is_ok());
            // Half a surrogate pair in an info is kept, and is nothing that we could read.
            if serde_json::from_str::<Value>(data).is_ok() {
                assert_eq!(inner(&frame)["presence"]["ids"][0], *member.user_id);
            }
        }
        Err(why) => plain(&why.to_string()),
    }
}

fn user(data: &str, limits: &Limits) {
    match User::parse(data, limits) {
        Ok(user) => {
            assert!(!user.id.is_empty() && user.watchlist.len() <= limits.watchlist_users_max);
            let frame = json(&ServerFrame::SignedIn { user_data: data }.to_bytes());
            assert_eq!(inner(&frame)["user_data"], data);
        }
        Err(why) => plain(&why.to_string()),
    }
}

fn relay(text: &str, event: &ClientEvent<'_>) {
    assert!(event.event.starts_with("client-"));
    if let Some(data) = event.data {
        assert!(text.contains(data.get()), "data is kept to the byte");
    }
    let frame = ServerFrame::Event {
        event: &event.event,
        channel: &event.channel,
        data: event.data.map(|data| Data::Json(data.get())),
        user_id: Some(text),
    };
    let bytes = frame.to_bytes();
    #[derive(serde::Deserialize)]
    struct Frame<'a> {
        event: String,
        channel: String,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        user_id: String,
    }
    let read: Frame<'_> = serde_json::from_slice(&bytes).expect("a frame is JSON");
    assert_eq!((&*read.event, &*read.channel), (&*event.event, &*event.channel));
    assert_eq!(read.data.map(RawValue::get), event.data.map(RawValue::get));
    assert_eq!(read.user_id, text);
}

/// An application sends these bytes, the query in the first line and the body behind it.
pub(crate) fn request(bytes: &[u8]) {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (query, body) = (&bytes[..at], bytes.get(at + 1..).unwrap_or_default());
    let Ok(query) = std::str::from_utf8(query) else { return };
    canonical(query);
    let (query, limits) = (Query::parse(query), Limits::default());
    let request = SignedRequest { method: "POST", path: "/apps/1/events", query: &query, body };
    let why = request.check(&keys(), 0, &limits).expect_err("nobody knows the secret");
    plain(&why.to_string());
    match Publish::parse(body, &query, &limits) {
        Ok(publish) => {
            assert!((1..=limits.channels_per_event_max).contains(&publish.channels.len()));
            published(&publish.event, &publish.channels[0], &limits);
        }
        Err(why) => plain(&why.to_string()),
    }
    match Batch::parse(body, &limits) {
        Ok(batch) => {
            assert!(batch.items.len() <= limits.batch_events_max);
            batch.items.iter().for_each(|item| published(&item.event, &item.channel, &limits));
        }
        Err(why) => plain(&why.to_string()),
    }
}

fn published(event: &Event<'_>, channel: &ChannelName, limits: &Limits) {
    let data: String = serde_json::from_str(event.data.get()).expect("data is text");
    assert!(data.len() <= limits.event_data_bytes_max && !event.name.starts_with("pusher:"));
    let (name, channel) = (&*event.name, channel.as_str());
    let frame = |data| ServerFrame::Event { event: name, channel, data: Some(data), user_id: None };
    for data_written in [Data::Json(event.data.get()), Data::Text(&data)] {
        let frame = json(&frame(data_written).to_bytes());
        assert_eq!((&frame["event"], &frame["data"]), (&name.into(), &data.as_str().into()));
    }
}

/// However a query is escaped, the same is signed.
pub(crate) fn canonical(query: &str) {
    let read = Query::parse(query);
    let again: Vec<String> = read
        .parameters()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect();
    let again = again.join("&");
    let reread = Query::parse(&again);
    assert_eq!(reread, read);
    let of = |query: &Query<'_>| {
        SignedRequest { method: "GET", path: "/", query, body: b"" }.canonical()
    };
    assert_eq!(of(&reread), of(&read));
}

/// Every byte, as `%XX`.
fn escape(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Someone says that these bytes are a name, an id, or who they are.
pub(crate) fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let limits = Limits::default();
    match ChannelName::parse(text, &limits) {
        Ok(name) => {
            assert_eq!((name.as_str(), name.kind()), (text, Kind::of(text)));
            assert!(name.user().is_some() || text.len() <= limits.channel_name_bytes_max);
        }
        Err(why) => plain(&why.to_string()),
    }
    match text.parse::<SocketId>() {
        Ok(socket_id) => assert_eq!(socket_id.to_string(), text),
        Err(why) => plain(&why.to_string()),
    }
    if let Ok(hello) = Hello::parse(text) {
        for word in [hello.client, hello.version].iter().flatten() {
            plain(word);
        }
    }
    if let Some(signature) = Signature::parse(text) {
        assert_eq!(signature.to_string(), text);
    }
    member(text, &ChannelName::parse("presence-a", &limits).expect("a name"), &limits);
    user(text, &limits);
}

/// What we say is short, and nothing in it was a stranger's.
fn plain(text: &str) {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
    assert!(!text.is_empty() && text.len() <= 120 && text.bytes().all(is_plain), "{text}");
}

fn json(text: &[u8]) -> Value {
    serde_json::from_slice(text).expect("a frame is JSON")
}

/// The JSON in the string `data`.
fn inner(frame: &Value) -> Value {
    json(data_of(frame).as_bytes())
}

fn data_of(frame: &Value) -> &str {
    frame["data"].as_str().expect("data is a string")
}

fn credentials() -> Credentials {
    Credentials::new("key", "secret")
}

fn keys() -> Keys {
    Keys::new(vec![credentials()])
}

fn socket_id() -> SocketId {
    SocketId::new(1, 2)
}
