//! Section 7: events, and frames that are none.

use super::*;

fn event(data: Data<'_>) -> String {
    text_of(ServerFrame::Event { event: "e", channel: "c", data: Some(data), user_id: None })
}

#[test]
fn line_7_1_data_of_a_publisher_is_a_string_as_it_was_given() {
    assert_eq!(
        event(Data::Text(r#"{"a": "b"}"#)),
        r#"{"event":"e","channel":"c","data":"{\"a\": \"b\"}"}"#
    );
    let literal = r#""{\u0022a\u0022:  \"\u00e9\"}""#;
    assert_eq!(
        event(Data::Json(raw(literal).get())),
        format!(r#"{{"event":"e","channel":"c","data":{literal}}}"#)
    );
}

#[test]
fn line_7_1_names_may_hold_any_character() {
    let frame = ServerFrame::Event {
        event: "e\"\n\u{1}",
        channel: "#server-to-user-a\"b",
        data: Some(Data::Text("\\")),
        user_id: Some("a\"b"),
    };
    let frame: Value = serde_json::from_str(&text_of(frame)).unwrap();
    assert_eq!(frame["event"], "e\"\n\u{1}");
    assert_eq!(frame["channel"], "#server-to-user-a\"b");
    assert_eq!(frame["data"], "\\");
    assert_eq!(frame["user_id"], "a\"b");
}

#[test]
fn line_7_1_an_event_is_encoded_in_one_allocation_and_shared() {
    let data = r#"{"text":"…"}"#.repeat(500);
    let mut into = bytes::BytesMut::new();
    let frame = ServerFrame::Event {
        event: "e",
        channel: "c",
        data: Some(Data::Text(&data)),
        user_id: Some("1"),
    };
    frame.encode(&mut into);
    assert_eq!(into.capacity(), into.len(), "it was known beforehand how much it takes");
    let one = into.freeze();
    assert_eq!(one.clone().as_ptr(), one.as_ptr());
}

#[test]
fn line_7_3_and_7_4_a_client_event_is_rebuilt_from_what_is_known() {
    let text = r#"{"user_id":"mallory","event":"client-typing","extra":[1],"data":{"on" : true,"n":1.0e5},"channel":"presence-a"}"#;
    let Ok(ClientFrame::ClientEvent(event)) = decode(text) else { panic!("a client event") };
    let relayed = ServerFrame::Event {
        event: &event.event,
        channel: &event.channel,
        data: event.data.map(|data| Data::Json(data.get())),
        user_id: Some("ada"),
    };
    assert_eq!(
        text_of(relayed),
        r#"{"event":"client-typing","channel":"presence-a","data":{"on" : true,"n":1.0e5},"user_id":"ada"}"#
    );
}

#[test]
fn line_7_3_a_client_event_may_have_any_data_or_none() {
    for (data, kept) in [
        ("", None),
        (r#","data":null"#, None),
        (r#","data":"{}""#, Some(r#""{}""#)),
        (r#","data":[1,  2]"#, Some("[1,  2]")),
        (r#","data":"\ud800""#, Some(r#""\ud800""#)),
    ] {
        let text = format!(r#"{{"event":"client-a","channel":"private-a"{data}}}"#);
        let Ok(ClientFrame::ClientEvent(event)) = decode(&text) else { panic!("{text}") };
        assert_eq!(event.data.map(RawValue::get), kept);
    }
    let none =
        ServerFrame::Event { event: "client-a", channel: "private-a", data: None, user_id: None };
    assert_eq!(text_of(none), r#"{"event":"client-a","channel":"private-a"}"#);
}

#[test]
fn line_7_3_a_client_event_has_bounds_and_a_channel() {
    let frame = |name: &str, data: &str, channel: &str| {
        let text = format!(r#"{{"event":"client-{name}","data":{data}{channel}}}"#);
        decode(&text).map(|_| ()).err()
    };
    let there = r#","channel":"private-a""#;
    assert_eq!(frame(&"é".repeat(193), "1", there), None);
    let too_long = BadFrame::NameTooLong { characters_max: 200 };
    assert_eq!(frame(&"é".repeat(194), "1", there), Some(too_long));
    assert_eq!(frame("a", &"1".repeat(10_240), there), None);
    let too_long = BadFrame::DataTooLong { bytes_max: 10_240 };
    assert_eq!(frame("a", &"1".repeat(10_241), there), Some(too_long));
    assert_eq!(frame("a", "1", ""), Some(BadJson::Missing("channel").into()));
    assert_eq!(frame("a", "1", r#","channel":1"#), Some(BadJson::WrongType("channel").into()));
}

#[test]
fn line_7_6_too_many_client_events_are_told_with_4301() {
    let refusal = Refusal::too_many_client_events(&Limits::default());
    assert_eq!(
        text_of(ServerFrame::Error(&refusal)),
        r#"{"event":"pusher:error","data":{"code":4301,"message":"more than 10 client events in a second"}}"#
    );
}

#[test]
fn line_7_7_who_may_not_send_is_told_without_a_code() {
    for refusal in [Refusal::NotSubscribed, Refusal::ClientEventsNotHere, Refusal::ClientEventsOff]
    {
        let frame: Value = serde_json::from_str(&text_of(ServerFrame::Error(&refusal))).unwrap();
        assert_eq!(frame["data"]["code"], Value::Null);
    }
}

#[test]
fn line_7_8_other_events_are_not_relayed() {
    let why = |event: &str| {
        let text = format!(r#"{{"event":"{event}","channel":"private-a","data":{{}}}}"#);
        decode(&text).map(|_| ()).err()
    };
    for event in ["pusher:", "pusher:error", "pusher:subscribed", "pusher_internal:member_added"] {
        assert_eq!(why(event), Some(BadFrame::UnknownEvent), "{event}");
    }
    for event in ["", "client", "Client-a", "a", " client-a", "pusher", "xclient-a"] {
        assert_eq!(why(event), Some(BadFrame::NotAClientEvent), "{event}");
    }
    assert_eq!(why("client-"), None);
}

#[test]
fn line_7_9_what_is_no_frame_is_told_why() {
    for (text, why) in [
        ("", BadJson::Broken),
        ("{", BadJson::Broken),
        ("nonsense", BadJson::Broken),
        (r#"{"event":"pusher:ping"} x"#, BadJson::Broken),
        (r#"{"event":"pusher:ping",}"#, BadJson::Broken),
        ("{\"event\":\"a\nb\"}", BadJson::Broken),
        (r#"["pusher:ping"]"#, BadJson::NotAnObject),
        (r#""pusher:ping""#, BadJson::NotAnObject),
        ("7", BadJson::NotAnObject),
        ("null", BadJson::NotAnObject),
        ("{}", BadJson::Missing("event")),
        (r#"{"event":null}"#, BadJson::Missing("event")),
        (r#"{"Event":"pusher:ping"}"#, BadJson::Missing("event")),
        (r#"{"event":7}"#, BadJson::WrongType("event")),
        (r#"{"event":{"a":1}}"#, BadJson::WrongType("event")),
        (r#"{"event":"\ud800"}"#, BadJson::WrongType("event")),
        (r#"{"event":"pusher:ping","event":"client-a"}"#, BadJson::Repeated),
    ] {
        assert_eq!(decode(text).unwrap_err(), BadFrame::Json(why), "{text}");
    }
}

#[test]
fn line_7_9_nesting_is_bounded_at_32() {
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"event":"client-a","channel":"private-a","data":{open}{close}}}"#)
    };
    assert!(decode(&nested(31)).is_ok());
    let too_deep = BadFrame::Json(BadJson::TooDeep { nesting_max: 32 });
    for depth in [32, 1_000, 1_000_000] {
        assert_eq!(decode(&nested(depth)).unwrap_err(), too_deep);
    }
    let unread = format!(r#"{{"event":"pusher:ping","x":{}"#, "{\"x\":".repeat(100_000));
    assert_eq!(decode(&unread).unwrap_err(), too_deep);
    let inside = nested(40).replace('"', "\\\"");
    let subscribe = format!(r#"{{"event":"pusher:subscribe","data":"{inside}"}}"#);
    assert_eq!(decode(&subscribe).unwrap_err(), too_deep);
}

#[test]
fn line_7_9_an_error_of_a_frame_has_no_code() {
    let why = decode("{").unwrap_err();
    assert_eq!(
        text_of(ServerFrame::Error(&Refusal::Frame(why))),
        r#"{"event":"pusher:error","data":{"code":null,"message":"not valid JSON"}}"#
    );
}

#[test]
fn trap_7_no_error_repeats_what_a_client_sent() {
    let marker = "Marker";
    for text in [
        r#"Marker"#,
        r#"{"Marker"#,
        r#"{"event":"Marker"}"#,
        r#"{"event":"pusher:Marker"}"#,
        r#"{"event":{"Marker":1}}"#,
        r#"{"event":"pusher:subscribe","data":"Marker"}"#,
        r#"{"event":"pusher:subscribe","data":{"channel":"Marker\nMarker"}}"#,
        r##"{"event":"pusher:subscribe","data":{"channel":"#Marker"}}"##,
        r#"{"event":"pusher:subscribe","data":{"channel":{"Marker":1}}}"#,
        r#"{"event":"pusher:signin","data":{"auth":["Marker"]}}"#,
        r#"{"event":"client-Marker","channel":["Marker"]}"#,
        r#"{"event":"client-a","event":"Marker"}"#,
    ] {
        let why = decode(text).unwrap_err();
        let told = text_of(ServerFrame::Error(&Refusal::Frame(why)));
        assert!(!told.contains(marker) && !format!("{why:?}").contains(marker), "{told}");
    }
}
