//! Section 12: what applications are told.

use super::*;
use campanile_pusher::webhook::{self, Event};
use serde_json::json;

#[test]
fn line_12_1_and_12_3_an_envelope_holds_its_events() {
    let events = [
        Event::ChannelOccupied { channel: "a" },
        Event::ChannelVacated { channel: "a" },
        Event::MemberAdded { channel: "presence-a", user_id: "1" },
        Event::MemberRemoved { channel: "presence-a", user_id: "1" },
        Event::ClientEvent {
            channel: "presence-a",
            event: "client-a",
            data: Some(raw(r#"{"x": 1}"#)),
            socket_id: socket(),
            user_id: Some("1"),
        },
        Event::ClientEvent {
            channel: "private-a",
            event: "client-a",
            data: None,
            socket_id: socket(),
            user_id: None,
        },
        Event::CacheMiss { channel: "cache-a" },
        Event::SubscriptionCount { channel: "a", subscription_count: 3 },
    ];
    let body = webhook::envelope(1_700_000_000_123, &events);
    let expected = json!({"time_ms": 1_700_000_000_123_u64, "events": [
        {"name": "channel_occupied", "channel": "a"},
        {"name": "channel_vacated", "channel": "a"},
        {"name": "member_added", "channel": "presence-a", "user_id": "1"},
        {"name": "member_removed", "channel": "presence-a", "user_id": "1"},
        {"name": "client_event", "channel": "presence-a", "event": "client-a",
            "data": {"x": 1}, "socket_id": "1234.1234", "user_id": "1"},
        {"name": "client_event", "channel": "private-a", "event": "client-a",
            "socket_id": "1234.1234"},
        {"name": "cache_miss", "channel": "cache-a"},
        {"name": "subscription_count", "channel": "a", "subscription_count": 3},
    ]});
    assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
}

#[test]
fn line_12_1_events_that_were_queued_are_sent_as_they_are() {
    let queued = [raw(r#"{"name":"cache_miss", "channel":"cache-a"}"#)];
    assert_eq!(
        webhook::envelope(7, &queued),
        r#"{"time_ms":7,"events":[{"name":"cache_miss", "channel":"cache-a"}]}"#
    );
}

#[test]
fn line_12_2_the_body_is_signed_as_it_is() {
    let body = br#"{"time_ms":7,"events":[]}"#;
    let signature = webhook::sign(&credentials(), body);
    assert!(credentials().verify([&body[..]], &signature));
    assert!(!credentials().verify([&body[1..]], &signature));
    let text = signature.to_string();
    assert!(
        text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    );
    assert_eq!(
        (webhook::KEY_HEADER, webhook::SIGNATURE_HEADER),
        ("X-Pusher-Key", "X-Pusher-Signature")
    );
}
