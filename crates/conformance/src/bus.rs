//! The promises of [`Bus`].

use crate::stores::{START, room, user};
use campanile_core::{
    channel::{
        AppId, Channel, ChannelEvent, ChannelKind, ChannelMember, Data, Edition, Published, Version,
    },
    event::{
        Answer, Ask, Audience, EndReason, EndedSessions, Envelope, Event, LeaveReason, Question,
        ResyncReason, Signal,
    },
    fanout::{ConnectionSeen, RoomSeen, Survey},
    labels::Transport,
    message::{Amendment, Epoch, Message, MessageId, Reaction, Sequence},
    port::{Bus, BusReceiver, ConnectionId, Heard, NodeId, Passage},
    room::{Role, RoomKind},
    time::Moment,
    user::{Presence, Status, TokenHash},
};
use futures_util::{FutureExt, future::join_all};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::time::{Instant, timeout};

/// How long a signal, or the news that a node is gone, may take.
const DEADLINE: Duration = Duration::from_secs(30);

/// Proves a bus. `make` connects so many new nodes with one another.
pub async fn bus(make: impl AsyncFn(usize) -> Vec<Arc<dyn Bus>>) {
    a_node_alone_publishes_to_nobody(make(1).await).await;
    a_signal_reaches_every_other_node(make(3).await).await;
    a_node_never_hears_itself(make(2).await).await;
    signals_of_one_node_keep_their_order(make(3).await).await;
    signals_in_order_are_heard_alike_by_all(make(3).await).await;
    what_follows_an_arrival_comes_after_it(make(2).await).await;
    a_mark_comes_after_what_has_arrived(make(2).await).await;
    only_what_comes_later_is_heard(make(2).await).await;
    giving_up_on_receiving_loses_nothing(make(2).await).await;
    every_signal_arrives_as_it_was(make(2).await).await;
    nodes_are_listed_while_they_live(make(3).await).await;
}

fn numbered(number: u64) -> Arc<Signal> {
    Arc::new(Signal::Tell(Audience::Everyone, Event::Draining { after_ms: number }))
}

fn number(signal: &Signal) -> u64 {
    match signal {
        Signal::Tell(_, Event::Draining { after_ms }) => *after_ms,
        other => panic!("nobody published {other:?}"),
    }
}

async fn received(receiver: &mut dyn BusReceiver) -> Arc<Signal> {
    let heard = timeout(DEADLINE, receiver.receive()).await;
    told_signal(heard.expect("a signal arrives in time"))
}

fn told_signal(heard: Option<Heard>) -> Arc<Signal> {
    match heard.expect("the bus has not ended") {
        Heard::Signal(signal, _) => signal,
        Heard::Own(_) => panic!("a node hears of its own what is in order, and no more"),
        Heard::Mark(_) => panic!("nobody has set a mark"),
        Heard::Missed => panic!("nothing is lost on a healthy bus"),
    }
}

async fn a_node_alone_publishes_to_nobody(nodes: Vec<Arc<dyn Bus>>) {
    nodes[0].publish(numbered(1)).await.unwrap();
    let mut receiver = nodes[0].subscribe().await.unwrap();
    nodes[0].publish(numbered(2)).await.unwrap();
    assert!(receiver.receive().now_or_never().is_none());
    assert_eq!(nodes[0].nodes().await.unwrap().len(), 1);
}

async fn a_signal_reaches_every_other_node(nodes: Vec<Arc<dyn Bus>>) {
    let mut receivers = Vec::new();
    for node in &nodes {
        receivers.push(node.subscribe().await.unwrap());
    }
    nodes[0].publish(numbered(7)).await.unwrap();
    for receiver in &mut receivers[1..] {
        assert_eq!(received(&mut **receiver).await, numbered(7));
    }
}

async fn a_node_never_hears_itself(nodes: Vec<Arc<dyn Bus>>) {
    let mut own = nodes[0].subscribe().await.unwrap();
    let mut others = nodes[1].subscribe().await.unwrap();
    for number in 0..10 {
        nodes[0].publish(numbered(number)).await.unwrap();
        received(&mut *others).await;
    }
    nodes[1].publish(numbered(99)).await.unwrap();
    assert_eq!(received(&mut *own).await, numbered(99), "what it published itself is not among it");
}

