//! An application with a webhook, and its receiver beside a server.

use super::{
    Server,
    pusher::{KEY, credentials, with_app},
    start_with,
};
use campanile_neighbours::{Received, Receiver};
use campanile_pusher::Signature;
use campanile_server::config::{AppWebhook, Config};
use serde_json::Value;

/// Sets the application, whose receiver is told of these events; of all where there are none.
pub(crate) fn set(config: &mut Config, receiver: &Receiver, events: &[&str]) {
    config.webhooks.allow = vec!["localhost".to_owned()];
    set_unasked(config, receiver, events);
}

/// The same, and the receiver may not be asked.
pub(crate) fn set_unasked(config: &mut Config, receiver: &Receiver, events: &[&str]) {
    with_app(config, |app| {
        app.webhooks.push(AppWebhook {
            url: Some(receiver.url("hook")),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            ..AppWebhook::default()
        });
    });
}

/// A server that tells a receiver of these events; of all where there are none.
pub(crate) fn start_telling(receiver: &Receiver, events: &[&str]) -> Server {
    start_with(|config| set(config, receiver, events))
}

/// The events of a webhook, which is signed with the secret.
#[track_caller]
pub(crate) fn events(received: &Received) -> Vec<Value> {
    assert_eq!(received.headers["x-pusher-key"], KEY);
    assert_eq!(received.headers["content-type"], "application/json");
    let signature = &received.headers["x-pusher-signature"];
    let signature = Signature::parse(signature).expect("a signature");
    assert!(credentials().verify([&received.body[..]], &signature), "it is signed");
    let mut body: Value = serde_json::from_slice(&received.body).expect("JSON");
    assert!(body["time_ms"].as_u64().is_some_and(|time| time > 1_600_000_000_000), "{body}");
    body["events"].as_array_mut().map(std::mem::take).expect("a list")
}

/// The one event of the next webhook.
#[track_caller]
pub(crate) fn next(receiver: &Receiver) -> Value {
    let mut events = events(&receiver.next());
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}
