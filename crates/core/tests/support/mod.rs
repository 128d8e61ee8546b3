//! Nodes over memory, whose connections are read as lines of text.

#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod subscriber;
pub(crate) mod two;

use bytes::Bytes;
use campanile_adapter_memory as memory;
use campanile_core::{
    channel::{ChannelEvent, Data},
    chat::{Chat, Ports, SendError, Source},
    connection::{Connection, Greeting, Shard},
    event::Event,
    fanout::{Encoder, Outbox, Outgoing, Shards},
    instrumented::{Backend, Behind, Driver},
    labels::{CloseReason, Transport},
    limits::Limits,
    message::{Amendment, Draft},
    metrics::{App, ChatMetrics, NATIVE_APP},
    name::{RoomName, UserName},
    port::{Appended, Clock, ConnectionId, NewAccount, NodeId},
    room::RoomKind,
    time::{Moment, Timestamp},
    user::{PasswordHash, TokenHash},
};
use campanile_metrics::{
    Registry,
    testing::{Probe, Recording},
};
use std::{
    cell::Cell,
    future::poll_fn,
    net::Ipv4Addr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};
use tokio::task::LocalSet;

pub(crate) struct Node {
    pub(crate) chat: Arc<Chat>,
    pub(crate) shard: Shard,
    clock: Arc<HandClock>,
    recording: Recording,
    connections: Cell<u64>,
    /// How often each protocol's encoder was called.
    encoded: [Rc<Cell<usize>>; PROTOCOLS],
}

/// Protocols that a node speaks; they say the same.
const PROTOCOLS: usize = 2;

/// A clock that is moved by hand.
#[derive(Default)]
pub(crate) struct HandClock {
    nanos: AtomicU64,
}

impl HandClock {
    fn pass(&self, time: Duration) {
        self.nanos.fetch_add(time.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp((self.moment().0 / 1_000_000) as i64)
    }

    fn moment(&self) -> Moment {
        Moment(self.nanos.load(Ordering::Relaxed))
    }
}

pub(crate) struct Client {
    pub(crate) connection: Connection,
    pub(crate) outbox: Rc<Outbox>,
}

/// Runs a test on one node, with the shard running beside it and time standing still unless
/// everything waits for it.
pub(crate) fn on_a_node<F: Future<Output = ()>>(limits: Limits, test: impl FnOnce(Rc<Node>) -> F) {
    on_a_node_with(limits, |_| {}, test);
}

/// The same over ports that were changed.
pub(crate) fn on_a_node_with<F: Future<Output = ()>>(
    limits: Limits,
    change: impl FnOnce(&mut Ports),
    test: impl FnOnce(Rc<Node>) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let clock = Arc::new(HandClock::default());
        let mut ports = ports(&limits, clock.clone());
        change(&mut ports);
        let node = Rc::new(Node::over(NodeId(1), limits, ports, clock));
        let shard = node.shard.clone();
        let running = tokio::task::spawn_local(async move { shard.run().await });
        test(node.clone()).await;
        node.chat.shards().stop().await;
        running.await.expect("the shard ends well");
    });
}

impl Node {
    fn over(id: NodeId, limits: Limits, ports: Ports, clock: Arc<HandClock>) -> Self {
        let (shards, mut inboxes) = Shards::new(1, limits.shard_queue_events_max);
        let builder = Registry::builder()
            .values::<App>([NATIVE_APP])
            .values::<Backend>(["memory"])
            .values::<Driver>(["memory"]);
        let recording = Recording::with(builder);
        let metrics = ChatMetrics::register(recording.registry());
        let behind = Behind { store: "memory", blobs: "memory", presence: "memory", bus: "memory" };
        let ports = ports.instrumented(recording.registry(), behind);
        let chat = Arc::new(Chat::new(id, ports, shards, limits, metrics, digest));
        let inbox = inboxes.pop().expect("one worker has one inbox");
        let encoded: [Rc<Cell<usize>>; PROTOCOLS] = Default::default();
        let encoders = encoded.iter().map(|calls| counting(calls.clone(), encoder())).collect();
        let shard = Shard::new(chat.clone(), encoders, inbox);
        Self { chat, shard, clock, recording, connections: Cell::new(0), encoded }
    }

    pub(crate) async fn user(&self, name: &str) -> UserName {
        let name = UserName::parse(name).expect("a name");
        let (password, created_at) = (PasswordHash(String::new()), self.chat.clock().now());
        let new = NewAccount { name, password, operator: false, created_at, invite: None };
        self.chat.register(new).await.expect("a new account").name
    }

    pub(crate) async fn room(&self, owner: &UserName, name: &str, kind: RoomKind) -> RoomName {
        let name = RoomName::parse_chosen(name).expect("a name");
        self.chat.create_room(owner, name.clone(), kind).await.expect("a new room");
        name
    }

    pub(crate) async fn connect(&self, user: &UserName) -> Client {
        self.connect_in(0, user).await
    }

