//! What operators see of applications: their channels, how webhooks fare, and what passes.

use crate::support::{
    PATIENCE, Server, User,
    events::Events,
    hooks::{set, set_unasked},
    pusher::{APP, Client, inner, with_app},
    start_with, until,
};
use campanile_neighbours::Receiver;
use serde_json::{Value, json};
use std::time::Duration;

const BASE: &str = "/api/v1/apps/1001";

fn start() -> (Server, User) {
    let server = start_with(|config| with_app(config, |_| {}));
    let operator = server.user("ada");
    (server, operator)
}

impl Events {
    /// Watches the application, as who may.
    #[track_caller]
    fn watch(server: &Server, operator: &User) -> Self {
        let mut events = Self::at(server, operator, &format!("{BASE}/debug"));
        assert_eq!(events.status, 200, "{}", events.headers);
        events.hear("watching");
        events
    }

    /// What passes next, without its time.
    #[track_caller]
    fn passed(&mut self) -> Value {
        let mut passed = self.hear("passed");
        let at = passed.as_object_mut().and_then(|passed| passed.remove("at"));
        assert!(at.is_some_and(|at| at.is_string()), "{passed}");
        passed
    }
}

#[test]
fn channels_are_listed_by_prefix_and_shown_one_by_one() {
    let (server, operator) = start();
    let get = |path: &str| server.get_as(&operator, &format!("{BASE}/channels{path}")).expect(200);
    assert_eq!(get(""), json!({"channels": [], "total": 0}));
    let (mut bob, mut eve) = (Client::open(&server), Client::open(&server));
    for name in ["news", "news-cache", "private-desk"] {
        bob.subscribe(name, None);
    }
    eve.subscribe("news", None);
    eve.subscribe("presence-room", Some("eve"));
    bob.subscribe("presence-room", Some("bob"));
    let news = json!({"name": "news", "kind": "public", "cache": false, "subscriptions": 2});
    let room = json!({
        "name": "presence-room", "kind": "presence", "cache": false, "subscriptions": 2, "members": 2,
    });
    let all = get("");
    assert_eq!((&all["total"], &all["channels"][0]), (&json!(4), &news));
    assert_eq!(get("?prefix=pres"), json!({"channels": [room], "total": 1}));
    assert_eq!(get("?prefix=news&limit=1"), json!({"channels": [news], "total": 2}));
    assert_eq!(get("?prefix=nothing")["total"], 0);
    let shown = get("/presence-room");
    assert_eq!((&shown["members"], &shown["member_list"]), (&json!(2), &json!(["bob", "eve"])));
    assert_eq!(shown["kept"], Value::Null);
    let empty = get("/cache-weather");
    assert_eq!((&empty["subscriptions"], &empty["cache"]), (&json!(0), &json!(true)));
    assert!(empty.get("members").is_none() && empty.get("member_list").is_none(), "{empty}");
    server.publish("cache-weather", "rain", "wet");
    let kept = get("/cache-weather")["kept"].clone();
    assert_eq!((&kept["event"], &kept["data_bytes"]), (&json!("rain"), &json!(5)));
    // Sent as it is written here.
    let user = Events::at(&server, &operator, &format!("{BASE}/channels/%23server-to-user-bob"));
    assert_eq!(user.status, 200, "{}", user.headers);
}

