//! Applications, as operators see and change them.

mod faults;

use crate::support::{
    Server, User,
    pusher::{APP, Client, KEY, ask_for, publication, with_app},
    start, start_in, start_with, until,
};
use campanile_neighbours::Receiver;
use campanile_pusher::{Credentials, Signature};
use minreq::Method;
use serde_json::{Value, json};

const APPS: &str = "/api/v1/apps";

/// An application that an operator has made.
struct Made {
    id: String,
    credentials: Credentials,
}

impl Made {
    fn new(server: &Server, operator: &User, body: Value) -> Self {
        let made = server.post_as(operator, APPS, body).expect(201);
        let id = made["app"]["id"].as_str().expect("an id").to_owned();
        Self { id, credentials: credentials(&made) }
    }

    fn path(&self) -> String {
        format!("{APPS}/{}", self.id)
    }

    fn key(&self) -> &str {
        self.credentials.key()
    }

    fn change(&self, server: &Server, operator: &User, change: Value) -> Value {
        server.ask(operator, Method::Patch, &self.path(), Some(change)).expect(200)["app"].clone()
    }

    /// The status that a publication gets.
    fn publish(&self, server: &Server) -> u16 {
        publish_with(server, &self.id, &self.credentials)
    }
}

fn credentials(made: &Value) -> Credentials {
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    Credentials::new(text("key"), &text("secret"))
}

fn publish_with(server: &Server, app: &str, credentials: &Credentials) -> u16 {
    let body = publication("news", "told", "1");
    ask_for((app, credentials), server.address, Method::Post, ("/events", &body)).status
}

/// The code with which somebody is turned away who comes with a key.
fn turned_away(server: &Server, key: &str) -> u16 {
    Client::try_open(server.address, &format!("{key}?protocol=7")).closed()
}

fn operator() -> (Server, User) {
    let server = start();
    let operator = server.user("ada");
    (server, operator)
}

#[test]
fn operators_see_the_applications_of_the_configuration() {
    let server = start_with(|config| {
        with_app(config, |app| {
            app.client_messages = false;
            app.limits.connections_max = 7;
        });
    });
    let (operator, eve) = (server.user("ada"), server.user("eve"));
    let client = Client::open(&server);
    let answer = server.get_as(&operator, APPS);
    assert!(!answer.body.contains("secret") && !answer.body.contains("of-tests"), "{answer:?}");
    let apps = answer.expect(200);
    let app = &apps["apps"][0];
    assert_eq!((&app["id"], &app["name"]), (&json!(APP), &json!(APP)));
    assert_eq!((&app["enabled"], &app["source"]), (&json!(true), &json!("configuration")));
    assert_eq!(app["keys"], json!([{"key": KEY}]));
    assert_eq!(app["connections"], 1);
    let settings = &app["settings"];
    assert_eq!(settings["client_messages"], false);
    assert_eq!(settings["limits"]["connections_max"], 7);
    assert_eq!((&settings["allowed_origins"], &settings["webhooks"]), (&json!([]), &json!([])));
    client.leave();
    until("the connection is gone", || {
        let apps = server.get_as(&operator, APPS).expect(200);
        (apps["apps"][0]["connections"] == 0).then_some(())
    });
    assert_eq!(server.get(APPS).refused(401), "unauthenticated");
    assert_eq!(server.get_as(&eve, APPS).refused(403), "forbidden");
}

#[test]
fn the_configuration_is_not_changed_by_operators() {
    let server = start_with(|config| with_app(config, |_| {}));
    let operator = server.user("ada");
    let path = format!("{APPS}/{APP}");
    let key = format!("{path}/keys/{KEY}");
    let refused = [
        server.ask(&operator, Method::Patch, &path, Some(json!({"enabled": false}))),
        server.delete_as(&operator, &path),
        server.ask(&operator, Method::Post, &format!("{path}/keys"), None),
        server.delete_as(&operator, &key),
        server.post_as(&operator, APPS, json!({"id": APP, "name": "Another"})),
    ];
    for answer in refused {
        assert_eq!(answer.refused(409), "conflict");
    }
    assert_eq!(server.get_as(&operator, &path).expect(200)["app"]["enabled"], true);
    Client::open(&server).leave();
}

