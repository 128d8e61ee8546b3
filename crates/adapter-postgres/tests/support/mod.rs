//! A server, and a new database on it for each promise.

#![allow(dead_code, reason = "each test file uses its part")]

use campanile_neighbours::{PgBouncer, Postgres};
use std::sync::atomic::{AtomicUsize, Ordering};

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
