//! What is secret, or somebody's message, is in no line of any level.

use crate::{
    logged::Logged,
    stand_in::{Seen, StandIn},
    support::{
        form, post_form,
        program::campanile,
        push::{pair, say, subscription},
        pusher::{Client, ask_for, publication},
        send,
        socket::Socket,
        until,
    },
};
use campanile_adapter_webpush::VapidKey;
use campanile_metrics::testing::Probe;
use campanile_neighbours::{Postgres, PushService, Redis};
use campanile_pusher::Credentials;
use minreq::Method;
use serde_json::json;
use std::fs;

const PASSWORD: &str = "canary-password-of-ada";
const NEW_PASSWORD: &str = "canary-password-anew";
const WRONG: &str = "canary-password-wrong";
const BODY: &str = "canary-message-body";
const UPLOADED: &str = "canary-uploaded-content";
const METRICS_TOKEN: &str = "canary-metrics-token";
const USERS_KEY: &str = "canary-users-key-of-logs";
const DATABASE_PASSWORD: &str = "canary-database-password";
const REDIS_PASSWORD: &str = "canary-redis-password";
const APP_SECRET: &str = "canary-secret-of-the-shop";
const NEXT_APP_SECRET: &str = "canary-secret-that-comes-next";
const GUESSED: &str = "canary-guessed-token";
const LOKI_TOKEN: &str = "canary-loki-token";

#[test]
fn no_secret_and_no_message_is_in_any_line() {
    let (service, key) = (PushService::start(), VapidKey::generate().to_text());
    let loki = StandIn::start();
    let home = tempfile::tempdir().expect("a directory");
    let ca = home.path().join("ca.pem");
    fs::write(&ca, service.authority()).expect("written");
    let logged = Logged::start(
        "trace",
        &[
            ("METRICS__BEARER_TOKEN", METRICS_TOKEN),
            ("LOG__USERS", "hashed"),
            ("APPS__0__ID", "shop"),
            ("APPS__0__KEY", "shop-key"),
            ("APPS__0__SECRET", APP_SECRET),
            ("APPS__0__KEYS__0__KEY", "next-key"),
            ("APPS__0__KEYS__0__SECRET", NEXT_APP_SECRET),
            ("LOG__USERS_KEY", USERS_KEY),
            ("LOG__LOKI__URL", &loki.url()),
            ("LOG__LOKI__BEARER_TOKEN", LOKI_TOKEN),
            ("PUSH__VAPID_KEY", &key),
            ("PUSH__CA", ca.to_str().expect("a plain path")),
            ("PUSH__ALLOW_PRIVATE", "true"),
        ],
    );
    let mut secrets = talk(&logged, &service);
    talk_in_channels(&logged);
    secrets.extend([APP_SECRET, NEXT_APP_SECRET, LOKI_TOKEN].map(str::to_owned));
    secrets.extend(key.lines().filter(|line| !line.starts_with("--")).map(str::to_owned));
    let said = logged.stop();
    let levels = ["trace", "debug", "info", "warn"].map(|level| format!("\"level\":\"{level}\""));
    assert!(levels.iter().all(|level| said.contains(level)), "every level was looked at");
    assert_none(&said, &secrets);
    let seen = loki.lock();
    assert_eq!(seen.headers["authorization"], format!("Bearer {LOKI_TOKEN}"));
    let shipped = shipped(&seen);
    assert!(shipped.contains("\"message_handled\"") && shipped.contains("\"stopped\""));
    assert_none(&shipped, &secrets);
}

/// Everything that Loki has, a line each.
fn shipped(seen: &Seen) -> String {
    seen.entries.iter().map(|entry| format!("{:?} {}\n", entry.labels, entry.line)).collect()
}

/// Looks for secrets in lines.
#[track_caller]
fn assert_none(said: &str, secrets: &[String]) {
    let found: Vec<_> = said
        .lines()
        .filter(|line| secrets.iter().any(|secret| line.contains(secret.as_str())))
        .collect();
    assert!(
        found.is_empty(),
        "{} lines, the first ones: {:#?}",
        found.len(),
        &found[..found.len().min(8)]
    );
}

