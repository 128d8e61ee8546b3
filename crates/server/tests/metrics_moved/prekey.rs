//! What becomes of prekeys.

use crate::{
    scene::{Scene, cases},
    support::{Server, User, start, start_in},
};
use minreq::Method;
use serde_json::{Value, json};

cases! {
    prekeys_are_counted_as_they_come_and_go moves [
        "chat_prekeys_uploaded_total{kind=one_time|signed|kem}",
        "chat_prekeys_consumed_total{kind=one_time|signed|kem}",
        "chat_prekey_fallbacks_total",
    ] traded;
    what_is_left_is_counted_from_the_start moves [
        "chat_prekeys_available{kind=one_time|signed|kem}",
        "chat_prekey_users_low",
        "chat_prekey_users_exhausted",
    ] left;
}

const ONE_TIME: [(&str, &str); 1] = [("kind", "one_time")];
const SIGNED: [(&str, &str); 1] = [("kind", "signed")];
const KEM: [(&str, &str); 1] = [("kind", "kem")];

/// 48 bytes in base64.
fn text() -> String {
    "A".repeat(64)
}

pub(crate) fn publish(server: &Server, user: &User, one_times: usize, kems: usize) {
    let signed = |id: usize| json!({"id": id, "key": text(), "signature": text()});
    let one_times: Vec<Value> = (0..one_times).map(|id| json!({"id": id, "key": text()})).collect();
    let kems: Vec<Value> = (0..kems).map(signed).collect();
    let keys = json!({
        "identity_key": text(), "signed_prekey": signed(0), "last_resort_kem_prekey": signed(9),
        "one_time_prekeys": one_times, "kem_prekeys": kems,
    });
    server.put_as(user, "/api/v1/keys", keys).expect(200);
}

fn claim(server: &Server, user: &User) {
    let path = format!("/api/v1/keys/{}/claim", user.name);
    server.ask(user, Method::Post, &path, None).expect(200);
}

fn traded(scene: &Scene) {
    let server = start();
    let ada = server.user("ada");
    let before = server.scrape();
    publish(&server, &ada, 2, 1);
    for (kind, by) in [(&ONE_TIME, 2.0), (&SIGNED, 1.0), (&KEM, 2.0)] {
        scene.rose(&server, &before, ("chat_prekeys_uploaded_total", kind), by);
    }
    for _ in 0..3 {
        claim(&server, &ada);
    }
    for (kind, by) in [(&ONE_TIME, 2.0), (&SIGNED, 3.0), (&KEM, 3.0)] {
        scene.rose(&server, &before, ("chat_prekeys_consumed_total", kind), by);
    }
    scene.rose(&server, &before, ("chat_prekey_fallbacks_total", &[]), 1.0);
}

fn left(scene: &Scene) {
    let server = start();
    let (ada, bob, eve) = (server.user("ada"), server.user("bob"), server.user("eve"));
    publish(&server, &ada, 20, 0);
    publish(&server, &bob, 19, 2);
    publish(&server, &eve, 1, 0);
    claim(&server, &eve);
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let server = start_in(data, |_| {});
    for (kind, count) in [(&ONE_TIME, 39.0), (&SIGNED, 3.0), (&KEM, 5.0)] {
        scene.is(&server, "chat_prekeys_available", kind, count);
    }
    scene.is(&server, "chat_prekey_users_low", &[], 2.0);
    scene.is(&server, "chat_prekey_users_exhausted", &[], 1.0);
}