#[test]
fn nobody_else_is_shown_anything_and_what_makes_no_sense_is_refused() {
    let (server, operator) = start();
    let eve = server.user("eve");
    let event = json!({"channel": "news", "name": "test", "data": "x"});
    for path in ["/channels", "/channels/news", "/debug"].map(|path| format!("{BASE}{path}")) {
        assert_eq!(server.get(&path).refused(401), "unauthenticated", "{path}");
        assert_eq!(server.get_as(&eve, &path).refused(403), "forbidden", "{path}");
        let elsewhere = path.replace(APP, "77");
        assert_eq!(server.get_as(&operator, &elsewhere).refused(404), "not_found", "{path}");
    }
    assert_eq!(server.get_as(&eve, "/api/v1/webhooks").refused(403), "forbidden");
    let events = format!("{BASE}/events");
    assert_eq!(server.post(&events, &event).refused(401), "unauthenticated");
    assert_eq!(server.post_as(&eve, &events, event.clone()).refused(403), "forbidden");
    let elsewhere = server.post_as(&operator, "/api/v1/apps/77/events", event);
    assert_eq!(elsewhere.refused(404), "not_found");
    let long = "x".repeat(201);
    for query in ["limit=0", "limit=1001", "limit=x", "prefix=a&more=1", &format!("prefix={long}")]
    {
        let answer = server.get_as(&operator, &format!("{BASE}/channels?{query}"));
        assert_eq!(answer.refused(400), "bad_request", "{query}");
    }
    for name in ["a b", "a:b", &long] {
        let answer = server.get_as(&operator, &format!("{BASE}/channels/{name}"));
        assert_eq!(answer.refused(400), "bad_request", "{name}");
    }
}

#[test]
fn a_test_event_goes_the_way_of_all_events_and_keeps_their_rules() {
    let (server, operator) = start();
    let mut bob = Client::open(&server);
    bob.subscribe("news", None);
    let events = format!("{BASE}/events");
    let data = json!({"price": 2.50, "of": "ä\n"}).to_string();
    let event = json!({"channel": "news", "name": "test", "data": data});
    assert_eq!(server.post_as(&operator, &events, event).status, 204);
    let heard = bob.hear("test");
    assert_eq!((&heard["channel"], &heard["data"]), (&json!("news"), &json!(data)));
    let bad = [
        json!({"channel": "a b", "name": "test", "data": "x"}),
        json!({"channel": "news", "name": "pusher:test", "data": "x"}),
        json!({"channel": "news", "name": "", "data": "x"}),
        json!({"channel": "news", "name": "test"}),
        json!({"channel": "news", "name": "test", "data": {"no": "text"}}),
        json!({"channel": "news", "name": "test", "data": "x", "socket_id": "1.2"}),
    ];
    for bad in bad {
        let answer = server.post_as(&operator, &events, bad.clone());
        assert_eq!(answer.refused(400), "bad_request", "{bad}");
    }
    let long = json!({"channel": "news", "name": "test", "data": "x".repeat(10 * 1024 + 1)});
    assert_eq!(server.post_as(&operator, &events, long).refused(413), "too_large");
}

#[test]
fn nothing_is_published_for_an_application_that_is_disabled() {
    let server = start_with(|config| with_app(config, |app| app.enabled = false));
    let operator = server.user("ada");
    let event = json!({"channel": "news", "name": "test", "data": "x"});
    let answer = server.post_as(&operator, &format!("{BASE}/events"), event);
    assert_eq!(answer.refused(409), "conflict");
}

#[test]
fn who_watches_sees_what_passes() {
    let receiver = Receiver::start();
    let server = start_with(|config| set(config, &receiver, &["channel_occupied"]));
    let operator = server.user("ada");
    let mut watching = Events::watch(&server, &operator);
    assert!(watching.headers.contains("cache-control: no-store"), "{}", watching.headers);
    let mut bob = Client::open(&server);
    bob.subscribe("presence-room", Some("bob"));
    let (mut seen, of) = (Vec::new(), "presence-room");
    for _ in 0..3 {
        seen.push(watching.passed());
    }
    seen.sort_by_key(|passed| passed["kind"].to_string());
    let expected = [
        json!({"kind": "member_added", "channel": of, "user": "bob"}),
        json!({"kind": "subscribed", "channel": of, "user": "bob", "socket_id": bob.socket_id}),
        json!({
            "kind": "webhook", "channel": of, "event": "channel_occupied", "url": receiver.url("hook"),
        }),
    ];
    assert_eq!(seen, expected);
    server.publish("news", "sold", "{\"id\":7}\n");
    let sold = json!({"kind": "event", "channel": "news", "event": "sold", "data": "{\"id\":7}\n"});
    assert_eq!(watching.passed(), sold);
    let typing = json!({"event": "client-typing", "channel": of, "data": {"on": true}});
    bob.send(&typing.to_string());
    let typing = json!({
        "kind": "client_event", "channel": of, "event": "client-typing", "data": "{\"on\":true}",
        "user": "bob",
    });
    assert_eq!(watching.passed(), typing);
    let socket_id = bob.socket_id.clone();
    bob.leave();
    let left = json!({"kind": "unsubscribed", "channel": of, "socket_id": socket_id});
    assert_eq!(watching.passed(), left);
    let gone = json!({"kind": "member_removed", "channel": of, "user": "bob"});
    assert_eq!(watching.passed(), gone);
}