#[test]
fn an_application_is_made_and_its_secret_is_shown_once() {
    let (server, operator) = operator();
    let wanted = json!({
        "id": "shop", "name": "The shop \u{1f514}",
        "settings": {"client_messages": false, "limits": {"cache_seconds": 7.5}},
    });
    let made = server.post_as(&operator, APPS, wanted).expect(201);
    let credentials = credentials(&made);
    let mut client = Client::open_with(server.address, credentials.key());
    client.subscribe_with(&credentials, "private-orders", None);
    assert_eq!(publish_with(&server, "shop", &credentials), 200);
    for path in [APPS.to_owned(), format!("{APPS}/shop")] {
        let answer = server.get_as(&operator, &path);
        assert!(!answer.body.contains(made["secret"].as_str().expect("a text")), "{answer:?}");
    }
    let shown = server.get_as(&operator, &format!("{APPS}/shop")).expect(200)["app"].clone();
    assert_eq!((&shown["source"], &shown["name"]), (&json!("api"), &json!("The shop \u{1f514}")));
    assert_eq!(shown["keys"][0]["key"], made["key"]);
    assert!(shown["keys"][0]["created_at"].is_string(), "{shown}");
    assert_eq!(shown["settings"]["limits"]["cache_seconds"], 7.5);
    assert_eq!(shown["settings"]["client_messages"], false);
    assert_eq!(shown["settings"]["subscription_counts"], false, "as it is by default");
    assert_eq!(shown["connections"], 1);
    let again = server.post_as(&operator, APPS, json!({"id": "shop", "name": "Again"}));
    assert_eq!(again.refused(409), "conflict");
    let other = Made::new(&server, &operator, json!({"name": "Other"}));
    assert!(other.id.bytes().all(|byte| byte.is_ascii_digit()), "{}", other.id);
    assert_eq!(other.publish(&server), 200);
    assert_eq!(publish_with(&server, &other.id, &credentials), 401, "each has its own keys");
}

#[test]
fn a_disabled_application_sends_everyone_away_until_it_is_enabled() {
    let (server, operator) = operator();
    let shop = Made::new(&server, &operator, json!({"name": "Shop"}));
    let other = Made::new(&server, &operator, json!({"name": "Other"}));
    let mut there = Client::open_with(server.address, shop.key());
    let mut elsewhere = Client::open_with(server.address, other.key());
    let app = shop.change(&server, &operator, json!({"enabled": false}));
    assert_eq!((&app["enabled"], &app["name"]), (&json!(false), &json!("Shop")));
    assert_eq!(there.hear("pusher:error")["data"]["code"], 4003);
    assert_eq!(there.closed(), 4003);
    assert_eq!(turned_away(&server, shop.key()), 4003);
    assert_eq!(shop.publish(&server), 403);
    shop.change(&server, &operator, json!({"enabled": true, "name": "The shop"}));
    assert_eq!(shop.publish(&server), 200);
    let mut back = Client::open_with(server.address, shop.key());
    back.subscribe_with(&shop.credentials, "private-orders", None);
    elsewhere.subscribe_with(&other.credentials, "private-orders", None);
}

#[test]
fn a_deleted_application_is_known_no_longer() {
    let (server, operator) = operator();
    let shop = Made::new(&server, &operator, json!({"name": "Shop"}));
    let mut there = Client::open_with(server.address, shop.key());
    server.delete_as(&operator, &shop.path()).expect(204);
    assert_eq!(there.hear("pusher:error")["data"]["code"], 4001);
    assert_eq!(there.closed(), 4001);
    assert_eq!(turned_away(&server, shop.key()), 4001);
    assert_eq!(shop.publish(&server), 404);
    assert_eq!(server.get_as(&operator, &shop.path()).refused(404), "not_found");
    assert_eq!(server.delete_as(&operator, &shop.path()).refused(404), "not_found");
    let change = server.ask(&operator, Method::Patch, &shop.path(), Some(json!({})));
    assert_eq!(change.refused(404), "not_found");
    let key = server.ask(&operator, Method::Post, &format!("{}/keys", shop.path()), None);
    assert_eq!(key.refused(404), "not_found");
}

