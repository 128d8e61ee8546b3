//! What can be set, with defaults.

use campanile_core::limits::Limits;
use std::{fmt, time::Duration};

/// Where the store is and how it behaves.
#[derive(Clone)]
pub struct Config {
    /// `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. TLS is in its parameters, as
    /// `?sslmode=verify-full&sslrootcert=/etc/ssl/database.pem`; a password not given here is looked
    /// for where `psql` looks.
    pub url: String,
    /// The password; it goes before one in the URL.
    pub password: Option<String>,
    /// What the connections are called in `pg_stat_activity`.
    pub application_name: String,
    /// How long idempotency keys are remembered.
    pub idempotency_window: Duration,
    /// Distinct reactions on one message.
    pub reactions_per_message_max: usize,
    /// Connections for everything but messages. Seen in `chat_storage_pool_connections_max`.
    pub connections_max: u32,
    /// How long a connection may be waited for. Seen in `chat_storage_pool_timeouts_total`.
    pub connection_wait_max: Duration,
    /// How long connecting may take, logging in included. Seen in
    /// `chat_storage_connects_total{result="timeout"}`.
    pub connect_timeout: Duration,
    /// How long a transaction may take. Seen in `chat_storage_errors_total{reason="timeout"}`.
    pub statement_timeout: Duration,
    /// How long a transaction may take before it is counted and logged as slow. Seen in
    /// `chat_storage_slow_statements_total`.
    pub slow_after: Duration,
    /// Connections that write messages, beside the others: each room has one of them.
    pub writers: u32,
    /// Messages that may wait for one writer. Seen in `chat_archive_write_queue_messages`.
    pub write_queue_max: usize,
    /// How long writing a message may take, waiting included, before its sender hears that it is
    /// not known whether it was written.
    pub write_wait_max: Duration,
    /// Whether there is a pooler before the database that lends a connection for one transaction.
    pub pooler: Pooler,
}

/// Whether there is a pooler, PgBouncer in transaction mode, before the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pooler {
    /// This is found out when connecting.
    #[default]
    Detect,
    /// There is one: statements are not prepared ahead, and everything is a transaction.
    Present,
    /// There is none, or one that lends connections for whole sessions.
    Absent,
}

impl Config {
    /// The store in this database.
    pub fn new(url: impl Into<String>) -> Self {
        let limits = Limits::default();
        Self {
            url: url.into(),
            password: None,
            application_name: "campanile".into(),
            idempotency_window: limits.idempotency_window,
            reactions_per_message_max: limits.reactions_per_message_max,
            connections_max: 10,
            connection_wait_max: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(5),
            slow_after: Duration::from_millis(500),
            writers: 2,
            write_queue_max: 8 * 1024,
            write_wait_max: Duration::from_secs(5),
            pooler: Pooler::Detect,
        }
    }
}

/// Without what gives access.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("application_name", &self.application_name)
            .field("connections_max", &self.connections_max)
            .field("writers", &self.writers)
            .field("pooler", &self.pooler)
            .finish_non_exhaustive()
    }
}
