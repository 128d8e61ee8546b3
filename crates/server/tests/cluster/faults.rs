//! One of the four processes is pulled away under load: nothing acknowledged is lost, nothing is
//! said twice, and everything goes on.

use crate::{
    client::Client,
    crowd::{Crowd, ROOM},
    nodes::Cluster,
    verdict::{Verdict, nothing_lost},
};
use campanile_neighbours::{RedisCluster, RedisSentinels};
use campanile_protocol::*;
use minreq::Method;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

/// Within this, what the bus lost is read from the store.
const REFILLED_WITHIN: Duration = Duration::from_secs(2);

/// Within this after the database is back, messages are taken again.
const WORKS_WITHIN: Duration = Duration::from_secs(3);

/// How long anything else may take.
const PATIENCE: Duration = Duration::from_secs(30);

const PACE: Duration = Duration::from_millis(10);

/// Writers and listeners at each node.
const EACH: usize = 4;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn redis_is_killed_and_comes_back() {
    let mut cluster = Cluster::start(2);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    kill_redis(&mut cluster, &crowd).await;
    heard_all_the_time(&judge(&cluster, crowd).await);
}

/// The other node has nothing of its own by which it could tell that something is missing.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn redis_is_killed_and_comes_back_and_one_node_only_listens() {
    let mut cluster = Cluster::start(2);
    let crowd = Crowd::gather_at(&cluster, &[0], EACH, PACE).await;
    kill_redis(&mut cluster, &crowd).await;
    heard_all_the_time(&judge(&cluster, crowd).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn redis_loses_what_it_carries_again_and_again() {
    let cluster = Cluster::start(2);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    for _ in 0..20 {
        crowd.acknowledges(50, PATIENCE).await;
        cluster.redis.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    }
    let verdict = judge(&cluster, crowd).await;
    heard_all_the_time(&verdict);
    let reconnects = cluster.nodes[0].scrape().sum("chat_broker_reconnects_total");
    assert!(reconnects >= 2.0, "the subscription was cut {reconnects} times");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn redis_answers_nobody_for_a_while() {
    let cluster = Cluster::start(2);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    crowd.acknowledges(200, PATIENCE).await;
    cluster.redis.pause();
    crowd.acknowledges(300, PATIENCE).await;
    sleep(Duration::from_secs(3)).await;
    cluster.redis.resume();
    crowd.acknowledges(200, PATIENCE).await;
    judge(&cluster, crowd).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn redis_has_no_room_for_anything() {
    let cluster = Cluster::start(2);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    crowd.acknowledges(200, PATIENCE).await;
    cluster.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    crowd.acknowledges(500, PATIENCE).await;
    let errors =
        cluster.nodes[0].scrape().value("chat_redis_errors_total", &[("reason", "memory")]);
    assert!(errors > Some(0.0), "{errors:?}");
    cluster.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    crowd.acknowledges(200, PATIENCE).await;
    let verdict = judge(&cluster, crowd).await;
    heard_all_the_time(&verdict);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn the_master_of_a_set_with_sentinels_is_killed_and_another_takes_its_place() {
    let mut set = RedisSentinels::start();
    let cluster = Cluster::start_with(2, &[("CAMPANILE_BUS__URL", &set.url())]);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    crowd.acknowledges(200, PATIENCE).await;
    set.kill_master();
    is_back(&cluster, &crowd).await;
    heard_all_the_time(&judge(&cluster, crowd).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn a_master_of_a_redis_cluster_is_killed_and_its_replica_takes_its_place() {
    let mut redis = RedisCluster::start();
    let cluster = Cluster::start_with(2, &[("CAMPANILE_BUS__URL", &redis.url())]);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    crowd.acknowledges(200, PATIENCE).await;
    redis.kill_master_of("any key");
    is_back(&cluster, &crowd).await;
    heard_all_the_time(&judge(&cluster, crowd).await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn the_database_is_killed_and_comes_back() {
    let mut cluster = Cluster::start(2);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    crowd.acknowledges(300, PATIENCE).await;
    let mut here = Client::hello(cluster.nodes[0].address, crowd.token()).await;
    let mut there = Client::hello(cluster.nodes[1].address, crowd.token()).await;
    here.join(ROOM).await;
    there.join(ROOM).await;
    cluster.postgres.kill();
    crowd.is_refused(20, PATIENCE).await;
    refused_with_a_hint(&cluster, crowd.token());
    // What needs no store goes on, here and there.
    here.ask(Request::Typing { room: ROOM.into(), on: true }).await;
    there
        .event_of(|event| match event {
            Event::Typing(typing) if typing.on => Some(()),
            _ => None,
        })
        .await;
    cluster.postgres.start_again();
    let took = crowd.acknowledges(1, WORKS_WITHIN).await;
    eprintln!("messages are taken again after {took:?}");
    crowd.acknowledges(300, PATIENCE).await;
    for node in &cluster.nodes {
        node.shows("chat_storage_up", &[("backend", "postgres")], 1.0);
    }
    let verdict = judge(&cluster, crowd).await;
    assert_eq!(verdict.cuts, 0, "nobody had to connect again");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn a_node_is_killed_and_comes_back() {
    let mut cluster = Cluster::start(2);
    let crowd = Crowd::gather(&cluster, EACH, PACE).await;
    for _ in 0..3 {
        crowd.acknowledges(200, PATIENCE).await;
        cluster.nodes[1].kill();
        crowd.acknowledges(200, PATIENCE).await;
        cluster.nodes[1].start();
    }
    let verdict = judge(&cluster, crowd).await;
    assert!(verdict.cuts >= EACH, "everybody of that node went elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL and Redis: cargo xtask test"]
async fn all_nodes_are_restarted_one_after_the_other() {
    let mut cluster = Cluster::start(3);
    let crowd = Crowd::gather(&cluster, 3, PACE).await;
    for node in 0..3 {
        crowd.acknowledges(200, PATIENCE).await;
        cluster.nodes[node].stop();
        cluster.nodes[node].start();
    }
    crowd.acknowledges(200, PATIENCE).await;
    judge(&cluster, crowd).await;
}

/// Takes Redis away for as long as some hundred messages are said.
async fn kill_redis(cluster: &mut Cluster, crowd: &Crowd) {
    crowd.acknowledges(200, PATIENCE).await;
    cluster.redis.kill();
    for node in &cluster.nodes {
        node.shows("chat_broker_up", &[("driver", "redis")], 0.0);
    }
    crowd.acknowledges(1_000, PATIENCE).await;
    cluster.redis.start_again();
    for node in &cluster.nodes {
        node.shows("chat_broker_up", &[("driver", "redis")], 1.0);
    }
    crowd.acknowledges(200, PATIENCE).await;
}

/// Goes on for as long as another Redis takes to step in, and until every node has it.
async fn is_back(cluster: &Cluster, crowd: &Crowd) {
    crowd.acknowledges(2_000, PATIENCE).await;
    for node in &cluster.nodes {
        node.shows("chat_broker_up", &[("driver", "redis")], 1.0);
    }
    crowd.acknowledges(200, PATIENCE).await;
}

async fn judge(cluster: &Cluster, crowd: Crowd) -> Verdict {
    let token = crowd.token().to_owned();
    let told = crowd.disperse().await;
    for (code, has_hint) in told.0.iter().flat_map(|one| &one.refusals) {
        assert!(*has_hint, "a refusal says when to try again");
        assert_eq!(*code, ErrorCode::Unavailable);
    }
    let verdict = nothing_lost(cluster, &token, told);
    eprintln!(
        "{} acknowledged, none lost or twice; heard after at most {:?}; {} reconnections",
        verdict.acknowledged, verdict.delay, verdict.cuts
    );
    verdict
}

/// Nobody was cut off, and what was lost between the nodes came in time.
fn heard_all_the_time(verdict: &Verdict) {
    assert_eq!(verdict.cuts, 0, "nobody had to connect again");
    assert!(verdict.delay <= REFILLED_WITHIN, "refilled after {:?}", verdict.delay);
}

fn refused_with_a_hint(cluster: &Cluster, token: &str) {
    let path = format!("/api/v1/rooms/{ROOM}/messages");
    let refused = cluster.nodes[0].ask(Method::Post, &path, Some(json!({"body": "ding"})), token);
    assert_eq!(refused.status, 503, "{}", refused.body);
    assert_eq!(refused.body["code"], "unavailable");
    assert!(refused.retry_after.is_some());
    let ready = minreq::get(cluster.nodes[0].url("/readyz")).send().expect("an answer");
    assert_eq!(ready.status_code, 503);
}