#[test]
fn who_has_logged_out_watches_no_longer() {
    let (server, operator) = start();
    let again = server.log_in("ada");
    let mut watching = Events::watch(&server, &again);
    assert_eq!(server.post_as(&again, "/api/v1/logout", json!({})).status, 204);
    watching.ends_within(PATIENCE);
    drop(Events::watch(&server, &operator));
}

#[test]
fn a_server_that_stops_does_not_wait_for_who_watches() {
    let (server, operator) = start();
    let mut watching = Events::watch(&server, &operator);
    let (ended, _data) = server.stop();
    ended.expect("it ends well");
    watching.ends_within(Duration::from_secs(1));
}

#[test]
fn as_many_watch_as_may_and_who_has_gone_makes_room() {
    let (server, operator) = start();
    let debug = format!("{BASE}/debug");
    let mut watching: Vec<_> = (0..8).map(|_| Events::watch(&server, &operator)).collect();
    assert_eq!(server.get_as(&operator, &debug).refused(429), "rate_limited");
    watching.pop();
    until("there is room again", || {
        let mut events = Events::at(&server, &operator, &debug);
        (events.status == 200).then(|| events.hear("watching"))
    });
}

#[test]
fn webhooks_are_shown_as_they_fare() {
    let receiver = Receiver::start();
    let server = start_with(|config| set(config, &receiver, &["channel_occupied"]));
    let operator = server.user("ada");
    let health = || server.get_as(&operator, "/api/v1/webhooks").expect(200);
    let url = receiver.url("hook");
    let receivers = json!([{"app": APP, "url": url, "events": ["channel_occupied"]}]);
    let nothing = json!({
        "waiting": 0, "oldest_seconds": null, "dead": 0, "sent_total": 0, "failed_total": 0,
        "lost_total": 0, "receivers": receivers,
    });
    assert_eq!(health(), nothing);
    let mut bob = Client::open(&server);
    bob.subscribe("news", None);
    until("it is told", || (health()["sent_total"] == 1).then_some(()));
}

#[test]
fn a_receiver_that_does_not_do_well_is_seen() {
    let receiver = Receiver::start();
    // It may not be asked, as it is on no public network.
    let server = start_with(|config| set_unasked(config, &receiver, &["channel_occupied"]));
    let operator = server.user("ada");
    let mut bob = Client::open(&server);
    bob.subscribe("news", None);
    let health = until("it has failed", || {
        let health = server.get_as(&operator, "/api/v1/webhooks").expect(200);
        let is_resting = health["receivers"][0]["resting_until"].is_string();
        (is_resting && health["failed_total"].as_u64() >= Some(1)).then_some(health)
    });
    assert_eq!((&health["waiting"], &health["sent_total"]), (&json!(1), &json!(0)));
    assert!(health["oldest_seconds"].as_f64().is_some_and(|age| age >= 0.0), "{health}");
}

#[test]
fn a_channel_that_everybody_has_left_is_listed_no_longer() {
    let (server, operator) = start();
    let mut bob = Client::open(&server);
    let subscribed = bob.subscribe("news", None);
    assert_eq!(subscribed, inner(&json!({"data": "{}"})));
    bob.leave();
    until("it is gone", || {
        let listed = server.get_as(&operator, &format!("{BASE}/channels")).expect(200);
        (listed["total"] == 0).then_some(())
    });
}
