//! Rate limits on one node, by the generic cell rate algorithm.

use crate::lock;
use async_trait::async_trait;
use campanile_core::{
    limits::Rate,
    port::{Budget, Clock, Fault, Limiter, LimiterContext, RateLimiter, Verdict},
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
    /// What each key has spent, and when that is forgotten.
    spent: HashMap<Box<str>, (u64, Moment)>,
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
        let count = |table: &Mutex<Table>| {
            let table = lock(table);
            table.recovered.len() + table.spent.len()
        };
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
        Ok(lock(self.table(limiter, context)).check(key, rate, now))
    }

    async fn spend(
        &self,
        (limiter, context): (Limiter, LimiterContext),
        key: &str,
        count: u64,
        budget: Budget,
    ) -> Result<Verdict, Fault> {
        let now = self.clock.moment();
        Ok(lock(self.table(limiter, context)).spend(key, count, budget, now))
    }
}

impl MemoryRateLimiter {
    fn table(&self, limiter: Limiter, context: LimiterContext) -> &Mutex<Table> {
        &self.tables[limiter.index() * LimiterContext::BOUND + context.index()]
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

    fn spend(&mut self, key: &str, count: u64, budget: Budget, now: Moment) -> Verdict {
        self.keep_up(now);
        let fresh = (0, now.plus(budget.window));
        let known = self.spent.get(key).copied().filter(|(_, end)| *end > now);
        let (spent, end) = known.unwrap_or(fresh);
        let spent = spent.saturating_add(count);
        if spent > budget.max {
            return Verdict::Limited { retry_after: end.since(now) };
        }
        self.spent.insert(key.into(), (spent, end));
        Verdict::Allowed
    }

    fn keep_up(&mut self, now: Moment) {
        if now < self.upkeep_due {
            return;
        }
        self.upkeep_due = now.plus(UPKEEP_INTERVAL);
        self.spent.retain(|_, (_, end)| *end > now);
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
