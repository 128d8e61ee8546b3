//! Whether the runtimes keep up: how late a timer of 100 ms fires.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::registry::Registry;

/// How often the timer fires.
const TICK: Duration = Duration::from_millis(100);
/// How long the largest lateness is remembered, longer than most scrape intervals.
const MEMORY: Duration = Duration::from_secs(15);

crate::catalogue! {
    /// Whether the runtimes keep up.
    pub struct LagMetrics {
        /// How late a 100 ms timer fired.
        histogram lag() = "chat_runtime_scheduler_lag_seconds" [Seconds]
            buckets crate::buckets::FAST;
        /// Largest timer lateness of the last 15 seconds.
        gauge lag_max() = "chat_runtime_scheduler_lag_max_seconds" [Seconds];
    }
}

/// Measures lag. Clones share what they remember: run one on each runtime.
#[derive(Clone, Debug)]
pub struct LagProbe {
    metrics: LagMetrics,
    recent: Arc<Mutex<Recent>>,
}

/// Observations that may yet be the largest of the last [`MEMORY`]: ever later, ever smaller.
#[derive(Debug, Default)]
struct Recent(VecDeque<(Instant, Duration)>);

impl LagProbe {
    /// Registers the metrics.
    pub fn register(registry: &Registry) -> Self {
        Self { metrics: LagMetrics::register(registry), recent: Arc::default() }
    }

    /// Measures until it is dropped; for the program to spawn.
    pub async fn run(self) {
        loop {
            let due = Instant::now() + TICK;
            sleep_until(due).await;
            self.observe(due, Instant::now());
        }
    }

    fn observe(&self, due: Instant, now: Instant) {
        let late = now - due;
        self.metrics.lag.observe(late);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        self.metrics.lag_max.set(recent.largest_with(now, late));
    }
}

impl Recent {
    fn largest_with(&mut self, now: Instant, late: Duration) -> Duration {
        while self.0.front().is_some_and(|(at, _)| now - *at > MEMORY) {
            self.0.pop_front();
        }
        while self.0.back().is_some_and(|(_, smaller)| *smaller <= late) {
            self.0.pop_back();
        }
        self.0.push_back((now, late));
        self.0.front().map_or(late, |(_, largest)| *largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;

    #[tokio::test(start_paused = true)]
    async fn a_blocked_runtime_shows_for_fifteen_seconds() {
        let recording = Recording::new();
        let probe = LagProbe::register(recording.registry());
        let due = Instant::now();
        let largest = || recording.probe().value("chat_runtime_scheduler_lag_max_seconds", &[]);
        probe.observe(due, due + Duration::from_millis(400));
        probe.observe(due + MEMORY, due + MEMORY + Duration::from_millis(2));
        assert_eq!(largest(), Some(0.4));
        let later = due + MEMORY + Duration::from_secs(1);
        probe.observe(later, later + Duration::from_millis(1));
        assert_eq!(largest(), Some(0.002));
        let count = recording.probe().value("chat_runtime_scheduler_lag_seconds_count", &[]);
        assert_eq!(count, Some(3.0));
    }

    #[tokio::test(start_paused = true)]
    async fn the_timer_fires_ten_times_a_second() {
        let recording = Recording::new();
        let probe = LagProbe::register(recording.registry());
        let running = tokio::spawn(probe.run());
        tokio::time::sleep(Duration::from_millis(1_050)).await;
        running.abort();
        let count = recording.probe().value("chat_runtime_scheduler_lag_seconds_count", &[]);
        assert_eq!(count, Some(10.0));
    }
}
