//! An application that is changed on one node is changed on all.

use crate::{
    nodes::Cluster,
    support::pusher::{Client, app_file, ask_for, publication},
};
use campanile_neighbours::until;
use campanile_pusher::Credentials;
use minreq::Method;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// Within this, the others know what an operator has changed.
const KNOWN_WITHIN: Duration = Duration::from_secs(4);

/// Within this, who may not stay is sent away by the node that was asked.
const SENT_AWAY_WITHIN: Duration = Duration::from_secs(2);

/// The same where the bus does not tell them.
const FOUND_WITHIN: Duration = Duration::from_secs(20);

fn credentials(made: &Value) -> Credentials {
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    Credentials::new(text("key"), &text("secret"))
}

fn publish(at: SocketAddr, app: &str, credentials: &Credentials) -> u16 {
    let body = publication("news", "told", "1");
    ask_for((app, credentials), at, Method::Post, ("/events", &body)).status
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn what_an_operator_changes_on_one_node_holds_on_the_other() {
    let cluster = Cluster::start_from(2, &[], &app_file());
    let there = cluster.nodes[1].address;
    let operator = cluster.user("ada");
    let ask = |method: Method, path: &str, body: Option<Value>| {
        cluster.nodes[0].ask(method, path, body, &operator)
    };
    let made = ask(Method::Post, "/api/v1/apps", Some(json!({"id": "shop", "name": "Shop"})));
    let first = credentials(&made.expect(201));
    let checked = cluster.nodes[1].said(&["check", "modules"]);
    assert!(checked.contains("fine   apps of the store: shop\n"), "{checked}");
    until("the other node knows it", KNOWN_WITHIN, || {
        (publish(there, "shop", &first) == 200).then_some(())
    });
    let added = ask(Method::Post, "/api/v1/apps/shop/keys", None).expect(201);
    let second = credentials(&added);
    until("the other node knows the key", KNOWN_WITHIN, || {
        (publish(there, "shop", &second) == 200).then_some(())
    });
    let mut old = Client::open_with(there, first.key());
    let mut young = Client::open_with(there, second.key());
    let revoked = format!("/api/v1/apps/shop/keys/{}", first.key());
    ask(Method::Delete, &revoked, None).expect(204);
    assert_eq!(old.closed(), 4001);
    assert_eq!((publish(there, "shop", &first), publish(there, "shop", &second)), (401, 200));
    young.subscribe_with(&second, "private-a", None);
    ask(Method::Patch, "/api/v1/apps/shop", Some(json!({"enabled": false}))).expect(200);
    assert_eq!(young.closed(), 4003);
    assert_eq!(publish(there, "shop", &second), 403);
    ask(Method::Patch, "/api/v1/apps/shop", Some(json!({"enabled": true}))).expect(200);
    until("it is served again", KNOWN_WITHIN, || {
        (publish(there, "shop", &second) == 200).then_some(())
    });
    let mut back = Client::open_with(there, second.key());
    ask(Method::Delete, "/api/v1/apps/shop", None).expect(204);
    assert_eq!(back.closed(), 4001);
    assert_eq!(publish(there, "shop", &second), 404);
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn a_node_finds_out_by_itself_what_the_bus_does_not_tell() {
    let mut cluster = Cluster::start_from(2, &[], &app_file());
    let there = cluster.nodes[1].address;
    let operator = cluster.user("ada");
    cluster.redis.kill();
    let new = json!({"id": "shop", "name": "Shop"});
    let made = cluster.nodes[0].ask(Method::Post, "/api/v1/apps", Some(new), &operator).expect(201);
    let known = credentials(&made);
    until("the other node knows it", FOUND_WITHIN, || {
        // Nothing can be published while the bus is away.
        (publish(there, "shop", &known) != 404).then_some(())
    });
    cluster.redis.start_again();
    until("it is served", FOUND_WITHIN, || (publish(there, "shop", &known) == 200).then_some(()));
}

/// That a connection is closed so, and that soon.
#[track_caller]
fn goes(client: &mut Client, code: u16, (since, within): (Instant, Duration)) {
    assert_eq!(client.closed(), code);
    assert!(since.elapsed() < within, "it took {:?}", since.elapsed());
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn who_may_not_stay_goes_though_the_bus_is_away() {
    let mut cluster = Cluster::start_from(2, &[], &app_file());
    let nodes = [0, 1].map(|node| cluster.nodes[node].address);
    let operator = cluster.user("ada");
    let new = json!({"id": "shop", "name": "Shop"});
    let made = cluster.nodes[0].ask(Method::Post, "/api/v1/apps", Some(new), &operator).expect(201);
    let added = cluster.nodes[0].ask(Method::Post, "/api/v1/apps/shop/keys", None, &operator);
    let (first, second) = (credentials(&made), credentials(&added.expect(201)));
    until("the other node knows it", KNOWN_WITHIN, || {
        (publish(nodes[1], "shop", &second) == 200).then_some(())
    });
    let [mut old_here, mut old_there] = nodes.map(|at| Client::open_with(at, first.key()));
    let [mut here, mut there] = nodes.map(|at| Client::open_with(at, second.key()));

    cluster.redis.kill();
    let asked = Instant::now();
    let key = format!("/api/v1/apps/shop/keys/{}", first.key());
    cluster.nodes[0].ask(Method::Delete, &key, None, &operator).expect(204);
    goes(&mut old_here, 4001, (asked, SENT_AWAY_WITHIN));
    goes(&mut old_there, 4001, (asked, FOUND_WITHIN));
    for at in nodes {
        let query = format!("{}?protocol=7", first.key());
        assert_eq!(Client::try_open(at, &query).closed(), 4001);
        assert_eq!(publish(at, "shop", &first), 401);
    }

    let asked = Instant::now();
    let off = Some(json!({"enabled": false}));
    cluster.nodes[0].ask(Method::Patch, "/api/v1/apps/shop", off, &operator).expect(200);
    goes(&mut here, 4003, (asked, SENT_AWAY_WITHIN));
    cluster.redis.start_again();
    goes(&mut there, 4003, (asked, FOUND_WITHIN));
    for at in nodes {
        assert_eq!(publish(at, "shop", &second), 403);
    }
    let on = Some(json!({"enabled": true}));
    cluster.nodes[1].ask(Method::Patch, "/api/v1/apps/shop", on, &operator).expect(200);
    for at in nodes {
        until("it is served", FOUND_WITHIN, || (publish(at, "shop", &second) == 200).then_some(()));
        assert_eq!(publish(at, "shop", &first), 401, "a key that was revoked stays so");
    }
}
