//! Rate limits in memory.

use async_trait::async_trait;
use campanile_core::{
    limits::Rate,
    port::{Clock, Fault, Limiter, LimiterContext, RateLimiter, Verdict},
    time::Moment,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Keys beyond which those that have recovered are forgotten.
const KEYS_BEFORE_SWEEP: usize = 4_096;

/// The generic cell rate algorithm over keys of one process.
pub struct MemoryRateLimiter {
    clock: Arc<dyn Clock>,
    cells: Mutex<Cells>,
}

#[derive(Default)]
struct Cells {
    /// When each key will have recovered in full.
    recovered_at: HashMap<(Limiter, LimiterContext, String), Moment>,
    /// Keys at which the next sweep is due.
    sweep_at: usize,
}

impl MemoryRateLimiter {
    /// A limiter that has seen nothing.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            cells: Mutex::default(),
        }
    }

    /// Keys that are remembered.
    pub fn keys(&self) -> usize {
        self.cells
            .lock()
            .expect("no holder of this lock panics")
            .recovered_at
            .len()
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn check(
        &self,
        limiter: Limiter,
        context: LimiterContext,
        key: &str,
        rate: Rate,
    ) -> Result<Verdict, Fault> {
        let now = self.clock.moment();
        let mut cells = self.cells.lock().expect("no holder of this lock panics");
        cells.sweep(now);
        let cell = (limiter, context, key.to_owned());
        let recovered_at = cells
            .recovered_at
            .get(&cell)
            .copied()
            .unwrap_or(now)
            .max(now);
        let step = Duration::from_secs_f64(1.0 / rate.per_second);
        let tolerance = step.saturating_mul(rate.burst.saturating_sub(1));
        let ahead = recovered_at.since(now);
        if ahead > tolerance {
            return Ok(Verdict::Limited {
                retry_after: ahead - tolerance,
            });
        }
        cells.recovered_at.insert(cell, recovered_at.plus(step));
        Ok(Verdict::Allowed)
    }
}

impl Cells {
    /// Forgets keys that have recovered, each time as many again have come.
    fn sweep(&mut self, now: Moment) {
        if self.recovered_at.len() >= self.sweep_at.max(KEYS_BEFORE_SWEEP) {
            self.recovered_at
                .retain(|_, recovered_at| *recovered_at > now);
            self.sweep_at = self.recovered_at.len() * 2;
        }
    }
}
