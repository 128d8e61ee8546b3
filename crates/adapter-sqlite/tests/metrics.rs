//! What only the driver sees is told.

use campanile_adapter_sqlite::Config;
use campanile_conformance::{Stores, room};
use campanile_core::port::{FaultKind, Page};
use campanile_metrics::testing::{Probe, Recording};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const BACKEND: [(&str, &str); 1] = [("backend", "sqlite")];

fn connections(probe: &Probe, state: &str) -> Option<f64> {
    let labels = [("backend", "sqlite"), ("state", state)];
    probe.value("chat_storage_pool_connections", &labels)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_tells_what_it_does() {
    let directory = tempfile::tempdir().unwrap();
    let recording = Recording::new();
    let config = Config { readers_max: 3, ..Config::new(directory.path().join("store.db")) };
    let store = Arc::new(config.open(recording.registry()).await.unwrap());
    let stores = Stores::of(store.clone());
    let before = recording.probe();
    let max = before.value("chat_storage_pool_connections_max", &BACKEND);
    assert_eq!(max, Some(3.0));
    assert_eq!(connections(&before, "idle"), Some(0.0));
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say(&lobby, &owner, "hello").await;
    stores.all(&lobby).await;
    stores.rooms.find(&lobby).await.unwrap();

    // A connection goes back to the pool a moment after it was used.
    let deadline = Instant::now() + Duration::from_secs(10);
    while connections(&recording.probe(), "used") != Some(0.0) {
        assert!(Instant::now() < deadline, "every connection is idle");
        tokio::task::yield_now().await;
    }
    let after = recording.probe();
    let idle = connections(&after, "idle").unwrap();
    assert!((1.0..=2.0).contains(&idle), "two reads made {idle} connections");
    let waits = after.value("chat_storage_pool_wait_duration_seconds_count", &BACKEND);
    assert_eq!(waits, Some(2.0), "two reads");
    let pending = after.value("chat_storage_pool_pending_requests", &BACKEND);
    assert_eq!(pending, Some(0.0));
    let timeouts = after.value("chat_storage_pool_timeouts_total", &BACKEND);
    assert_eq!(timeouts, Some(0.0));
    assert_eq!(after.value("chat_archive_write_queue_messages", &[]), Some(0.0));
    store.probe().await.expect("it can be read and written");
    store.close().await;
    let closed = store.probe().await.unwrap_err();
    assert_eq!(closed.kind, FaultKind::Connection);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_too_long_for_a_reader_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let recording = Recording::new();
    let config = Config {
        readers_max: 1,
        reader_wait_max: Duration::from_millis(1),
        ..Config::new(directory.path().join("store.db"))
    };
    let stores = Stores::of(Arc::new(config.open(recording.registry()).await.unwrap()));
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &owner, 50).await;
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut refused = 0;
    while refused == 0 {
        assert!(Instant::now() < deadline, "somebody waits too long");
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..64 {
            let messages = stores.messages.clone();
            tasks.spawn(async move {
                let read = messages.history(&room("lobby"), Page::Newest, 50).await;
                match read {
                    Ok(_) => 0,
                    Err(campanile_core::port::HistoryError::Fault(fault)) => {
                        assert_eq!(fault.kind, FaultKind::PoolExhausted);
                        1
                    }
                    Err(error) => panic!("{error}"),
                }
            });
        }
        refused += tasks.join_all().await.into_iter().sum::<u32>();
    }
    let timeouts = recording.probe().value("chat_storage_pool_timeouts_total", &BACKEND);
    assert_eq!(timeouts, Some(f64::from(refused)));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_wait_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let recording = Recording::new();
    let store = Config::new(&path).open(recording.registry()).await.unwrap();
    let stores = Stores::of(Arc::new(store));
    let (owner, lobby) = stores.owner_and_room().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut other =
        <sqlx::SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let (stores, owner, lobby) = (stores.clone(), owner.clone(), lobby.clone());
        tasks.spawn(async move { stores.say(&lobby, &owner, "waiting").await });
    }
    let waiting = || {
        let probe = recording.probe();
        probe.value("chat_archive_write_queue_messages", &[])
    };
    let deadline = Instant::now() + Duration::from_secs(4);
    while waiting() != Some(5.0) {
        assert!(Instant::now() < deadline, "five wait");
        tokio::task::yield_now().await;
    }
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    tasks.join_all().await;
    let deadline = Instant::now() + Duration::from_secs(10);
    while waiting() != Some(0.0) {
        assert!(Instant::now() < deadline, "nobody waits any more");
        tokio::task::yield_now().await;
    }
}
