//! What listeners hear: every message once, in order, whatever happens to its announcement.

mod support;

use campanile_core::{
    connection::JoinError,
    event::{Audience, Envelope, Event, Signal},
    labels::CloseReason,
    limits::{Limits, Rate, Rates},
    message::{Draft, Message, Sequence},
    name::{RoomName, UserName},
    room::RoomKind,
};
use std::{sync::Arc, time::Duration};
use support::{Node, on_a_node, settle, token};

/// Stores messages without announcing them.
async fn store(node: &Node, from: &UserName, room: &RoomName, count: usize) -> Vec<Arc<Message>> {
    let mut messages = Vec::new();
    for number in 0..count {
        let (room, from) = (room.clone(), from.clone());
        let body = format!("m{number}").into();
        let draft = Draft { room, from, body, key: None, reply_to: None };
        let now = node.chat.clock().now();
        let appended = node.chat.ports().messages.append(draft, now).await.expect("stored");
        messages.push(appended.message);
    }
    messages
}

async fn announce(node: &Node, message: &Arc<Message>) {
    let audience = Audience::Room(message.room.clone(), RoomKind::Public);
    let signal = Arc::new(Signal::Tell(audience, Event::Message(message.clone())));
    let accepted = node.chat.clock().moment().into();
    let envelope = Envelope { signal, accepted, remote: true };
    node.chat.shards().deliver(Arc::new(envelope)).await;
    settle().await;
}

#[test]
fn everyone_in_the_room_hears_a_message_once() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let (first, second) = (node.listen(&ada, &room).await, node.listen(&bob, &room).await);
        first.lines().await;
        node.say(&ada, &room, "ding").await.expect("sent");
        node.say(&bob, &room, "dong").await.expect("sent");
        let expected = ["1 ada: ding", "2 bob: dong"];
        assert_eq!(first.lines().await, expected);
        assert_eq!(second.lines().await, expected);
    });
}

#[test]
fn an_event_is_encoded_once_for_each_protocol_however_many_hear_it() {
    const LISTENERS: usize = 50;
    on_a_node(Limits::default(), async |node| {
        let ada = node.user("ada").await;
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let mut listeners = Vec::new();
        for _ in 0..LISTENERS {
            listeners.push(node.listen_in(0, &ada, &room).await);
        }
        let [first, second] = node.encoded();
        node.say(&ada, &room, "ding").await.expect("sent");
        settle().await;
        assert_eq!(node.encoded(), [first + 1, second], "not where nobody listens");
        for _ in 0..LISTENERS {
            listeners.push(node.listen_in(1, &ada, &room).await);
        }
        let [first, second] = node.encoded();
        node.say(&ada, &room, "dong").await.expect("sent");
        settle().await;
        assert_eq!(node.encoded(), [first + 1, second + 1]);
        for listener in &listeners {
            assert_eq!(listener.lines().await.last().expect("it hears"), "2 ada: dong");
        }
    });
}

#[test]
fn delivery_latency_counts_from_the_message_not_from_when_it_is_stored() {
    // The second message comes a little too early, and is made to wait.
    let messages_per_user = Rate { per_second: 20.0, burst: 1 };
    let limits = Limits::default();
    let rates = limits.rates.clone().map(|rates| Rates { messages_per_user, ..rates });
    on_a_node(Limits { rates, ..limits }, async |node| {
        let ada = node.user("ada").await;
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let listener = node.listen(&ada, &room).await;
        node.say(&ada, &room, "ding").await.expect("sent");
        listener.lines().await;
        let wait = Duration::from_millis(50);
        let (said, ()) = tokio::join!(node.say(&ada, &room, "dong"), node.pass(wait));
        said.expect("sent");
        assert_eq!(listener.lines().await, ["2 ada: dong"]);
        node.pass(Duration::from_secs(1)).await;
        let latency = "chat_message_delivery_latency_seconds_sum";
        assert_eq!(node.probe().value(latency, &[("scope", "local")]), Some(wait.as_secs_f64()));
    });
}

#[test]
fn announcements_out_of_order_are_heard_in_order() {
    on_a_node(Limits::default(), async |node| {
        let ada = node.user("ada").await;
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let listener = node.listen(&ada, &room).await;
        let messages = store(&node, &ada, &room, 4).await;
        for place in [1, 3, 0, 0, 2] {
            announce(&node, &messages[place]).await;
        }
        assert_eq!(listener.lines().await, ["1 ada: m0", "2 ada: m1", "3 ada: m2", "4 ada: m3"]);
    });
}

#[test]
fn a_lost_announcement_is_read_from_the_store() {
    on_a_node(Limits::default(), async |node| {
        let ada = node.user("ada").await;
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let listener = node.listen(&ada, &room).await;
        let messages = store(&node, &ada, &room, 3).await;
        announce(&node, &messages[2]).await;
        assert_eq!(listener.lines().await, [""; 0], "1 and 2 may still come");
        node.pass(node.chat.limits().gap_patience * 2).await;
        assert_eq!(listener.lines().await, ["1 ada: m0", "2 ada: m1", "3 ada: m2"]);
    });
}

