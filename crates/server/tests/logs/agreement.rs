//! What is told and what is counted are the same.

use crate::{
    logged::Logged,
    support::{
        Answer, User,
        events::Events,
        form, post_form,
        pusher::{Client, ask_for},
        send,
        socket::Socket,
        until,
    },
};
use campanile_metrics::testing::Probe;
use campanile_pusher::Credentials;
use campanile_server::{
    apps::APP_FILE,
    logs::{Description, events},
};
use minreq::Method;
use serde_json::{Value, json};
use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

const FAILED: &str = "authentication_failed";
const METRICS_TOKEN: &str = "a token for scraping";

#[test]
fn every_event_is_told_as_often_as_it_is_counted() {
    let logged = Logged::start("debug", &SETTINGS);
    cause(&logged);
    let counted = events::ALL.iter().filter(|event| event.counter.is_some());
    for event in counted.filter(|event| event.name != "tls_handshake_failed") {
        agrees(&logged, event);
    }
    let refused = until("the scrape is told", || {
        let lines = logged.lines();
        let refused = lines.iter().filter(|line| line["message"] == "scrape refused").count();
        (refused > 0).then_some(refused)
    });
    assert_eq!(scrape(&logged).sum("chat_metrics_scrapes_denied_total"), refused as f64);
}

#[test]
fn a_flood_of_refusals_is_few_lines_that_count_them_all() {
    let logged = Logged::start("info", &SETTINGS);
    let stranger = User { name: "eve".into(), token: "guessed".into() };
    const TRIES: u64 = 500;
    for _ in 0..TRIES {
        assert_eq!(logged.server.get_as(&stranger, "/api/v1/me").status, 401);
    }
    let stands_for = |lines: &[Value]| {
        lines.iter().map(|line| line["count"].as_u64().expect("a number")).sum::<u64>()
    };
    until("all are told", || (stands_for(&logged.of(FAILED)) == TRIES).then_some(()));
    assert_eq!(scrape(&logged).sum("chat_auth_failures_total"), TRIES as f64);
    for _ in 0..TRIES {
        assert_eq!(logged.server.get_as(&stranger, "/api/v1/me").status, 401);
    }
    // What is held back when the server stops is told all the same.
    let said = logged.stop();
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
    let told: Vec<_> = lines.filter(|line| line["event"] == FAILED).collect();
    assert_eq!(stands_for(&told), 2 * TRIES);
    let (first, last) = (&told[0]["time"], &told[told.len() - 1]["time"]);
    assert!(told.len() < 200, "{} lines from {first} to {last}", told.len());
}

#[test]
fn handshakes_that_fail_are_told_as_often_as_they_are_counted() {
    let home = tempfile::tempdir().expect("a directory");
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| home.path().join(name));
    let identity = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    fs::write(&cert, identity.cert.pem()).expect("written");
    fs::write(&key, identity.signing_key.serialize_pem()).expect("written");
    let [cert, key] = [&cert, &key].map(|file| file.to_str().expect("a plain path"));
    let files = [("SERVER__TLS__CERT", cert), ("SERVER__TLS__KEY", key)];
    let logged = Logged::start("debug", &[&SETTINGS[..1], &files].concat());
    for _ in 0..3 {
        let mut stream = TcpStream::connect(logged.server.address).expect("it listens");
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("written");
        let _end = stream.read_to_end(&mut Vec::new());
    }
    let is_handshake = |event: &&Description| event.name == "tls_handshake_failed";
    agrees(&logged, events::ALL.iter().find(is_handshake).expect("it is declared"));
}

#[test]
fn lines_are_counted_by_level() {
    let logged = Logged::start("info", &SETTINGS);
    cause(&logged);
    for level in ["error", "warn", "info"] {
        let (told, counted) = until(level, || {
            let lines = logged.lines();
            // What is told before the server serves has no counter yet.
            let lines = lines.iter().skip_while(|line| line["event"] != "serving");
            let told = lines.filter(|line| line["level"] == level).count() as f64;
            let counted = scrape(&logged).value("chat_log_lines_total", &[("level", level)])?;
            (told == counted).then_some((told, counted))
        });
        assert_eq!(told, counted, "{level}");
    }
}

