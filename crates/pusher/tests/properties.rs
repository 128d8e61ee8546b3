//! What holds for every frame and for any bytes.

mod laws;

use campanile_pusher::http::{SignedRequest, signed_query};
use campanile_pusher::*;
use proptest::{collection::vec, option, prelude::*, sample::Index};
use serde_json::{Value, json};

/// Texts that are nearly right, so that more than the first rule is met.
const FRAMES: &[&str] = &[
    r#"{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"key:00","channel_data":"{\"user_id\":1,\"user_info\":{\"a\":[]}}"}}"#,
    r##"{"event":"pusher:subscribe","data":"{\"channel\":\"#server-to-user-1\"}"}"##,
    r#"{"event":"pusher:signin","data":{"auth":"key:00","user_data":"{\"id\":\"1\",\"watchlist\":[\"2\"]}"}}"#,
    r#"{"event":"client-a\u00e9","channel":"private-a","data":{"a":["\ud83d\ude00",1e5,null]},"user_id":"1"}"#,
];
const REQUESTS: &[&str] = &[
    "auth_key=key&auth_timestamp=0&auth_version=1.0&body_md5=a&auth_signature=00\n{\"name\":\"e\",\"channels\":[\"a\",\"b\"],\"data\":\"\\u00e9\\\"\",\"socket_id\":\"1.2\",\"info\":\"user_count\"}",
    "name=e&data=%7B%7D&channels[]=a&channels%5B%5D=b&Info=user_count\n",
    "\n{\"batch\":[{\"name\":\"e\",\"channel\":\"a\",\"data\":\"\"},{\"name\":\"f\",\"channel\":\"b\",\"data\":\"\\ud83d\\ude00\"}]}",
];
const WORDS: &[&str] = &[
    "private-encrypted-cache-a",
    "#server-to-user-a",
    "1234.5678",
    "protocol=7&client=js&version=8.6.0",
    r#"{"user_id":"1","id":"1","user_info":{"a":1},"watchlist":["a"]}"#,
];

/// One of the texts with a few of its bytes changed, left out or doubled.
fn nearly(texts: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<Index>(), 0..3_u8, any::<u8>());
    (0..texts.len(), vec(change, 0..4)).prop_map(|(which, changes)| {
        let mut bytes = texts[which].as_bytes().to_vec();
        for (at, how, byte) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[at]),
            }
        }
        bytes
    })
}

fn channel_name() -> impl Strategy<Value = ChannelName> {
    let prefix = "(|private-|presence-|private-encrypted-)(|cache-)";
    (prefix, "[A-Za-z0-9_=@,.;-]{1,40}").prop_map(|(prefix, rest)| {
        ChannelName::parse(&format!("{prefix}{rest}"), &Limits::default()).expect("a name")
    })
}

