//! What applications are told over HTTP of their channels, also by a program that was killed.

use crate::support::{
    hooks::{events, next, set, set_unasked, start_telling},
    program::{Program, campanile},
    pusher::{APP, Client, app_file},
    start_in, start_with, until,
};
use campanile_neighbours::{Receiver, Reply};
use serde_json::json;
use std::{collections::BTreeSet, fs, time::Duration};

/// How long nothing comes where nothing is to come.
const SILENCE: Duration = Duration::from_millis(1_500);

/// How long somebody waits for what a program was doing that was killed.
const KILLED: Duration = Duration::from_secs(40);

#[test]
fn an_application_is_told_what_happens_in_its_channels() {
    let receiver = Receiver::start();
    let server = start_telling(&receiver, &[]);
    let mut ada = Client::open(&server);
    ada.subscribe("presence-room", Some("ada"));
    let mut told = [next(&receiver), next(&receiver)];
    told.sort_by_key(|event| event["name"].to_string());
    let occupied = json!({"name": "channel_occupied", "channel": "presence-room"});
    let added = json!({"name": "member_added", "channel": "presence-room", "user_id": "ada"});
    assert_eq!(told, [occupied, added]);
    let typing = json!({
        "event": "client-typing", "channel": "presence-room", "data": {"is": [1, 2.50, "ä"]},
    });
    ada.send(&typing.to_string());
    let said = next(&receiver);
    let expected = json!({
        "name": "client_event", "channel": "presence-room", "event": "client-typing",
        "data": {"is": [1, 2.50, "ä"]}, "socket_id": ada.socket_id, "user_id": "ada",
    });
    assert_eq!(said, expected);
    ada.subscribe("cache-weather", None);
    let mut told = [next(&receiver), next(&receiver)];
    told.sort_by_key(|event| event["name"].to_string());
    assert_eq!(told[0], json!({"name": "cache_miss", "channel": "cache-weather"}));
    ada.leave();
    let mut told = [next(&receiver), next(&receiver), next(&receiver)];
    told.sort_by_key(ToString::to_string);
    let vacated = |channel: &str| json!({"name": "channel_vacated", "channel": channel});
    let removed = json!({"name": "member_removed", "channel": "presence-room", "user_id": "ada"});
    let mut expected = [vacated("cache-weather"), vacated("presence-room"), removed];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(told, expected);
    assert!(receiver.next_within(SILENCE).is_none(), "each is told once");
}

#[test]
fn an_application_that_asks_for_it_is_told_of_messages_in_rooms() {
    let receiver = Receiver::start();
    let server = start_with(|config| {
        set(config, &receiver, &["message"]);
        config.apps[0].webhooks[0].rooms = vec!["public".to_owned(), "direct".to_owned()];
    });
    let (ada, bob) = (server.user("ada"), server.user("bob"));
    server.room(&ada, "lobby");
    let sent = server.post_as(&ada, "/api/v1/rooms/lobby/messages", json!({"body": "hé\n\"llo"}));
    let sent = sent.expect(201);
    let expected = json!({
        "name": "message", "room": "lobby", "seq": 1, "message_id": sent["message_id"],
        "user": "ada", "body": "hé\n\"llo", "at": sent["at"],
    });
    assert_eq!(next(&receiver), expected);
    let direct = server
        .post_as(&ada, "/api/v1/rooms", json!({"kind": "direct", "with": bob.name}))
        .expect(201);
    let direct = direct["room"]["name"].as_str().expect("a name");
    let path = format!("/api/v1/rooms/{direct}/messages");
    let sent = server.post_as(&ada, &path, json!({"body": "between us"})).expect(201);
    let expected = json!({
        "name": "message", "room": direct, "seq": 1, "message_id": sent["message_id"],
        "user": "ada", "at": sent["at"],
    });
    assert_eq!(next(&receiver), expected);
}

#[test]
fn who_is_back_in_time_was_never_gone() {
    let receiver = Receiver::start();
    let server = start_telling(&receiver, &["channel_vacated", "member_removed"]);
    let mut ada = Client::open(&server);
    ada.subscribe("presence-room", Some("ada"));
    ada.leave();
    let mut back = Client::open(&server);
    back.subscribe("presence-room", Some("ada"));
    assert!(receiver.next_within(Duration::from_secs(5)).is_none());
}

