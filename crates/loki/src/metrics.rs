//! What the shipper counts.

use crate::{config::Bounds, status::Status, time::now};
use campanile_metrics::{buckets, catalogue, labels};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

labels! {
    /// Why a line was given up.
    pub enum DropReason("reason") {
        /// There was no room: in the pipe, in memory, or on disk.
        BufferFull = "buffer_full",
        /// It was longer than the log store takes.
        LineTooLong = "line_too_long",
        /// The log store refused its push for good.
        Rejected = "rejected",
        /// It became older than the log store takes.
        Expired = "expired",
        /// The shipper ended before it was sent.
        Shutdown = "shutdown",
        /// It could not be made into a line, or read from the spool.
        Other = "other",
    }
}

labels! {
    /// How a push ended.
    pub enum PushStatus("status") {
        /// It was accepted.
        Accepted = "2xx",
        /// It was refused for good.
        Refused = "4xx",
        /// There were too many.
        TooMany = "429",
        /// The log store failed.
        Failed = "5xx",
        /// There was no answer, or none that a log store gives.
        Network = "network",
    }
}

catalogue! {
    /// What the shipper counts.
    pub struct ShipperMetrics {
        /// Log entries the log store accepted.
        counter sent() = "chat_log_shipper_entries_sent_total";
        /// Log entries given up.
        counter dropped(DropReason) = "chat_log_shipper_entries_dropped_total";
        /// Bytes of accepted pushes, after compression.
        counter sent_bytes() = "chat_log_shipper_sent_bytes_total" [Bytes];
        /// Pushes to the log store.
        counter requests(PushStatus) = "chat_log_shipper_requests_total";
        /// Duration of one push.
        histogram request_duration() = "chat_log_shipper_request_duration_seconds" [Seconds]
            buckets buckets::LATENCY;
        /// Pushes tried again.
        counter retries() = "chat_log_shipper_retries_total";
        /// Log entries waiting.
        gauge buffer_entries() = "chat_log_shipper_buffer_entries";
        /// Entries the buffer can hold.
        gauge buffer_max_entries() = "chat_log_shipper_buffer_max_entries";
        /// Bytes of log entries waiting, in memory and in the spool.
        gauge buffer_bytes() = "chat_log_shipper_buffer_bytes" [Bytes];
        /// Bytes the buffer can hold, in memory and in the spool.
        gauge buffer_max_bytes() = "chat_log_shipper_buffer_max_bytes" [Bytes];
        /// Age of the oldest waiting entry; 0 when empty.
        gauge oldest_entry_age() = "chat_log_shipper_oldest_entry_age_seconds" [Seconds];
        /// When a push last succeeded.
        gauge last_success() = "chat_log_shipper_last_success_timestamp_seconds" [Seconds];
    }
}

impl ShipperMetrics {
    /// Shows one moment: all numbers are of the same.
    pub(crate) fn follow(&self, status: &Status, bounds: &Bounds) {
        self.sent.handle().raise_to(status.sent);
        for reason in DropReason::ALL {
            self.dropped.handle(*reason).raise_to(status.dropped(*reason));
        }
        self.sent_bytes.handle().raise_to(status.sent_bytes);
        for answer in PushStatus::ALL {
            self.requests.handle(*answer).raise_to(status.requests(*answer));
        }
        self.retries.handle().raise_to(status.retries);
        self.buffer_entries.set(status.queued);
        self.buffer_max_entries.set(bounds.entries);
        self.buffer_bytes.set(status.memory_bytes + status.spool_bytes);
        self.buffer_max_bytes.set(bounds.memory_bytes + bounds.spool_bytes);
        let age = status.oldest.map(|oldest| now().duration_since(oldest).unwrap_or_default());
        self.oldest_entry_age.set(age.unwrap_or_default());
        self.last_success.set(since_epoch(status.last_success));
    }
}

/// Where the durations of pushes are shown, and those of pushes before that: they are shown as soon
/// as they can be, like all that is counted.
#[derive(Default)]
pub(crate) struct Durations {
    shown: Vec<ShipperMetrics>,
    early: Vec<Duration>,
}

/// Durations that are kept until they are shown. A program shows them within its first seconds, or
/// never.
const EARLY_MAX: usize = 1024;

impl Durations {
    pub(crate) fn observe(&mut self, duration: Duration) {
        if self.shown.is_empty() && self.early.len() < EARLY_MAX {
            self.early.push(duration);
        }
        for metrics in &self.shown {
            metrics.request_duration.observe(duration);
        }
    }

    /// Shows them here, too.
    pub(crate) fn show_in(&mut self, metrics: ShipperMetrics) {
        for duration in std::mem::take(&mut self.early) {
            metrics.request_duration.observe(duration);
        }
        self.shown.push(metrics);
    }

    pub(crate) fn shown(&self) -> &[ShipperMetrics] {
        &self.shown
    }
}

/// 0 for what never was.
fn since_epoch(time: Option<SystemTime>) -> Duration {
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default()
}
