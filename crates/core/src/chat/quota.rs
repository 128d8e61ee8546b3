//! Quotas: how many messages an application may have in a day.

use super::{Chat, Limited};
use crate::{
    channel::AppId,
    port::{Budget, Limiter, LimiterContext, Verdict},
};
use std::time::Duration;

/// The length of a day, in milliseconds. Days begin at midnight, UTC.
const DAY_MS: u64 = 24 * 3_600 * 1_000;

impl Chat {
    /// Takes so many messages off what an application may have today, over all nodes: all of them,
    /// or none. Counted as [`Limiter::Message`] for [`LimiterContext::App`]. While nodes cannot ask
    /// each other, each counts by itself; where nothing can be counted at all, it passes.
    pub async fn spend_messages(
        &self,
        app: &AppId,
        count: u64,
        per_day_max: u64,
    ) -> Result<(), Limited> {
        let (limiter, context) = (Limiter::Message, LimiterContext::App);
        let budget = Budget { max: per_day_max, window: left_of_the_day(self.clock().now().0) };
        // No other key of applications begins so.
        let key = format!("day {app}");
        let verdict = self.ports.limiter.spend((limiter, context), &key, count, budget).await;
        self.count_check(limiter, context, verdict.unwrap_or(Verdict::Allowed))
    }
}

fn left_of_the_day(now_ms: i64) -> Duration {
    let gone = now_ms.rem_euclid(i64::try_from(DAY_MS).unwrap_or(i64::MAX)).unsigned_abs();
    Duration::from_millis(DAY_MS - gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight() {
        assert_eq!(left_of_the_day(0), Duration::from_hours(24));
        assert_eq!(left_of_the_day(86_399_999), Duration::from_millis(1));
        assert_eq!(left_of_the_day(-1), Duration::from_millis(1));
    }
}