async fn signals_of_one_node_keep_their_order(nodes: Vec<Arc<dyn Bus>>) {
    const COUNT: u64 = 500;
    let mut receiver = nodes[2].subscribe().await.unwrap();
    let publish = async |node: &Arc<dyn Bus>, first: u64| {
        for number in first..first + COUNT {
            node.publish(numbered(number)).await.unwrap();
        }
    };
    tokio::join!(publish(&nodes[0], 0), publish(&nodes[1], COUNT));
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for _ in 0..2 * COUNT {
        let number = number(&*received(&mut *receiver).await);
        if number < COUNT {
            low.push(number);
        } else {
            high.push(number);
        }
    }
    assert_eq!(low, (0..COUNT).collect::<Vec<_>>());
    assert_eq!(high, (COUNT..2 * COUNT).collect::<Vec<_>>());
}

/// Publishes in order, and waits until it has arrived.
async fn publish_in_order(node: &dyn Bus, signal: Arc<Signal>) {
    let envelope = Envelope { signal, accepted: Moment(0).into(), remote: false };
    match node.publish_in_order(Arc::new(envelope)).await.unwrap() {
        Passage::Alone => panic!("there are others"),
        Passage::Underway(underway) => underway.arrived().await.unwrap(),
    }
}

/// The number of what is heard next, whoever published it.
async fn heard_in_order(receiver: &mut dyn BusReceiver) -> u64 {
    let heard = timeout(DEADLINE, receiver.receive()).await.expect("a signal arrives in time");
    match heard {
        Some(Heard::Own(returned)) => {
            returned.is_told();
            number(&returned.envelope.signal)
        }
        heard => number(&told_signal(heard)),
    }
}

async fn signals_in_order_are_heard_alike_by_all(nodes: Vec<Arc<dyn Bus>>) {
    const COUNT: u64 = 200;
    let mut receivers = Vec::new();
    for node in &nodes {
        receivers.push(node.subscribe().await.unwrap());
    }
    let publishes = nodes.iter().zip(0..).map(|(node, first)| async move {
        let numbers = (0..COUNT).map(|number| first * COUNT + number);
        join_all(numbers.map(|one| publish_in_order(&**node, numbered(one)))).await;
    });
    let hears = receivers.iter_mut().map(|receiver| async move {
        let mut heard = Vec::new();
        while heard.len() < 3 * COUNT as usize {
            heard.push(heard_in_order(&mut **receiver).await);
        }
        heard
    });
    let (_, heard) = tokio::join!(join_all(publishes), join_all(hears));
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
    for node in 0..3 {
        let of_one = heard[0].iter().filter(|number| **number / COUNT == node);
        let wanted: Vec<_> = (node * COUNT..(node + 1) * COUNT).collect();
        assert_eq!(of_one.copied().collect::<Vec<_>>(), wanted, "each once, in its order");
    }
}

async fn what_follows_an_arrival_comes_after_it(nodes: Vec<Arc<dyn Bus>>) {
    const COUNT: u64 = 100;
    let mut receivers = Vec::new();
    for node in &nodes {
        receivers.push(node.subscribe().await.unwrap());
    }
    let publishes = async {
        for number in 0..COUNT {
            publish_in_order(&*nodes[number as usize % 2], numbered(number)).await;
        }
    };
    let hears = receivers.iter_mut().map(|receiver| async move {
        for number in 0..COUNT {
            assert_eq!(heard_in_order(&mut **receiver).await, number);
        }
    });
    tokio::join!(publishes, join_all(hears));
}

async fn a_mark_comes_after_what_has_arrived(nodes: Vec<Arc<dyn Bus>>) {
    const COUNT: u64 = 100;
    let mut receivers = Vec::new();
    for node in &nodes {
        receivers.push(node.subscribe().await.unwrap());
    }
    let topic = numbered(0);
    // Many at once may share one.
    let marks = async |number| {
        let marks = (0..5).map(|_| nodes[1].mark(topic.topic()));
        for mark in join_all(marks).await {
            let heard = mark.unwrap().heard().await.expect("it is heard");
            assert!(heard >= number, "{heard} of {number}");
        }
    };
    let publishes = async {
        for number in 1..=COUNT {
            publish_in_order(&*nodes[0], numbered(number)).await;
            marks(number).await;
        }
    };
    let (mut at_one, mut at_other) = (receivers.remove(0), receivers.remove(0));
    let publisher = async {
        for number in 1..=COUNT {
            assert_eq!(heard_in_order(&mut *at_one).await, number, "it hears no mark of another");
        }
    };
    let other = async {
        let mut last = 0;
        loop {
            match at_other.receive().await.expect("the bus has not ended") {
                Heard::Mark(mark) => mark.is_heard(last),
                heard => last = number(&told_signal(Some(heard))),
            }
        }
    };
    let other = async {
        tokio::select! { () = other => (), _ = async { tokio::join!(publishes, publisher) } => () }
    };
    other.await;
}

