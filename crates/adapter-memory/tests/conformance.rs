//! The adapter keeps every promise of its ports.

use campanile_adapter_memory::{
    MemoryAnswers, MemoryBlobs, MemoryCache, MemoryChannels, MemoryHub, MemoryJobs, MemoryPresence,
    MemoryRateLimiter, MemoryStore, SystemClock,
};
use campanile_conformance::{self as conformance, IDEMPOTENCY_WINDOW, START, Stores, TestClock};
use campanile_core::port::{
    AnswerStore, BlobStore, Bus, Cache, ChannelStore, Clock, JobQueue, Node, NodeId, PresenceStore,
    RateLimiter,
};
use std::{sync::Arc, time::Duration};

async fn stores() -> Stores {
    Stores::of(Arc::new(MemoryStore::new(IDEMPOTENCY_WINDOW)))
}

#[tokio::test]
async fn accounts() {
    conformance::account_store(stores).await;
}

#[tokio::test]
async fn channels() {
    conformance::channel_store(async |clock: Arc<dyn Clock>| {
        Arc::new(MemoryChannels::new(clock)) as Arc<dyn ChannelStore>
    })
    .await;
}

#[tokio::test]
async fn sessions() {
    conformance::session_store(stores).await;
}

#[tokio::test]
async fn rooms() {
    conformance::room_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members() {
    conformance::member_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages() {
    conformance::message_store(stores).await;
}

#[tokio::test]
async fn receipts() {
    conformance::receipt_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads() {
    conformance::upload_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prekeys() {
    conformance::prekey_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invites() {
    conformance::invite_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes() {
    conformance::push_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applications() {
    conformance::app_store(stores).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers() {
    conformance::answer_store(async || {
        Arc::new(MemoryAnswers::new(Arc::new(SystemClock::new()))) as Arc<dyn AnswerStore>
    })
    .await;
}

#[tokio::test]
async fn blobs() {
    conformance::blob_store(async || Arc::new(MemoryBlobs::default()) as Arc<dyn BlobStore>).await;
}

#[tokio::test]
async fn presence() {
    let make = async || Arc::new(MemoryPresence::default()) as Arc<dyn PresenceStore>;
    conformance::presence_store(make).await;
}

#[tokio::test]
async fn cache() {
    conformance::cache(async || {
        let lifetime = Duration::from_secs(30);
        Arc::new(MemoryCache::new(Arc::new(TestClock::default()), lifetime)) as Arc<dyn Cache>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn job_queue() {
    conformance::job_queue(async || Arc::new(MemoryJobs::default()) as Arc<dyn JobQueue>).await;
}

#[tokio::test]
async fn bus() {
    conformance::bus(async |count: usize| {
        let hub = MemoryHub::new();
        let join = |id| {
            Arc::new(hub.join(Node::new(NodeId(id), &format!("node-{id}"), "0.1.0", START)))
                as Arc<dyn Bus>
        };
        (0..count as u64).map(join).collect()
    })
    .await;
}

#[tokio::test]
async fn rate_limiter() {
    conformance::rate_limiter(async |clock: Arc<dyn Clock>| {
        Arc::new(MemoryRateLimiter::new(clock)) as Arc<dyn RateLimiter>
    })
    .await;
}

#[test]
fn clock() {
    conformance::clock(&SystemClock::new());
}
