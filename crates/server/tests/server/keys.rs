//! Prekeys over REST: what is published, and what is handed out once.

use crate::support::{Server, User, start, start_with};
use base64::{Engine, engine::general_purpose::STANDARD};
use minreq::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, thread};

fn text(byte: u8, bytes: usize) -> String {
    STANDARD.encode(vec![byte; bytes])
}

fn signed(id: u32, bytes: usize) -> Value {
    json!({"id": id, "key": text(id as u8, bytes), "signature": text(9, 64)})
}

fn one_time(ids: impl IntoIterator<Item = u32>) -> Vec<Value> {
    ids.into_iter().map(|id| json!({"id": id, "key": text(id as u8, 32)})).collect()
}

fn keys(one_time: Vec<Value>) -> Value {
    let identity = text(7, 33);
    json!({"identity_key": identity, "signed_prekey": signed(1, 32), "one_time_prekeys": one_time})
}

fn publish(server: &Server, user: &User, keys: Value) -> Value {
    server.put_as(user, "/api/v1/keys", keys).expect(200)["keys"].clone()
}

fn claim(server: &Server, by: &User, user: &str) -> Value {
    let path = format!("/api/v1/keys/{user}/claim");
    server.ask(by, Method::Post, &path, None).expect(200)["bundle"].clone()
}

#[test]
fn a_bundle_is_handed_out_as_it_was_published() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    let none = json!({"signed": 0, "one_time": 0, "kem": 0, "last_resort_kem": 0});
    assert_eq!(server.get_as(&ada, "/api/v1/keys/count").expect(200)["keys"], none);
    let mut all = keys(one_time([1]));
    all["kem_prekeys"] = json!([signed(5, 1_568)]);
    all["last_resort_kem_prekey"] = signed(6, 1_568);
    let left = json!({"signed": 1, "one_time": 1, "kem": 1, "last_resort_kem": 1});
    assert_eq!(publish(&server, &ada, all.clone()), left);
    let mut bundle = json!({
        "user": "ada", "identity_key": all["identity_key"], "signed_prekey": signed(1, 32),
        "one_time_prekey": one_time([1])[0], "kem_prekey": signed(5, 1_568),
    });
    assert_eq!(claim(&server, &bob, "ada"), bundle);
    bundle.as_object_mut().expect("an object").remove("one_time_prekey");
    bundle["kem_prekey"] = signed(6, 1_568);
    assert_eq!(claim(&server, &bob, "ada"), bundle, "without what was used once");
    let left = json!({"signed": 1, "one_time": 0, "kem": 0, "last_resort_kem": 1});
    assert_eq!(publish(&server, &ada, all), left, "a repeated request brings nothing back");
}

#[test]
fn many_who_claim_at_once_get_different_prekeys() {
    let server = start();
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    publish(&server, &ada, keys(one_time(1..=10)));
    let claimed: Vec<Value> = thread::scope(|scope| {
        let claims: Vec<_> = (0..16).map(|_| scope.spawn(|| claim(&server, &bob, "ada"))).collect();
        claims.into_iter().map(|claim| claim.join().expect("it is answered")).collect()
    });
    let ids: Vec<u64> =
        claimed.iter().filter_map(|bundle| bundle["one_time_prekey"]["id"].as_u64()).collect();
    assert_eq!(ids.len(), 10);
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), (1..=10).collect());
}

#[test]
fn what_is_no_key_is_refused() {
    let server = start();
    let ada = server.user("ada");
    for bad in [text(7, 31), text(7, 2_049), "not base64".to_owned(), text(7, 32).replace('=', "")]
    {
        let mut one = keys(one_time([]));
        one["identity_key"] = json!(bad);
        assert_eq!(server.put_as(&ada, "/api/v1/keys", one).refused(400), "bad_request", "{bad}");
    }
    let mut extra = keys(one_time([]));
    extra["private_key"] = json!(text(7, 32));
    assert_eq!(server.put_as(&ada, "/api/v1/keys", extra).refused(400), "bad_request");
    for id in [json!(-1), json!(4_294_967_296_u64), json!(1.5), json!("1")] {
        let one = keys(vec![json!({"id": id, "key": text(7, 32)})]);
        assert_eq!(server.put_as(&ada, "/api/v1/keys", one).refused(400), "bad_request", "{id}");
    }
    let claim = server.ask(&ada, Method::Post, "/api/v1/keys/ada/claim", None);
    assert_eq!(claim.refused(404), "not_found", "nothing was published");
    let claim = server.ask(&ada, Method::Post, "/api/v1/keys/nobody/claim", None);
    assert_eq!(claim.refused(404), "not_found");
    let nobody = server.post("/api/v1/keys/ada/claim", &json!({}));
    assert_eq!(nobody.refused(401), "unauthenticated");
}

#[test]
fn only_so_many_are_kept() {
    let server = start_with(|config| config.limits.prekeys_per_user_max = 3);
    let ada = server.user("ada");
    publish(&server, &ada, keys(one_time([1, 2])));
    let over = server.put_as(&ada, "/api/v1/keys", keys(one_time([3, 4])));
    assert_eq!(over.refused(409), "conflict");
    assert_eq!(publish(&server, &ada, keys(one_time([2, 3])))["one_time"], 3);
}

#[test]
fn claims_are_limited_for_each_user() {
    let server = start_with(|config| {
        config.limits.prekey_claims_per_user.per_second = 1.0 / 60.0;
        config.limits.prekey_claims_per_user.burst = 1;
    });
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    publish(&server, &ada, keys(one_time([1, 2])));
    claim(&server, &bob, "ada");
    let answer = server.ask(&bob, Method::Post, "/api/v1/keys/ada/claim", None);
    answer.header("retry-after");
    assert_eq!(answer.refused(429), "rate_limited");
    assert_eq!(claim(&server, &ada, "ada")["one_time_prekey"]["id"], 2, "others may still");
    let labels = [("limiter", "prekey"), ("context", "user")];
    let rejected = server.scrape().value("chat_rate_limit_rejections_total", &labels);
    assert_eq!(rejected, Some(1.0));
}