async fn only_what_comes_later_is_heard(nodes: Vec<Arc<dyn Bus>>) {
    nodes[0].publish(numbered(1)).await.unwrap();
    let mut receiver = nodes[1].subscribe().await.unwrap();
    nodes[0].publish(numbered(2)).await.unwrap();
    assert_eq!(received(&mut *receiver).await, numbered(2));
}

async fn giving_up_on_receiving_loses_nothing(nodes: Vec<Arc<dyn Bus>>) {
    let mut receiver = nodes[1].subscribe().await.unwrap();
    let mut heard = Vec::new();
    for sent in 0..200 {
        nodes[0].publish(numbered(sent)).await.unwrap();
        // Polled once and dropped, wherever it has come to.
        if let Some(next) = receiver.receive().now_or_never() {
            heard.push(number(&told_signal(next)));
        }
    }
    while heard.len() < 200 {
        heard.push(number(&*received(&mut *receiver).await));
    }
    assert_eq!(heard, (0..200).collect::<Vec<_>>());
}

async fn every_signal_arrives_as_it_was(nodes: Vec<Arc<dyn Bus>>) {
    let mut receiver = nodes[1].subscribe().await.unwrap();
    for signal in signals() {
        let signal = Arc::new(signal);
        nodes[0].publish(signal.clone()).await.unwrap();
        assert_eq!(received(&mut *receiver).await, signal);
    }
}

async fn nodes_are_listed_while_they_live(mut nodes: Vec<Arc<dyn Bus>>) {
    let listed = async |bus: &Arc<dyn Bus>| {
        let nodes = bus.nodes().await.unwrap();
        assert!(nodes.is_sorted_by_key(|node| &node.name), "by name");
        let alive = nodes.iter().filter(|node| node.alive);
        alive.map(|node| node.id).collect::<HashSet<_>>()
    };
    let all = listed(&nodes[0]).await;
    assert_eq!(all.len(), 3, "each node has its own identity");
    assert_eq!(all, listed(&nodes[2]).await, "everyone sees the same");
    nodes[1].leave().await.unwrap();
    let left = nodes[0].nodes().await.unwrap();
    assert_eq!(left.len(), 2, "who leaves is not missed");
    drop(nodes.pop());
    let deadline = Instant::now() + DEADLINE;
    while listed(&nodes[0]).await.len() > 1 {
        assert!(Instant::now() < deadline, "a node that is gone counts as alive");
        tokio::task::yield_now().await;
    }
}

/// One of each kind.
fn signals() -> Vec<Signal> {
    let (lobby, ada) = (room("lobby"), user("ada"));
    let everyone = |event| Signal::Tell(Audience::Everyone, event);
    let amended = |amendment| {
        everyone(Event::Amended {
            room: lobby.clone(),
            seq: Sequence(3),
            amendment,
            by: ada.clone(),
            at: START,
        })
    };
    let react = |on| Amendment::React { emoji: "🔔".into(), on };
    let mut signals = told();
    signals.extend(in_channels());
    signals.extend([
        amended(Amendment::Edit { body: "ä\"\n".into() }),
        amended(Amendment::Delete),
        amended(react(true)),
        amended(react(false)),
        Signal::Tell(
            Audience::Room(lobby.clone(), RoomKind::Direct),
            Event::Message(Arc::new(message())),
        ),
        Signal::Tell(
            Audience::Rooms(vec![lobby.clone(), room("other")]),
            Event::Draining { after_ms: u64::MAX },
        ),
        Signal::EndUser(shop(), "7".into()),
        Signal::AppsChanged,
        Signal::Unsubscribe { room: lobby.clone(), user: Some(ada.clone()) },
        Signal::Unsubscribe { room: lobby.clone(), user: None },
    ]);
    let question = Question::Survey { connections_max: 3, rooms_max: 0 };
    signals.push(Signal::Ask(Ask { id: u64::MAX, from: NodeId(7), question }));
    let answer = |survey| Answer { ask: 0, to: NodeId(u64::MAX), from: NodeId(0), survey };
    signals.push(Signal::Answer(answer(Survey::default())));
    signals.push(Signal::Answer(answer(survey())));
    let token = EndedSessions::Token(TokenHash([200; 32]));
    for reason in [EndReason::LoggedOut, EndReason::PasswordChanged, EndReason::Banned] {
        signals.push(Signal::EndSessions(EndedSessions::User(ada.clone()), reason));
        signals.push(Signal::EndSessions(token.clone(), reason));
    }
    signals
}

