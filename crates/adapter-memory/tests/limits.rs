//! Nothing here grows for ever.

use campanile_adapter_memory::{MemoryHub, MemoryRateLimiter};
use campanile_conformance::{START, TestClock};
use campanile_core::{
    event::{Audience, Event, Signal},
    limits::Rate,
    port::{Bus, BusError, Heard, Limiter, LimiterContext, Node, NodeId, RateLimiter},
};
use std::{sync::Arc, time::Duration};

#[tokio::test]
async fn keys_that_have_recovered_are_forgotten() {
    let clock = Arc::new(TestClock::default());
    let limiter = MemoryRateLimiter::new(clock.clone());
    let rate = Rate::new(1.0, 5);
    let check = async |key: &str| {
        let verdict = limiter.check(Limiter::Api, LimiterContext::Ip, key, rate);
        verdict.await.unwrap();
    };
    for minute in 0..20 {
        for address in 0..500 {
            check(&format!("{minute}-{address}")).await;
        }
        assert!(limiter.keys() <= 501, "{} keys in minute {minute}", limiter.keys());
        clock.advance(Duration::from_secs(60));
        check("the one who comes back").await;
    }
    assert_eq!(limiter.keys(), 1, "only who has not recovered is remembered");
}

#[tokio::test]
async fn a_node_that_does_not_listen_loses_signals_and_the_publisher_hears_so() {
    let hub = MemoryHub::new();
    let join = |id, name| hub.join(Node::new(NodeId(id), name, "0", START));
    let (deaf, node) = (join(1, "deaf"), join(2, "other"));
    let mut receiver = deaf.subscribe().await.unwrap();
    let signal =
        |after_ms| Arc::new(Signal::Tell(Audience::Everyone, Event::Draining { after_ms }));
    let mut published = 0;
    let error = loop {
        match node.publish(signal(published)).await {
            Ok(()) => published += 1,
            Err(error) => break error,
        }
        assert!(published < 1_000_000, "it is bounded");
    };
    assert!(matches!(error, BusError::Overflow));
    assert_eq!(receiver.receive().await, Some(Heard::Missed), "and the one who lost them");
    for number in 0..published {
        let heard = Some(Heard::Signal(signal(number), None));
        assert_eq!(receiver.receive().await, heard, "what was taken arrives");
    }
    node.publish(signal(0)).await.expect("there is room again");
}

#[tokio::test]
async fn a_receiver_ends_with_its_node() {
    let hub = MemoryHub::new();
    let node = hub.join(Node::new(NodeId(1), "one", "0", START));
    let mut receiver = node.subscribe().await.unwrap();
    drop(node);
    assert!(receiver.receive().await.is_none());
}