    /// Connects in one of its protocols.
    pub(crate) async fn connect_in(&self, protocol: usize, user: &UserName) -> Client {
        self.connections.set(self.connections.get() + 1);
        let greeting = Greeting {
            connection: ConnectionId(self.connections.get()),
            user: user.clone(),
            token: token(user),
            protocol,
            transport: Transport::WebSocket,
            address: Ipv4Addr::LOCALHOST.into(),
        };
        let outbox = self.shard.outbox(Transport::WebSocket);
        let connection = self.shard.connect(greeting, outbox.clone()).await.expect("room for it");
        Client { connection, outbox }
    }

    /// Connects and joins; what the join itself told is read.
    pub(crate) async fn listen(&self, user: &UserName, room: &RoomName) -> Client {
        self.listen_in(0, user, room).await
    }

    /// The same in one of its protocols.
    pub(crate) async fn listen_in(
        &self,
        protocol: usize,
        user: &UserName,
        room: &RoomName,
    ) -> Client {
        let client = self.connect_in(protocol, user).await;
        client.connection.join(room, None).await.expect("may join").release();
        client.lines().await;
        client
    }

    /// How often an event was encoded so far, in each protocol.
    pub(crate) fn encoded(&self) -> [usize; PROTOCOLS] {
        self.encoded.each_ref().map(|calls| calls.get())
    }

    pub(crate) async fn say(
        &self,
        from: &UserName,
        room: &RoomName,
        body: &str,
    ) -> Result<Appended, SendError> {
        let (room, from) = (room.clone(), from.clone());
        let draft = Draft { room, from, body: body.into(), key: None, reply_to: None };
        self.chat.send(draft, Source { transport: Transport::WebSocket, trace: None }).await
    }

    /// Time passes, and everything that waited for it goes on.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.pass(time);
        tokio::time::advance(time).await;
        settle().await;
    }

    pub(crate) fn probe(&self) -> Probe {
        self.recording.probe()
    }
}

impl Client {
    /// What has come until nothing more does.
    pub(crate) async fn lines(&self) -> Vec<String> {
        lines(&self.outbox).await
    }

    pub(crate) fn end_reason(&self) -> Option<CloseReason> {
        self.outbox.end_reason()
    }
}

/// What has come into an outbox until nothing more does.
pub(crate) async fn lines(outbox: &Outbox) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        settle().await;
        let polled = poll_fn(|context| Poll::Ready(outbox.poll_frame(context))).await;
        match polled {
            Poll::Ready(Outgoing::Frame(line)) => {
                lines.push(String::from_utf8_lossy(&line).into_owned());
            }
            Poll::Ready(Outgoing::Ended(reason)) => {
                lines.push(format!("ended: {reason:?}"));
                return lines;
            }
            Poll::Pending => return lines,
        }
    }
}

/// Lets everything that can go on without time passing go on.
pub(crate) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn token(user: &UserName) -> TokenHash {
    let mut token = [0; 32];
    token[..user.as_str().len()].copy_from_slice(user.as_str().as_bytes());
    TokenHash(token)
}

fn counting(calls: Rc<Cell<usize>>, encoder: Encoder) -> Encoder {
    Box::new(move |event| {
        calls.set(calls.get() + 1);
        encoder(event)
    })
}

fn encoder() -> Encoder {
    Box::new(|event| {
        let line = match event {
            Event::Message(message) => {
                format!("{} {}: {}", message.seq().0, message.from, message.body)
            }
            Event::Amended { seq, amendment, by, .. } => match amendment {
                Amendment::Edit { body } => format!("{by} edits {}: {body}", seq.0),
                Amendment::Delete => format!("{by} deletes {}", seq.0),
                Amendment::React { emoji, on } => format!("{by} reacts {} {emoji} {on}", seq.0),
            },
            Event::Typing { user, on, .. } => format!("{user} types: {on}"),
            Event::Read { user, seq, .. } => format!("{user} has read {}", seq.0),
            Event::Presence(presence) => format!("{} is {:?}", presence.user, presence.status),
            Event::Joined { room, user, role } => format!("{user} joins {room} as {role:?}"),
            Event::Left { room, user, reason } => format!("{user} leaves {room}: {reason:?}"),
            Event::Resync { room, reason } => format!("resync {room}: {reason:?}"),
            Event::Draining { after_ms } => format!("draining in {after_ms}"),
            Event::Channel(channel, event) => format!("{} {}", channel.name(), said(event)),
        };
        Some(Bytes::from(line))
    })
}

fn said(event: &ChannelEvent) -> String {
    match event {
        ChannelEvent::Published(published, _) => {
            let data = match &published.data {
                Data::Nothing => "",
                Data::Text(data) | Data::Raw(data) => data,
            };
            format!("{}: {data}", published.event)
        }
        ChannelEvent::MemberAdded(member, _) => format!("added {}", member.user),
        ChannelEvent::MemberRemoved(user, _) => format!("removed {user}"),
        ChannelEvent::Counted(count) => format!("counts {count}"),
    }
}

fn ports(limits: &Limits, clock: Arc<HandClock>) -> Ports {
    memory::ports(clock, limits.idempotency_window)
}

fn digest(bytes: &[u8]) -> String {
    let sum = bytes.iter().fold(0u128, |sum, &byte| sum.wrapping_mul(257) + u128::from(byte));
    format!("{sum:032x}")
}