fn shop() -> AppId {
    AppId::parse("shop").unwrap()
}

/// What happens in channels, of each kind.
fn in_channels() -> Vec<Signal> {
    let (channel, version) = (Channel::new(&shop(), "presence-\u{1}ä"), Version(u64::MAX));
    let published = |data, user: Option<&str>| {
        let user = user.map(Into::into);
        ChannelEvent::Published(Published { event: "said".into(), data, user }, Edition(7))
    };
    let member =
        |info: Option<&str>| ChannelMember { user: "7".into(), info: info.map(Into::into) };
    let events = [
        published(Data::Nothing, None),
        published(Data::Text("\"\n".into()), None),
        published(Data::Raw("{\"a\":1}".into()), Some("7")),
        ChannelEvent::MemberAdded(member(None), version),
        ChannelEvent::MemberAdded(member(Some("{}")), Version(0)),
        ChannelEvent::MemberRemoved("7".into(), version),
        ChannelEvent::Counted(u64::MAX),
    ];
    let kinds = [
        (ChannelKind::Public, None),
        (ChannelKind::Private, Some(ConnectionId(u64::MAX))),
        (ChannelKind::Encrypted, None),
        (ChannelKind::Presence, Some(ConnectionId(0))),
        (ChannelKind::Own, None),
    ];
    let tell = |(kind, except), event: &ChannelEvent| {
        let audience = Audience::Channel(channel.clone(), kind, except);
        Signal::Tell(audience, Event::Channel(channel.clone(), event.clone()))
    };
    kinds.iter().flat_map(|kind| events.iter().map(|event| tell(*kind, event))).collect()
}

fn told() -> Vec<Signal> {
    let (room, user) = (room("lobby"), user("ada"));
    let mut events = Vec::new();
    for on in [true, false] {
        let (room, user) = (room.clone(), user.clone());
        events.push(Event::Typing { room, user, on });
    }
    for role in [Role::Owner, Role::Member] {
        let (room, user) = (room.clone(), user.clone());
        events.push(Event::Joined { room, user, role });
    }
    for reason in [LeaveReason::Left, LeaveReason::Removed, LeaveReason::RoomDeleted] {
        let (room, user) = (room.clone(), user.clone());
        events.push(Event::Left { room, user, reason });
    }
    for reason in [ResyncReason::Gap, ResyncReason::Epoch] {
        let room = room.clone();
        events.push(Event::Resync { room, reason });
    }
    for status in [Status::Available, Status::Away, Status::DoNotDisturb, Status::Unavailable] {
        let last_seen = (status == Status::Unavailable).then_some(START);
        events.push(Event::Presence(Presence { user: user.clone(), status, last_seen }));
    }
    events.push(Event::Read { room, user: user.clone(), seq: Sequence(u64::MAX) });
    let to_ada = |event| Signal::Tell(Audience::User(user.clone()), event);
    events.into_iter().map(to_ada).collect()
}

fn message() -> Message {
    Message {
        room: room("lobby"),
        id: MessageId { epoch: Epoch(u64::MAX >> 1), seq: Sequence(1) },
        from: user("ada"),
        body: "said 🔔".into(),
        at: START,
        key: Some("key".into()),
        reply_to: Some(Sequence(1)),
        edited_at: Some(START),
        deleted: false,
        reactions: vec![Reaction { emoji: "👍".into(), users: vec![user("bob"), user("ada")] }],
    }
}

fn survey() -> Survey {
    let seen = |address: &str, outbox_bytes| ConnectionSeen {
        connection: ConnectionId(u64::MAX),
        user: user("ada"),
        transport: Transport::WebSocket,
        address: address.parse().unwrap(),
        since: START,
        rooms: 2,
        outbox_bytes,
    };
    let busy = RoomSeen {
        room: room("lobby"),
        kind: RoomKind::Private,
        participants: 12,
        messages: u64::MAX,
    };
    Survey {
        connections_open: 10_000,
        users: 9_000,
        connections: vec![seen("127.0.0.1", 0), seen("2001:db8::7", 1 << 20)],
        rooms: vec![busy],
    }
}