#[test]
fn several_events_are_told_together_where_they_may() {
    let receiver = Receiver::start();
    receiver.reply_next([Reply::status("503 Service Unavailable")]);
    let server = start_with(|config| {
        set(config, &receiver, &["channel_occupied"]);
        config.webhooks.batch = 10;
    });
    let mut ada = Client::open(&server);
    ada.subscribe("first", None);
    assert_eq!(events(&receiver.next()).len(), 1);
    for name in ["second", "third"] {
        ada.subscribe(name, None);
    }
    let told = events(&receiver.next());
    let channels: BTreeSet<&str> =
        told.iter().filter_map(|event| event["channel"].as_str()).collect();
    assert!(channels.len() > 1, "they waited together: {told:?}");
}

#[test]
fn what_is_given_up_is_shown_to_operators_and_told_again() {
    let receiver = Receiver::start();
    receiver.reply_next([Reply::status("500 Internal Server Error")]);
    let server = start_with(|config| {
        set(config, &receiver, &["channel_occupied"]);
        config.apps[0].limits.webhook_retry_seconds = 0.0;
    });
    let (operator, eve) = (server.user("ada"), server.user("eve"));
    let mut client = Client::open(&server);
    client.subscribe("news", None);
    let told = next(&receiver);
    let path = "/api/v1/webhooks/dead";
    let dead = until("it is given up", || {
        let dead = server.get_as(&operator, path).expect(200)["webhooks"].clone();
        (dead != json!([])).then_some(dead)
    });
    assert_eq!(dead[0]["app"], APP);
    assert_eq!(dead[0]["url"], receiver.url("hook"));
    assert_eq!((&dead[0]["event"], &dead[0]["channel"]), (&told["name"], &told["channel"]));
    assert_eq!(dead[0]["error"], "it answers 500 Internal Server Error");
    let revive = format!("{path}/revive");
    assert_eq!(server.get(path).refused(401), "unauthenticated");
    assert_eq!(server.get_as(&eve, path).refused(403), "forbidden");
    assert_eq!(server.post_as(&eve, &revive, json!({})).refused(403), "forbidden");
    for bad in [json!({"ids": ["x"]}), json!({"ids": null}), json!({"id": "1"})] {
        assert_eq!(server.post_as(&operator, &revive, bad).refused(400), "bad_request");
    }
    let none = server.post_as(&operator, &revive, json!({"ids": ["77"]})).expect(200);
    assert_eq!(none, json!({"revived": 0}));
    let ids = json!({"ids": [dead[0]["id"]]});
    assert_eq!(server.post_as(&operator, &revive, ids).expect(200), json!({"revived": 1}));
    assert_eq!(next(&receiver), told, "it says the same");
    assert_eq!(server.get_as(&operator, path).expect(200), json!({"webhooks": []}));
    assert_eq!(server.post_as(&operator, &revive, json!({})).expect(200), json!({"revived": 0}));
}

#[test]
fn what_happened_before_the_end_is_told_after_it() {
    let receiver = Receiver::start();
    receiver.reply_always(Some(Reply::status("503 Service Unavailable")));
    let server = start_telling(&receiver, &["channel_vacated"]);
    let mut ada = Client::open(&server);
    ada.subscribe("news", None);
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    receiver.reply_always(None);
    let _server = start_in(data, |config| set(config, &receiver, &["channel_vacated"]));
    assert_eq!(next(&receiver), json!({"name": "channel_vacated", "channel": "news"}));
}

