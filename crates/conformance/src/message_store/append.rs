//! Appending: order, atomicity, membership, replies.

use crate::{
    stores::{START, Stores, draft, numbers, room, user},
    tasks::at_once,
};
use campanile_core::{
    message::{Draft, Message, MessageId, Sequence},
    name::{RoomName, UserName},
    port::{AppendError, Page},
    room::RoomKind,
    time::Timestamp,
};
use futures_util::FutureExt;
use std::{collections::HashMap, sync::Arc};

pub(super) async fn prove(make: &impl AsyncFn() -> Stores) {
    a_message_is_kept_as_it_was_drafted(make().await).await;
    numbers_start_at_one_and_rise_by_one(make().await).await;
    many_writers_in_many_rooms_leave_no_gap(make().await).await;
    a_refused_draft_stores_nothing(make().await).await;
    a_reply_is_to_a_message_of_the_room(make().await).await;
    any_text_is_kept(make().await).await;
    a_sender_who_gives_up_leaves_no_gap(make().await).await;
}

async fn a_message_is_kept_as_it_was_drafted(stores: Stores) {
    let ada = stores.account("ada").await;
    for (name, kind) in
        [("lobby", RoomKind::Public), ("den", RoomKind::Private), ("dm.1", RoomKind::Direct)]
    {
        let room = stores.room(name, kind, &ada).await;
        stores.say(&room, &ada, "first").await;
        let draft = Draft {
            key: Some("key-1".into()),
            reply_to: Some(Sequence(1)),
            ..draft(&room, &ada, "second")
        };
        let at = Timestamp(START.0 + 1_234);
        let appended = stores.append(draft, at).await.unwrap();
        let found = stores.rooms.find(&room).await.unwrap().unwrap();
        let expected = Message {
            room: room.clone(),
            id: MessageId { epoch: found.epoch, seq: Sequence(2) },
            from: ada.clone(),
            body: "second".into(),
            at,
            key: Some("key-1".into()),
            reply_to: Some(Sequence(1)),
            edited_at: None,
            deleted: false,
            reactions: Vec::new(),
        };
        assert_eq!(*appended.message, expected);
        assert_eq!((appended.kind, appended.duplicate), (kind, false));
        assert_eq!(*stores.message(&room, 2).await, expected);
        assert_eq!(found.last_seq, Sequence(2));
    }
}

async fn numbers_start_at_one_and_rise_by_one(stores: Stores) {
    let ada = stores.account("ada").await;
    let (one, two) = (stores.public("one", &ada).await, stores.public("two", &ada).await);
    for seq in 1..=10 {
        assert_eq!(stores.say(&one, &ada, "a").await.seq(), Sequence(seq));
        assert_eq!(
            stores.say(&two, &ada, "b").await.seq(),
            Sequence(seq),
            "each room counts for itself"
        );
    }
}

async fn many_writers_in_many_rooms_leave_no_gap(stores: Stores) {
    const WRITERS: usize = 16;
    const ROOMS: usize = 5;
    const EACH: usize = 20;
    let owner = stores.account("owner").await;
    let mut rooms = Vec::new();
    for index in 0..ROOMS {
        rooms.push(stores.public(&format!("room-{index}"), &owner).await);
    }
    for index in 0..WRITERS {
        let writer = stores.account(&format!("writer-{index}")).await;
        for room in &rooms {
            stores.join(room, &writer).await;
        }
    }
    let said = at_once(WRITERS, |index| {
        let (stores, rooms) = (stores.clone(), rooms.clone());
        async move { write(&stores, &rooms, index, EACH).await }
    })
    .await;
    let mut answered: HashMap<RoomName, Vec<Arc<Message>>> = HashMap::new();
    for message in said.into_iter().flatten() {
        answered.entry(message.room.clone()).or_default().push(message);
    }
    for room in rooms {
        let mut answered = answered.remove(&room).unwrap();
        answered.sort_by_key(|message| message.seq());
        let expected: Vec<u64> = (1..=(WRITERS * EACH) as u64).collect();
        assert_eq!(numbers(&answered), expected, "no gap and no repeat");
        assert_eq!(stores.all(&room).await, answered, "kept as it was answered");
    }
}