#[test]
fn the_secret_of_an_application_that_is_made_is_in_no_line() {
    let logged = Logged::start("trace", &[]);
    let made = logged.first("app_made");
    assert_eq!((&made["app"], &made["level"]), (&json!("1"), &json!("info")));
    let kept = logged.kept("app.toml");
    let secret = kept.lines().find(|line| line.starts_with("secret")).expect("it has one");
    let secret = secret.split('"').nth(1).expect("it is quoted").to_owned();
    assert_eq!(secret.len(), 40);
    assert_none(&logged.stop(), &[secret]);
}

#[test]
fn secrets_that_operators_are_shown_are_in_no_line() {
    let logged = Logged::start("trace", &[]);
    let server = &logged.server;
    let ada = server.user("ada");
    let apps = "/api/v1/apps";
    let new = json!({"id": "shop", "name": "The shop"});
    let made = server.post_as(&ada, apps, new).expect(201);
    let added = server.ask(&ada, Method::Post, "/api/v1/apps/shop/keys", None).expect(201);
    let change = json!({"enabled": true, "settings": {"subscription_counts": true}});
    server.ask(&ada, Method::Patch, "/api/v1/apps/shop", Some(change)).expect(200);
    let text = |from: &serde_json::Value, name: &str| from[name].as_str().expect("text").to_owned();
    for from in [&made, &added] {
        let credentials = Credentials::new(text(from, "key"), &text(from, "secret"));
        let body = publication("news", "told", "1");
        let shop = ("shop", &credentials);
        assert_eq!(ask_for(shop, server.address, Method::Post, ("/events", &body)).status, 200);
    }
    let revoked = format!("/api/v1/apps/shop/keys/{}", text(&made, "key"));
    server.delete_as(&ada, &revoked).expect(204);
    server.delete_as(&ada, "/api/v1/apps/shop").expect(204);
    assert_eq!(logged.first("app_deleted")["app"], "shop");
    assert_none(&logged.stop(), &[text(&made, "secret"), text(&added, "secret")]);
}