#[test]
fn a_program_that_was_killed_tells_after_its_restart() {
    let receiver = Receiver::start();
    receiver.reply_always(Some(Reply::status("500 Internal Server Error")));
    let home = tempfile::tempdir().expect("a directory");
    let file = format!(
        "[webhooks]\nallow = [\"127.0.0.0/8\"]\n{}\
         [[apps.webhooks]]\nurl = \"{}\"\nevents = [\"channel_occupied\"]\n",
        app_file(),
        receiver.url("hook"),
    );
    fs::write(home.path().join("campanile.toml"), file).expect("written");
    let start = || Program::start(&mut campanile(home.path()));
    let mut program = start();
    let address = program.url.trim_start_matches("http://").parse().expect("an address");
    let mut ada = Client::open_at(address);
    let channels: BTreeSet<String> = (0..20).map(|number| format!("channel-{number}")).collect();
    for channel in &channels {
        ada.subscribe(channel, None);
    }
    // What was tried once is kept; the others became jobs together with it or before.
    let tried = next(&receiver);
    assert_eq!(tried["name"], "channel_occupied");
    until("all are queued", || {
        let answer = minreq::get(&program.metrics).send().expect("an answer");
        let line = "chat_queue_jobs_pending{queue=\"webhook\"} 20";
        answer.as_str().expect("text").contains(line).then_some(())
    });
    program.child.kill().expect("it is killed");
    program.child.wait().expect("it has ended");
    while receiver.next_within(Duration::from_millis(100)).is_some() {}
    receiver.reply_always(None);
    let _program = start();
    let mut told = BTreeSet::new();
    while told.len() < channels.len() {
        let received = receiver.next_within(KILLED).expect("a webhook comes");
        let channels = events(&received);
        told.extend(
            channels.iter().filter_map(|event| event["channel"].as_str().map(str::to_owned)),
        );
    }
    assert_eq!(told, channels);
}

#[test]
fn mistakes_in_its_settings_are_one_clear_line() {
    let home = tempfile::tempdir().expect("a directory");
    let said = |text: &str| {
        let text = format!("{}{text}", app_file());
        fs::write(home.path().join("campanile.toml"), text).expect("written");
        let output = campanile(home.path()).output().expect("it runs");
        let text = String::from_utf8(output.stderr).expect("text");
        assert_eq!((output.status.code(), text.lines().count()), (Some(2), 1), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
        text
    };
    let hook = |url: &str| format!("[[apps.webhooks]]\nurl = \"{url}\"\n");
    assert!(said("[[apps.webhooks]]\n").contains("apps.0.webhooks.0.url is missing"));
    for (url, part) in [
        ("shop.example/hunter2", "no URL"),
        ("ftp://shop.example/hunter2", "no URL"),
        ("http://127.0.0.1/hunter2", "webhooks.allow"),
        ("http://[::ffff:10.0.0.1]/hunter2", "webhooks.allow"),
    ] {
        let said = said(&hook(url));
        assert!(said.contains("apps.0.webhooks.0.url") && said.contains(part), "{said}");
    }
    let twice = hook("https://shop.example/").repeat(2);
    assert!(said(&twice).contains("apps.0.webhooks.1.url"));
    let event = format!("{}events = [\"channel_left\"]\n", hook("https://shop.example/"));
    assert!(said(&event).contains("channel_left"));
    assert!(said("[webhooks]\nallow = [\"10.0.0.0/99\"]\n").contains("webhooks.allow"));
    assert!(said("[webhooks]\nbatch = 0\n").contains("webhooks.batch"));
    let ca = format!("{}[webhooks]\nca = \"absent.pem\"\n", hook("https://shop.example/"));
    assert!(said(&ca).contains("absent.pem"));
}

#[test]
fn a_receiver_is_who_the_settings_say() {
    let receiver = Receiver::start_with_tls();
    let data = tempfile::tempdir().expect("a directory");
    let ca = data.path().join("webhooks-ca.pem");
    fs::write(&ca, receiver.authority()).expect("written");
    let server = start_in(data, |config| {
        set(config, &receiver, &["channel_occupied"]);
        config.webhooks.ca = Some(ca);
    });
    let mut ada = Client::open(&server);
    ada.subscribe("news", None);
    assert_eq!(next(&receiver)["channel"], "news");
    // By its name it may not be asked.
    let refused = start_with(|config| set_unasked(config, &receiver, &[]));
    let mut ada = Client::open(&refused);
    ada.subscribe("news", None);
    until("it is refused", || {
        let labels = [("event", "channel_occupied"), ("reason", "connect")];
        let failed = refused.scrape().value("chat_webhooks_failed_total", &labels);
        failed.is_some_and(|failed| failed > 0.0).then_some(())
    });
    assert!(receiver.next_within(Duration::from_millis(300)).is_none());
}