#[test]
fn a_key_takes_the_place_of_another_without_a_gap() {
    let (server, operator) = operator();
    let shop = Made::new(&server, &operator, json!({"name": "Shop"}));
    let mut old = Client::open_with(server.address, shop.key());
    let keys = format!("{}/keys", shop.path());
    let added = server.ask(&operator, Method::Post, &keys, None).expect(201);
    let new = credentials(&added);
    assert_eq!((shop.publish(&server), publish_with(&server, &shop.id, &new)), (200, 200));
    // Both sign, whichever a client came with.
    let mut young = Client::open_with(server.address, new.key());
    young.subscribe_with(&shop.credentials, "private-a", None);
    old.subscribe_with(&new, "private-a", None);
    server.delete_as(&operator, &format!("{keys}/{}", shop.key())).expect(204);
    assert_eq!(old.hear("pusher:error")["data"]["code"], 4001);
    assert_eq!(old.closed(), 4001);
    assert_eq!(turned_away(&server, shop.key()), 4001);
    assert_eq!((shop.publish(&server), publish_with(&server, &shop.id, &new)), (401, 200));
    young.subscribe_with(&new, "private-b", None);
    let wrong = {
        let socket = young.socket_id.parse().expect("an id");
        let limits = campanile_pusher::Limits::default();
        let name = campanile_pusher::ChannelName::parse("private-c", &limits).expect("a name");
        shop.credentials.authorise_channel(socket, &name, None)
    };
    young.say("pusher:subscribe", &json!({"channel": "private-c", "auth": wrong}));
    let refused = young.next();
    assert_ne!(refused["event"], "pusher_internal:subscription_succeeded", "{refused}");
    let last = server.delete_as(&operator, &format!("{keys}/{}", new.key()));
    assert_eq!(last.refused(409), "conflict", "an application has a key");
    let unknown = server.delete_as(&operator, &format!("{keys}/{}", shop.key()));
    assert_eq!(unknown.refused(404), "not_found");
}

#[test]
fn changed_settings_hold_for_what_comes_next() {
    let (server, operator) = operator();
    let shop = Made::new(&server, &operator, json!({"name": "Shop"}));
    let mut client = Client::open_with(server.address, shop.key());
    client.subscribe_with(&shop.credentials, "private-a", None);
    let change = json!({"settings": {"client_messages": false, "limits": {"connections_max": 1}}});
    let settings = shop.change(&server, &operator, change)["settings"].clone();
    assert_eq!(settings["limits"]["connections_max"], 1);
    assert_eq!(settings["limits"]["channel_name_bytes_max"], 200, "what is left out stays");
    client.send(&json!({"event": "client-hi", "channel": "private-a", "data": {}}).to_string());
    let refused = client.hear("pusher:error");
    assert!(refused["data"]["message"].is_string(), "{refused}");
    assert_eq!(turned_away(&server, shop.key()), 4004);
    let change = json!({"settings": {"limits": {"connections_max": 0}}});
    let settings = shop.change(&server, &operator, change)["settings"].clone();
    assert_eq!(settings["client_messages"], false, "what is left out stays");
    Client::open_with(server.address, shop.key()).leave();
}

#[test]
fn webhooks_are_told_from_when_they_are_set() {
    let receiver = Receiver::start();
    let server = start_with(|config| config.webhooks.allow = vec!["127.0.0.0/8".to_owned()]);
    let operator = server.user("ada");
    let shop = Made::new(&server, &operator, json!({"name": "Shop"}));
    let webhooks = json!([{"url": receiver.url("hook"), "events": ["channel_occupied"]}]);
    shop.change(&server, &operator, json!({"settings": {"webhooks": webhooks}}));
    let mut client = Client::open_with(server.address, shop.key());
    client.subscribe_with(&shop.credentials, "private-a", None);
    let told = receiver.next();
    assert_eq!(told.headers["x-pusher-key"], shop.key());
    let signature = Signature::parse(&told.headers["x-pusher-signature"]).expect("a signature");
    assert!(shop.credentials.verify([&told.body[..]], &signature), "it is signed");
    let body: Value = serde_json::from_slice(&told.body).expect("JSON");
    let occupied = json!({"name": "channel_occupied", "channel": "private-a"});
    assert_eq!(body["events"], json!([occupied]));
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let (server, operator) = operator();
    let eve = server.user("eve");
    let shop = Made::new(&server, &operator, json!({"name": "Shop"}));
    let before = server.get_as(&operator, APPS).expect(200);
    for bad in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "a\nb"}),
        json!({"name": null}),
        json!({"name": "x", "id": "a b"}),
        json!({"name": "x", "id": "native"}),
        json!({"name": "x", "enabled": null}),
        json!({"name": "x", "secret": "mine"}),
        json!({"name": "x", "settings": {"unknown": 1}}),
        json!({"name": "x", "settings": {"client_messages": "yes"}}),
        json!({"name": "x", "settings": {"limits": {"cache_seconds": -1}}}),
        json!({"name": "x", "settings": {"limits": {"frame_bytes_max": 0}}}),
        json!({"name": "x", "settings": {"limits": {"unknown": 1}}}),
        json!({"name": "x", "settings": {"limits": null}}),
        json!({"name": "x", "settings": {"allowed_origins": ["shop.example"]}}),
        json!({"name": "x", "settings": {"webhooks": [{"url": "http://127.0.0.1/"}]}}),
        json!({"name": "x", "settings": {"webhooks": [{}]}}),
        json!({"name": "x", "settings": {"webhooks": [{"url": "https://a.example/", "events": ["x"]}]}}),
    ] {
        assert_eq!(
            server.post_as(&operator, APPS, bad.clone()).refused(400),
            "bad_request",
            "{bad}"
        );
        let mut change = bad;
        if change != json!({}) {
            change.as_object_mut().expect("an object").entry("name").or_insert(json!(""));
            let answer = server.ask(&operator, Method::Patch, &shop.path(), Some(change.clone()));
            assert_eq!(answer.refused(400), "bad_request", "{change}");
        }
    }
    for (method, path) in [
        (Method::Get, shop.path()),
        (Method::Delete, shop.path()),
        (Method::Post, format!("{}/keys", shop.path())),
        (Method::Delete, format!("{}/keys/{}", shop.path(), shop.key())),
    ] {
        let answer = server.ask(&eve, method.clone(), &path, None);
        assert_eq!(answer.refused(403), "forbidden", "{method} {path}");
    }
    assert_eq!(server.post_as(&eve, APPS, json!({"name": "x"})).refused(403), "forbidden");
    assert_eq!(server.get_as(&operator, APPS).expect(200), before);
}

