//! What all listeners have heard, and how late.

use anyhow::{Context, Result};
use std::{
    mem,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Notify, time::timeout};

/// Marks the body of a message that tells when it was due: nanoseconds, 16 digits, follow.
const DUE: &str = "due ";
const DIGITS: usize = 16;

/// What all listeners have heard.
pub(crate) struct Heard {
    messages: AtomicU64,
    news: Notify,
    since: Instant,
    latenesses: Mutex<Vec<Duration>>,
}

/// What one listener reads at once.
pub(crate) struct Burst<'a> {
    heard: &'a Heard,
    at: Duration,
}

impl Default for Heard {
    fn default() -> Self {
        let (messages, news) = (AtomicU64::new(0), Notify::new());
        Self { messages, news, since: Instant::now(), latenesses: Mutex::default() }
    }
}

impl Heard {
    /// Something was read just now.
    pub(crate) fn burst(&self) -> Burst<'_> {
        Burst { heard: self, at: self.since.elapsed() }
    }

    /// Waits until so many messages were heard since the beginning.
    pub(crate) async fn until(&self, wanted: u64) -> Result<()> {
        while self.messages.load(Ordering::Relaxed) < wanted {
            let news = timeout(Duration::from_secs(60), self.news.notified());
            news.await.context("a delivery did not come")?;
        }
        Ok(())
    }

    /// The body of a message that is due at some time.
    pub(crate) fn due(&self, at: Instant, bytes: usize) -> String {
        let due = (at - self.since).as_nanos();
        let text = format!("{DUE}{due:0DIGITS$}");
        format!("{text:x<bytes$}")
    }

    /// How late messages were that told when they were due, since this was last asked.
    pub(crate) fn take_latenesses(&self) -> Vec<Duration> {
        mem::take(&mut *self.latenesses.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Burst<'_> {
    /// A message was among what was read.
    pub(crate) fn message(&self, frame: &[u8]) {
        self.heard.messages.fetch_add(1, Ordering::Relaxed);
        if let Some(due) = due(frame) {
            let lateness = self.at.saturating_sub(due);
            let mut all = self.heard.latenesses.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(lateness);
        }
    }
}

impl Drop for Burst<'_> {
    fn drop(&mut self) {
        self.heard.news.notify_one();
    }
}

fn due(frame: &[u8]) -> Option<Duration> {
    let frame = str::from_utf8(frame).ok()?;
    let (_, due) = frame.split_once(DUE)?;
    Some(Duration::from_nanos(due.get(..DIGITS)?.parse().ok()?))
}
