//! What is measured at the bus, and whether the neighbours answer.

use crate::{
    scene::{Scene, cases, listener},
    support::start,
};
use async_trait::async_trait;
use campanile_adapter_memory::{self as memory, SystemClock};
use campanile_core::{
    chat::{Chat, Ports, SendError, Source},
    event::{Envelope, Signal, Topic},
    fanout::Shards,
    instrumented::{Backend, Behind, Driver},
    labels::Transport,
    limits::Limits,
    message::Draft,
    metrics::{App, ChatMetrics, NATIVE_APP},
    name::{RoomName, UserName},
    port::{Appended, Bus, BusError, BusReceiver, Mark, NewAccount, Node, NodeId, Passage},
    room::RoomKind,
    user::PasswordHash,
};
use campanile_metrics::{Registry, testing::Recording};
use serde_json::json;
use std::{sync::Arc, time::Duration};

const MEMORY: (&str, &str) = ("driver", "memory");

cases! {
    what_is_told_goes_over_the_bus moves [
        "chat_broker_operations_total{operation=publish,result=ok}",
        "chat_broker_operation_duration_seconds{operation=publish}",
        "chat_broker_messages_total{direction=out}",
    ] told;
    a_bus_that_fails_is_counted moves [
        "chat_broker_errors_total{reason=overflow}",
        "chat_message_errors_total{reason=broker}",
    ] fails;
    neighbours_are_probed moves [
        "chat_health_probe_success{probe=storage|broker}",
        "chat_broker_up",
        "chat_cluster_nodes",
        "chat_cluster_nodes_expected",
    ] probed;
}

fn told(scene: &Scene) {
    let server = start();
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    let mut socket = listener(&server, &ada, "lobby");
    let before = server.scrape();
    socket.ask(json!({"op": "send", "room": "lobby", "body": "x"}));
    let publish = ("operation", "publish");
    let done = &[MEMORY, publish, ("result", "ok")];
    scene.rose(&server, &before, ("chat_broker_operations_total", done), 1.0);
    let timed = &[MEMORY, publish];
    scene.rose(&server, &before, ("chat_broker_operation_duration_seconds_count", timed), 1.0);
    let out = &[MEMORY, ("direction", "out")];
    scene.rose(&server, &before, ("chat_broker_messages_total", out), 1.0);
}

/// The bus in memory cannot fail, so one that only fails is measured in its place.
fn fails(scene: &Scene) {
    let builder = Registry::builder()
        .values::<App>([NATIVE_APP])
        .values::<Driver>(["memory"])
        .values::<Backend>(["memory"]);
    let recording = Recording::with(builder);
    let ports = over_a_broken_bus().instrumented(recording.registry(), BEHIND);
    let (shards, _nobody_listens) = Shards::new(0, 1);
    let metrics = ChatMetrics::register(recording.registry());
    let (id, limits) = (NodeId(1), Limits::default());
    let chat = Chat::new(id, ports, shards, limits, metrics, |_| "0".repeat(32));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(send(&chat)).expect("a message is stored and heard here all the same");
    let errors = recording.probe();
    scene.moved("chat_message_errors_total", &[("reason", "broker")]);
    let broker = errors.value("chat_message_errors_total", &[("reason", "broker")]);
    assert_eq!(broker, Some(1.0), "the room that was told of before is no message");
    assert_eq!(errors.sum("chat_message_errors_total"), 1.0);
    let overflow = [MEMORY, ("reason", "overflow")];
    scene.moved("chat_broker_errors_total", &overflow);
    assert_eq!(errors.value("chat_broker_errors_total", &overflow), Some(2.0));
    assert_eq!(errors.sum("chat_broker_errors_total"), 2.0);
}

/// A message in a room of its own.
async fn send(chat: &Chat) -> Result<Appended, SendError> {
    let (name, created_at) = (UserName::parse("ada").expect("a name"), chat.clock().now());
    let account = NewAccount {
        name,
        password: PasswordHash(String::new()),
        operator: false,
        created_at,
        invite: None,
    };
    let from = chat.register(account).await.expect("a new account").name;
    let room = RoomName::parse("lobby").expect("a name");
    chat.create_room(&from, room.clone(), RoomKind::Public).await.expect("a new room");
    let draft = Draft { room, from, body: "x".into(), key: None, reply_to: None };
    chat.send(draft, Source { transport: Transport::WebSocket, trace: None }).await
}

const BEHIND: Behind<'static> =
    Behind { store: "memory", blobs: "memory", presence: "memory", bus: "memory" };

fn over_a_broken_bus() -> Ports {
    let clock = Arc::new(SystemClock::new());
    Ports { bus: Arc::new(Broken), ..memory::ports(clock, Duration::from_secs(60)) }
}

/// A bus on which nothing goes.
struct Broken;

#[async_trait]
impl Bus for Broken {
    async fn publish(&self, _signal: Arc<Signal>) -> Result<(), BusError> {
        Err(BusError::Overflow)
    }

    async fn publish_in_order(&self, _envelope: Arc<Envelope>) -> Result<Passage, BusError> {
        Err(BusError::Overflow)
    }

    async fn mark(&self, _topic: Topic<'_>) -> Result<Arc<Mark>, BusError> {
        Err(BusError::Overflow)
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        Err(BusError::Overflow)
    }

    async fn nodes(&self) -> Result<Vec<Node>, BusError> {
        Err(BusError::Overflow)
    }

    async fn leave(&self) -> Result<(), BusError> {
        Err(BusError::Overflow)
    }
}

fn probed(scene: &Scene) {
    let server = start();
    for probe in ["storage", "broker"] {
        scene.is(&server, "chat_health_probe_success", &[("probe", probe)], 1.0);
    }
    scene.is(&server, "chat_broker_up", &[MEMORY], 1.0);
    scene.is(&server, "chat_cluster_nodes", &[], 1.0);
    scene.is(&server, "chat_cluster_nodes_expected", &[], 1.0);
}
