//! The promises of [`RateLimiter`].

use crate::clock::TestClock;
use campanile_core::{
    limits::Rate,
    port::{Budget, Clock, Limiter, LimiterContext, RateLimiter, Verdict},
};
use std::{sync::Arc, time::Duration};

/// What the arithmetic of another program may be off by.
const ROUNDING: Duration = Duration::from_micros(50);

/// Proves a rate limiter that tells the time by the clock it is made with.
pub async fn rate_limiter(make: impl AsyncFn(Arc<dyn Clock>) -> Arc<dyn RateLimiter>) {
    let start = async || {
        let clock = Arc::new(TestClock::default());
        let limiter = make(clock.clone()).await;
        Gate { clock, limiter }
    };
    a_burst_passes_and_then_one_at_a_time(start().await).await;
    a_refusal_costs_nothing(start().await).await;
    what_rests_recovers_and_no_further(start().await).await;
    over_time_the_rate_is_kept(start().await).await;
    a_slow_rate_is_slow(start().await).await;
    keys_do_not_influence_one_another(start().await).await;
    a_rate_of_nothing_lets_the_burst_through(start().await).await;
    a_budget_is_spent_and_comes_again(start().await).await;
    budgets_and_rates_do_not_influence_one_another(start().await).await;
}

struct Gate {
    clock: Arc<TestClock>,
    limiter: Arc<dyn RateLimiter>,
}

impl Gate {
    async fn check(&self, rate: Rate) -> Option<Duration> {
        let ip = LimiterContext::Ip;
        self.check_for(Limiter::Message, ip, "key", rate).await
    }

    async fn check_for(
        &self,
        limiter: Limiter,
        context: LimiterContext,
        key: &str,
        rate: Rate,
    ) -> Option<Duration> {
        let verdict = self.limiter.check(limiter, context, key, rate).await;
        match verdict.expect("the limiter answers") {
            Verdict::Allowed => None,
            Verdict::Limited { retry_after } => Some(retry_after),
        }
    }

    async fn spend(&self, count: u32, rate: Rate) {
        for number in 1..=count {
            assert_eq!(self.check(rate).await, None, "number {number} of {count}");
        }
    }

    async fn refused_for(&self, wait: Duration, rate: Rate) {
        let refused = self.check(rate).await.expect("too early");
        assert!(refused.abs_diff(wait) <= ROUNDING, "to wait for {refused:?} instead of {wait:?}");
    }
}

async fn a_burst_passes_and_then_one_at_a_time(gate: Gate) {
    let rate = Rate::new(2.0, 3);
    gate.spend(3, rate).await;
    for _ in 0..5 {
        gate.refused_for(Duration::from_millis(500), rate).await;
        gate.clock.advance(Duration::from_millis(500));
        gate.spend(1, rate).await;
    }
}

async fn a_refusal_costs_nothing(gate: Gate) {
    let rate = Rate::new(4.0, 1);
    gate.spend(1, rate).await;
    for waited in 0..5 {
        let wait = Duration::from_millis(250 - 50 * waited);
        for _ in 0..20 {
            gate.refused_for(wait, rate).await;
        }
        gate.clock.advance(Duration::from_millis(50));
    }
    gate.spend(1, rate).await;
}

async fn what_rests_recovers_and_no_further(gate: Gate) {
    let rate = Rate::new(10.0, 5);
    gate.spend(5, rate).await;
    gate.clock.advance(Duration::from_millis(200));
    gate.spend(2, rate).await;
    gate.refused_for(Duration::from_millis(100), rate).await;
    gate.clock.advance(Duration::from_secs(3600));
    gate.spend(5, rate).await;
    gate.refused_for(Duration::from_millis(100), rate).await;
}

