//! What a delivery costs on a worker: one message to a room of many listeners, and their writers.

#![allow(missing_docs, reason = "a benchmark is a program")]

#[path = "../tests/support/mod.rs"]
mod support;

use campanile_core::{
    event::{Audience, Envelope, Event, Signal},
    fanout::Outgoing,
    limits::Limits,
    message::{Message, MessageId, Sequence},
    room::RoomKind,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};
use support::{Client, Node, settle};

const LISTENERS: usize = 1_000;

/// Messages that are delivered before the writers get their turn.
const PER_WAKE: [u64; 2] = [1, 10];

fn fanout(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fanout");
    for per_wake in PER_WAKE {
        group.throughput(Throughput::Elements(LISTENERS as u64 * per_wake));
        let id = BenchmarkId::new("messages_per_wake", per_wake);
        group.bench_function(id, |bencher| {
            bencher.iter_custom(|rounds| {
                let took = Rc::new(Cell::new(None));
                let result = took.clone();
                support::on_a_node(Limits::default(), async move |node| {
                    result.set(Some(deliver(&node, rounds, per_wake).await));
                });
                took.take().expect("the node ran")
            });
        });
    }
    group.finish();
}

async fn deliver(node: &Node, rounds: u64, per_wake: u64) -> std::time::Duration {
    let ada = node.user("ada").await;
    let room = node.room(&ada, "square", RoomKind::Public).await;
    let mut clients: Vec<Client> = Vec::new();
    for number in 0..LISTENERS {
        let user = node.user(&format!("user{number}")).await;
        let client = node.connect(&user).await;
        client.connection.join(&room, None).await.expect("may join").release();
        clients.push(client);
    }
    settle().await;
    clients.iter().for_each(drain);
    let epoch = node.chat.room(&ada, &room).await.expect("a room").epoch;
    let mut seq = Sequence(0);
    let started = Instant::now();
    for _ in 0..rounds {
        for _ in 0..per_wake {
            seq = seq.next();
            let message = Message {
                room: room.clone(),
                id: MessageId { epoch, seq },
                from: ada.clone(),
                body: "x".repeat(160).into(),
                at: node.chat.clock().now(),
                key: None,
                reply_to: None,
                edited_at: None,
                deleted: false,
                reactions: Vec::new(),
            };
            let audience = Audience::Room(room.clone(), RoomKind::Public);
            let signal = Arc::new(Signal::Tell(audience, Event::Message(Arc::new(message))));
            let accepted = node.chat.clock().moment().into();
            let envelope = Envelope { signal, accepted, remote: false };
            node.chat.shards().deliver(Arc::new(envelope)).await;
        }
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        clients.iter().for_each(drain);
    }
    let took = started.elapsed();
    settle().await;
    clients.iter().for_each(drain);
    took
}

fn drain(client: &Client) {
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Outgoing::Frame(frame)) = client.outbox.poll_frame(&mut context) {
        std::hint::black_box(frame);
    }
}

criterion_group!(benches, fanout);
criterion_main!(benches);
