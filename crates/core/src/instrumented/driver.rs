//! What only a store's driver sees: the pool, the queue, the schema. Declared here once for all of
//! them; each adapter measures it itself.

use campanile_metrics::{buckets, catalogue, labels};

labels! {
    /// A store with connections. Each adapter brings its name along, so that only those in use
    /// have series.
    pub struct StoreDriver("backend", max 4);
}

labels! {
    /// What a connection of the pool does.
    pub enum PoolState("state") {
        /// Nothing.
        Idle = "idle",
        /// It works.
        Used = "used",
    }
}

catalogue! {
    /// What only a store's driver sees.
    pub struct DriverMetrics {
        /// Pool connections by state.
        gauge connections(StoreDriver, PoolState) = "chat_storage_pool_connections";
        /// Configured pool size.
        gauge connections_max(StoreDriver) = "chat_storage_pool_connections_max";
        /// Requests waiting for a pool connection.
        gauge pending(StoreDriver) = "chat_storage_pool_pending_requests";
        /// Time to obtain a pool connection.
        histogram wait(StoreDriver) = "chat_storage_pool_wait_duration_seconds" [Seconds]
            buckets buckets::STORAGE;
        /// Acquires that timed out.
        counter timeouts(StoreDriver) = "chat_storage_pool_timeouts_total";
        /// 1 when the last health probe of the backend succeeded.
        gauge up(StoreDriver) = "chat_storage_up";
        /// Applied schema version.
        gauge schema_version(StoreDriver) = "chat_storage_schema_version";
        /// Messages waiting to be archived.
        gauge write_queue() = "chat_archive_write_queue_messages";
    }
}
