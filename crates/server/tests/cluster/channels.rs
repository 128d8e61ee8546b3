//! The channels of an application are the same on every node.

use crate::{
    nodes::Cluster,
    support::pusher::{Client, app_file, ask_at, inner, publication},
};
use campanile_neighbours::until;
use minreq::Method;
use serde_json::{Value, json};
use std::{net::SocketAddr, time::Duration};

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
        let mut heard: Vec<u32> = (0..100)
            .map(|_| client.hear("news")["data"].as_str().expect("a string").parse())
            .map(|number| number.expect("a number"))
            .collect();
        heard.sort_unstable();
        assert_eq!(heard, (0..100).collect::<Vec<_>>(), "each once");
    }
    let said = json!({"event": "client-hi", "channel": "private-news", "data": {}});
    clients[0].send(&said.to_string());
    assert_eq!(clients[1].hear("client-hi")["channel"], "private-news");
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