fn socket_id() -> impl Strategy<Value = SocketId> {
    any::<(u64, u64)>().prop_map(|(high, low)| SocketId::new(high, low))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".*", inner), 0..4).prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(("[a-z][a-z_]{0,6}(\\[\\])?", ".{0,12}"), 0..6).prop_filter(
        "names of the signature are its own",
        |parameters| {
            parameters.iter().all(|(name, _)| !name.starts_with("auth_") && name != "body_md5")
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_no_danger(bytes in vec(any::<u8>(), 0..256)) {
        laws::frame(&bytes);
        laws::request(&bytes);
        laws::words(&bytes);
    }

    #[test]
    fn any_text_is_no_danger(text in ".*") {
        laws::frame(text.as_bytes());
        laws::request(text.as_bytes());
        laws::words(text.as_bytes());
    }

    #[test]
    fn what_is_nearly_a_frame_is_no_danger(bytes in nearly(FRAMES)) {
        laws::frame(&bytes);
    }

    #[test]
    fn what_is_nearly_a_request_is_no_danger(bytes in nearly(REQUESTS)) {
        laws::request(&bytes);
    }

    #[test]
    fn what_is_nearly_a_word_is_no_danger(bytes in nearly(WORDS)) {
        laws::words(&bytes);
    }

    #[test]
    fn a_client_event_arrives_as_it_was_sent(
        name in ".{0,20}",
        channel in ".*",
        data in any_json(),
        extra in any_json(),
    ) {
        let event = format!("client-{name}");
        let sent = json!({"event": event, "channel": channel, "data": data, "extra": extra});
        let text = sent.to_string();
        laws::frame(text.as_bytes());
        let Ok(ClientFrame::ClientEvent(read)) = ClientFrame::decode(&text, &Limits::default())
        else { panic!("{text}") };
        prop_assert_eq!((&*read.event, &*read.channel), (&*event, &*channel));
        let kept = read.data.map_or(Value::Null, |data| serde_json::from_str(data.get()).unwrap());
        prop_assert_eq!(kept, data);
    }

    #[test]
    fn a_subscription_is_read_as_it_was_sent(
        channel in channel_name(),
        auth in option::of(".+"),
        channel_data in option::of(".+"),
        in_a_string in any::<bool>(),
    ) {
        let mut data = json!({"channel": channel.as_str(), "auth": auth, "channel_data": channel_data});
        if in_a_string {
            data = data.to_string().into();
        }
        let text = json!({"event": "pusher:subscribe", "data": data}).to_string();
        let Ok(ClientFrame::Subscribe(read)) = ClientFrame::decode(&text, &Limits::default())
        else { panic!("{text}") };
        prop_assert_eq!(read, Subscribe { channel, auth, channel_data });
    }

    #[test]
    fn an_event_is_read_as_it_was_written_and_takes_one_allocation(
        event in ".*",
        channel in ".*",
        data in ".*",
        user_id in option::of(".*"),
    ) {
        let (user, text) = (user_id.as_deref(), Some(Data::Text(&data)));
        let mut bytes = bytes::BytesMut::new();
        ServerFrame::Event { event: &event, channel: &channel, data: text, user_id: user }
            .encode(&mut bytes);
        let room = r#"{"event":"","channel":"","data":"","user_id":""}"#.len();
        prop_assert!(bytes.capacity() <= (bytes.len() + room).max(64));
        let mut expected = json!({"event": event, "channel": channel, "data": data});
        if let Some(user_id) = user_id {
            expected["user_id"] = user_id.into();
        }
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), expected);
    }

    #[test]
    fn members_are_read_as_they_were_written(
        channel in channel_name(),
        members in vec((".*", option::of(any_json())), 0..5),
    ) {
        let members: Vec<(String, Option<Box<RawValue>>)> = members
            .into_iter()
            .map(|(id, info)| (id, info.map(|info| RawValue::from_string(info.to_string()).unwrap())))
            .collect();
        let present: Vec<Present<'_>> = members
            .iter()
            .map(|(id, info)| Present { user_id: id, user_info: info.as_deref().map(RawValue::get) })
            .collect();
        let bytes =
            ServerFrame::SubscribedPresence { channel: channel.as_str(), members: &present }.to_bytes();
        let frame: Value = serde_json::from_slice(&bytes).unwrap();
        let data: Value = serde_json::from_str(frame["data"].as_str().unwrap()).unwrap();
        prop_assert_eq!(&data["presence"]["count"], members.len());
        for (index, (id, _)) in members.iter().enumerate() {
            prop_assert_eq!(&data["presence"]["ids"][index], id);
        }
        for (id, info) in &members {
            let same_id = members.iter().filter(|(other, _)| other == id).count();
            let info = info.as_ref().map_or("null", |info| info.get());
            let info: Value = serde_json::from_str(info).unwrap();
            prop_assert!(same_id > 1 || data["presence"]["hash"][id] == info);
        }
    }

    #[test]
    fn a_signature_is_for_one_socket_one_channel_and_one_text(
        (socket, other_socket) in (socket_id(), socket_id()),
        (channel, other_channel) in (channel_name(), channel_name()),
        (data, other_data) in (option::of(".*"), option::of(".*")),
    ) {
        let credentials = Credentials::new("key:with:colons", "secret");
        let auth = credentials.authorise_channel(socket, &channel, data.as_deref());
        let keys = Keys::new(vec![credentials]);
        let check = |socket, channel: &ChannelName, data: &Option<String>| {
            keys.check_channel(Some(&auth), socket, channel, data.as_deref()).is_ok()
        };
        prop_assert!(check(socket, &channel, &data));
        prop_assert_eq!(check(other_socket, &channel, &data), socket == other_socket);
        prop_assert_eq!(check(socket, &other_channel, &data), channel == other_channel);
        prop_assert_eq!(check(socket, &channel, &other_data), data == other_data);
        prop_assert!(keys.check_user(Some(&auth), socket, data.as_deref().unwrap_or("")).is_err());
    }

    #[test]
    fn a_signed_request_is_taken_and_no_other(
        parameters in parameters(),
        (path, other_path) in ("/[a-z/]{0,20}", "/[a-z/]{0,20}"),
        (body, other_body) in (vec(any::<u8>(), 0..40), vec(any::<u8>(), 0..40)),
        (at, byte) in (any::<Index>(), any::<u8>()),
        (now, off) in (0..2_000_000_000_i64, -1_000..1_000_i64),
    ) {
        let credentials = Credentials::new("key", "secret");
        let pairs: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (&**name, &**value)).collect();
        let text = signed_query(&credentials, ("POST", &path), &pairs, &body, now);
        let keys = Keys::new(vec![credentials]);
        let check = |query: &str, path: &str, body: &[u8], now| {
            let query = Query::parse(query);
            let request = SignedRequest { method: "POST", path, query: &query, body };
            request.check(&keys, now, &Limits::default()).is_ok()
        };
        laws::canonical(&text);
        prop_assert!(check(&text, &path, &body, now));
        prop_assert_eq!(check(&text, &other_path, &body, now), path == other_path);
        prop_assert_eq!(check(&text, &path, &other_body, now), body == other_body);
        prop_assert_eq!(check(&text, &path, &body, now + off), off.abs() <= 600);
        let mut changed = text.clone().into_bytes();
        let at = at.index(changed.len());
        changed[at] = byte;
        if let Ok(changed) = std::str::from_utf8(&changed) {
            let same = Query::parse(changed) == Query::parse(&text);
            prop_assert!(!check(changed, &path, &body, now) || same, "{}", changed);
        }
    }

    #[test]
    fn the_order_of_parameters_is_not_signed(parameters in parameters(), turn in any::<Index>()) {
        let mut sorted = parameters.clone();
        let base = |name: &str| name.trim_end_matches("[]").to_owned();
        sorted.sort_by_key(|(name, _)| base(name));
        sorted.dedup_by_key(|(name, _)| base(name));
        let text = |pairs: &[(String, String)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let value: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
                format!("{name}={value}")
            });
            pairs.collect::<Vec<_>>().join("&")
        };
        let mut turned = sorted.clone();
        if !turned.is_empty() {
            let middle = turn.index(turned.len());
            turned.rotate_left(middle);
        }
        let canonical = |text: &str| {
            let query = Query::parse(text);
            SignedRequest { method: "GET", path: "/", query: &query, body: b"" }.canonical()
        };
        prop_assert_eq!(canonical(&text(&sorted)), canonical(&text(&turned)));
    }
}