const SETTINGS: [(&str, &str); 6] = [
    ("METRICS__BEARER_TOKEN", METRICS_TOKEN),
    ("LIMITS__LOGINS_PER_USER__PER_SECOND", "0.01"),
    ("LIMITS__LOGINS_PER_USER__BURST", "3"),
    ("LIMITS__API_PER_ADDRESS__BURST", "100000"),
    ("LIMITS__CONNECTIONS_PER_ADDRESS__BURST", "8"),
    ("LIMITS__CONNECTIONS_PER_ADDRESS__PER_SECOND", "0.01"),
];

/// Makes each of them happen.
fn cause(logged: &Logged) {
    let server = &logged.server;
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let wrong = json!({"name": "ada", "password": "another password"});
    let tries: Vec<u16> = (0..4).map(|_| server.post("/api/v1/login", &wrong).status).collect();
    assert_eq!(tries, [401, 401, 429, 429]);
    let bob = server.user("bob");
    let change = json!({"old": "another password", "new": "some new password"});
    let change = || server.put_as(&bob, "/api/v1/me/password", change.clone()).status;
    assert_eq!([change(), change(), change()], [403, 403, 429]);
    assert_eq!(
        server.post("/api/v1/login", &json!({"name": "nobody", "password": "x"})).status,
        401
    );
    let stranger = User { name: "eve".into(), token: "guessed".into() };
    assert_eq!(server.get_as(&stranger, "/api/v1/me").status, 401);
    post_form(server, &ada, "lobby", form(&[("file", "a.txt", b"plain text")])).expect(201);

    let app: toml::Table = logged.kept(APP_FILE).parse().expect("TOML");
    Client::open_with(server.address, app["key"].as_str().expect("a text")).leave();
    Socket::of(server, &ada).close();
    drop(Events::open(server, &ada, &["lobby"], ""));
    let mut unknown = Socket::open(server);
    assert_eq!(unknown.try_ask(json!({"op": "hello", "token": "guessed"}))["op"], "error");
    unknown.close();
    assert_eq!(server.get("/sse").status, 401);
    let handshakes: Vec<u16> = (0..4).map(|_| server.get("/sse").status).collect();
    assert!(handshakes.contains(&429), "{handshakes:?}");
    assert_eq!(send(minreq::get(&server.metrics)).status, 401);
    assert_eq!(ask_for_app(logged).status, 200);
}

/// Asks as the application does that the server has made for itself.
fn ask_for_app(logged: &Logged) -> Answer {
    let app: toml::Table = logged.kept(APP_FILE).parse().expect("TOML");
    let word = |name: &str| app[name].as_str().expect("a text");
    let credentials = Credentials::new(word("key"), word("secret"));
    let asked = ("/channels", "");
    ask_for((word("id"), &credentials), logged.server.address, Method::Get, asked)
}

/// Compares the lines of an event with its counter, series by series.
fn agrees(logged: &Logged, event: &Description) {
    let counter = event.counter.expect("it has one");
    let (name, fixed) = counter.split_once('{').unwrap_or((counter, ""));
    let fixed: Vec<(&str, &str)> = fixed
        .trim_end_matches('}')
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(label, value)| (label, value.trim_matches('"')))
        .collect();
    let compare = || {
        let (probe, lines) = (scrape(logged), logged.of(event.name));
        let series = probe.iter().filter(|(known, labels, _)| {
            let has = |(label, value): &(&str, &str)| {
                labels.iter().any(|(known, known_value)| known == label && known_value == value)
            };
            *known == name && fixed.iter().all(has)
        });
        let all: Vec<_> = series.map(|(_, labels, value)| (told(&lines, labels), value)).collect();
        let total = all.iter().map(|(told, _)| told).sum::<f64>();
        (all, total)
    };
    let agree = until(event.name, || {
        let (all, total) = compare();
        (total > 0.0 && all.iter().all(|(told, counted)| told == counted)).then_some(total)
    });
    assert!(agree > 0.0, "{}", event.name);
}

/// How many events lines with these labels stand for.
fn told(lines: &[Value], labels: &[(String, String)]) -> f64 {
    let fits = |line: &&Value| {
        labels.iter().all(|(label, value)| line[label].is_null() || line[label] == **value)
    };
    let counts = lines.iter().filter(fits).map(|line| line["count"].as_f64().unwrap_or(1.0));
    counts.sum()
}

fn scrape(logged: &Logged) -> Probe {
    let request = minreq::get(&logged.server.metrics)
        .with_header("Authorization", format!("Bearer {METRICS_TOKEN}"));
    let answer = send(request);
    assert_eq!(answer.status, 200, "{answer:?}");
    Probe::of(&answer.body)
}