#[test]
fn what_cannot_be_had_is_said_to_be_missing() {
    on_a_node(Limits::default(), async |node| {
        let ada = node.user("ada").await;
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let listener = node.listen(&ada, &room).await;
        let messages = store(&node, &ada, &room, 3).await;
        let later = node.chat.clock().now().plus(Duration::from_secs(1));
        let evicted = node.chat.ports().messages.evict(later, Some(Duration::ZERO), 2).await;
        evicted.expect("evicted");
        announce(&node, &messages[2]).await;
        node.pass(node.chat.limits().gap_patience * 2).await;
        assert_eq!(listener.lines().await, ["resync square: Gap", "3 ada: m2"]);
    });
}

#[test]
fn a_resumed_connection_hears_exactly_what_it_missed() {
    on_a_node(Limits::default(), async |node| {
        let ada = node.user("ada").await;
        let room = node.room(&ada, "square", RoomKind::Public).await;
        for body in ["one", "two", "three"] {
            node.say(&ada, &room, body).await.expect("sent");
        }
        let client = node.connect(&ada).await;
        let epoch = node.chat.room(&ada, &room).await.expect("a room").epoch;
        let since = Some((epoch, Sequence(1)));
        let joining = client.connection.join(&room, since).await.expect("may join");
        // Said while the answer is being made: heard after it, once.
        node.say(&ada, &room, "four").await.expect("sent");
        settle().await;
        let missed: Vec<_> = joining.messages.iter().map(|message| message.seq().0).collect();
        assert_eq!((missed, joining.truncated), (vec![2, 3], false));
        let before: Vec<_> = client.lines().await;
        assert!(!before.iter().any(|line| line.contains("four")), "{before:?}");
        joining.release();
        node.say(&ada, &room, "five").await.expect("sent");
        let after: Vec<_> = client.lines().await;
        let heard: Vec<_> = after.iter().filter(|line| line.contains("ada: ")).collect();
        assert_eq!(heard, ["4 ada: four", "5 ada: five"]);
    });
}

#[test]
fn a_client_of_another_history_is_told_so() {
    on_a_node(Limits::default(), async |node| {
        let ada = node.user("ada").await;
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let old = node.chat.room(&ada, &room).await.expect("a room").epoch;
        node.chat.delete_room(&ada, &room).await.expect("deleted");
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let client = node.connect(&ada).await;
        let joining = client.connection.join(&room, Some((old, Sequence(0)))).await.expect("joins");
        assert!(joining.truncated && joining.messages.is_empty());
    });
}

#[test]
fn a_removed_member_hears_nothing_more() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let bobs = node.listen(&bob, &room).await;
        node.chat.remove_member(&ada, &room, &bob).await.expect("removed");
        node.say(&ada, &room, "gone?").await.expect("sent");
        let lines = bobs.lines().await;
        assert!(lines.iter().all(|line| line == "bob leaves square: Removed"), "{lines:?}");
        assert!(!lines.is_empty());
        let refused = node.say(&bob, &room, "here!").await;
        assert_eq!(
            refused.expect_err("no member").to_string(),
            "only members may send; join the room first"
        );
    });
}

#[test]
fn logging_out_ends_the_sessions_connections_and_no_others() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let (adas, bobs) = (node.connect(&ada).await, node.connect(&bob).await);
        node.chat.log_out(token(&ada)).await.expect("logged out");
        settle().await;
        assert_eq!(adas.end_reason(), Some(CloseReason::AuthExpired));
        assert_eq!(bobs.end_reason(), None);
    });
}

#[test]
fn those_in_a_room_hear_who_comes_and_goes() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let adas = node.listen(&ada, &room).await;
        let bobs = node.listen(&bob, &room).await;
        assert_eq!(adas.lines().await, ["bob joins square as Member", "bob is Available"]);
        drop(bobs);
        assert_eq!(adas.lines().await, ["bob is Unavailable"]);
        let account = node.chat.account(&bob).await.expect("a store").expect("an account");
        assert!(account.last_seen.is_some());
    });
}

#[test]
fn a_private_room_looks_like_none_to_others() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let room = node.room(&ada, "vault", RoomKind::Private).await;
        let client = node.connect(&bob).await;
        let refused = client.connection.join(&room, None).await.err().expect("refused");
        assert!(matches!(refused, JoinError::Enter(_)) && refused.to_string().contains("no such"));
        let refused = node.say(&bob, &room, "let me in").await.expect_err("refused");
        assert_eq!(refused.to_string(), "there is no such room");
    });
}

#[test]
fn open_rooms_and_subscriptions_are_counted_and_come_back_to_nothing() {
    on_a_node(Limits::default(), async |node| {
        let (ada, bob) = (node.user("ada").await, node.user("bob").await);
        let room = node.room(&ada, "square", RoomKind::Public).await;
        let clients = [node.listen(&ada, &room).await, node.listen(&bob, &room).await];
        assert_eq!(node.chat.directory().rooms(RoomKind::Public), (1, 2));
        assert_eq!((node.chat.directory().users(), node.chat.shards().connections()), (2, 2));
        drop(clients);
        settle().await;
        assert_eq!(node.chat.directory().rooms(RoomKind::Public), (0, 0));
        assert_eq!((node.chat.directory().users(), node.chat.shards().connections()), (0, 0));
        let probe = node.probe();
        let (joins, leaves) = ("chat_room_joins_total", "chat_room_leaves_total");
        assert_eq!((probe.sum(joins), probe.sum(leaves)), (2.0, 2.0));
        assert_eq!(probe.sum("chat_room_openings_total"), 1.0);
        assert_eq!(probe.sum("chat_room_closings_total"), 1.0);
    });
}
