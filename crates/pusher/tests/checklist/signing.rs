//! Section 11.1: whose request it is.

use super::*;
use campanile_pusher::http::{BadSignature, SignedRequest, signed_query};

const NOW: i64 = 1_353_088_179;
const PATH: &str = "/apps/3/events";
const BODY: &str = r#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
const QUERY: &str = "auth_key=278d425bdf160c739803&auth_timestamp=1353088179&auth_version=1.0\
    &body_md5=ec365a775a4cd0599faeb73354201b6f\
    &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";

struct Sent<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a str,
    body: &'a str,
    now: i64,
}

/// The documentation's own request.
const SENT: Sent<'static> = Sent { method: "POST", path: PATH, query: QUERY, body: BODY, now: NOW };

fn check(sent: Sent<'_>) -> Result<(), BadSignature> {
    let query = Query::parse(sent.query);
    let body = sent.body.as_bytes();
    let request = SignedRequest { method: sent.method, path: sent.path, query: &query, body };
    request.check(&keys(), sent.now, &Limits::default()).map(|credentials| {
        assert_eq!(credentials.key(), "278d425bdf160c739803");
    })
}

/// What another signer makes of the documentation's request with this query behind the rest.
fn sign(method: &str, path: &str, parameters: &[(&str, &str)], body: &str) -> String {
    signed_query(&credentials(), (method, path), parameters, body.as_bytes(), NOW)
}

#[test]
fn line_11_1_h_the_documented_request_is_taken() {
    assert_eq!(check(SENT), Ok(()));
}

#[test]
fn line_11_1_h_the_documented_request_is_made() {
    let query = sign("POST", PATH, &[], BODY);
    assert_eq!(query, QUERY);
}

#[test]
fn line_11_1_a_each_parameter_is_needed_and_once() {
    for (name, value) in [
        ("auth_key", "278d425bdf160c739803"),
        ("auth_timestamp", "1353088179"),
        ("auth_version", "1.0"),
        ("auth_signature", "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"),
    ] {
        let pair = format!("{name}={value}");
        let without = QUERY.replace(&pair, "x=y");
        assert_eq!(check(Sent { query: &without, ..SENT }), Err(BadSignature::Missing(name)));
        let twice = format!("{QUERY}&{pair}");
        assert_eq!(check(Sent { query: &twice, ..SENT }), Err(BadSignature::Repeated(name)));
    }
    let other = QUERY.replace("auth_version=1.0", "auth_version=2.0");
    assert_eq!(check(Sent { query: &other, ..SENT }), Err(BadSignature::Version));
}

#[test]
fn line_11_1_a_a_body_needs_its_digest() {
    let query = sign("POST", PATH, &[], "");
    assert_eq!(check(Sent { query: &query, ..SENT }), Err(BadSignature::Missing("body_md5")));
}

#[test]
fn line_11_1_b_names_are_sorted_in_lower_case_and_values_are_not_escaped() {
    let query = Query::parse("b=2&Auth_Key=k&a=x%2Cy%20z&auth_signature=s&A=%26+%2B&empty");
    let request = SignedRequest { method: "GET", path: "/p", query: &query, body: b"" };
    assert_eq!(request.canonical(), "GET\n/p\na=x,y z&a=& +&auth_key=k&b=2&empty=");
}

#[test]
fn line_11_1_b_values_may_be_sent_escaped_or_not() {
    let parameters = [("filter_by_prefix", "presence-a=b;c@d"), ("info", "user_count,cache")];
    let escaped = sign("GET", "/apps/3/channels", &parameters, "");
    let plain =
        escaped.replace("%3D", "=").replace("%3B", ";").replace("%40", "@").replace("%2C", ",");
    assert_ne!(escaped, plain);
    for query in [&escaped, &plain] {
        let sent = Sent { method: "GET", path: "/apps/3/channels", query, body: "", now: NOW };
        assert_eq!(check(sent), Ok(()), "{query}");
    }
}

#[test]
fn line_11_1_b_a_list_in_the_query_keeps_its_order() {
    let parameters = [("channels[]", "b"), ("channels[]", "a"), ("data", ""), ("name", "e")];
    let query = sign("POST", PATH, &parameters, "");
    assert_eq!(check(Sent { query: &query, body: "", ..SENT }), Ok(()));
    let turned = query.replacen("=b", "=c", 1).replacen("=a&", "=b&", 1).replacen("=c", "=a", 1);
    assert_eq!(check(Sent { query: &turned, body: "", ..SENT }), Err(BadSignature::Signature));
}