async fn over_time_the_rate_is_kept(gate: Gate) {
    let rate = Rate::new(30.0, 10);
    let mut passed = 0;
    for _ in 0..20_000 {
        passed += u32::from(gate.check(rate).await.is_none());
        gate.clock.advance(Duration::from_millis(1));
    }
    assert!(
        (609..=611).contains(&passed),
        "{passed} passed in 20 s at 30 a second after 10 at once"
    );
}

async fn a_slow_rate_is_slow(gate: Gate) {
    let rate = Rate::new(5.0 / 60.0, 5);
    gate.spend(5, rate).await;
    gate.refused_for(Duration::from_secs(12), rate).await;
    gate.clock.advance(Duration::from_secs(11));
    gate.refused_for(Duration::from_secs(1), rate).await;
    gate.clock.advance(Duration::from_secs(1) + ROUNDING);
    gate.spend(1, rate).await;
}

async fn keys_do_not_influence_one_another(gate: Gate) {
    let rate = Rate::new(1.0, 1);
    let user = LimiterContext::User;
    let others = [
        (Limiter::Message, LimiterContext::Ip, "ada"),
        (Limiter::Message, user, "bob"),
        (Limiter::Message, user, ""),
        (Limiter::Join, user, "ada"),
    ];
    let check = async |(limiter, context, key)| gate.check_for(limiter, context, key, rate).await;
    assert_eq!(check((Limiter::Message, user, "ada")).await, None);
    for other in others {
        assert_eq!(check(other).await, None, "{other:?} has its own");
    }
    assert!(check((Limiter::Message, user, "ada")).await.is_some());
}

async fn a_rate_of_nothing_lets_the_burst_through(gate: Gate) {
    let rate = Rate::new(0.0, 2);
    gate.spend(2, rate).await;
    gate.clock.advance(Duration::from_secs(24 * 3600));
    let wait = gate.check(rate).await.expect("nothing more passes");
    assert!(wait > Duration::from_secs(24 * 3600), "for a long time");
}

impl Gate {
    async fn pay(&self, key: &str, count: u64, budget: Budget) -> Option<Duration> {
        let of = (Limiter::Message, LimiterContext::App);
        let verdict = self.limiter.spend(of, key, count, budget).await;
        match verdict.expect("the limiter answers") {
            Verdict::Allowed => None,
            Verdict::Limited { retry_after } => Some(retry_after),
        }
    }
}

async fn a_budget_is_spent_and_comes_again(gate: Gate) {
    let hour = Duration::from_secs(3600);
    let budget = Budget { max: 10, window: hour };
    assert!(gate.pay("key", 11, budget).await.is_some(), "more than there ever is");
    for _ in 0..3 {
        assert_eq!(gate.pay("key", 3, budget).await, None);
    }
    gate.clock.advance(hour / 2);
    assert!(gate.pay("key", 2, budget).await.is_some(), "all or none");
    assert_eq!(gate.pay("key", 1, budget).await, None, "a refusal costs nothing");
    let wait = gate.pay("key", 1, budget).await.expect("all is spent");
    assert!(wait.abs_diff(hour / 2) <= Duration::from_secs(1), "to wait for {wait:?}");
    assert_eq!(gate.pay("another", 10, budget).await, None, "it has its own");
    gate.clock.advance(hour / 2);
    assert_eq!(gate.pay("key", 10, budget).await, None, "the window is over");
    assert!(gate.pay("key", 1, budget).await.is_some());
    assert_eq!(gate.pay("key", 0, budget).await, None, "nothing costs nothing");
}

async fn budgets_and_rates_do_not_influence_one_another(gate: Gate) {
    let (rate, budget) = (Rate::new(1.0, 1), Budget { max: 1, window: Duration::from_secs(60) });
    let app = LimiterContext::App;
    assert_eq!(gate.pay("key", 1, budget).await, None);
    assert_eq!(gate.check_for(Limiter::Message, app, "key", rate).await, None);
    assert!(gate.pay("key", 1, budget).await.is_some());
    assert!(gate.check_for(Limiter::Message, app, "key", rate).await.is_some());
}
