//! The adapter keeps every promise of its ports, on one server, on a cluster, and on a set with
//! sentinels.

mod support;

use campanile_conformance as conformance;
use campanile_core::port::{
    AnswerStore, Bus, Cache, ChannelStore, Clock, PresenceStore, RateLimiter,
};
use std::sync::Arc;
use support::Place;

async fn prove_bus(place: Place) {
    conformance::bus(async |count: usize| {
        let prefix = support::prefix();
        let mut nodes = Vec::new();
        for number in 1..=count {
            let node = place.node(&prefix, number).await;
            nodes.push(Arc::new(node.bus()) as Arc<dyn Bus>);
        }
        nodes
    })
    .await;
}

async fn prove_presence(place: Place) {
    conformance::presence_store(async || {
        let node = place.node(&support::prefix(), 1).await;
        Arc::new(node.presence()) as Arc<dyn PresenceStore>
    })
    .await;
}

async fn prove_channels(place: Place) {
    conformance::channel_store(async |clock: Arc<dyn Clock>| {
        let node = place.node(&support::prefix(), 1).await;
        Arc::new(node.channels().by_clock(clock)) as Arc<dyn ChannelStore>
    })
    .await;
}

async fn prove_rate_limiter(place: Place) {
    conformance::rate_limiter(async |clock: Arc<dyn Clock>| {
        let node = place.node(&support::prefix(), 1).await;
        Arc::new(node.rate_limiter().by_clock(clock)) as Arc<dyn RateLimiter>
    })
    .await;
}

async fn prove_cache(place: Place) {
    conformance::cache(async || {
        let node = place.node(&support::prefix(), 1).await;
        Arc::new(node.cache()) as Arc<dyn Cache>
    })
    .await;
}

async fn prove_answers(place: Place) {
    conformance::answer_store(async || {
        let node = place.node(&support::prefix(), 1).await;
        Arc::new(node.answers()) as Arc<dyn AnswerStore>
    })
    .await;
}

macro_rules! prove {
    ($($setup:ident: $place:expr;)+) => {$(
        mod $setup {
            use super::*;

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs Redis: cargo xtask test"]
            async fn bus() {
                prove_bus($place).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs Redis: cargo xtask test"]
            async fn presence() {
                prove_presence($place).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs Redis: cargo xtask test"]
            async fn channels() {
                prove_channels($place).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs Redis: cargo xtask test"]
            async fn rate_limiter() {
                prove_rate_limiter($place).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs Redis: cargo xtask test"]
            async fn cache() {
                prove_cache($place).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            #[ignore = "needs Redis: cargo xtask test"]
            async fn answers() {
                prove_answers($place).await;
            }
        }
    )+};
}

prove! {
    standalone: Place::standalone();
    cluster: Place::cluster();
    sentinels: Place::sentinels();
}
