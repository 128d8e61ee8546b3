//! Many nodes are one chat.

use crate::{
    client::Client,
    line::Line,
    nodes::{Cluster, Node},
};
use campanile_neighbours::until;
use campanile_protocol::*;
use futures_util::future::join_all;
use minreq::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Within this, the connections of a session that has ended are closed on every node.
const CLOSED_WITHIN: Duration = Duration::from_secs(2);

/// How long the nodes may take to notice that one of them is gone or there.
const NOTICED_WITHIN: Duration = Duration::from_secs(15);

/// Within this, the users of a node that died are known to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// The next event of a kind; others are passed over.
macro_rules! next {
    ($client:ident, $kind:path) => {
        $client
            .event_of(|event| match event {
                $kind(told) => Some(told),
                _ => None,
            })
            .await
    };
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn what_happens_on_one_node_is_heard_on_the_other() {
    let cluster = Cluster::start(2);
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let (ada, bob) = (cluster.user("ada"), cluster.user("bob"));
    cluster.room("square", &ada);
    let mut ada = Client::hello(here, &ada).await;
    let mut bob = Client::hello(there, &bob).await;
    ada.join("square").await;
    assert_eq!(bob.join("square").await.members.len(), 2, "members are the same on every node");
    let joined = next!(ada, Event::Joined);
    assert_eq!(joined.user, "bob");

    ada.say("square", "ding").await;
    assert_eq!(next!(ada, Event::Message).body, "ding", "who says it hears it too");
    let message = bob.message().await;
    assert_eq!((message.seq, message.from.as_str(), message.body.as_str()), (1, "ada", "ding"));
    bob.say("square", "dong").await;
    let answer = next!(ada, Event::Message);
    assert_eq!((answer.seq, answer.from.as_str()), (2, "bob"));

    let room = || "square".to_owned();
    bob.ask(Request::Typing { room: room(), on: true }).await;
    let typing = next!(ada, Event::Typing);
    assert_eq!((typing.user.as_str(), typing.on), ("bob", true));
    bob.ask(Request::Read { room: room(), seq: 1 }).await;
    let read = next!(ada, Event::Read);
    assert_eq!((read.user.as_str(), read.seq), ("bob", 1));
    bob.ask(Request::React { room: room(), seq: 1, emoji: "🔔".into(), on: true }).await;
    let reacted = next!(ada, Event::Reaction);
    assert_eq!((reacted.seq, reacted.emoji.as_str()), (1, "🔔"));
    ada.ask(Request::Edit { room: room(), seq: 1, body: "dang".into() }).await;
    let edited = next!(bob, Event::Edited);
    assert_eq!((edited.seq, edited.body.as_str()), (1, "dang"));
    ada.ask(Request::Delete { room: room(), seq: 1 }).await;
    let deleted = next!(bob, Event::Deleted);
    assert_eq!(deleted.seq, 1);
    bob.ask(Request::Presence { status: Status::Dnd }).await;
    presence(&mut ada, "bob", Status::Dnd).await;
    bob.close().await;
    presence(&mut ada, "bob", Status::Unavailable).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn a_user_is_there_as_long_as_one_node_has_a_connection_of_theirs() {
    let mut cluster = Cluster::start(2);
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let (ada, bob) = (cluster.user("ada"), cluster.user("bob"));
    cluster.room("square", &ada);
    let mut ada = Line::open(here, &ada).await.expect("the node is there");
    ada.join("square", None).await.expect("the node is there");
    let mut one = Client::hello(here, &bob).await;
    one.join("square").await;
    assert_eq!(status_of(&mut ada, "bob").await, Status::Available);
    let mut other = Client::hello(there, &bob).await;
    other.join("square").await;
    one.close().await;
    other.say("square", "I am still there").await;
    let mut told = Vec::new();
    loop {
        match ada.event().await.expect("the node is there") {
            Event::Message(_) => break,
            Event::Presence(changed) => told.push(changed.status),
            _ => {}
        }
    }
    assert!(!told.contains(&Status::Unavailable), "the other connection is still there: {told:?}");
    // His node dies without a word: the others notice, and tell.
    cluster.nodes[1].kill();
    let noticed = timeout(GONE_WITHIN, status_of(&mut ada, "bob")).await;
    assert_eq!(noticed.expect("it is noticed in time"), Status::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn nodes_know_each_other_and_miss_one_that_dies() {
    let mut cluster = Cluster::start(3);
    let token = cluster.user("ada");
    for node in &cluster.nodes {
        node.shows("chat_cluster_nodes", &[], 3.0);
        node.shows("chat_cluster_nodes_expected", &[], 3.0);
    }
    assert_eq!(alive(&cluster.nodes[0], &token), ["node-0", "node-1", "node-2"]);
    let mut one = Client::hello(cluster.nodes[1].address, &token).await;
    let mut other = Client::hello(cluster.nodes[2].address, &token).await;
    one.ask(Request::Ping).await;
    other.ask(Request::Ping).await;
    let open = listed(&cluster.nodes[0], &token);
    let open: Vec<_> = open.iter().map(|node| node["connections"].as_u64()).collect();
    assert_eq!(open, [Some(0), Some(1), Some(1)], "each node is asked for its own");
    cluster.nodes[0].shows(
        "chat_cluster_requests_total",
        &[("operation", "survey"), ("result", "ok")],
        2.0,
    );

    cluster.nodes[2].kill();
    until("the dead one is missed", NOTICED_WITHIN, || {
        (alive(&cluster.nodes[0], &token) == ["node-0", "node-1"]).then_some(())
    });
    cluster.nodes[0].shows("chat_cluster_nodes", &[], 2.0);
    cluster.nodes[0].shows("chat_cluster_nodes_expected", &[], 3.0);
    cluster.nodes[2].start();
    cluster.nodes[0].shows("chat_cluster_nodes", &[], 3.0);
    assert_eq!(alive(&cluster.nodes[2], &token), ["node-0", "node-1", "node-2"]);

    cluster.nodes[1].stop();
    until("who has left is listed no longer", NOTICED_WITHIN, || {
        let nodes = listed(&cluster.nodes[0], &token);
        (nodes.len() == 2).then_some(())
    });
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn a_user_who_is_banned_or_logs_out_is_cut_off_on_every_node() {
    let cluster = Cluster::start(2);
    let ada = cluster.user("ada");
    let banned = cluster.user("bob");
    let commanded = cluster.user("carol");
    let leaving = cluster.user("dave");
    let ban = || {
        cluster.nodes[0].ask(Method::Put, "/api/v1/users/bob/ban", None, &ada).expect(204);
    };
    cut_off_everywhere(&cluster, &banned, ban).await;
    // By another process, which is no node.
    let command = || cluster.nodes[0].command(&["user", "ban", "carol"]);
    cut_off_everywhere(&cluster, &commanded, command).await;
    let log_out = || {
        cluster.nodes[1].ask(Method::Post, "/api/v1/logout", None, &leaving).expect(204);
    };
    cut_off_everywhere(&cluster, &leaving, log_out).await;
    cluster.nodes[0].ask(Method::Get, "/api/v1/me", None, &ada).expect(200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn who_is_cut_off_goes_on_at_another_node() {
    let mut cluster = Cluster::start(2);
    let [here, there] = [0, 1].map(|node| cluster.nodes[node].address);
    let (ada, bob) = (cluster.user("ada"), cluster.user("bob"));
    cluster.room("square", &ada);
    let mut ada = Client::hello(here, &ada).await;
    ada.join("square").await;
    let mut listener = Client::hello(there, &bob).await;
    let joined = listener.join("square").await;
    ada.say("square", "one").await;
    let heard = listener.message().await;
    cluster.nodes[1].kill();
    ada.say("square", "two").await;
    ada.say("square", "three").await;
    let mut listener = Client::hello(here, &bob).await;
    let since = Since { epoch: joined.epoch, seq: heard.seq };
    let missed = listener.join_since("square", Some(since)).await.messages;
    let missed: Vec<_> = missed.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(missed, ["two", "three"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn equal_readings_in_a_storm_of_reconnections_are_made_once() {
    const CLIENTS: usize = 300;
    let cluster = Cluster::start(2);
    let address = cluster.nodes[1].address;
    let ada = cluster.user("ada");
    cluster.room("square", &ada);
    let mut writer = Client::hello(cluster.nodes[0].address, &ada).await;
    let joined = writer.join("square").await;
    for number in 0..100 {
        writer.say("square", &format!("message {number}")).await;
    }
    let mut clients = join_all((0..CLIENTS / 3).map(|_| Client::hello(address, &ada))).await;
    let queries = || cluster.nodes[1].scrape().sum("chat_archive_queries_total");
    let before = queries();
    let since = || Some(Since { epoch: joined.epoch, seq: 0 });
    let joining = clients.iter_mut().map(|client| client.join_since("square", since()));
    for joined in join_all(joining).await {
        assert_eq!(joined.messages.len(), 100);
    }
    let made = queries() - before;
    assert!(made <= CLIENTS as f64 / 6.0, "{made} readings for {} clients", CLIENTS / 3);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn a_limit_counts_over_all_nodes() {
    let cluster = Cluster::start_with(
        2,
        &[
            ("CAMPANILE_LIMITS__ENABLED", "true"),
            ("CAMPANILE_LIMITS__MESSAGES_PER_USER__PER_SECOND", "0.01"),
            ("CAMPANILE_LIMITS__MESSAGES_PER_USER__BURST", "4"),
        ],
    );
    let ada = cluster.user("ada");
    cluster.room("square", &ada);
    let say = |node: usize| {
        let body = json!({"body": "ding"});
        let path = "/api/v1/rooms/square/messages";
        cluster.nodes[node].ask(Method::Post, path, Some(body), &ada)
    };
    let statuses: Vec<_> = (0..6).map(|number| say(number % 2).status).collect();
    assert_eq!(statuses, [201, 201, 201, 201, 429, 429]);
    assert!(say(0).retry_after.is_some());
}

/// Two connections and a token of one session, on two nodes, end within the time after `end`.
async fn cut_off_everywhere(cluster: &Cluster, token: &str, end: impl FnOnce()) {
    let mut clients = Vec::new();
    for node in &cluster.nodes {
        node.ask(Method::Get, "/api/v1/me", None, token).expect(200);
        clients.push(Client::hello(node.address, token).await);
    }
    let started = Instant::now();
    end();
    for node in &cluster.nodes {
        let answer = node.ask(Method::Get, "/api/v1/me", None, token);
        assert_eq!(answer.status, 401, "the token is good no longer: {}", answer.body);
    }
    for client in &mut clients {
        client.close_code().await;
    }
    let took = started.elapsed();
    assert!(took <= CLOSED_WITHIN, "closed everywhere after {took:?}");
}

async fn presence(client: &mut Client, user: &str, status: Status) {
    client
        .event_of(|event| match event {
            Event::Presence(changed) if changed.user == user && changed.status == status => {
                Some(())
            }
            _ => None,
        })
        .await;
}

/// The next status of somebody that is told.
async fn status_of(line: &mut Line, user: &str) -> Status {
    loop {
        match line.event().await.expect("the node is there") {
            Event::Presence(changed) if changed.user == user => return changed.status,
            _ => {}
        }
    }
}

fn listed(node: &Node, token: &str) -> Vec<Value> {
    let answer = node.ask(Method::Get, "/api/v1/nodes", None, token).expect(200);
    answer["nodes"].as_array().expect("a list").clone()
}

fn alive(node: &Node, token: &str) -> Vec<String> {
    let nodes = listed(node, token).into_iter().filter(|node| node["alive"] == true);
    nodes.map(|node| node["name"].as_str().expect("a name").to_owned()).collect()
}
