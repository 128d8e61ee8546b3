//! What only the driver sees: the pool, the queue, the schema.

use campanile_metrics::{buckets, catalogue, labels};

labels! {
    /// This backend.
    pub enum Backend("backend") {
        /// SQLite.
        Sqlite = "sqlite",
    }
}

labels! {
    /// What a connection of the pool does.
    pub enum PoolState("state") {
        /// Nothing.
        Idle = "idle",
        /// It reads.
        Used = "used",
    }
}

catalogue! {
    /// What only the driver sees.
    pub struct SqliteMetrics {
        /// Pool connections by state.
        gauge connections(Backend, PoolState) = "chat_storage_pool_connections";
        /// Configured pool size.
        gauge connections_max(Backend) = "chat_storage_pool_connections_max";
        /// Requests waiting for a pool connection.
        gauge pending(Backend) = "chat_storage_pool_pending_requests";
        /// Time to obtain a pool connection.
        histogram wait(Backend) = "chat_storage_pool_wait_duration_seconds" [Seconds]
            buckets buckets::STORAGE;
        /// Acquires that timed out.
        counter timeouts(Backend) = "chat_storage_pool_timeouts_total";
        /// 1 when the last health probe of the backend succeeded.
        gauge up(Backend) = "chat_storage_up";
        /// Applied schema version.
        gauge schema_version(Backend) = "chat_storage_schema_version";
        /// Messages waiting to be archived.
        gauge write_queue() = "chat_archive_write_queue_messages";
    }
}
