//! Two nodes: what is said on one is heard on the other, and what the bus loses is put right.

mod support;

use campanile_core::{
    event::{Audience, Event, Signal},
    message::{Amendment, Draft, Sequence},
    name::{RoomName, UserName},
    port::NodeId,
    room::RoomKind,
    user::Session,
};
use std::{sync::Arc, time::Duration};
use support::{Client, settle, token, two::Two, two::on_two_nodes};

/// A room of `here`, in which bob listens from `there`.
async fn scene(two: &Two, kind: RoomKind) -> (UserName, RoomName, Client) {
    let (ada, bob) = (two.here.user("ada").await, two.here.user("bob").await);
    let room = two.here.room(&ada, "square", kind).await;
    two.here.chat.put_member(&ada, &room, &bob, None).await.ok();
    two.here.chat.put_member(&bob, &room, &bob, None).await.ok();
    let session = Session {
        user: bob.clone(),
        token: token(&bob),
        operator: false,
        expires_at: two.here.chat.clock().now().plus(Duration::from_secs(3_600)),
    };
    two.here.chat.ports().sessions.open(session).await.expect("opened");
    let client = two.there.listen(&bob, &room).await;
    (ada, room, client)
}

async fn patience(two: &Two) {
    settle().await;
    two.there.pass(two.there.chat.limits().gap_patience * 2).await;
}

#[test]
fn what_is_said_on_one_node_is_heard_on_the_other() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Public).await;
        two.here.say(&ada, &room, "ding").await.expect("sent");
        assert_eq!(bob.lines().await, ["1 ada: ding"]);
    });
}

#[test]
fn delivery_latency_counts_from_when_the_other_node_received_it() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Public).await;
        let (chat, latency) = (&two.here.chat, "chat_message_delivery_latency_seconds_sum");
        let draft =
            Draft { room: room.clone(), from: ada, body: "slow".into(), key: None, reply_to: None };
        let stored = chat.ports().messages.append(draft, chat.clock().now()).await.expect("stored");
        two.here.pass(Duration::from_secs(2)).await;
        let audience = Audience::Room(room, RoomKind::Public);
        let tell = Signal::Tell(audience, Event::Message(stored.message));
        chat.ports().bus.publish(Arc::new(tell)).await.expect("published");
        assert_eq!(bob.lines().await, ["1 ada: slow"]);
        patience(&two).await;
        assert_eq!(two.there.probe().value(latency, &[("scope", "remote")]), Some(2.0));
    });
}

#[test]
fn the_last_messages_before_silence_are_not_lost() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Public).await;
        two.here.say(&ada, &room, "heard").await.expect("sent");
        two.wire.cut();
        two.here.say(&ada, &room, "lost").await.expect("sent");
        two.here.say(&ada, &room, "lost too").await.expect("sent");
        assert_eq!(bob.lines().await, ["1 ada: heard"]);
        two.wire.mend().await;
        patience(&two).await;
        assert_eq!(bob.lines().await, ["2 ada: lost", "3 ada: lost too"]);
        two.here.say(&ada, &room, "after").await.expect("sent");
        assert_eq!(bob.lines().await, ["4 ada: after"]);
        two.wire.mend().await;
        patience(&two).await;
        assert_eq!(bob.lines().await, [""; 0], "nothing is told twice");
    });
}

#[test]
fn gaps_between_what_was_heard_are_all_filled_at_once() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Public).await;
        // Every other message comes from the other node, and is lost.
        for number in 0..8 {
            two.wire.cut();
            two.here.say(&ada, &room, &format!("lost {number}")).await.expect("sent");
            two.there.say(&ada, &room, &format!("heard {number}")).await.expect("sent");
        }
        assert_eq!(bob.lines().await, [""; 0], "nothing passes before what was said earlier");
        patience(&two).await;
        let lines = bob.lines().await;
        assert_eq!(lines.len(), 16);
        assert_eq!(lines[..2], ["1 ada: lost 0", "2 ada: heard 0"]);
        assert_eq!(lines[15], "16 ada: heard 7");
    });
}

#[test]
fn a_message_that_comes_while_others_are_fetched_is_heard_once_in_its_place() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Public).await;
        two.wire.cut();
        two.here.say(&ada, &room, "one").await.expect("sent");
        two.wire.mend().await;
        two.here.say(&ada, &room, "two").await.expect("sent");
        patience(&two).await;
        assert_eq!(bob.lines().await, ["1 ada: one", "2 ada: two"]);
    });
}

