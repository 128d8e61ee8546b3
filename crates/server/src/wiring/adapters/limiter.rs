//! Rate limits of many nodes.

use async_trait::async_trait;
use campanile_core::{
    limits::Rate,
    port::{Budget, Fault, Limiter, LimiterContext, RateLimiter, Verdict},
};
use std::sync::Arc;

/// Limits that all nodes share, but for those that are a node's own. While the nodes cannot be
/// asked together, each holds to the limit by itself.
pub(super) struct SharedLimiter<S> {
    own: Arc<dyn RateLimiter>,
    shared: S,
}

impl<S> SharedLimiter<S> {
    pub(super) fn new(own: Arc<dyn RateLimiter>, shared: S) -> Self {
        Self { own, shared }
    }
}

#[async_trait]
impl<S: RateLimiter> RateLimiter for SharedLimiter<S> {
    async fn check(
        &self,
        limiter: Limiter,
        context: LimiterContext,
        key: &str,
        rate: Rate,
    ) -> Result<Verdict, Fault> {
        // What everyone together may do is what one node bears.
        if context != LimiterContext::Global
            && let Ok(verdict) = self.shared.check(limiter, context, key, rate).await
        {
            return Ok(verdict);
        }
        self.own.check(limiter, context, key, rate).await
    }

    async fn spend(
        &self,
        of: (Limiter, LimiterContext),
        key: &str,
        count: u64,
        budget: Budget,
    ) -> Result<Verdict, Fault> {
        if of.1 != LimiterContext::Global
            && let Ok(verdict) = self.shared.spend(of, key, count, budget).await
        {
            return Ok(verdict);
        }
        self.own.spend(of, key, count, budget).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_adapter_memory::{MemoryRateLimiter, SystemClock};
    use campanile_core::port::FaultKind;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Shared limits that may be away.
    struct Shared {
        limits: MemoryRateLimiter,
        away: Arc<AtomicBool>,
    }

    #[async_trait]
    impl RateLimiter for Shared {
        async fn check(
            &self,
            limiter: Limiter,
            context: LimiterContext,
            key: &str,
            rate: Rate,
        ) -> Result<Verdict, Fault> {
            if self.away.load(Ordering::SeqCst) {
                return Err(Fault::new(FaultKind::Connection, std::io::Error::other("away")));
            }
            self.limits.check(limiter, context, key, rate).await
        }

        async fn spend(
            &self,
            of: (Limiter, LimiterContext),
            key: &str,
            count: u64,
            budget: Budget,
        ) -> Result<Verdict, Fault> {
            if self.away.load(Ordering::SeqCst) {
                return Err(Fault::new(FaultKind::Connection, std::io::Error::other("away")));
            }
            self.limits.spend(of, key, count, budget).await
        }
    }

    fn limits() -> MemoryRateLimiter {
        MemoryRateLimiter::new(Arc::new(SystemClock::new()))
    }

    async fn passes(limiter: &SharedLimiter<Shared>, context: LimiterContext) -> bool {
        let rate = Rate { per_second: 0.001, burst: 1 };
        let verdict = limiter.check(Limiter::Message, context, "ada", rate).await;
        verdict.expect("it answers") == Verdict::Allowed
    }

    #[tokio::test]
    async fn a_node_holds_to_the_limit_by_itself_while_the_others_cannot_be_asked() {
        let away = Arc::new(AtomicBool::new(false));
        let shared = Shared { limits: limits(), away: away.clone() };
        let limiter = SharedLimiter::new(Arc::new(limits()), shared);
        assert!(passes(&limiter, LimiterContext::User).await);
        assert!(!passes(&limiter, LimiterContext::User).await, "all nodes together have had one");
        away.store(true, Ordering::SeqCst);
        assert!(passes(&limiter, LimiterContext::User).await, "this node has had none");
        assert!(!passes(&limiter, LimiterContext::User).await);
    }

    #[tokio::test]
    async fn a_node_counts_what_is_spent_by_itself_while_the_others_cannot_be_asked() {
        let away = Arc::new(AtomicBool::new(false));
        let shared = Shared { limits: limits(), away: away.clone() };
        let limiter = SharedLimiter::new(Arc::new(limits()), shared);
        let budget = Budget { max: 2, window: std::time::Duration::from_secs(3_600) };
        let pays = async |count| {
            let of = (Limiter::Message, LimiterContext::App);
            limiter.spend(of, "shop", count, budget).await.expect("it answers") == Verdict::Allowed
        };
        assert!(pays(2).await);
        assert!(!pays(1).await, "all nodes together have spent it");
        away.store(true, Ordering::SeqCst);
        assert!(pays(2).await, "this node has spent nothing");
        assert!(!pays(1).await);
    }

    #[tokio::test]
    async fn what_one_node_bears_is_its_own() {
        let shared = Shared { limits: limits(), away: Arc::default() };
        let limiter = SharedLimiter::new(Arc::new(limits()), shared);
        assert!(passes(&limiter, LimiterContext::Global).await);
        let rate = Rate { per_second: 0.001, burst: 1 };
        let elsewhere =
            limiter.shared.check(Limiter::Message, LimiterContext::Global, "ada", rate).await;
        assert_eq!(elsewhere.expect("it answers"), Verdict::Allowed, "nobody was asked");
    }
}
