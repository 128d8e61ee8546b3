//! Section 10: users who sign in.

use super::*;
use serde_json::json;

const USER_DATA: &str = r#"{"id":"12345"}"#;
const AUTH: &str =
    "278d425bdf160c739803:4708d583dada6a56435fb8bc611c77c359a31eebde13337c16ab43aa6de336ba";

fn user(user_data: &str) -> Result<User, BadUser> {
    User::parse(user_data, &Limits::default())
}

#[test]
fn line_10_1_and_11_1_i_the_documented_signature_of_a_user_is_taken() {
    assert_eq!(keys().check_user(Some(AUTH), socket(), USER_DATA), Ok(()));
    assert_eq!(credentials().authorise_user(socket(), USER_DATA), AUTH);
    assert_eq!(user(USER_DATA).unwrap().id, "12345");
}

#[test]
fn line_10_1_a_sign_in_is_read() {
    let text = r#"{"event":"pusher:signin","data":{"auth":"k:s","user_data":"{\"id\":\"1\"}"}}"#;
    let Ok(ClientFrame::SignIn(sign_in)) = decode(text) else { panic!("a sign-in") };
    assert_eq!(sign_in, SignIn { auth: "k:s".into(), user_data: r#"{"id":"1"}"#.into() });
    for (data, why) in [
        ("{}", BadJson::Missing("auth")),
        (r#"{"auth":"k:s"}"#, BadJson::Missing("user_data")),
        (r#"{"auth":"k:s","user_data":{"id":"1"}}"#, BadJson::WrongType("user_data")),
    ] {
        let text = format!(r#"{{"event":"pusher:signin","data":{data}}}"#);
        assert_eq!(decode(&text).unwrap_err(), BadFrame::Json(why));
    }
}

#[test]
fn line_10_2_success_repeats_the_data_as_a_string() {
    let user_data = r#"{"id":"1", "user_info":{"name":"\"Ada\"\n"}}"#;
    let (frame, data) = read(ServerFrame::SignedIn { user_data });
    assert_eq!(frame["event"], "pusher:signin_success");
    assert_eq!(data, json!({ "user_data": user_data }));
}

#[test]
fn line_10_3_other_sockets_and_other_users_are_refused() {
    let refused = Err(BadAuth::Signature);
    assert_eq!(keys().check_user(Some(AUTH), SocketId::new(1, 2), USER_DATA), refused);
    assert_eq!(keys().check_user(Some(AUTH), socket(), r#"{"id":"12346"}"#), refused);
    let channel = channel("private-a");
    let of_channel = credentials().authorise_channel(socket(), &channel, Some(USER_DATA));
    assert_eq!(keys().check_user(Some(&of_channel), socket(), USER_DATA), refused);
}

#[test]
fn line_10_3_a_user_has_an_id_that_is_text() {
    for (data, why) in [
        ("{}", BadJson::Missing("id")),
        (r#"{"id":""}"#, BadJson::Missing("id")),
        (r#"{"id":7}"#, BadJson::WrongType("id")),
        (r#"{"id":"1","watchlist":"2"}"#, BadJson::WrongType("watchlist")),
        (r#"{"id":"1","watchlist":[2]}"#, BadJson::WrongType("watchlist")),
        ("[]", BadJson::NotAnObject),
    ] {
        assert_eq!(user(data).unwrap_err(), BadUser::Json(why), "{data}");
    }
    let long = format!(r#"{{"id":"{}"}}"#, "a".repeat(129));
    assert_eq!(user(&long).unwrap_err(), BadUser::IdTooLong { characters_max: 128 });
}

#[test]
fn line_10_5_a_watchlist_is_cut_at_100() {
    let with = |count: usize| {
        let ids: Vec<String> = (0..count).map(|id| id.to_string()).collect();
        user(&json!({"id": "1", "watchlist": ids}).to_string()).unwrap()
    };
    assert_eq!((with(100).watchlist.len(), with(100).watchlist_is_cut), (100, false));
    assert_eq!((with(101).watchlist.len(), with(101).watchlist_is_cut), (100, true));
    assert_eq!(with(0).watchlist, Vec::<String>::new());
    let refusal = Refusal::watchlist_too_long(&Limits::default());
    let frame: Value = serde_json::from_str(&text_of(ServerFrame::Error(&refusal))).unwrap();
    assert_eq!(frame["data"]["code"], 4302);
}

#[test]
fn line_10_6_watchlist_events_have_no_channel() {
    let changes = [WatchlistChange::Online(&["1", "\"2"]), WatchlistChange::Offline(&["3"])];
    let (frame, data) = read(ServerFrame::Watchlist { changes: &changes });
    assert_eq!(frame["event"], "pusher_internal:watchlist_events");
    assert_eq!(frame.get("channel"), None);
    let expected = json!({"events": [
        {"name": "online", "user_ids": ["1", "\"2"]},
        {"name": "offline", "user_ids": ["3"]},
    ]});
    assert_eq!(data, expected);
}
