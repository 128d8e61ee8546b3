//! What the nodes know together of an application: which requests came before, how many messages it
//! has had today, who is signed in.

use crate::{
    nodes::Cluster,
    support::{
        pusher::{APP, Client, app_file, ask_at, credentials, inner, publication},
        send,
    },
};
use campanile_adapter_memory::SystemClock;
use campanile_core::port::Clock;
use campanile_neighbours::{Redis, until};
use campanile_pusher::http::signed_query;
use minreq::Method;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};

/// Within this, what a node had that died is known to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// Publishes with a key that says whether it came before; the status and what is said.
fn publish_once(at: SocketAddr, key: &str, body: &str) -> (u16, String) {
    ask_once((at, "events"), key, body)
}

fn ask_once((at, what): (SocketAddr, &str), key: &str, body: &str) -> (u16, String) {
    let path = format!("/apps/{APP}/{what}");
    let now_seconds = SystemClock::new().now().0 / 1_000;
    let query = signed_query(&credentials(), ("POST", &path), &[], body.as_bytes(), now_seconds);
    let request = minreq::post(format!("http://{at}{path}?{query}"))
        .with_header("Idempotency-Key", key)
        .with_body(body);
    let answer = send(request);
    (answer.status, answer.body)
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn a_request_that_comes_again_to_another_node_is_done_once() {
    let cluster = Cluster::start_from(2, &[], &app_file());
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let mut ada = Client::open_at(here);
    ada.subscribe("news", None);
    let body = publication("news", "news", "once");
    for at in [here, there, here, there] {
        assert_eq!(publish_once(at, "key", &body), (200, "{}".to_owned()));
    }
    assert_eq!(publish_once(there, "key", &publication("news", "news", "other")).0, 422);
    assert_eq!(ada.hear("news")["data"], "once");
    assert_eq!(publish_once(there, "another", &publication("news", "news", "end")).0, 200);
    assert_eq!(ada.next()["data"], "end");
}

/// Redis keeps the last event of no channel while this lasts, and does all else.
fn keep_nothing(redis: &Redis, does: impl FnOnce()) {
    let clocks = redis.ask(&["KEYS", "*:version:last"]);
    for clock in clocks.lines() {
        redis.ask(&["DEL", clock]);
        redis.ask(&["LPUSH", clock, "no number"]);
    }
    does();
    for clock in clocks.lines() {
        redis.ask(&["DEL", clock]);
    }
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn of_a_request_that_was_done_in_part_only_the_rest_is_done_again() {
    let file = format!("{}[apps.limits]\nmessages_per_day_max = 8\n", app_file());
    let cluster = Cluster::start_from(2, &[], &file);
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let mut ada = Client::open_at(here);
    for channel in ["a", "cache-b", "c"] {
        ada.subscribe(channel, None);
    }
    assert_eq!(publish_once(here, "first", &publication("cache-b", "begin", "")).0, 200);
    ada.hear("begin");
    let event = json!({"name": "news", "data": "1", "channels": ["a", "cache-b", "c"]}).to_string();
    let item = |channel| json!({"name": "news", "data": "2", "channel": channel});
    let batch = json!({"batch": [item("cache-b"), item("c")]}).to_string();
    keep_nothing(&cluster.redis, || {
        for at in [here, there, here] {
            assert_eq!(publish_once(at, "one", &event).0, 503);
        }
        assert_eq!(publish_once(there, "one", &publication("a", "news", "other")).0, 422);
        assert_eq!(ask_once((there, "batch_events"), "two", &batch).0, 503);
    });
    for at in [there, here] {
        assert_eq!(publish_once(at, "one", &event), (200, "{}".to_owned()));
        assert_eq!(ask_once((at, "batch_events"), "two", &batch), (200, "{}".to_owned()));
    }
    assert_eq!(publish_once(here, "end", &publication("c", "end", "")).0, 200);
    let heard: Vec<_> = std::iter::from_fn(|| Some(ada.next()))
        .take_while(|frame| frame["event"] != "end")
        .map(|frame| (frame["channel"].clone(), frame["data"].clone()))
        .collect();
    let parts = [("a", "1"), ("c", "1"), ("c", "2"), ("cache-b", "1"), ("cache-b", "2")];
    assert_eq!(heard, parts.map(|(channel, data)| (json!(channel), json!(data))), "each once");
    let more = publish_once(here, "more", &publication("c", "news", ""));
    assert_eq!(more.0, 200, "each counted once: it is the eighth");
    assert_eq!(publish_once(here, "over", &publication("c", "news", "")).0, 403);
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn the_messages_of_a_day_are_those_of_all_nodes() {
    let file = format!("{}[apps.limits]\nmessages_per_day_max = 3\n", app_file());
    let cluster = Cluster::start_from(2, &[], &file);
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let body = publication("news", "news", "hello");
    let publish = |at| ask_at(at, Method::Post, "/events", &body).status;
    assert_eq!([here, there, here, there, here].map(publish), [200, 200, 200, 403, 403]);
}

fn sign_in(client: &mut Client, user: &Value) {
    let data = user.to_string();
    let socket = client.socket_id.parse().expect("an id");
    let auth = credentials().authorise_user(socket, &data);
    client.say("pusher:signin", &json!({"auth": auth, "user_data": data}));
    client.hear("pusher:signin_success");
}

fn watched(client: &mut Client) -> Value {
    inner(&client.hear("pusher_internal:watchlist_events"))["events"].clone()
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn who_is_signed_in_on_any_node_is_there_and_goes_with_it() {
    let mut cluster = Cluster::start_from(2, &[], &app_file());
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let (mut ada, mut bob) = (Client::open_at(here), Client::open_at(there));
    sign_in(&mut ada, &json!({"id": "ada", "watchlist": ["bob"]}));
    assert_eq!(watched(&mut ada), json!([{"name": "offline", "user_ids": ["bob"]}]));
    sign_in(&mut bob, &json!({"id": "bob"}));
    assert_eq!(watched(&mut ada), json!([{"name": "online", "user_ids": ["bob"]}]));
    cluster.nodes[1].kill();
    let gone = until("the user of the dead node is gone", GONE_WITHIN, || Some(watched(&mut ada)));
    assert_eq!(gone, json!([{"name": "offline", "user_ids": ["bob"]}]));
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn who_ends_the_connections_of_a_user_is_told_when_the_others_cannot_be() {
    let mut cluster = Cluster::start_from(2, &[], &app_file());
    let here = cluster.nodes[0].address;
    let mut ada = Client::open_at(here);
    sign_in(&mut ada, &json!({"id": "ada"}));
    let end =
        |user| ask_at(here, Method::Post, &format!("/users/{user}/terminate_connections"), "{}");
    assert_eq!(end("nobody").status, 200);
    cluster.redis.kill();
    let refused = until("who asks is told", GONE_WITHIN, || {
        let answer = end("nobody");
        (answer.status == 503).then_some(answer)
    });
    assert!(refused.headers.contains_key("retry-after"), "{:?}", refused.headers);
    assert_eq!(end("ada").status, 503);
    assert_eq!(ada.closed(), 4009, "those of this node go all the same");
}