/// Says numbered things in each room, and checks that they are heard in this order.
async fn write(
    stores: &Stores,
    rooms: &[RoomName],
    index: usize,
    each: usize,
) -> Vec<Arc<Message>> {
    let writer = user(&format!("writer-{index}"));
    let mut said: Vec<Arc<Message>> = Vec::new();
    for number in 0..each {
        for room in rooms {
            let message = stores.say(room, &writer, &format!("{index}.{number}")).await;
            let earlier = said.iter().rev().find(|earlier| earlier.room == *room);
            if let Some(earlier) = earlier {
                assert!(earlier.seq() < message.seq(), "what came later is later");
            }
            said.push(message);
        }
    }
    said
}

async fn a_refused_draft_stores_nothing(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let stranger = stores.account("stranger").await;
    for from in [&stranger, &user("nobody")] {
        let refused = stores.append(draft(&lobby, from, "psst"), START).await;
        assert!(matches!(refused, Err(AppendError::NotMember)), "{from}");
    }
    let nowhere = draft(&room("nowhere"), &ada, "psst");
    let refused = stores.append(nowhere, START).await;
    assert!(matches!(refused, Err(AppendError::UnknownRoom)));
    stores.join(&lobby, &stranger).await;
    stores.say(&lobby, &stranger, "now a member").await;
    stores.members.remove(&lobby, &stranger).await.unwrap();
    let refused = stores.append(draft(&lobby, &stranger, "psst"), START).await;
    assert!(matches!(refused, Err(AppendError::NotMember)), "no more");
    assert_eq!(stores.say(&lobby, &ada, "hello").await.seq(), Sequence(2));
    assert_eq!(stores.messages.size().await.unwrap().messages, 2);
}

async fn a_reply_is_to_a_message_of_the_room(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let other = stores.public("other", &ada).await;
    stores.say_many(&other, &ada, 5).await;
    stores.say_many(&lobby, &ada, 2).await;
    let reply = async |seq| {
        let draft = Draft { reply_to: Some(Sequence(seq)), ..draft(&lobby, &ada, "yes") };
        stores.append(draft, START).await
    };
    for seq in [0, 3, 5, u64::MAX] {
        let refused = reply(seq).await;
        assert!(matches!(refused, Err(AppendError::UnknownReply)), "{seq}");
    }
    for (seq, expected) in [(1, 3), (3, 4)] {
        let message = reply(seq).await.unwrap().message;
        assert_eq!(message.seq(), Sequence(expected), "refusals left no gap");
        assert_eq!(message.reply_to, Some(Sequence(seq)));
    }
}

async fn any_text_is_kept(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let long = "Glocke 🔔 ".repeat(1_500);
    let texts = [
        "'; DROP TABLE messages; --",
        "null\0byte",
        "line\nbreak\r\n\ttab \u{2028}",
        "🇨🇭 e\u{301} \u{202e}right to left",
        " ",
        &long,
    ];
    for (index, text) in texts.into_iter().enumerate() {
        let draft = Draft {
            key: Some(text.chars().take(30).collect::<String>().into()),
            ..draft(&lobby, &ada, text)
        };
        let appended = stores.append(draft.clone(), START).await.unwrap();
        let kept = stores.message(&lobby, index as u64 + 1).await;
        assert_eq!(kept, appended.message);
        assert_eq!((&kept.body, &kept.key), (&draft.body, &draft.key));
        let again = stores.append(draft, START).await.unwrap();
        assert!(again.duplicate, "the key is known again");
    }
}

async fn a_sender_who_gives_up_leaves_no_gap(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    for _ in 0..20 {
        // Polled once and dropped: stored or not, but never half.
        let given_up = stores.append(draft(&lobby, &ada, "given up"), START);
        let _stored_or_not = given_up.now_or_never();
        stores.say(&lobby, &ada, "waited for").await;
    }
    let history = stores.messages.history(&lobby, Page::Newest, 100).await;
    let history = history.unwrap();
    let expected: Vec<u64> = (1..=history.last_seq.0).collect();
    assert_eq!(numbers(&history.messages), expected);
    let waited_for = |message: &&Arc<Message>| *message.body == *"waited for";
    assert_eq!(history.messages.iter().filter(waited_for).count(), 20);
    let senders: Vec<&UserName> = history.messages.iter().map(|said| &said.from).collect();
    assert!(senders.iter().all(|from| **from == ada));
}
