//! Killed again and again, a move goes on where it was and comes to the same end.

use crate::shell::{command, counts, run, sqlite, table};
use campanile_adapter_sqlite::Config;
use campanile_conformance::{START, Stores};
use campanile_core::message::Draft;
use campanile_metrics::Registry;
use campanile_neighbours::Postgres;
use std::{
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const MESSAGES: u64 = 20_000;
const ROOMS: usize = 5;
/// Messages that are said at once.
const AT_ONCE: usize = 500;
/// Kills that are wanted at least, so that it says something.
const KILLS_MIN: usize = 3;
/// When it is first killed, and by how much later each time, so that it always comes to its end.
const FIRST_KILL: Duration = Duration::from_millis(60);
const LATER_BY: f64 = 1.3;

#[tokio::test]
async fn a_move_that_is_killed_again_and_again_comes_to_its_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("source.db");
    fill(&source).await;
    let target = sqlite(&directory.path().join("target.db"));
    let kills = move_and_kill(&sqlite(&source), &target);
    assert!(kills >= KILLS_MIN, "it was over after {kills} kills");
    check(&sqlite(&source), &target, &sqlite(&directory.path().join("undisturbed.db")));
}

#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_move_to_a_database_that_is_killed_again_and_again_comes_to_its_end() {
    let postgres = Postgres::start();
    let target = postgres.create_database("chat");
    let directory = tempfile::tempdir().expect("a directory");
    let source = directory.path().join("source.db");
    fill(&source).await;
    let kills = move_and_kill(&sqlite(&source), &target);
    assert!(kills >= KILLS_MIN, "it was over after {kills} kills");
    check(&sqlite(&source), &target, &sqlite(&directory.path().join("undisturbed.db")));
}

/// Starts moving and kills it, until it comes to its end; how often it was killed.
fn move_and_kill(from: &str, to: &str) -> usize {
    let mut kills = 0;
    let mut patience = FIRST_KILL;
    loop {
        let started = Instant::now();
        let mut child = command(&["migrate", "--from", from, "--to", to])
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        let ended = loop {
            if let Some(ended) = child.try_wait().expect("it is our child") {
                break Some(ended);
            }
            if started.elapsed() >= patience {
                break None;
            }
            std::thread::yield_now();
        };
        if let Some(ended) = ended {
            assert!(ended.success(), "{ended}");
            return kills;
        }
        child.kill().expect("it runs");
        child.wait().expect("it is our child");
        kills += 1;
        patience = patience.mul_f64(LATER_BY);
    }
}

/// What was moved under hindrances is what is moved without.
fn check(from: &str, to: &str, undisturbed: &str) {
    let hindered = table(&run(&["migrate", "--from", from, "--to", to]).done());
    let at_once = table(&run(&["migrate", "--from", from, "--to", undisturbed]).done());
    assert_eq!(hindered, at_once);
    assert_eq!(counts(&hindered, "messages"), Some((MESSAGES, MESSAGES)), "{hindered:?}");
}

/// A store with many messages.
async fn fill(path: &Path) {
    let store = Config::new(path).open(&Registry::builder().build()).await;
    let store = Arc::new(store.expect("it can be made"));
    let stores = Stores::of(store.clone());
    let owner = stores.account("owner").await;
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        rooms.push(stores.public(&format!("room-{number}"), &owner).await);
    }
    let mut said = JoinSet::new();
    for number in 0..MESSAGES {
        let draft = Draft {
            room: rooms[number as usize % ROOMS].clone(),
            from: owner.clone(),
            body: format!("message {number} of many, as long as people make them").into(),
            key: Some(format!("key {number}").into()),
            reply_to: None,
        };
        let stores = stores.clone();
        said.spawn(async move { stores.append(draft, START).await.map(drop) });
        if said.len() == AT_ONCE {
            said.join_next().await.expect("one").expect("no panic").expect("it is stored");
        }
    }
    while let Some(stored) = said.join_next().await {
        stored.expect("no panic").expect("it is stored");
    }
    store.close().await;
}
