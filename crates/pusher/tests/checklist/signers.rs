//! What other signers make: requests and answers of the official Python library 3.3 and of the
//! official Node library 5.3, taken down once.

use super::*;
use campanile_pusher::http::{Batch, Publish, SignedRequest};

const NOW: i64 = 1_353_088_179;

fn check(method: &str, path: &str, (parameters, signature): (&str, &str), body: &str) {
    let text = format!(
        "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
         {parameters}&auth_signature={signature}"
    );
    let query = Query::parse(&text);
    let request = SignedRequest { method, path, query: &query, body: body.as_bytes() };
    request.check(&keys(), NOW, &Limits::default()).expect("signed with the secret");
}

fn publish(body: &str) -> Publish<'_> {
    Publish::parse(body.as_bytes(), &Query::parse(""), &Limits::default()).expect("an event")
}

#[test]
fn section_13_an_event_of_the_python_library() {
    let body = r#"{"name": "\u00e9", "channels": ["a", "b"], "data": "{\"x\":\"\u00e9\"}"}"#;
    let signed = (
        "&body_md5=6d654cb049fffc21b4a2dd9be3d6c927",
        "fe10a2a97bf08dc6d9410f5ecf5e183202926a73a8abd730c84dcf9d8ed1ee85",
    );
    check("POST", "/apps/3/events", signed, body);
    assert_eq!(publish(body).event.name, "é");
}

#[test]
fn section_13_a_batch_of_the_python_library() {
    let body = r#"{"batch": [{"name": "a", "channel": "c", "data": "\u00e9"}]}"#;
    let signed = (
        "&body_md5=c7c629854b72bee255611d656f893d63",
        "5112f10e76d61c0821ad10ed6762253b37c8daa0d819733199aca14fb687907f",
    );
    check("POST", "/apps/3/batch_events", signed, body);
    assert_eq!(Batch::parse(body.as_bytes(), &Limits::default()).unwrap().items.len(), 1);
}

#[test]
fn line_11_1_f_questions_of_the_python_library_have_the_digest_of_nothing() {
    let signed = (
        "&body_md5=d41d8cd98f00b204e9800998ecf8427e\
         &filter_by_prefix=presence-a=b,c.d;e@f&info=user_count",
        "226ef8bb1a62cd9d1767ac4db7ab693314346e5f87a856b2e5e7d9c4e8c1db0f",
    );
    check("GET", "/apps/3/channels", signed, "");
    let signed = (
        "&body_md5=d41d8cd98f00b204e9800998ecf8427e",
        "44f57ac744e18c0647b65a69a6b2bc1069c1780dd47aa768bd3b2242738df006",
    );
    check("GET", "/apps/3/channels/presence-x/users", signed, "");
}

#[test]
fn section_13_a_question_of_the_node_library() {
    let signature = "ff97d40ab3fbbd15394386a29c12998c33635305357b2e2abd18dc67efe3f87d";
    let parameters = "&filter_by_prefix=presence-&info=user_count,subscription_count";
    check("GET", "/apps/3/channels", (parameters, signature), "");
    let escaped = parameters.replace(',', "%2C");
    check("GET", "/apps/3/channels", (&escaped, signature), "");
}

#[test]
fn section_13_an_event_of_the_node_library() {
    let body = r#"{"name":"é","data":"{\"a\":1}","channels":["a"]}"#;
    let signed = (
        "&body_md5=677e7a94bc5845afded6323dfc547157",
        "80766b0539a1f5efd440662204ea52ae67e6b61dc6ebf8d62e59f232b069cbc2",
    );
    check("POST", "/apps/3/events", signed, body);
    assert_eq!(publish(body).event.data.get(), r#""{\"a\":1}""#);
}

#[test]
fn line_10_7_a_user_of_the_node_library_is_signed_unescaped_and_sent_escaped() {
    let signed = (
        "&body_md5=99914b932bd37a50b983c5e7c90ae93b",
        "d0ee8542a04f3d892fc6be59dff90fee57ac5249bfa54db49adc014d41140e8c",
    );
    for user_id in ["a b|é", "a%20b|%C3%A9", "a%20b%7c%c3%a9"] {
        let path = format!("/apps/3/users/{user_id}/terminate_connections");
        check("POST", &path, signed, "{}");
    }
}

#[test]
fn section_13_answers_of_the_node_library_let_clients_in() {
    let enter = |name, digest: &str, data| {
        let auth = format!("278d425bdf160c739803:{digest}");
        keys().check_channel(Some(&auth), socket(), &channel(name), data)
    };
    let data = r#"{"user_id":10,"user_info":{"name":"é\"\n"}}"#;
    let digest = "5c4a1d3ba517e4dbd1d1786eee47ef0f24c06d5a328156b2431e1453793c8693";
    assert_eq!(enter("presence-a", digest, Some(data)), Ok(()));
    let digest = "6637187b6ce97011eb51dd42365682515e4961c1ec4ae95589c42fd7de4cd3d0";
    assert_eq!(enter("private-a", digest, None), Ok(()));
    let auth =
        "278d425bdf160c739803:24e35b369588ff0b2e748f023bc90c4750009e68ed158a44ec8403c8cc24349d";
    let user_data = r#"{"id":"7","watchlist":["é"]}"#;
    assert_eq!(keys().check_user(Some(auth), socket(), user_data), Ok(()));
}
