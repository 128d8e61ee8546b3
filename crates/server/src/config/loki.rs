//! Settings about shipping logs to Loki.

use super::{secret::Secret, setting::section};
use std::path::PathBuf;

section! {
    /// Shipping logs to Loki, beside writing them to standard output. What becomes of each line is
    /// seen in `chat_log_shipper_…`.
    pub struct Loki {
        /// Where Loki is, such as `http://loki:3100`; `loki/api/v1/push` is asked for below that.
        /// Without it nothing is shipped. Whoever collects standard output already has all lines.
        url: Option<String> = None;
        /// Whose lines they are, where Loki serves several tenants: `X-Scope-OrgID`.
        tenant: Option<String> = None;
        /// User with whom lines are taken.
        user: Option<String> = None;
        /// The user's password.
        password: Option<Secret> = None;
        /// Token with which lines are taken, instead of user and password.
        bearer_token: Option<Secret> = None;
        /// File with the authorities, in PEM, that vouch for Loki; without it, those of the system.
        ca: Option<PathBuf> = None;
        /// Labels of every line, beside `job`, which is `chat-server`, and `level`.
        labels: LokiLabels = LokiLabels::default();
        /// Bytes of lines that wait in memory, compressed, from 16384; then the oldest are
        /// dropped: `chat_log_shipper_entries_dropped_total{reason="buffer_full"}`.
        buffer_bytes: usize = 16 * 1024 * 1024;
        /// Directory in which lines wait instead, so that they outlive the process; made when it
        /// is not there. Each server has its own.
        spool_dir: Option<PathBuf> = None;
        /// Bytes of lines that wait in that directory.
        spool_bytes: u64 = 256 * 1024 * 1024;
        /// Seconds that the end of the server waits for Loki to take what waits, after everything
        /// else has ended. What is left then is dropped, unless it is in the directory.
        flush_deadline: f64 = 5.0;
    }
}

section! {
    /// Labels of every line.
    pub struct LokiLabels {
        /// Label `service`; none without it.
        service: Option<String> = None;
        /// Label `env`, such as `production`; none without it.
        env: Option<String> = None;
        /// Label `instance`; without it, the name of the node as in `cluster.node`.
        instance: Option<String> = None;
    }
}
