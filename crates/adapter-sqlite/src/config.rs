//! What can be set, with defaults.

use campanile_core::limits::Limits;
use std::{path::PathBuf, time::Duration};

/// Where the store is and how it behaves.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file. Its directory is made when it is not there.
    pub path: PathBuf,
    /// How long idempotency keys are remembered.
    pub idempotency_window: Duration,
    /// Distinct reactions on one message.
    pub reactions_per_message_max: usize,
    /// Connections that read; each has a thread. Seen in `chat_storage_pool_connections_max`.
    pub readers_max: u32,
    /// How long a reader may be waited for. Seen in `chat_storage_pool_timeouts_total`.
    pub reader_wait_max: Duration,
    /// Changes that may wait for the writer. Seen in `chat_archive_write_queue_messages`.
    pub write_queue_max: usize,
    /// How long a change may take, waiting included, before its caller hears that it is not known
    /// whether it was made.
    pub write_wait_max: Duration,
    /// How long another process may hold the file.
    pub busy_timeout: Duration,
    /// How large the file may grow. What does not fit is refused as on a full disk.
    pub bytes_max: Option<u64>,
}

impl Config {
    /// A store in this file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let limits = Limits::default();
        Self {
            path: path.into(),
            idempotency_window: limits.idempotency_window,
            reactions_per_message_max: limits.reactions_per_message_max,
            readers_max: 4,
            reader_wait_max: Duration::from_secs(3),
            write_queue_max: 8 * 1024,
            write_wait_max: Duration::from_secs(5),
            busy_timeout: Duration::from_secs(5),
            bytes_max: None,
        }
    }
}
