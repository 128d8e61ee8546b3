//! Sections 5 and 6: who is on a presence channel.

use super::*;
use serde_json::json;

fn member(channel_data: &str) -> Result<Member, BadMember> {
    Member::parse(channel_data, &Limits::default())
}

#[test]
fn line_5_6_a_user_id_is_text_or_a_number() {
    for (id, expected) in [
        (r#""ada""#, "ada"),
        (r#""\u00e9\"""#, "é\""),
        ("10", "10"),
        ("-3", "-3"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ] {
        let member = member(&format!(r#"{{"user_id": {id} }}"#)).unwrap();
        assert_eq!(member.user_id, expected);
        assert!(member.user_info.is_none());
    }
}

#[test]
fn line_5_6_without_a_user_id_there_is_no_member() {
    for (data, why) in [
        ("", BadJson::Broken),
        ("[]", BadJson::NotAnObject),
        ("{}", BadJson::Missing("user_id")),
        (r#"{"user_id":null}"#, BadJson::Missing("user_id")),
        (r#"{"user_id":""}"#, BadJson::Missing("user_id")),
        (r#"{"user_id":true}"#, BadJson::WrongType("user_id")),
        (r#"{"user_id":{}}"#, BadJson::WrongType("user_id")),
        (r#"{"user_id":1.5}"#, BadJson::WrongType("user_id")),
        (r#"{"user_id":1e3}"#, BadJson::WrongType("user_id")),
        (r#"{"user_id":"1","user_id":"2"}"#, BadJson::Repeated),
    ] {
        assert_eq!(member(data).unwrap_err(), BadMember::Json(why), "{data}");
    }
}

#[test]
fn line_5_6_who_is_signed_in_needs_no_data() {
    let user = User::parse(r#"{"id":"7","user_info":{"name":"Ada"}}"#, &Limits::default()).unwrap();
    let member = Member::of_user(&user, &Limits::default()).unwrap();
    assert_eq!(member.user_id, "7");
    assert_eq!(member.user_info.unwrap().get(), r#"{"name":"Ada"}"#);
}

#[test]
fn line_5_7_success_names_every_member() {
    let channel = channel("presence-a");
    let info = raw(r#"{"name":"Ada \"L\"","x":[1, 2]}"#);
    let members = [
        Present { user_id: "1", user_info: Some(info.get()) },
        Present { user_id: "a\"\\\n", user_info: None },
    ];
    let frame = ServerFrame::SubscribedPresence { channel: channel.as_str(), members: &members };
    let (frame, data) = read(frame);
    assert_eq!(frame["event"], "pusher_internal:subscription_succeeded");
    assert_eq!(frame["channel"], "presence-a");
    let expected = json!({"presence": {
        "ids": ["1", "a\"\\\n"],
        "hash": {"1": {"name": "Ada \"L\"", "x": [1, 2]}, "a\"\\\n": null},
        "count": 2,
    }});
    assert_eq!(data, expected);
}

#[test]
fn line_5_7_an_empty_channel_is_written_too() {
    let channel = channel("presence-a");
    let (_, data) =
        read(ServerFrame::SubscribedPresence { channel: channel.as_str(), members: &[] });
    assert_eq!(data, json!({"presence": {"ids": [], "hash": {}, "count": 0}}));
}

#[test]
fn line_6_1_who_comes_is_shown() {
    let channel = channel("presence-a");
    let member = member(r#"{"user_id":10,"user_info":{"name": "Mr. Pusher"}}"#).unwrap();
    let frame = ServerFrame::MemberAdded { channel: channel.as_str(), member: (&member).into() };
    assert_eq!(
        text_of(frame),
        r#"{"event":"pusher_internal:member_added","channel":"presence-a","data":"{\"user_id\":\"10\",\"user_info\":{\"name\": \"Mr. Pusher\"}}"}"#
    );
}

#[test]
fn line_6_2_who_leaves_is_named() {
    let channel = channel("presence-a");
    let frame = ServerFrame::MemberRemoved { channel: channel.as_str(), user_id: "a\"b" };
    assert_eq!(
        text_of(frame),
        r#"{"event":"pusher_internal:member_removed","channel":"presence-a","data":"{\"user_id\":\"a\\\"b\"}"}"#
    );
}

#[test]
fn line_6_3_ids_and_infos_have_limits() {
    let with_id = |length| member(&format!(r#"{{"user_id":"{}"}}"#, "é".repeat(length)));
    assert!(with_id(128).is_ok());
    assert_eq!(with_id(129).unwrap_err(), BadMember::IdTooLong { characters_max: 128 });
    let digits = member(&format!(r#"{{"user_id":{}}}"#, "1".repeat(129)));
    assert_eq!(digits.unwrap_err(), BadMember::IdTooLong { characters_max: 128 });
    let with_info =
        |bytes: usize| member(&format!(r#"{{"user_id":"1","user_info":"{}"}}"#, "a".repeat(bytes)));
    assert!(with_info(1022).is_ok());
    assert_eq!(with_info(1023).unwrap_err(), BadMember::InfoTooLong { bytes_max: 1024 });
    let channel = channel("presence-a");
    let full = Refusal::ChannelFull { channel: &channel, members_max: 100 };
    assert_eq!(full.to_string(), "cannot subscribe to presence-a: it has 100 members");
}

#[test]
fn trap_2_a_presence_cache_channel_is_a_presence_channel() {
    assert!(channel("presence-cache-a").kind().is_presence());
}

#[test]
fn line_5_7_half_a_surrogate_pair_is_handed_on() {
    let member = member(r#"{"user_id":"1","user_info":"\ud83d"}"#).unwrap();
    let channel = channel("presence-a");
    let frame = ServerFrame::MemberAdded { channel: channel.as_str(), member: (&member).into() };
    assert!(text_of(frame).ends_with(r#",\"user_info\":\"\\ud83d\"}"}"#));
}
