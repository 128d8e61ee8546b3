//! A server, and a new database on it for each promise.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod load;

use campanile_neighbours::{PgBouncer, Postgres};
use sqlx::{Connection, PgConnection, raw_sql};
use std::{
    panic::Location,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// A PostgreSQL of the test's own.
pub(crate) struct Server {
    pooler: Option<PgBouncer>,
    pub(crate) postgres: Postgres,
    databases: AtomicUsize,
}

impl Server {
    pub(crate) fn start() -> Self {
        // What is lost in a power cut is not what these tests are about.
        let settings = ["max_connections=300", "fsync=off"];
        let postgres = Postgres::start_with(&settings);
        Self { pooler: None, postgres, databases: AtomicUsize::new(0) }
    }

    pub(crate) fn behind_pooler() -> Self {
        let server = Self::start();
        Self { pooler: Some(PgBouncer::before(&server.postgres)), ..server }
    }

    /// An empty database; where it is.
    pub(crate) fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let direct = self.postgres.create_database(&name);
        match &self.pooler {
            Some(pooler) => pooler.url(&self.postgres, &name),
            None => direct,
        }
    }
}

/// A transaction of somebody else, who has done this in it and goes no further. What it has locked
/// is free when it is dropped.
pub(crate) async fn hold(url: &str, sql: &'static str) -> PgConnection {
    let mut other = PgConnection::connect(url).await.expect("the database lets others in");
    raw_sql("BEGIN").execute(&mut other).await.expect("a transaction begins");
    raw_sql(sql).execute(&mut other).await.expect("it can be locked");
    other
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(
    what: &str,
    patience: Duration,
    holds: impl Fn() -> bool,
) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        let deadline = Instant::now() + patience;
        while !holds() {
            assert!(Instant::now() < deadline, "{what}: not within {patience:?}, at {caller}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
