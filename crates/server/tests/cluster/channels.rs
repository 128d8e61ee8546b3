//! The channels of an application are the same on every node.

use crate::{
    nodes::Cluster,
    support::pusher::{Client, app_file, ask_at, inner, publication},
};
use campanile_neighbours::until;
use minreq::Method;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

/// Within this, the members of a node that died are known to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

fn shop() -> Cluster {
    Cluster::start_from(2, &[], &app_file())
}

fn publish(at: SocketAddr, channel: &str, data: &str) {
    let published = ask_at(at, Method::Post, "/events", &publication(channel, "news", data));
    assert_eq!((published.status, published.body.as_str()), (200, "{}"));
}

fn users(at: SocketAddr, channel: &str) -> Value {
    ask_at(at, Method::Get, &format!("/channels/{channel}/users"), "").expect(200)["users"].clone()
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn what_is_published_on_one_node_is_heard_once_on_each() {
    let cluster = shop();
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let mut clients = [Client::open_at(here), Client::open_at(there)];
    for client in &mut clients {
        client.subscribe("private-news", None);
    }
    for number in 0..100 {
        publish([here, there][number % 2], "private-news", &number.to_string());
    }
    for client in &mut clients {
        let heard: Vec<_> = (0..100).map(|_| client.hear("news")["data"].clone()).collect();
        let published: Vec<_> = (0..100).map(|number| json!(number.to_string())).collect();
        assert_eq!(heard, published, "each once, in the order of acceptance");
    }
    let said = json!({"event": "client-hi", "channel": "private-news", "data": {}});
    clients[0].send(&said.to_string());
    assert_eq!(clients[1].hear("client-hi")["channel"], "private-news");
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn what_nodes_publish_at_the_same_time_is_heard_in_one_order() {
    const EACH: usize = 150;
    let many = "[apps.limits]\nclient_events_per_second = 1000\n";
    let cluster = Cluster::start_from(2, &[], &(app_file() + many));
    let nodes = [0, 1].map(|node| cluster.nodes[node].address);
    let mut clients = [0, 1, 0, 1].map(|node| Client::open_at(nodes[node]));
    for client in &mut clients {
        client.subscribe("private-news", None);
    }
    let [mut ada, mut bob] = nodes.map(Client::open_at);
    for client in [&mut ada, &mut bob] {
        client.subscribe("private-news", None);
    }
    std::thread::scope(|scope| {
        for (node, at) in nodes.into_iter().enumerate() {
            scope.spawn(move || {
                for number in 0..EACH {
                    publish(at, "private-news", &format!("{node}-{number}"));
                }
            });
        }
        for client in [&mut ada, &mut bob] {
            scope.spawn(move || {
                for number in 0..EACH {
                    let said = json!({"event": "client-hi", "channel": "private-news",
                        "data": format!("{}-{number}", client.socket_id)});
                    client.send(&said.to_string());
                }
            });
        }
    });
    let wanted = 4 * EACH;
    let heard = clients.each_mut().map(|client| {
        let next = |_| client.next()["data"].as_str().expect("a text").to_owned();
        (0..wanted).map(next).collect::<Vec<_>>()
    });
    for other in &heard[1..] {
        assert_eq!(&heard[0], other);
    }
    for sender in ["0", "1", &ada.socket_id, &bob.socket_id] {
        let prefix = format!("{sender}-");
        let numbers = heard[0].iter().filter_map(|text| text.strip_prefix(&prefix)?.parse().ok());
        assert_eq!(numbers.collect::<Vec<usize>>(), (0..EACH).collect::<Vec<_>>(), "{sender}");
    }
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn who_subscribes_hears_nothing_that_was_published_before() {
    let cluster = shop();
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    for round in 0..100 {
        let mut client = Client::open_at(here);
        publish(there, "news", &format!("before {round}"));
        client.subscribe("news", None);
        publish(there, "news", &format!("after {round}"));
        assert_eq!(client.next()["data"], format!("after {round}"));
    }
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn who_subscribes_while_an_event_is_published_hears_it_once() {
    let cluster = shop();
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let price = "cache-price";
    let (is_over, last) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let number = last.load(Ordering::Relaxed) + 1;
                publish(there, price, &number.to_string());
                last.store(number, Ordering::Relaxed);
            }
        });
        until("something is kept", GONE_WITHIN, || {
            (last.load(Ordering::Relaxed) > 0).then_some(())
        });
        for round in 0..60 {
            let mut client = Client::open_at([here, there][round % 2]);
            client.subscribe(price, None);
            let heard: Vec<usize> = (0..5)
                .map(|_| client.next()["data"].as_str().expect("a text").parse().expect("a number"))
                .collect();
            let first = heard[0];
            assert_eq!(heard, (first..first + 5).collect::<Vec<_>>(), "each once, none left out");
        }
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn members_are_the_same_on_every_node_and_those_of_a_dead_one_go_once() {
    let mut cluster = shop();
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let lobby = "presence-lobby";
    let (mut ada, mut bob) = (Client::open_at(here), Client::open_at(there));
    ada.subscribe(lobby, Some("ada"));
    assert_eq!(bob.subscribe(lobby, Some("bob"))["presence"]["count"], 2);
    assert_eq!(inner(&ada.hear("pusher_internal:member_added"))["user_id"], "bob");
    let mut again = Client::open_at(here);
    again.subscribe(lobby, Some("bob"));
    for at in [here, there] {
        let mut ids: Vec<_> = users(at, lobby).as_array().expect("a list").clone();
        ids.sort_by_key(ToString::to_string);
        assert_eq!(json!(ids), json!([{"id": "ada"}, {"id": "bob"}]));
    }
    again.leave();
    publish(there, lobby, "bob is still here");
    assert_eq!(ada.hear("news")["data"], "bob is still here");
    cluster.nodes[1].kill();
    until("the members of the dead node are gone", GONE_WITHIN, || {
        (users(here, lobby) == json!([{"id": "ada"}])).then_some(())
    });
    assert_eq!(inner(&ada.hear("pusher_internal:member_removed"))["user_id"], "bob");
    publish(here, lobby, "end");
    assert_eq!(ada.next()["data"], "end", "it is told once");
    let seen = ask_at(here, Method::Get, &format!("/channels/{lobby}"), "").expect(200);
    assert_eq!(seen["occupied"], true);
}

#[test]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
fn a_bus_that_is_away_is_told_to_who_publishes() {
    let mut cluster = shop();
    let here = cluster.nodes[0].address;
    let mut ada = Client::open_at(here);
    ada.subscribe("news", None);
    publish(here, "news", "before");
    cluster.redis.kill();
    let body = publication("news", "news", "lost");
    let refused = until("who publishes is told", GONE_WITHIN, || {
        let answer = ask_at(here, Method::Post, "/events", &body);
        (answer.status == 503).then_some(answer)
    });
    assert!(refused.headers.contains_key("retry-after"), "{:?}", refused.headers);
    cluster.redis.start_again();
    until("it is published again", GONE_WITHIN, || {
        let answer = ask_at(here, Method::Post, "/events", &publication("news", "news", "after"));
        (answer.status == 200).then_some(())
    });
    until("it is heard", GONE_WITHIN, || (ada.hear("news")["data"] == "after").then_some(()));
}
