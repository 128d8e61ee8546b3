//! Rate limits on one node, by the generic cell rate algorithm.

use crate::lock;
use async_trait::async_trait;
use campanile_core::{
    limits::Rate,
    port::{Clock, Fault, Limiter, LimiterContext, RateLimiter, Verdict},
    time::Moment,
};
use campanile_metrics::Label;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

/// How often each table forgets the keys that have recovered.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(10);

/// The longest time between two that may pass: what is rarer hardly ever happens.
const SPACING_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// Limits rates in this process. Keys that have recovered are forgotten along the way.
pub struct MemoryRateLimiter {
    clock: Arc<dyn Clock>,
    // One for each limiter in each context, so that a busy one does not hold up the others.
    tables: Box<[Mutex<Table>]>,
}

/// When each key will have recovered: the theoretical arrival time of GCRA, in nanoseconds. It
/// can be far beyond what a moment holds, so it is wide.
#[derive(Default)]
struct Table {
    recovered: HashMap<Box<str>, u128>,
    upkeep_due: Moment,
}

impl MemoryRateLimiter {
    /// A limiter that tells the time by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let tables = (0..Limiter::BOUND * LimiterContext::BOUND).map(|_| Mutex::default());
        Self { clock, tables: tables.collect() }
    }

    /// How many keys are remembered.
    pub fn keys(&self) -> usize {
        let count = |table: &Mutex<Table>| lock(table).recovered.len();
        self.tables.iter().map(count).sum()
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
        let place = limiter.index() * LimiterContext::BOUND + context.index();
        Ok(lock(&self.tables[place]).check(key, rate, now))
    }
}

impl Table {
    fn check(&mut self, key: &str, rate: Rate, now: Moment) -> Verdict {
        self.keep_up(now);
        let spacing = spacing(rate);
        let tolerance = spacing * u128::from(rate.burst.max(1) - 1);
        let now = u128::from(now.0);
        let known = self.recovered.get_mut(key);
        let recovered = known.as_deref().copied().unwrap_or(now).max(now);
        if recovered - now > tolerance {
            let wait = u64::try_from(recovered - now - tolerance).unwrap_or(u64::MAX);
            let retry_after = Duration::from_nanos(wait);
            return Verdict::Limited { retry_after };
        }
        match known {
            Some(known) => *known = recovered + spacing,
            None => {
                self.recovered.insert(key.into(), recovered + spacing);
            }
        }
        Verdict::Allowed
    }

    fn keep_up(&mut self, now: Moment) {
        if now < self.upkeep_due {
            return;
        }
        self.upkeep_due = now.plus(UPKEEP_INTERVAL);
        self.recovered.retain(|_, recovered| *recovered > u128::from(now.0));
        if self.recovered.len() < self.recovered.capacity() / 4 {
            self.recovered.shrink_to_fit();
        }
    }
}

/// The time from one to the next at the sustained rate.
fn spacing(rate: Rate) -> u128 {
    Duration::try_from_secs_f64(rate.per_second.recip())
        .map_or(SPACING_MAX, |spacing| spacing.min(SPACING_MAX))
        .as_nanos()
}
