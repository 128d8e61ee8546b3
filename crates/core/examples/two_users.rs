//! Two users talk, in one process, without a network: the whole of the core's use.

use bytes::Bytes;
use campanile_adapter_memory::{self as memory, SystemClock};
use campanile_core::{
    chat::{Chat, Ports, Source},
    connection::{Greeting, Shard},
    event::Event,
    fanout::{Encoder, Outgoing, Shards},
    labels::Transport,
    limits::Limits,
    message::Draft,
    metrics::{App, ChatMetrics, NATIVE_APP},
    name::{RoomName, UserName},
    port::{ConnectionId, NewAccount, NodeId},
    room::RoomKind,
    user::{PasswordHash, TokenHash},
};
use campanile_metrics::{Registry, testing::Recording};
use std::{error::Error, future::poll_fn, net::Ipv4Addr, sync::Arc};
use tokio::task::LocalSet;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    LocalSet::new().block_on(&runtime, talk())
}

async fn talk() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let (shards, mut inboxes) = Shards::new(1, limits.shard_queue_events_max);
    let recording = Recording::with(Registry::builder().values::<App>([NATIVE_APP]));
    let metrics = ChatMetrics::register(recording.registry());
    let chat =
        Arc::new(Chat::new(NodeId(1), ports(&limits), shards.clone(), limits, metrics, digest));

    // What a protocol makes of an event; here, a line of text.
    let encoder: Encoder = Box::new(|event| match event {
        Event::Message(message) => {
            let (seq, from) = (message.seq().0, &message.from);
            Some(Bytes::from(format!("{seq} {from}: {}", message.body)))
        }
        _ => None,
    });
    let inbox = inboxes.pop().ok_or("one worker has one inbox")?;
    let shard = Shard::new(chat.clone(), vec![encoder], inbox);
    let running = tokio::task::spawn_local({
        let shard = shard.clone();
        async move { shard.run().await }
    });

    let (ada, bob) = (account(&chat, "ada").await?, account(&chat, "bob").await?);
    let room = RoomName::parse_chosen("square")?;
    chat.create_room(&ada, room.clone(), RoomKind::Public).await?;

    let outbox = shard.outbox(Transport::WebSocket);
    let greeting = Greeting {
        connection: ConnectionId(1),
        user: bob,
        token: TokenHash([0; 32]),
        protocol: 0,
        transport: Transport::WebSocket,
        address: Ipv4Addr::LOCALHOST.into(),
    };
    let listening = shard.connect(greeting, outbox.clone()).await?;
    listening.join(&room, None).await?.release();

    let body = "Do you hear the bell?".into();
    let draft = Draft { room, from: ada, body, key: None, reply_to: None };
    chat.send(draft, Source { transport: Transport::WebSocket, trace: None }).await?;
    if let Outgoing::Frame(line) = poll_fn(|context| outbox.poll_frame(context)).await {
        assert_eq!(line, "1 ada: Do you hear the bell?");
        eprintln!("bob reads: {}", String::from_utf8_lossy(&line));
    }

    drop(listening);
    shards.stop().await;
    running.await?;
    Ok(())
}

fn ports(limits: &Limits) -> Ports {
    let clock = Arc::new(SystemClock::new());
    memory::ports(clock, limits.idempotency_window)
}

async fn account(chat: &Chat, name: &str) -> Result<UserName, Box<dyn Error>> {
    let password = PasswordHash(String::new());
    let (name, created_at) = (UserName::parse(name)?, chat.clock().now());
    let new = NewAccount { name, password, operator: false, created_at, invite: None };
    Ok(chat.register(new).await?.name)
}

/// A real server uses a cryptographic digest.
fn digest(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0u128, |sum, &byte| sum.wrapping_mul(257) + u128::from(byte));
    format!("{sum:032x}")
}