#[test]
fn only_so_many_are_made_with_so_many_keys() {
    let server = start_with(|config| {
        config.limits.apps_max = 1;
        config.limits.app_keys_max = 2;
    });
    let operator = server.user("ada");
    let shop = Made::new(&server, &operator, json!({"name": "Shop"}));
    let second = server.post_as(&operator, APPS, json!({"name": "Second"}));
    assert_eq!(second.refused(409), "conflict");
    let keys = format!("{}/keys", shop.path());
    server.ask(&operator, Method::Post, &keys, None).expect(201);
    assert_eq!(server.ask(&operator, Method::Post, &keys, None).refused(409), "conflict");
}

#[test]
fn applications_outlive_the_server() {
    let (server, operator) = operator();
    let shop = Made::new(&server, &operator, json!({"id": "shop", "name": "Shop"}));
    let off = Made::new(&server, &operator, json!({"name": "Off", "enabled": false}));
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let server = start_in(data, |_| {});
    let operator = server.log_in("ada");
    assert_eq!((shop.publish(&server), off.publish(&server)), (200, 403));
    let mut client = Client::open_with(server.address, shop.key());
    client.subscribe_with(&shop.credentials, "private-a", None);
    let apps = server.get_as(&operator, APPS).expect(200);
    assert_eq!(apps["apps"].as_array().map(Vec::len), Some(3), "that of the server, and two");
}

#[test]
fn each_application_is_counted_by_itself_from_when_it_is_made() {
    let (server, operator) = operator();
    let opened = |app: &str| {
        let labels = [("app", app), ("transport", "websocket")];
        server.scrape().value("chat_connections_opened_total", &labels)
    };
    assert_eq!(opened("shop"), None);
    let shop = Made::new(&server, &operator, json!({"id": "shop", "name": "Shop"}));
    assert_eq!(opened("shop"), Some(0.0), "before anybody comes");
    let mut client = Client::open_with(server.address, shop.key());
    client.subscribe_with(&shop.credentials, "news", None);
    assert_eq!(shop.publish(&server), 200);
    client.hear("told");
    let received = |transport: &str, kind: &str| {
        let labels = [("app", "shop"), ("transport", transport), ("kind", kind)];
        server.scrape().value("chat_messages_received_total", &labels)
    };
    assert_eq!((opened("shop"), opened("_other")), (Some(1.0), None));
    assert_eq!(received("long_poll", "event"), Some(1.0));
    until("the worker has written what it counted", || {
        (received("websocket", "control") == Some(1.0)).then_some(())
    });
    server.delete_as(&operator, &shop.path()).expect(204);
    assert_eq!(client.closed(), 4001);
    let again = Made::new(&server, &operator, json!({"id": "shop", "name": "Again"}));
    Client::open_with(server.address, again.key()).leave();
    assert_eq!(opened("shop"), Some(2.0), "a counter never falls");
}
