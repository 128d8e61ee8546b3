//! Ports behind a cache, with equal readings made once, keep every promise all the same.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use campanile_adapter_memory::{MemoryCache, ports};
use campanile_conformance::{self as conformance, IDEMPOTENCY_WINDOW, START, Stores, TestClock};
use campanile_core::{
    instrumented::InstrumentedCache,
    port::Cache,
    room::{Role, RoomKind},
};
use campanile_metrics::testing::{Probe, Recording};
use std::{sync::Arc, time::Duration};

/// Stores behind a cache in which nothing ever expires: the worst there is.
fn behind_cache(recording: &Recording) -> Stores {
    let clock = Arc::new(TestClock::default());
    let ports = ports(clock.clone(), IDEMPOTENCY_WINDOW);
    let cache = Arc::new(MemoryCache::new(clock.clone(), Duration::from_secs(1 << 30)));
    let cache: Arc<dyn Cache> =
        Arc::new(InstrumentedCache::new(cache, clock, recording.registry()));
    let ports = ports.cached(&cache).coalesced();
    Stores {
        accounts: ports.accounts,
        sessions: ports.sessions,
        rooms: ports.rooms,
        members: ports.members,
        messages: ports.messages,
        receipts: ports.receipts,
        uploads: ports.uploads,
        prekeys: ports.prekeys,
        invites: ports.invites,
        pushes: ports.pushes,
        apps: ports.apps,
        held: Arc::new(()),
    }
}

async fn stores() -> Stores {
    behind_cache(&Recording::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_promise_is_kept() {
    conformance::account_store(stores).await;
    conformance::room_store(stores).await;
    conformance::member_store(stores).await;
    conformance::message_store(stores).await;
    conformance::receipt_store(stores).await;
    conformance::upload_store(stores).await;
}

#[tokio::test]
async fn what_is_asked_again_is_answered_by_the_cache() {
    let recording = Recording::new();
    let stores = behind_cache(&recording);
    let (owner, lobby) = stores.owner_and_room().await;
    // Long enough after the change that made it a member.
    let ada = stores.account("ada").await;
    let ask = async || {
        assert_eq!(stores.rooms.kind(&lobby).await.unwrap(), Some(RoomKind::Public));
        assert_eq!(stores.members.role(&lobby, &owner).await.unwrap(), Some(Role::Owner));
        assert_eq!(stores.members.role(&lobby, &ada).await.unwrap(), None);
    };
    for _ in 0..3 {
        ask().await;
    }
    let probe = recording.probe();
    let of = |name: &str, cache| probe.value(name, &[("cache", cache)]).unwrap();
    assert_eq!(of("chat_cache_misses_total", "rooms"), 1.0);
    assert_eq!(of("chat_cache_hits_total", "rooms"), 2.0);
    // Who is nobody there is asked for each time.
    assert_eq!(of("chat_cache_misses_total", "members"), 4.0);
    assert_eq!(of("chat_cache_hits_total", "members"), 2.0);
    assert_eq!(operations(&probe, "rooms", "set"), 1.0);
    assert_eq!(operations(&probe, "members", "get"), 6.0);
    let timed = [("cache", "members"), ("operation", "get")];
    let count = probe.value("chat_cache_operation_duration_seconds_count", &timed);
    assert_eq!(count, Some(6.0));
    stores.rooms.delete(&lobby).await.unwrap();
    assert_eq!(operations(&recording.probe(), "rooms", "invalidate"), 1.0);
}

fn operations(probe: &Probe, cache: &str, operation: &str) -> f64 {
    let labels = [("cache", cache), ("operation", operation), ("result", "ok")];
    probe.value("chat_cache_operations_total", &labels).unwrap()
}

#[tokio::test]
async fn a_later_room_of_the_same_name_inherits_no_roles() {
    let stores = stores().await;
    let (owner, lobby) = stores.owner_and_room().await;
    let role = async |user| stores.members.role(&lobby, user).await.unwrap();
    assert_eq!(role(&owner).await, Some(Role::Owner));
    stores.rooms.delete(&lobby).await.unwrap();
    let other = stores.account("other").await;
    stores.room("lobby", RoomKind::Private, &other).await;
    assert_eq!(role(&owner).await, None);
    assert_eq!(stores.rooms.kind(&lobby).await.unwrap(), Some(RoomKind::Private));
}

#[tokio::test]
async fn an_ended_session_is_known_to_nobody() {
    use campanile_core::user::{Session, TokenHash};
    let stores = stores().await;
    let user = stores.account("first").await;
    let expires_at = START.plus(Duration::from_secs(60));
    let open = async |token| {
        let token = TokenHash([token; 32]);
        let session = Session { user: user.clone(), token, operator: false, expires_at };
        stores.sessions.open(session).await.unwrap();
        stores.sessions.find(token, START).await.unwrap().expect("it is open");
        token
    };
    let (one, other) = (open(1).await, open(2).await);
    let found = async |token| stores.sessions.find(token, START).await.unwrap().is_some();
    stores.sessions.end(one).await.unwrap();
    assert!(!found(one).await);
    assert!(found(other).await);
    stores.sessions.end_all(&user).await.unwrap();
    assert!(!found(other).await);
}