#[test]
fn a_password_of_a_database_is_in_no_line_of_a_start_that_fails() {
    let home = tempfile::tempdir().expect("a directory");
    for (setting, scheme) in [("CAMPANILE_STORE__URL", "postgres"), ("CAMPANILE_BUS__URL", "redis")]
    {
        let url = format!("{scheme}://campanile:{DATABASE_PASSWORD}@127.0.0.1:1/campanile");
        let mut command = campanile(home.path());
        let command = command.env("CAMPANILE_LOG__LEVEL", "trace").env(setting, url);
        let output = command.output().expect("it runs");
        assert!(!output.status.success());
        for said in [output.stdout, output.stderr] {
            let said = String::from_utf8(said).expect("text");
            assert!(!said.contains(DATABASE_PASSWORD), "{said}");
        }
    }
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn no_secret_is_in_any_line_while_neighbours_go_and_come() {
    let (mut postgres, mut redis) = (Postgres::start(), Redis::start());
    redis.ask(&["CONFIG", "SET", "requirepass", REDIS_PASSWORD]);
    let (service, key) = (PushService::start(), VapidKey::generate().to_text());
    let ca = tempfile::NamedTempFile::new().expect("a file");
    fs::write(&ca, service.authority()).expect("written");
    let database = postgres.create_database("canary");
    let bus = format!("redis://:{REDIS_PASSWORD}@127.0.0.1:{}", redis.port());
    let loki = StandIn::start();
    let logged = Logged::start(
        "trace",
        &[
            ("METRICS__BEARER_TOKEN", METRICS_TOKEN),
            ("STORE__URL", &database),
            ("BUS__URL", &bus),
            ("LOG__LOKI__URL", &loki.url()),
            ("LOG__LOKI__BEARER_TOKEN", LOKI_TOKEN),
            ("PUSH__VAPID_KEY", &key),
            ("PUSH__CA", ca.path().to_str().expect("a plain path")),
            ("PUSH__ALLOW_PRIVATE", "true"),
        ],
    );
    let mut secrets = talk(&logged, &service);
    secrets.extend([REDIS_PASSWORD, LOKI_TOKEN].map(str::to_owned));
    let user_info = database.split('@').next().expect("a URL");
    let database_password = user_info.rsplit(':').next().expect("a password");
    secrets.extend([database_password.to_owned(), database_password.replace("%20", " ")]);
    postgres.kill();
    redis.kill();
    for down in ["store_down", "bus_down"] {
        assert_eq!(logged.first(down)["level"], "error");
    }
    let account = json!({"name": "carol", "password": NEW_PASSWORD});
    assert_eq!(logged.server.post("/api/v1/login", &account).status, 503);
    assert!(logged.first("store_failed")["error"].is_string());
    postgres.start_again();
    redis.start_again();
    redis.ask(&["CONFIG", "SET", "requirepass", REDIS_PASSWORD]);
    for up in ["store_up", "bus_up"] {
        assert_eq!(logged.first(up)["level"], "info");
    }
    assert_none(&logged.stop(), &secrets);
    let seen = loki.lock();
    let errors = seen.entries.iter().filter(|entry| entry.labels["level"] == "error").count();
    assert!(errors >= 2, "{errors} errors were shipped");
    let shipped = shipped(&seen);
    for event in ["store_down", "bus_down", "store_failed", "stopped"] {
        assert!(shipped.contains(&format!("\"{event}\"")), "{event} was shipped");
    }
    assert_none(&shipped, &secrets);
}

/// The same in the channels of an application: what is published, said and signed there. All of it
/// has a canary in it.
fn talk_in_channels(logged: &Logged) {
    let (address, credentials) = (logged.server.address, Credentials::new("shop-key", APP_SECRET));
    let mut client = Client::open_with(address, "shop-key");
    let member = json!({"user_id": "canary-user", "user_info": {"name": "canary-name"}});
    client.subscribe_with(&credentials, "presence-room", Some(&member.to_string()));
    let user = json!({"id": "canary-user", "watchlist": ["canary-friend"]}).to_string();
    let socket = client.socket_id.parse().expect("an id");
    let auth = credentials.authorise_user(socket, &user);
    client.say("pusher:signin", &json!({"auth": auth, "user_data": user}));
    client.hear("pusher:signin_success");
    client.say("pusher:signin", &json!({"auth": "canary-auth", "user_data": user}));
    client.hear("pusher:error");
    let said = json!({"event": "client-canary-event", "channel": "presence-room", "data": BODY});
    client.send(&said.to_string());
    client.send(&format!("{BODY} that is no JSON"));
    client.hear("pusher:error");
    let body = publication("presence-room", "canary-event", BODY);
    let shop = ("shop", &credentials);
    let published = ask_for(shop, address, Method::Post, ("/events", &body));
    assert_eq!(published.status, 200, "{}", published.body);
    assert_eq!(client.hear("canary-event")["data"], BODY);
    let malformed = format!("{{\"name\": \"{BODY}\"");
    assert_eq!(ask_for(shop, address, Method::Post, ("/events", &malformed)).status, 400);
    let guessed = Credentials::new("shop-key", "canary-guessed-secret");
    let refused = ask_for(("shop", &guessed), address, Method::Post, ("/events", &body));
    assert_eq!(refused.status, 401);
    let nobody = Client::try_open(address, "canary-key?protocol=7&client=canary-client").closed();
    assert_eq!(nobody, 4001);
    client.leave();
}

/// Says every secret, to everything that takes one. What is secret of it.
fn talk(logged: &Logged, service: &PushService) -> Vec<String> {
    let server = &logged.server;
    let account = |name: &str, password: &str| json!({"name": name, "password": password});
    server.post("/api/v1/users", &account("carol", PASSWORD)).expect(201);
    let opened = server.post("/api/v1/login", &account("carol", PASSWORD)).expect(200);
    let carol = crate::support::User {
        name: "carol".into(),
        token: opened["token"].as_str().expect("a token").to_owned(),
    };
    assert_eq!(server.post("/api/v1/login", &account("carol", WRONG)).status, 401);
    assert_eq!(server.post("/api/v1/login", &account(WRONG, PASSWORD)).status, 401);
    let malformed = minreq::post(server.url("/api/v1/login"))
        .with_header("Content-Type", "application/json")
        .with_body(format!("{{\"name\": \"carol\", \"{WRONG}\": \"{PASSWORD}\", \"password\""));
    assert_eq!(send(malformed).status, 400);
    let invite = server.post_as(&carol, "/api/v1/invites", json!({})).expect(201);
    let code = invite["code"].as_str().expect("a code").to_owned();
    let with_invite = json!({"name": "dave", "password": PASSWORD, "invite": code});
    server.post("/api/v1/users", &with_invite).expect(201);

    let (ada, bob, room) = pair(server);
    let wanted = subscription(service, "canary-endpoint");
    server.put_as(&bob, "/api/v1/push-subscriptions", wanted.clone()).expect(204);
    say(server, &ada, &room, BODY);
    until("it is pushed", || {
        let scrape = minreq::get(&server.metrics);
        let answer = send(scrape.with_header("Authorization", format!("Bearer {METRICS_TOKEN}")));
        (Probe::of(&answer.body).sum("chat_notifications_sent_total") > 0.0).then_some(())
    });
    server.get_as(&ada, &format!("/api/v1/rooms/{room}/messages")).expect(200);
    server.room(&ada, "lobby");
    let mut socket = Socket::of(server, &ada);
    socket.ask(json!({"op": "join", "room": "lobby"}));
    socket.ask(json!({"op": "send", "room": "lobby", "body": BODY, "key": "canary-key"}));
    socket.ask(json!({"op": "edit", "room": "lobby", "seq": 1, "body": format!("{BODY} anew")}));
    socket.ask(json!({"op": "history", "room": "lobby"}));
    socket.try_ask(json!({"op": "send", "room": "lobby", "body": BODY, BODY: 1}));
    socket.say(&format!("{BODY} that is no JSON"));
    socket.close();
    let mut stranger = Socket::open(server);
    stranger.try_ask(json!({"op": "hello", "token": GUESSED}));
    stranger.close();

    let upload = form(&[("file", "canary-file-name.txt", UPLOADED.as_bytes())]);
    let kept = post_form(server, &ada, "lobby", upload).expect(201);
    let id = kept["upload"]["id"].as_str().expect("an id").to_owned();
    let path = format!("/api/v1/uploads/{id}");
    assert_eq!(server.get_as(&ada, &path).status, 200);
    let change = json!({"old": PASSWORD, "new": NEW_PASSWORD});
    server.put_as(&carol, "/api/v1/me/password", change).expect(204);
    server.ask(&ada, Method::Post, "/api/v1/logout", None).expect(204);
    for token in [METRICS_TOKEN, GUESSED] {
        let scrape = minreq::get(&server.metrics);
        send(scrape.with_header("Authorization", format!("Bearer {token}")));
    }
    let keys =
        ["p256dh", "auth"].map(|name| wanted["keys"][name].as_str().expect("text").to_owned());
    let mut secrets = [
        PASSWORD,
        NEW_PASSWORD,
        WRONG,
        BODY,
        UPLOADED,
        METRICS_TOKEN,
        USERS_KEY,
        GUESSED,
        "canary-",
    ]
    .map(str::to_owned)
    .to_vec();
    secrets.extend([carol.token, ada.token, bob.token, code]);
    secrets.extend(keys);
    secrets
}
