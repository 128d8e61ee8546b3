//! What is no request, and what is said about it.

use campanile_protocol::{Codec, ID_BYTES_MAX, JsonV1, Request, RequestId};

#[track_caller]
fn check_refused(text: &str, id: Option<RequestId>, about: &str) {
    let error = JsonV1.decode_request(text.as_bytes()).expect_err(text);
    assert_eq!(error.id, id, "{text}");
    assert!(error.message.contains(about), "{text} gave: {}", error.message);
}

#[track_caller]
fn id_in(text: &str) -> RequestId {
    JsonV1.decode_request(text.as_bytes()).expect(text).id
}

#[test]
fn an_id_is_a_whole_number_or_a_short_text() {
    assert_eq!(id_in(r#"{"op":"ping","id":18446744073709551615}"#), u64::MAX.into());
    assert_eq!(id_in(r#"{"op":"ping","id":-3}"#), RequestId::signed(-3));
    assert_eq!(id_in(r#"{"op":"ping","id":"a\"1"}"#), RequestId::text("a\"1").unwrap());
    let longest = "x".repeat(ID_BYTES_MAX);
    assert_eq!(
        id_in(&format!(r#"{{"op":"ping","id":"{longest}"}}"#)),
        RequestId::text(&longest).unwrap()
    );
    for bad in ["1.5", "1e3", "null", "true", "[1]", "{}", &format!(r#""{longest}x""#)] {
        check_refused(&format!(r#"{{"op":"ping","id":{bad}}}"#), None, "id");
    }
    check_refused(r#"{"op":"ping"}"#, None, "missing field `id`");
}

#[test]
fn the_id_is_given_back_wherever_it_stands() {
    let seven = || Some(7.into());
    check_refused(r#"{"op":"shout","id":7}"#, seven(), "unknown op");
    check_refused(r#"{"op":"ping","loud":true,"id":7}"#, seven(), "unknown field `loud`");
    check_refused(r#"{"op":5,"id":7}"#, seven(), "invalid type");
    check_refused(r#"{"id":7}"#, seven(), "missing field `op`");
    check_refused(r#"{"op":"send","id":7,"room":"lobby"}"#, seven(), "missing field `body`");
    check_refused(r#"{"op":"send","id":7,"room":null,"body":"x"}"#, seven(), "`room`");
    check_refused(r#"{"op":"ping","id":7,"room":"lobby"}"#, seven(), "`room` does not belong");
    check_refused(r#"{"op":"read","id":7,"room":"lobby","seq":-1}"#, seven(), "-1");
    check_refused(
        r#"{"op":"history","id":7,"room":"lobby","before":1,"after":2}"#,
        seven(),
        "`after` does not belong",
    );
}

#[test]
fn a_field_comes_once() {
    check_refused(r#"{"op":"ping","op":"ping","id":7}"#, Some(7.into()), "duplicate field `op`");
    check_refused(r#"{"op":"ping","id":7,"id":8}"#, None, "duplicate field `id`");
    check_refused(
        r#"{"op":"join","id":7,"room":"a","since":{"epoch":"00000000000000ab","seq":1,"seq":2}}"#,
        Some(7.into()),
        "duplicate field `seq`",
    );
}

#[test]
fn only_an_object_is_a_request() {
    for bad in
        ["", " ", "7", "\"ping\"", "null", "{", "{}{}", r#"{"op":"ping","id":7} x"#, "\u{feff}{}"]
    {
        check_refused(bad, None, "");
    }
    let all_in_order =
        r#"["ping",7,null,null,null,null,null,null,null,null,null,null,null,null,null]"#;
    check_refused(all_in_order, None, "expected an object");
    check_refused(
        r#"{"op":"join","id":7,"room":"a","since":["00000000000000ab",1]}"#,
        Some(7.into()),
        "expected an object",
    );
    assert!(JsonV1.decode_request(b"{\"op\":\"ping\",\"id\":\"\xff\"}").is_err());
}

#[test]
fn deep_nesting_is_refused_and_harmless() {
    let deep = format!(r#"{{"op":"ping","id":7,"x":{}"#, "[".repeat(60_000));
    check_refused(&deep, None, "unknown field");
    let since = format!(r#"{{"op":"join","id":7,"room":"a","since":{}"#, r#"{"a":"#.repeat(12_000));
    check_refused(&since, None, "");
}

#[test]
fn a_refusal_does_not_give_kilobytes_back() {
    let long = "y".repeat(60_000);
    let error = JsonV1.decode_request(format!(r#"{{"{long}":1,"id":7}}"#).as_bytes()).unwrap_err();
    assert!(error.message.len() < 256);
    assert_eq!(error.id, Some(7.into()));
}

#[test]
fn null_is_the_same_as_left_out_where_a_field_may_be_left_out() {
    let frame = JsonV1
        .decode_request(br#"{"op":"send","id":7,"room":"a","body":"x","key":null,"reply_to":null}"#)
        .unwrap();
    let sent = Request::Send { room: "a".into(), body: "x".into(), key: None, reply_to: None };
    assert_eq!(frame.request, sent);
}

#[test]
fn a_client_passes_over_what_a_newer_server_adds() {
    let text = br#"{"op":"typing","room":"a","user":"b","on":true,"how":"loudly"}"#;
    assert!(JsonV1.decode(text).is_ok());
    let answer = br#"{"op":"ok","id":7,"data":{"messages":[],"has_more":false,"epoch":"00"}}"#;
    assert!(JsonV1.decode(answer).is_ok());
}
