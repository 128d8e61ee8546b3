//! Rate limits over all nodes, by the generic cell rate algorithm.

use crate::{core::Core, metrics::Call, script::Script};
use async_trait::async_trait;
use campanile_core::{
    limits::Rate,
    port::{Budget, Clock, Fault, Limiter, LimiterContext, RateLimiter, Verdict},
};
use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

/// The longest time between two that may pass: what is rarer hardly ever happens.
const SPACING_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// The key holds when it will have recovered, in microseconds, and goes away then. What is refused
/// writes nothing.
static CHECK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local spacing, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
         local now, kept = tonumber(ARGV[3]), tonumber(ARGV[4])
         if not now then
           local time = redis.call('TIME')
           now = time[1] * 1000000 + time[2]
         end
         local recovered = math.max(tonumber(redis.call('GET', KEYS[1]) or now) or now, now)
         if recovered - now > tolerance then
           return string.format('%.0f', recovered - now - tolerance)
         end
         recovered = recovered + spacing
         local expiry = math.ceil((recovered - now) / 1000) + kept
         redis.call('SET', KEYS[1], string.format('%.0f', recovered),
           'PX', string.format('%.0f', math.max(expiry, 1)))
         return '0'",
    )
});

/// The key holds how much was spent and when that is forgotten, in microseconds. What is refused
/// writes nothing.
static SPEND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local count, max, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
         local now, kept = tonumber(ARGV[4]), tonumber(ARGV[5])
         if not now then
           local time = redis.call('TIME')
           now = time[1] * 1000000 + time[2]
         end
         local spent, ending = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')
         spent, ending = tonumber(spent), tonumber(ending)
         if not spent or ending <= now then
           spent, ending = 0, now + window
         end
         if spent + count > max then
           return string.format('%.0f', math.max(ending - now, 1))
         end
         local expiry = math.max(math.ceil((ending - now) / 1000) + kept, 1)
         redis.call('SET', KEYS[1], string.format('%.0f %.0f', spent + count, ending),
           'PX', string.format('%.0f', expiry))
         return '0'",
    )
});

/// Limits rates over all nodes that use one Redis with one prefix.
///
/// The time is that of Redis, so that nodes whose clocks differ agree.
#[derive(Clone)]
pub struct RedisRateLimiter {
    core: Arc<Core>,
    clock: Option<Arc<dyn Clock>>,
}

impl RedisRateLimiter {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core, clock: None }
    }

    /// The same limiter by another clock, for tests, where time passes as they wish. Keys are kept
    /// a minute longer, since Redis forgets them by its own.
    pub fn by_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn check(
        &self,
        limiter: Limiter,
        context: LimiterContext,
        key: &str,
        rate: Rate,
    ) -> Result<Verdict, Fault> {
        let key = self.key("rate", (limiter, context), key);
        let spacing = spacing(rate);
        let tolerance = (spacing * u128::from(rate.burst.max(1) - 1)).to_string();
        let (now, kept) = self.now();
        let arguments = [&spacing.to_string(), &tolerance, &now, kept];
        self.ask(&CHECK, &key, &arguments).await
    }

    async fn spend(
        &self,
        of: (Limiter, LimiterContext),
        key: &str,
        count: u64,
        budget: Budget,
    ) -> Result<Verdict, Fault> {
        let key = self.key("spent", of, key);
        let (count, max) = (count.to_string(), budget.max.to_string());
        let window = budget.window.as_micros().to_string();
        let (now, kept) = self.now();
        self.ask(&SPEND, &key, &[&count, &max, &window, &now, kept]).await
    }
}

impl RedisRateLimiter {
    fn key(&self, what: &str, (limiter, context): (Limiter, LimiterContext), key: &str) -> String {
        let (limiter, context) = (limiter.values()[0], context.values()[0]);
        format!("{}{what}:{limiter}:{context}:{key}", self.core.prefix)
    }

    /// The time in microseconds, where it is not that of Redis, and how much longer keys are kept.
    fn now(&self) -> (String, &'static str) {
        match &self.clock {
            Some(clock) => ((clock.moment().0 / 1_000).to_string(), "60000"),
            None => (String::new(), "0"),
        }
    }

    /// Runs a script that says how many microseconds to wait.
    async fn ask(&self, script: &Script, key: &str, arguments: &[&str]) -> Result<Verdict, Fault> {
        let answer = script.run((&self.core.link, Call::Rate), &[key], arguments).await;
        let wait: u64 = answer.map_err(Fault::from)?;
        Ok(match wait {
            0 => Verdict::Allowed,
            wait => Verdict::Limited { retry_after: Duration::from_micros(wait) },
        })
    }
}

/// The time from one to the next at the sustained rate, in microseconds.
fn spacing(rate: Rate) -> u128 {
    Duration::try_from_secs_f64(rate.per_second.recip())
        .map_or(SPACING_MAX, |spacing| spacing.min(SPACING_MAX))
        .as_micros()
}
