//! What an operator sees of the cluster, and goes on seeing while a part of it is away.

use crate::{
    client::Client,
    nodes::{Cluster, Node},
};
use campanile_neighbours::until;
use minreq::Method;
use serde_json::Value;
use std::time::Duration;

/// How long it may take until something is seen.
const SEEN_WITHIN: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn an_operator_sees_what_goes_on_between_the_nodes() {
    let cluster = Cluster::start(2);
    let ada = cluster.user("ada");
    let bob = cluster.user("bob");
    cluster.room("square", &ada);
    let mut one = Client::hello(cluster.nodes[0].address, &ada).await;
    let mut other = Client::hello(cluster.nodes[1].address, &bob).await;
    one.join("square").await;
    other.join("square").await;
    other.say("square", "ding").await;
    one.message().await;
    let stats = seen(&cluster.nodes[0], &ada, |stats| stats["cluster"]["nodes"] == 2);
    assert_eq!(stats["name"], "node-0");
    assert_eq!(
        (&stats["store"]["kind"], &stats["bus"]["kind"]),
        (&"postgres".into(), &"redis".into())
    );
    let (store, bus) = (&stats["store"], &stats["bus"]);
    assert!(store["pool"]["max"].as_u64() > Some(0), "{store}");
    assert!(store["pool"]["wait_p99_seconds"].as_f64() < Some(5.0), "{store}");
    assert!(store["pool"]["wait_p99_seconds"].is_f64(), "{store}");
    assert!(bus["received_total"].as_u64() > Some(0), "{bus}");
    assert!(bus["lag_p50_seconds"].is_f64(), "{bus}");
    assert!(bus["lag_p50_seconds"].as_f64() <= bus["lag_p99_seconds"].as_f64(), "{bus}");
    assert!(stats["cache"]["used_bytes"].as_u64() > Some(0), "{}", stats["cache"]);
    assert!(stats["cache"]["misses_total"].as_u64() > Some(0), "{}", stats["cache"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn an_operator_who_looks_goes_on_looking_while_the_store_is_away() {
    let mut cluster = Cluster::start(2);
    let ada = cluster.user("ada");
    let absent = cluster.nodes[0].log_in("ada");
    let bob = cluster.user("bob");
    seen(&cluster.nodes[0], &ada, |stats| stats["store"]["up"] == true);
    cluster.postgres.kill();
    seen(&cluster.nodes[0], &ada, |stats| stats["store"]["up"] == false);
    for path in ["nodes", "stats/rooms", "stats/connections"] {
        ask(&cluster.nodes[0], path, &ada).expect("an operator sees it");
    }
    for (token, whose) in [(&absent, "was not looking"), (&bob, "is no operator")] {
        assert_eq!(ask(&cluster.nodes[0], "stats", token), Err(503), "who {whose} sees nothing");
    }
    assert_eq!(ask(&cluster.nodes[1], "stats", &ada), Err(503), "not seen here before");
    let ban = cluster.nodes[0].ask(Method::Put, "/api/v1/users/bob/ban", None, &ada);
    assert_eq!(ban.status, 503, "looking is not doing");
    cluster.postgres.start_again();
    seen(&cluster.nodes[0], &ada, |stats| stats["store"]["up"] == true);
    cluster.nodes[0].ask(Method::Post, "/api/v1/logout", None, &ada).expect(204);
    assert_eq!(ask(&cluster.nodes[0], "stats", &ada), Err(401));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn a_bus_that_is_away_is_seen_on_every_node() {
    let mut cluster = Cluster::start(2);
    let ada = cluster.user("ada");
    cluster.redis.kill();
    for node in &cluster.nodes {
        seen(node, &ada, |stats| stats["bus"]["up"] == false && stats["store"]["up"] == true);
        assert_eq!(ask(node, "nodes", &ada), Err(503), "the others cannot be asked");
    }
    cluster.redis.start_again();
    for node in &cluster.nodes {
        seen(node, &ada, |stats| stats["bus"]["up"] == true);
    }
}

/// Asks for the numbers until they are as wanted, and never in vain.
#[track_caller]
fn seen(node: &Node, token: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until("the numbers are as wanted", SEEN_WITHIN, || {
        Some(ask(node, "stats", token).expect("an operator sees them")).filter(&wanted)
    })
}

/// What is answered, or the status of a refusal.
fn ask(node: &Node, path: &str, token: &str) -> Result<Value, i32> {
    let answer = node.ask(Method::Get, &format!("/api/v1/{path}"), None, token);
    if answer.status == 200 { Ok(answer.body) } else { Err(answer.status) }
}