#[test]
fn a_change_that_was_lost_makes_listeners_read_again_once() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Public).await;
        two.here.pass(Duration::from_secs(100)).await;
        two.here.say(&ada, &room, "ding").await.expect("sent");
        bob.lines().await;
        two.wire.cut();
        let edit = Amendment::Edit { body: "dong".into() };
        two.here.chat.amend(&ada, &room, Sequence(1), edit).await.expect("changed");
        two.wire.mend().await;
        assert_eq!(bob.lines().await, ["resync square: Gap"]);
        two.wire.mend().await;
        patience(&two).await;
        assert_eq!(bob.lines().await, [""; 0]);
    });
}

#[test]
fn a_session_whose_end_was_not_heard_of_ends_all_the_same() {
    on_two_nodes(async |two| {
        let (_, _, bob) = scene(&two, RoomKind::Public).await;
        two.wire.cut();
        let user = bob.connection.user().clone();
        two.here.chat.log_out(token(&user)).await.expect("logged out");
        assert_eq!(bob.end_reason(), None);
        two.wire.mend().await;
        patience(&two).await;
        assert!(bob.end_reason().is_some(), "the store knows no such session");
    });
}

#[test]
fn who_was_removed_hears_no_more_though_the_word_was_lost() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Private).await;
        two.wire.cut();
        let user = bob.connection.user().clone();
        two.here.chat.remove_member(&ada, &room, &user).await.expect("removed");
        two.wire.mend().await;
        patience(&two).await;
        assert_eq!(bob.lines().await, ["bob leaves square: Removed"]);
        two.here.say(&ada, &room, "between us").await.expect("sent");
        assert_eq!(bob.lines().await, [""; 0]);
    });
}

#[test]
fn a_room_that_was_deleted_in_silence_is_to_be_read_again() {
    on_two_nodes(async |two| {
        let (ada, room, bob) = scene(&two, RoomKind::Public).await;
        two.wire.cut();
        two.here.chat.delete_room(&ada, &room).await.expect("deleted");
        two.wire.mend().await;
        patience(&two).await;
        assert_eq!(bob.lines().await, ["resync square: Epoch"]);
        assert_eq!(two.there.chat.directory().listeners(&room), 0);
    });
}

#[test]
fn a_survey_asks_every_node() {
    on_two_nodes(async |two| {
        let (ada, room, _bob) = scene(&two, RoomKind::Public).await;
        let _ada = two.here.listen(&ada, &room).await;
        let survey = two.here.chat.survey(10, 10).await;
        assert_eq!(survey.missing, 0);
        let nodes: Vec<_> = survey.nodes.iter().map(|(id, _)| *id).collect();
        assert_eq!(nodes, [NodeId(1), NodeId(2)]);
        let merged = survey.merged(10, 10);
        assert_eq!((merged.connections_open, merged.users), (2, 2));
        assert_eq!(merged.connections.len(), 2);
        assert_eq!((merged.rooms.len(), merged.rooms[0].participants), (1, 2));
        let probe = two.here.probe();
        let ok = [("operation", "survey"), ("result", "ok")];
        assert_eq!(probe.value("chat_cluster_requests_total", &ok), Some(1.0));
    });
}

#[test]
fn a_node_that_does_not_answer_is_counted() {
    on_two_nodes(async |two| {
        two.wire.cut();
        let survey = two.here.chat.survey(10, 10).await;
        assert_eq!((survey.nodes.len(), survey.missing), (1, 1));
        let probe = two.here.probe();
        let error = [("operation", "survey"), ("result", "error")];
        assert_eq!(probe.value("chat_cluster_requests_total", &error), Some(1.0));
        let survey = [("operation", "survey")];
        assert_eq!(probe.value("chat_cluster_replies_missing_total", &survey), Some(1.0));
        let count = probe.value("chat_cluster_request_duration_seconds_count", &survey);
        assert_eq!(count, Some(1.0));
        two.here.chat.count_nodes(3).await.expect("counted");
        let probe = two.here.probe();
        assert_eq!(probe.value("chat_cluster_nodes", &[]), Some(2.0));
        assert_eq!(probe.value("chat_cluster_nodes_expected", &[]), Some(3.0));
    });
}
