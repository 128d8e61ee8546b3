//! Retention: what is removed, what stays, and what is counted.

use crate::stores::{START, Stores, draft, numbers, room};
use campanile_core::{
    message::{Amendment, Draft, Sequence},
    name::{RoomName, UserName},
    port::{AmendError, AppendError, Archive, Page, RoomChange},
    time::Timestamp,
};
use std::time::Duration;

pub(super) async fn prove(make: &impl AsyncFn() -> Stores) {
    what_is_kept_is_counted(make().await).await;
    only_what_is_older_is_removed(make().await).await;
    a_call_removes_no_more_than_it_may(make().await).await;
    what_was_removed_is_not_there(make().await).await;
    numbers_are_not_given_again(make().await).await;
    a_clock_that_went_back_leaves_no_hole(make().await).await;
    a_room_keeps_messages_as_long_as_it_says(make().await).await;
}

async fn say_at(stores: &Stores, room: &RoomName, from: &UserName, millis: &[i64]) {
    for milli in millis {
        let draft = draft(room, from, "said then");
        let at = Timestamp(START.0 + milli);
        stores.append(draft, at).await.unwrap();
    }
}

async fn evict(stores: &Stores, milli: i64, limit: usize) -> u64 {
    let before = Timestamp(START.0 + milli);
    stores.messages.evict(before, Some(Duration::ZERO), limit).await.unwrap()
}

async fn what_is_kept_is_counted(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let empty: Archive = stores.messages.size().await.unwrap();
    assert_eq!(empty.messages, 0);
    let other = stores.public("other", &ada).await;
    let body = "0123456789abcdef".repeat(64);
    for room in [&lobby, &other] {
        for _ in 0..100 {
            stores.say(room, &ada, &body).await;
        }
    }
    let full = stores.messages.size().await.unwrap();
    assert_eq!(full.messages, 200);
    assert!(full.bytes >= 200 * 1024, "{} bytes", full.bytes);
}

async fn only_what_is_older_is_removed(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let other = stores.public("other", &ada).await;
    say_at(&stores, &lobby, &ada, &[0, 10, 20, 30]).await;
    say_at(&stores, &other, &ada, &[15]).await;
    assert_eq!(evict(&stores, 0, 100).await, 0);
    assert_eq!(evict(&stores, 20, 100).await, 3, "not what is as old");
    assert_eq!(numbers(&stores.all(&lobby).await), [3, 4]);
    assert_eq!(stores.all(&other).await, []);
    assert_eq!(stores.messages.size().await.unwrap().messages, 2);
    let history = stores.messages.history(&lobby, Page::Newest, 10).await;
    let history = history.unwrap();
    assert_eq!((history.first_seq, history.last_seq), (Sequence(3), Sequence(4)));
    assert!(!history.has_more, "there is nothing below");
    let after = Page::After(Sequence(0));
    let history = stores.messages.history(&lobby, after, 1).await.unwrap();
    assert_eq!(numbers(&history.messages), [3]);
    assert!(history.has_more);
}

async fn a_call_removes_no_more_than_it_may(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let other = stores.public("other", &ada).await;
    for room in [&lobby, &other] {
        say_at(&stores, room, &ada, &[0; 10]).await;
    }
    let mut removed = Vec::new();
    while removed.last() != Some(&0) {
        removed.push(evict(&stores, 1, 7).await);
    }
    assert_eq!(removed, [7, 7, 6, 0]);
    assert_eq!(stores.messages.size().await.unwrap().messages, 0);
    assert_eq!(evict(&stores, 1, 0).await, 0);
}

async fn what_was_removed_is_not_there(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    say_at(&stores, &lobby, &ada, &[0, 10]).await;
    let react = Amendment::React { emoji: "👍".into(), on: true };
    let amend = async |seq| {
        let messages = &stores.messages;
        messages.amend(&lobby, Sequence(seq), &ada, &react, START).await
    };
    assert!(amend(1).await.unwrap());
    assert_eq!(evict(&stores, 5, 10).await, 1);
    let refused = amend(1).await;
    assert!(matches!(refused, Err(AmendError::UnknownMessage)));
    let reply = Draft { reply_to: Some(Sequence(1)), ..draft(&lobby, &ada, "to what?") };
    let refused = stores.append(reply, START).await;
    assert!(matches!(refused, Err(AppendError::UnknownReply)));
    assert_eq!(stores.message(&lobby, 2).await.reactions, []);
}

async fn numbers_are_not_given_again(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    say_at(&stores, &lobby, &ada, &[0, 0, 0]).await;
    assert_eq!(evict(&stores, 1, 10).await, 3);
    let history = stores.messages.history(&lobby, Page::Newest, 10).await;
    let history = history.unwrap();
    assert_eq!((history.messages, history.has_more), (vec![], false));
    assert_eq!((history.first_seq, history.last_seq), (Sequence(4), Sequence(3)));
    let found = stores.rooms.find(&lobby).await.unwrap().unwrap();
    assert_eq!(found.last_seq, Sequence(3));
    assert_eq!(stores.say(&lobby, &ada, "next").await.seq(), Sequence(4));
}

async fn a_clock_that_went_back_leaves_no_hole(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    say_at(&stores, &lobby, &ada, &[0, 50, 10, 60]).await;
    assert_eq!(evict(&stores, 20, 10).await, 1, "only from the front");
    assert_eq!(numbers(&stores.all(&lobby).await), [2, 3, 4]);
    assert_eq!(evict(&stores, 55, 10).await, 2);
    assert_eq!(numbers(&stores.all(&lobby).await), [4]);
}

async fn a_room_keeps_messages_as_long_as_it_says(stores: Stores) {
    let ada = stores.account("ada").await;
    let minute = |minutes: u64| Duration::from_secs(60 * minutes);
    for (name, kept) in [("long", Some(minute(10))), ("short", Some(minute(1))), ("any", None)] {
        let room = stores.public(name, &ada).await;
        let change = RoomChange::retention(kept);
        stores.rooms.change(&room, change).await.unwrap();
        // Said 12, 6, 3 and 0 minutes before.
        say_at(&stores, &room, &ada, &[0, 360_000, 540_000, 720_000]).await;
    }
    let now = START.plus(minute(12));
    let left = async || {
        let mut left = Vec::new();
        for name in ["long", "short", "any"] {
            left.push(stores.all(&room(name)).await.len());
        }
        left
    };
    assert_eq!(stores.messages.evict(now, None, 1).await.unwrap(), 1, "no more than it may");
    assert_eq!(stores.messages.evict(now, None, 100).await.unwrap(), 3);
    assert_eq!(left().await, [3, 1, 4], "rooms that do not say keep theirs for ever");
    assert_eq!(stores.messages.evict(now, Some(minute(5)), 100).await.unwrap(), 2);
    assert_eq!(left().await, [3, 1, 2], "and as long as the server otherwise");
    // What a room says is taken back.
    let change = RoomChange::retention(None);
    stores.rooms.change(&room("long"), change).await.unwrap();
    assert_eq!(stores.messages.evict(now, None, 100).await.unwrap(), 0);
    assert_eq!(stores.messages.evict(now, Some(minute(5)), 100).await.unwrap(), 1);
    assert_eq!(left().await, [2, 1, 2]);
    let later = now.plus(minute(100));
    assert_eq!(stores.messages.evict(later, None, 100).await.unwrap(), 1);
    assert_eq!(left().await, [2, 0, 2], "a short one loses its last message too");
    assert_eq!(stores.say(&room("short"), &ada, "next").await.seq(), Sequence(5));
}
