//! Notifications to browsers of users who are not there, by a push service that reads them.

use crate::support::{
    User,
    program::campanile,
    push::{believe, pair, say, start_beside, subscribe, subscription},
    socket::Socket,
    start, start_in, start_with, until,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use campanile_neighbours::{PushService, Pushed};
use minreq::Method;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

/// How long nothing comes where nothing is to come.
const SILENCE: Duration = Duration::from_secs(3);

fn told(pushed: &Pushed) -> Value {
    serde_json::from_str(&pushed.text).expect("JSON")
}

#[test]
fn who_is_not_there_is_told_of_a_direct_message() {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    let key = server.get_as(&bob, "/api/v1/push-key").expect(200)["key"].clone();
    subscribe(&server, &bob, &service, "one");
    subscribe(&server, &ada, &service, "own");
    say(&server, &ada, &room, "ring the bell");
    let pushed = service.next();
    assert_eq!(pushed.path, "/push/one");
    let expected = json!({"room": room, "seq": 1, "from": "ada", "body": "ring the bell"});
    assert_eq!(told(&pushed), expected);
    let authorization = &pushed.headers["authorization"];
    assert!(authorization.ends_with(&format!("k={}", key.as_str().expect("a key"))));
    assert!(service.is_silent_for(SILENCE), "it is told once, and its author not at all");
}

#[test]
fn who_is_there_is_not_told() {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    subscribe(&server, &bob, &service, "one");
    let socket = Socket::of(&server, &bob);
    say(&server, &ada, &room, "you are here");
    server.room(&ada, "lobby");
    server.put_as(&bob, "/api/v1/rooms/lobby/members/bob", json!({})).expect(200);
    assert!(service.is_silent_for(SILENCE));
    socket.close();
    until("bob has gone", || {
        let room = server.get_as(&ada, "/api/v1/rooms/lobby").expect(200);
        let members = room["member_list"].as_array().cloned().unwrap_or_default();
        members.iter().any(|one| one["user"] == "bob" && one["last_seen"].is_string()).then_some(())
    });
    say(&server, &ada, "lobby", "to many");
    assert!(service.is_silent_for(SILENCE), "rooms of many ring nobody");
    say(&server, &ada, &room, "to you");
    assert_eq!(told(&service.next())["body"], "to you");
}

#[test]
fn of_many_messages_the_last_is_told_and_of_a_deleted_one_nothing() {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    subscribe(&server, &bob, &service, "one");
    for number in 1..=8 {
        say(&server, &ada, &room, &format!("message {number}"));
    }
    // Of those said within half a second the last one counts.
    let mut last = told(&service.next());
    let mut count = 1;
    while last["seq"] != 8 {
        last = told(&service.next());
        count += 1;
    }
    assert!(count < 8, "{count} notifications for 8 messages at once");
    let seq = say(&server, &ada, &room, "said by mistake");
    let mut socket = Socket::of(&server, &ada);
    socket.ask(json!({"op": "join", "room": room}));
    socket.ask(json!({"op": "delete", "room": room, "seq": seq}));
    assert!(service.is_silent_for(SILENCE));
}

#[test]
fn a_subscription_ends_with_its_session_and_when_it_is_taken_back() {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    subscribe(&server, &bob, &service, "one");
    let other = server.log_in("bob");
    subscribe(&server, &other, &service, "two");
    server.ask(&bob, Method::Post, "/api/v1/logout", None).expect(204);
    say(&server, &ada, &room, "to the other");
    assert_eq!(service.next().path, "/push/two");
    let endpoint = json!({"endpoint": service.endpoint("two")});
    let path = "/api/v1/push-subscriptions";
    let remove = |user: &User| server.ask(user, Method::Delete, path, Some(endpoint.clone()));
    assert_eq!(remove(&ada).refused(404), "not_found", "others cannot");
    remove(&other).expect(204);
    assert_eq!(remove(&other).refused(404), "not_found");
    say(&server, &ada, &room, "to nobody");
    assert!(service.is_silent_for(SILENCE));
}

#[test]
fn a_push_service_that_is_ill_is_asked_again_and_one_that_forgot_is_not() {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    subscribe(&server, &bob, &service, "one");
    service.answer_next(&["503 Service Unavailable\r\nRetry-After: 1\r\n"]);
    say(&server, &ada, &room, "again");
    assert_eq!(told(&service.next())["body"], "again");
    assert_eq!(told(&service.next())["body"], "again", "it is tried again");
    service.answer_next(&["410 Gone\r\n"]);
    say(&server, &ada, &room, "gone");
    service.next();
    until("the subscription is forgotten", || {
        let endpoint = json!({"endpoint": service.endpoint("one")});
        let path = "/api/v1/push-subscriptions";
        (server.ask(&bob, Method::Delete, path, Some(endpoint)).status == 404).then_some(())
    });
}

#[test]
fn what_waits_is_told_after_a_restart() {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    subscribe(&server, &bob, &service, "one");
    service.answer_next(&["503 Service Unavailable\r\n"]);
    say(&server, &ada, &room, "before");
    service.next();
    until("it is put off", || {
        let labels = [("queue", "push")];
        let retried = server.scrape().value("chat_queue_jobs_retried_total", &labels);
        (retried == Some(1.0)).then_some(())
    });
    let key = server.get_as(&ada, "/api/v1/push-key").expect(200);
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let ca = data.path().join("push-ca.pem");
    let server = start_in(data, |config| believe(config, &ca));
    assert_eq!(server.get_as(&ada, "/api/v1/push-key").expect(200), key);
    assert_eq!(told(&service.next())["body"], "before");
    let file = server.data.path().join("vapid.key");
    let mode = fs::metadata(file).expect("the key is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_is_no_subscription_is_refused() {
    let service = PushService::start();
    let server = start_beside(&service);
    let ada = server.user("ada");
    let put = |body: Value| server.put_as(&ada, "/api/v1/push-subscriptions", body);
    let fine = subscription(&service, "one");
    for (pointer, value) in [
        ("/endpoint", json!("http://push.example/")),
        ("/endpoint", json!("https://ada@push.example/")),
        ("/endpoint", json!(format!("https://push.example/{}", "a".repeat(1_024)))),
        ("/keys/p256dh", json!("short")),
        ("/keys/p256dh", json!(URL_SAFE_NO_PAD.encode([4; 65]))),
        ("/keys/auth", json!(URL_SAFE_NO_PAD.encode([4; 17]))),
        ("/keys", json!({})),
    ] {
        let mut bad = fine.clone();
        *bad.pointer_mut(pointer).expect("it is there") = value;
        assert_eq!(put(bad.clone()).refused(400), "bad_request", "{bad}");
    }
    put(fine.clone()).expect(204);
    let nobody = server.get("/api/v1/push-key");
    assert_eq!(nobody.refused(401), "unauthenticated");
    let guarded = start();
    let ada = guarded.user("ada");
    let mut near = fine;
    near["endpoint"] = json!("https://169.254.169.254/latest");
    let refused = guarded.put_as(&ada, "/api/v1/push-subscriptions", near);
    assert_eq!(refused.refused(400), "bad_request", "neighbours are not asked");
}

#[test]
fn a_server_that_does_not_notify_says_so() {
    let service = PushService::start();
    let server = start_with(|config| config.push.enabled = false);
    let ada = server.user("ada");
    assert_eq!(server.get_as(&ada, "/api/v1/push-key").refused(404), "not_found");
    let put = server.put_as(&ada, "/api/v1/push-subscriptions", subscription(&service, "one"));
    assert_eq!(put.refused(404), "not_found");
    assert!(!server.data.path().join("vapid.key").exists());
}

#[test]
fn mistakes_in_its_settings_are_one_clear_line() {
    let home = tempfile::tempdir().expect("a directory");
    let said = |name: &str, value: &str| {
        let output = campanile(home.path()).env(name, value).output().expect("it runs");
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        text
    };
    assert!(said("CAMPANILE_PUSH__VAPID_KEY", "hunter2").contains("push.vapid_key"));
    let pem = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
    assert!(said("CAMPANILE_PUSH__VAPID_KEY", pem).contains("push.vapid_key"));
    assert!(said("CAMPANILE_PUSH__CONTACT", "me").contains("push.contact"));
    assert!(said("CAMPANILE_PUSH__TTL_SECONDS", "2419201").contains("push.ttl_seconds"));
    assert!(said("CAMPANILE_PUSH__CA", "absent.pem").contains("absent.pem"));
    fs::create_dir_all(home.path().join("data")).expect("a directory");
    fs::write(home.path().join("data/vapid.key"), "hunter2").expect("written");
    assert!(said("CAMPANILE_LOG__LEVEL", "warn").contains("vapid.key"));
    fs::remove_file(home.path().join("data/vapid.key")).expect("removed");
    fs::create_dir(home.path().join("data/vapid.key")).expect("it cannot be read");
    assert!(said("CAMPANILE_LOG__LEVEL", "warn").contains("vapid.key"));
}
