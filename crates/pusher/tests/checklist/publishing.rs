//! Section 11.2: what is published.

use super::*;
use campanile_pusher::http::{
    ApiError, BadInfo, BadPublish, BadSignature, Batch, BatchAnswer, Counts, Info, Publish,
    PublishAnswer,
};
use std::collections::BTreeMap;

fn publish(body: &str) -> Result<Publish<'_>, BadPublish> {
    Publish::parse(body.as_bytes(), &Query::parse(""), &Limits::default())
}

fn batch(body: &str) -> Result<Batch<'_>, BadPublish> {
    Batch::parse(body.as_bytes(), &Limits::default())
}

fn event(data: &str) -> String {
    format!(r#"{{"name":"e","channel":"a","data":{data}}}"#)
}

#[test]
fn line_11_2_a_an_event_is_read() {
    let body = r#"{"name":"foo","channels":["a","private-b"],"data":"{\"some\":\"d\u00e4ta\"}","socket_id":"1234.1234","info":"user_count,subscription_count"}"#;
    let read = publish(body).unwrap();
    assert_eq!(read.event.name, "foo");
    assert_eq!(read.event.data.get(), r#""{\"some\":\"d\u00e4ta\"}""#);
    assert_eq!(read.channels, [channel("a"), channel("private-b")]);
    assert_eq!(read.event.except, Some(socket()));
    let info = Info { user_count: true, subscription_count: true, cache: false };
    assert_eq!(read.event.info, info);
}

#[test]
fn line_11_2_a_one_channel_may_be_named_alone() {
    assert_eq!(publish(&event(r#""""#)).unwrap().channels, [channel("a")]);
}

#[test]
fn line_11_2_a_parameters_may_come_in_the_query() {
    let query = Query::parse(
        "name=foo&data=%7B%22a%22%3A%22b%22%7D&channels[]=a&channels%5B%5D=b&socket_id=1234.1234&info=subscription_count",
    );
    let read = Publish::parse(b"", &query, &Limits::default()).unwrap();
    assert_eq!(read.event.name, "foo");
    assert_eq!(read.event.data.get(), r#""{\"a\":\"b\"}""#);
    assert_eq!(read.channels, [channel("a"), channel("b")]);
    assert_eq!(read.event.except, Some(socket()));
    assert!(read.event.info.subscription_count);
    let query = Query::parse("channel=a&name=ignored");
    let body = br#"{"name":"foo","data":"x"}"#;
    let read = Publish::parse(body, &query, &Limits::default()).unwrap();
    assert_eq!((&*read.event.name, read.channels), ("foo", vec![channel("a")]));
}

#[test]
fn line_11_2_a_channels_are_1_to_100() {
    let with = |count: usize| {
        let names: Vec<String> = (0..count).map(|index| format!("c{index}")).collect();
        let body = serde_json::json!({"name": "e", "data": "", "channels": names}).to_string();
        publish(&body).map(|read| read.channels.len())
    };
    assert_eq!(with(100), Ok(100));
    assert_eq!(with(101), Err(BadPublish::TooManyChannels { channels_max: 100 }));
    assert_eq!(with(0), Err(BadPublish::NoChannel));
    assert_eq!(publish(r#"{"name":"e","data":""}"#).unwrap_err(), BadPublish::NoChannel);
}

#[test]
fn line_11_2_a_an_answer_without_anything_to_say_is_an_empty_object() {
    assert_eq!(serde_json::to_string(&PublishAnswer::default()).unwrap(), "{}");
    assert_eq!(serde_json::to_string(&BatchAnswer::default()).unwrap(), "{}");
}

#[test]
fn line_11_2_b_an_answer_says_what_was_asked() {
    let counts = Counts { user_count: Some(42), subscription_count: Some(51) };
    let few = Counts { user_count: None, subscription_count: Some(13) };
    let channels = BTreeMap::from([("presence-a", counts), ("b", few)]);
    assert_eq!(
        serde_json::to_string(&PublishAnswer { channels }).unwrap(),
        r#"{"channels":{"b":{"subscription_count":13},"presence-a":{"user_count":42,"subscription_count":51}}}"#
    );
}

#[test]
fn line_11_2_b_info_is_given_where_it_applies() {
    let info = Info { user_count: true, subscription_count: true, cache: false };
    let of = |name: &str| info.where_it_applies(&channel(name));
    assert_eq!(of("presence-a"), info);
    assert_eq!(of("a"), Info { user_count: false, ..info });
    let cache = publish(r#"{"name":"e","channel":"cache-a","data":"","info":"cache"}"#);
    assert_eq!(cache.unwrap_err(), BadPublish::Info(BadInfo::Cache));
}

#[test]
fn line_11_2_c_an_encrypted_channel_is_published_to_alone() {
    let body = r#"{"name":"e","data":"","channels":["a","private-encrypted-b"]}"#;
    assert_eq!(publish(body).unwrap_err(), BadPublish::SeveralWithEncrypted);
    assert!(publish(&body.replace(r#""a","#, "")).is_ok());
}

#[test]
fn line_11_2_d_a_batch_keeps_its_order_and_has_at_most_10() {
    let with = |count: usize| {
        let items: Vec<_> = (0..count)
            .map(|index| serde_json::json!({"name": format!("e{index}"), "channel": "a", "data": ""}))
            .collect();
        let body = serde_json::json!({ "batch": items }).to_string();
        let names = |batch: Batch<'_>| -> Vec<String> {
            batch.items.iter().map(|item| item.event.name.to_string()).collect()
        };
        batch(&body).map(names)
    };
    assert_eq!(with(3).unwrap(), ["e0", "e1", "e2"]);
    assert_eq!(with(10).unwrap().len(), 10);
    assert_eq!(with(11), Err(BadPublish::BatchTooLong { events_max: 10 }));
    assert_eq!(with(0).unwrap().len(), 0);
}

#[test]
fn line_11_2_d_what_is_wrong_in_a_batch_is_named_by_its_place() {
    let body = format!(r#"{{"batch":[{},{}]}}"#, event(r#""""#), event("7"));
    let why = batch(&body).unwrap_err();
    assert_eq!(why.to_string(), "event 1 of the batch, counted from 0: `data` has the wrong type");
    assert_eq!(why.status(), 400);
    let large = event(&format!("\"{}\"", "a".repeat(10_241)));
    assert_eq!(batch(&format!(r#"{{"batch":[{large}]}}"#)).unwrap_err().status(), 413);
    for (body, why) in [
        ("{}", BadJson::Missing("batch")),
        (r#"{"batch":{}}"#, BadJson::WrongType("batch")),
        ("[]", BadJson::NotAnObject),
        ("", BadJson::Broken),
    ] {
        assert_eq!(batch(body).unwrap_err(), BadPublish::Json(why), "{body}");
    }
}

#[test]
fn line_11_2_d_a_batch_answers_index_by_index() {
    let asked = Counts { user_count: None, subscription_count: Some(3) };
    let answer = BatchAnswer { batch: vec![Counts::default(), asked] };
    assert_eq!(
        serde_json::to_string(&answer).unwrap(),
        r#"{"batch":[{},{"subscription_count":3}]}"#
    );
}

#[test]
fn line_11_2_e_a_socket_that_there_cannot_be_is_ignored() {
    let with = |socket_id: &str| {
        let body = format!(r#"{{"name":"e","channel":"a","data":"","socket_id":{socket_id}}}"#);
        publish(&body).map(|read| read.event.except)
    };
    assert_eq!(with(r#""1234.1234""#), Ok(Some(socket())));
    for unknown in ["null", r#""""#, r#""99999999999999999999.1""#, r#""001.1""#] {
        assert_eq!(with(unknown), Ok(None), "{unknown}");
    }
    assert_eq!(with(r#""x""#), Err(BadPublish::SocketId(BadSocketId::Shape)));
    assert_eq!(with("12.5"), Err(BadPublish::Json(BadJson::WrongType("socket_id"))));
}

#[test]
fn line_11_2_i_data_has_at_most_10_kilobytes_of_text() {
    let with = |data: &str| publish(&event(data)).map(|_| ());
    assert_eq!(with(&format!("\"{}\"", "a".repeat(10_240))), Ok(()));
    assert_eq!(with(&format!("\"{}\"", r"\u0041".repeat(10_240))), Ok(()));
    let too_long = BadPublish::DataTooLong { bytes_max: 10_240 };
    assert_eq!(with(&format!("\"{}\"", "a".repeat(10_241))), Err(too_long.clone()));
    assert_eq!(with(&format!("\"{}\"", r"\u20ac".repeat(3_414))), Err(too_long.clone()));
    assert_eq!(too_long.status(), 413);
    let limits = Limits { event_data_bytes_max: 1, ..Limits::default() };
    let body = event(r#""ab""#);
    let small = Publish::parse(body.as_bytes(), &Query::parse(""), &limits);
    assert_eq!(small.unwrap_err().status(), 413);
}

#[test]
fn line_11_2_i_each_error_has_its_status() {
    for (error, status) in [
        (ApiError::from(BadSignature::Signature), 401),
        (ApiError::from(BadPublish::NoChannel), 400),
        (ApiError::from(BadPublish::DataTooLong { bytes_max: 1 }), 413),
        (ApiError::from(BadInfo::Unknown), 400),
        (ApiError::from(BadChannelName::Character), 400),
        (ApiError::AppDisabled, 403),
        (ApiError::OverQuota, 403),
        (ApiError::NoSuchApp, 404),
        (ApiError::Unavailable, 503),
    ] {
        assert_eq!(error.status(), status);
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn line_11_2_j_name_data_and_channel_are_needed() {
    for (body, why) in [
        (r#"{"channel":"a","data":""}"#, BadPublish::Json(BadJson::Missing("name"))),
        (r#"{"name":"","channel":"a","data":""}"#, BadPublish::Json(BadJson::Missing("name"))),
        (r#"{"name":"e","channel":"a"}"#, BadPublish::Json(BadJson::Missing("data"))),
        (r#"{"name":"e","channel":"a","data":null}"#, BadPublish::Json(BadJson::Missing("data"))),
        (r#"{"name":"e","channel":"a","data":{}}"#, BadPublish::Json(BadJson::WrongType("data"))),
        (
            r#"{"name":"e","channel":"a","data":"\ud800"}"#,
            BadPublish::Json(BadJson::WrongType("data")),
        ),
        (r#"{"name":7,"channel":"a","data":""}"#, BadPublish::Json(BadJson::WrongType("name"))),
        (
            r#"{"name":"e","channels":"a","data":""}"#,
            BadPublish::Json(BadJson::WrongType("channels")),
        ),
        (
            r#"{"name":"e","channels":[1],"data":""}"#,
            BadPublish::Json(BadJson::WrongType("channels")),
        ),
        (
            r#"{"name":"e","channel":"a b","data":""}"#,
            BadPublish::Channel(BadChannelName::Character),
        ),
        (
            r#"{"name":"e","channel":"a","data":"","info":"all"}"#,
            BadPublish::Info(BadInfo::Unknown),
        ),
        (r#"{"name":"e","name":"f","channel":"a","data":""}"#, BadPublish::Json(BadJson::Repeated)),
        ("nonsense", BadPublish::Json(BadJson::Broken)),
        ("[]", BadPublish::Json(BadJson::NotAnObject)),
    ] {
        let error = publish(body).unwrap_err();
        assert_eq!((error.status(), error), (400, why), "{body}");
    }
    let bytes = Publish::parse(b"\xff", &Query::parse(""), &Limits::default());
    assert_eq!(bytes.unwrap_err(), BadPublish::Json(BadJson::Broken));
}

#[test]
fn line_11_2_j_a_name_has_at_most_200_characters() {
    let with = |name: String| {
        let body = format!(r#"{{"name":"{name}","channel":"a","data":""}}"#);
        publish(&body).map(|_| ())
    };
    assert_eq!(with("é".repeat(200)), Ok(()));
    assert_eq!(with("é".repeat(201)), Err(BadPublish::NameTooLong { characters_max: 200 }));
}

#[test]
fn line_7_2_names_in_the_space_of_the_protocol_are_refused() {
    for name in ["pusher:ping", "pusher:", "pusher_internal:member_added"] {
        let body = event("\"\"").replace("\"e\"", &format!("\"{name}\""));
        assert_eq!(publish(&body).unwrap_err(), BadPublish::NameReserved);
        let body = format!(r#"{{"batch":[{body}]}}"#);
        assert_eq!(batch(&body).unwrap_err().status(), 400);
    }
}

#[test]
fn line_10_4_a_user_is_published_to_by_the_channel_of_the_user() {
    let body = r##"{"name":"e","channels":["#server-to-user-7"],"data":"{}"}"##;
    assert_eq!(publish(body).unwrap().channels[0].user(), Some("7"));
}

#[test]
fn line_7_1_published_data_goes_into_the_frame_as_it_came() {
    let body = event(r#""{\u0022a\u0022: \"b\"}""#);
    let read = publish(&body).unwrap();
    let frame = ServerFrame::Event {
        event: &read.event.name,
        channel: read.channels[0].as_str(),
        data: Some(Data::Json(read.event.data.get())),
        user_id: None,
    };
    assert_eq!(text_of(frame), r#"{"event":"e","channel":"a","data":"{\u0022a\u0022: \"b\"}"}"#);
}