#[test]
fn line_11_1_b_method_path_and_parameters_are_signed() {
    let refused = Err(BadSignature::Signature);
    assert_eq!(check(Sent { method: "PUT", ..SENT }), refused);
    assert_eq!(check(Sent { path: "/apps/3/batch_events", ..SENT }), refused);
    assert_eq!(check(Sent { query: &format!("{QUERY}&info=user_count"), ..SENT }), refused);
    assert_eq!(
        check(Sent { now: NOW + 1, query: &QUERY.replace("8179", "8180"), ..SENT }),
        refused
    );
}

#[test]
fn line_11_1_b_a_path_may_be_escaped_on_its_way() {
    let signed = "/apps/3/users/a b|c/terminate_connections";
    let query = sign("POST", signed, &[], "{}");
    let sent = |path| check(Sent { path, query: &query, body: "{}", ..SENT });
    assert_eq!(sent(signed), Ok(()));
    assert_eq!(sent("/apps/3/users/a%20b%7Cc/terminate_connections"), Ok(()));
    assert_eq!(sent("/apps/3/users/a%20b/terminate_connections"), Err(BadSignature::Signature));
}

#[test]
fn line_11_1_b_an_escaped_path_does_not_pass_for_another() {
    let signed = "/apps/3/users/a%2Fb/terminate_connections";
    let query = sign("POST", signed, &[], "{}");
    let sent = |path| check(Sent { path, query: &query, body: "{}", ..SENT });
    assert_eq!(sent(signed), Ok(()));
    let twice = "/apps/3/users/a%252Fb/terminate_connections";
    assert_eq!(sent(twice), Err(BadSignature::Signature));
}

#[test]
fn line_11_1_c_digits_are_lower_case_and_all_there() {
    for (old, new) in [("da454824", "DA454824"), ("da454824", "da45482"), ("da454824", "da454825")]
    {
        let query = QUERY.replace(old, new);
        assert_eq!(check(Sent { query: &query, ..SENT }), Err(BadSignature::Signature), "{new}");
    }
}

#[test]
fn line_11_1_d_the_clock_may_be_600_seconds_off_either_way() {
    for off in [-600, 600] {
        assert_eq!(check(Sent { now: NOW + off, ..SENT }), Ok(()));
    }
    for now in [NOW - 601, NOW + 601, i64::MIN, i64::MAX] {
        let why = BadSignature::Age { seconds_max: 600 };
        assert_eq!(check(Sent { now, ..SENT }), Err(why));
    }
    for text in ["", "now", "1353088179.5", "9223372036854775808"] {
        let query = QUERY.replace("1353088179", text);
        assert_eq!(check(Sent { query: &query, ..SENT }), Err(BadSignature::Timestamp), "{text}");
    }
}

#[test]
fn line_11_1_e_the_digest_is_of_the_bytes_received() {
    let spaced = BODY.replace(':', ": ");
    assert_eq!(check(Sent { body: &spaced, ..SENT }), Err(BadSignature::Body));
    assert_eq!(check(Sent { body: "", ..SENT }), Err(BadSignature::Body));
}

#[test]
fn line_11_1_f_a_request_without_a_body_may_have_the_digest_of_nothing() {
    let (method, path) = ("GET", "/apps/3/channels");
    let sent = |parameters: &[(&str, &str)]| {
        let query = sign(method, path, parameters, "");
        check(Sent { method, path, query: &query, body: "", now: NOW })
    };
    assert_eq!(sent(&[("body_md5", "d41d8cd98f00b204e9800998ecf8427e")]), Ok(()));
    assert_eq!(sent(&[]), Ok(()));
    let other = [("body_md5", "ec365a775a4cd0599faeb73354201b6f")];
    assert_eq!(sent(&other), Err(BadSignature::Body));
}

#[test]
fn line_11_1_g_a_key_of_another_application_is_unknown() {
    let query = QUERY.replace("278d425bdf160c739803", "another");
    assert_eq!(check(Sent { query: &query, ..SENT }), Err(BadSignature::UnknownKey));
}
