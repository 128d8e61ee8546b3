//! Section 5: entering a channel.

use super::*;

fn subscribe(frame: &str) -> Result<Subscribe, BadFrame> {
    match decode(frame)? {
        ClientFrame::Subscribe(subscribe) => Ok(subscribe),
        other => panic!("{other:?} is no subscription"),
    }
}

fn check(name: &str, auth: &str, channel_data: Option<&str>) -> Result<(), BadAuth> {
    keys().check_channel(Some(auth), socket(), &channel(name), channel_data)
}

const PRIVATE: &str =
    "278d425bdf160c739803:58df8b0c36d6982b82c3ecf6b4662e34fe8c25bba48f5369f135bf843651c3a4";
const PRESENCE: &str =
    "278d425bdf160c739803:afaed3695da2ffd16931f457e338e6c9f2921fa133ce7dac49f529792be6304c";
const PRESENCE_DATA: &str = r#"{"user_id":10,"user_info":{"name":"Mr. Pusher"}}"#;

#[test]
fn line_5_1_data_is_an_object_or_a_string_with_one() {
    let object = r#"{"event":"pusher:subscribe","data":{"channel":"presence-a","auth":"k:s","channel_data":"{\"user_id\":1}"}}"#;
    let string = r#"{"event":"pusher:subscribe","data":"{\"channel\":\"presence-a\",\"auth\":\"k:s\",\"channel_data\":\"{\\\"user_id\\\":1}\"}"}"#;
    let expected = Subscribe {
        channel: channel("presence-a"),
        auth: Some("k:s".into()),
        channel_data: Some(r#"{"user_id":1}"#.into()),
    };
    assert_eq!(subscribe(object).unwrap(), expected);
    assert_eq!(subscribe(string).unwrap(), expected);
}

#[test]
fn line_5_1_an_empty_auth_is_none() {
    for rest in ["", r#","auth":"""#, r#","auth":null,"channel_data":null"#] {
        let frame = format!(r#"{{"event":"pusher:subscribe","data":{{"channel":"a"{rest}}}}}"#);
        let expected = Subscribe { channel: channel("a"), auth: None, channel_data: None };
        assert_eq!(subscribe(&frame).unwrap(), expected, "{frame}");
    }
}

#[test]
fn line_5_1_what_is_no_subscription_is_refused() {
    for (data, why) in [
        (r#"{}"#, BadJson::Missing("channel").into()),
        (r#"{"channel":null}"#, BadJson::Missing("channel").into()),
        (r#"{"channel":7}"#, BadJson::WrongType("channel").into()),
        (r#"{"channel":"a","auth":7}"#, BadJson::WrongType("auth").into()),
        (r#"{"channel":"a","channel_data":{}}"#, BadJson::WrongType("channel_data").into()),
        (r#"{"channel":"a","channel":"b"}"#, BadJson::Repeated.into()),
        (r#"{"channel":"a b"}"#, BadChannelName::Character.into()),
        (r#""{""#, BadJson::Broken.into()),
        (r#""[]""#, BadJson::NotAnObject.into()),
        ("[]", BadJson::WrongType("data").into()),
        ("null", BadJson::Missing("data").into()),
    ] {
        let frame = format!(r#"{{"event":"pusher:subscribe","data":{data}}}"#);
        assert_eq!(subscribe(&frame), Err::<Subscribe, BadFrame>(why), "{data}");
    }
}

#[test]
fn line_5_2_success_has_an_empty_object_as_a_string() {
    let channel = channel("private-a");
    assert_eq!(
        text_of(ServerFrame::Subscribed { channel: channel.as_str() }),
        r#"{"event":"pusher_internal:subscription_succeeded","channel":"private-a","data":"{}"}"#
    );
}

#[test]
fn line_5_3_and_11_1_i_the_documented_signature_of_a_private_channel_is_taken() {
    assert_eq!(check("private-foobar", PRIVATE, None), Ok(()));
    assert_eq!(
        credentials().authorise_channel(socket(), &channel("private-foobar"), None),
        PRIVATE
    );
}

#[test]
fn line_5_3_the_digits_are_lower_case() {
    let (key, digest) = PRIVATE.split_once(':').unwrap();
    let upper = format!("{key}:{}", digest.to_uppercase());
    assert_eq!(check("private-foobar", &upper, None), Err(BadAuth::Shape));
}

#[test]
fn line_5_3_what_has_not_the_shape_is_refused() {
    for auth in [
        "",
        ":",
        "key",
        "278d425bdf160c739803:",
        "278d425bdf160c739803:58df",
        PRIVATE.trim_end_matches('4'),
    ] {
        assert_eq!(check("private-foobar", auth, None), Err(BadAuth::Shape), "{auth}");
    }
    let none = keys().check_channel(None, socket(), &channel("private-foobar"), None);
    assert_eq!(none, Err(BadAuth::Missing));
}

#[test]
fn line_5_3_every_key_of_the_application_signs() {
    let old = Credentials::new("old", "secret");
    let auth = old.authorise_channel(socket(), &channel("private-a"), None);
    let keys = Keys::new(vec![credentials(), old]);
    assert_eq!(keys.check_channel(Some(&auth), socket(), &channel("private-a"), None), Ok(()));
}

#[test]
fn line_5_4_data_of_a_private_channel_is_signed_too() {
    let channel = channel("private-a");
    let data = r#"{"any":"thing"}"#;
    let auth = credentials().authorise_channel(socket(), &channel, Some(data));
    assert_eq!(keys().check_channel(Some(&auth), socket(), &channel, Some(data)), Ok(()));
    assert_eq!(
        keys().check_channel(Some(&auth), socket(), &channel, None),
        Err(BadAuth::Signature)
    );
}

#[test]
fn line_5_5_and_11_1_i_the_documented_signature_of_a_presence_channel_is_taken() {
    assert_eq!(check("presence-foobar", PRESENCE, Some(PRESENCE_DATA)), Ok(()));
}

#[test]
fn line_5_5_the_exact_bytes_of_the_data_are_signed() {
    let spaced = PRESENCE_DATA.replace(':', ": ");
    assert_eq!(check("presence-foobar", PRESENCE, Some(&spaced)), Err(BadAuth::Signature));
    let frame = format!(
        r#"{{"event":"pusher:subscribe","data":{{"channel":"presence-foobar","auth":"{PRESENCE}","channel_data":"{}"}}}}"#,
        PRESENCE_DATA.replace('"', r#"\""#)
    );
    let read = subscribe(&frame).unwrap();
    assert_eq!(read.channel_data.as_deref(), Some(PRESENCE_DATA));
}

#[test]
fn line_5_8_an_encrypted_channel_is_entered_like_a_private_one() {
    let channel = channel("private-encrypted-a");
    let auth = credentials().authorise_channel(socket(), &channel, None);
    assert_eq!(keys().check_channel(Some(&auth), socket(), &channel, None), Ok(()));
    assert!(channel.kind().is_encrypted() && channel.kind().needs_auth());
}

#[test]
fn line_5_9_a_bad_signature_names_the_channel_and_no_secret() {
    let channel = channel("private-foobar");
    let why = check("private-foobar", PRESENCE, None).unwrap_err();
    assert_eq!(
        text_of(ServerFrame::Error(&Refusal::Auth { channel: &channel, why })),
        r#"{"event":"pusher:error","data":{"code":null,"message":"cannot subscribe to private-foobar: the signature in auth is not valid"}}"#
    );
    let shown = format!("{:?} {:?}", credentials(), keys());
    assert!(!shown.contains("7ad3773142a6692b25b8"), "{shown}");
}

#[test]
fn line_5_10_who_is_there_is_told_so() {
    let channel = channel("a");
    let text = text_of(ServerFrame::Error(&Refusal::AlreadySubscribed { channel: &channel }));
    assert_eq!(
        text,
        r#"{"event":"pusher:error","data":{"code":null,"message":"already subscribed to a"}}"#
    );
}

#[test]
fn line_5_11_any_name_can_be_left() {
    for data in
        [r#"{"channel":"never there \u0000"}"#, r#""{\"channel\":\"never there \\u0000\"}""#]
    {
        let frame = format!(r#"{{"event":"pusher:unsubscribe","data":{data}}}"#);
        let Ok(ClientFrame::Unsubscribe { channel }) = decode(&frame) else { panic!("{frame}") };
        assert_eq!(channel, "never there \0");
    }
}

#[test]
fn line_5_12_a_signature_for_another_socket_is_refused() {
    let other = SocketId::new(1234, 1235);
    let answer = keys().check_channel(Some(PRIVATE), other, &channel("private-foobar"), None);
    assert_eq!(answer, Err(BadAuth::Signature));
}

#[test]
fn line_5_12_a_signature_for_another_channel_is_refused() {
    assert_eq!(check("private-foobaz", PRIVATE, None), Err(BadAuth::Signature));
}

#[test]
fn line_5_12_a_signature_of_another_key_is_refused() {
    let other = Credentials::new("other", "7ad3773142a6692b25b8");
    let auth = other.authorise_channel(socket(), &channel("private-foobar"), None);
    assert_eq!(check("private-foobar", &auth, None), Err(BadAuth::UnknownKey));
    let forged = Credentials::new("278d425bdf160c739803", "guessed");
    let auth = forged.authorise_channel(socket(), &channel("private-foobar"), None);
    assert_eq!(check("private-foobar", &auth, None), Err(BadAuth::Signature));
}

#[test]
fn line_5_12_a_signature_of_other_data_is_refused() {
    let other = PRESENCE_DATA.replace("10", "11");
    assert_eq!(check("presence-foobar", PRESENCE, Some(&other)), Err(BadAuth::Signature));
    assert_eq!(check("presence-foobar", PRESENCE, None), Err(BadAuth::Signature));
}

#[test]
fn line_4_3_no_signature_opens_the_channel_of_a_user() {
    let own = channel("#server-to-user-1");
    let auth = credentials().authorise_channel(socket(), &own, None);
    let answer = keys().check_channel(Some(&auth), socket(), &own, None);
    assert_eq!(answer, Err(BadAuth::NotBySignature));
}
