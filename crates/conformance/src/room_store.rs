//! The promises of [`RoomStore`](campanile_core::port::RoomStore).

use crate::{
    stores::{START, Stores, joining, keyed, new_room, room, user},
    tasks::at_once,
};
use campanile_core::{
    message::Sequence,
    port::{AppendError, CreateRoomError, HistoryError, MemberError, Page, RoomChange},
    room::{Role, Room, RoomKind},
};
use std::{collections::HashSet, time::Duration};

/// Proves a room store.
pub async fn room_store(make: impl AsyncFn() -> Stores) {
    a_room_is_found_as_it_was_made(make().await).await;
    the_two_of_a_direct_room_are_equal(make().await).await;
    a_room_is_refused_whole(make().await).await;
    of_many_with_one_name_one_is_made(make().await).await;
    no_two_rooms_have_the_same_epoch(make().await).await;
    public_rooms_and_own_ones_are_listed_by_name(make().await).await;
    a_change_answers_with_the_room(make().await).await;
    a_deleted_room_is_gone_with_all_it_had(make().await).await;
    a_room_made_again_is_another_room(make().await).await;
    a_room_is_of_its_kind_while_it_lives(make().await).await;
}

async fn a_room_is_found_as_it_was_made(stores: Stores) {
    let ada = stores.account("ada").await;
    for (name, kind) in [("den", RoomKind::Private), ("lobby", RoomKind::Public)] {
        let made = stores.made(new_room(name, kind, &[&ada])).await;
        let expected = Room {
            name: room(name),
            kind,
            topic: String::new(),
            retention: None,
            members: 1,
            last_seq: Sequence(0),
            epoch: made.epoch,
            created_at: START,
        };
        assert_eq!(made, expected);
        let found = stores.rooms.find(&made.name).await.unwrap();
        assert_eq!(found, Some(expected));
        let role = stores.members.role(&made.name, &ada).await.unwrap();
        assert_eq!(role, Some(Role::Owner));
    }
    assert_eq!(stores.rooms.find(&room("nowhere")).await.unwrap(), None);
}

async fn the_two_of_a_direct_room_are_equal(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    let new = new_room("dm.1", RoomKind::Direct, &[&ada, &bob]);
    let made = stores.made(new).await;
    assert_eq!((made.kind, made.members), (RoomKind::Direct, 2));
    for user in [&ada, &bob] {
        let role = stores.members.role(&made.name, user).await.unwrap();
        assert_eq!(role, Some(Role::Member), "{user} is as much as the other");
        let rooms = stores.members.rooms_of(user).await.unwrap();
        assert_eq!(rooms[0].0, made);
    }
    let own = stores.made(new_room("dm.2", RoomKind::Direct, &[&ada])).await;
    assert_eq!(own.members, 1, "somebody may talk to oneself");
}

async fn a_room_is_refused_whole(stores: Stores) {
    let ada = stores.account("ada").await;
    let lobby = stores.public("lobby", &ada).await;
    let again = new_room("lobby", RoomKind::Private, &[&ada]);
    let refused = stores.rooms.create(again).await;
    assert!(matches!(refused, Err(CreateRoomError::Exists)), "{refused:?}");
    let kept = stores.rooms.find(&lobby).await.unwrap().unwrap();
    assert_eq!(kept.kind, RoomKind::Public);

    let new = new_room("dm.1", RoomKind::Direct, &[&ada, &user("nobody")]);
    let refused = stores.rooms.create(new).await;
    assert!(matches!(refused, Err(CreateRoomError::UnknownUser)), "{refused:?}");
    assert_eq!(stores.rooms.find(&room("dm.1")).await.unwrap(), None);
    assert_eq!(stores.members.rooms_of(&ada).await.unwrap().len(), 1);
}

async fn of_many_with_one_name_one_is_made(stores: Stores) {
    let ada = stores.account("ada").await;
    let answers = at_once(16, |_| {
        let (stores, ada) = (stores.clone(), ada.clone());
        async move {
            let new = new_room("lobby", RoomKind::Public, &[&ada]);
            stores.rooms.create(new).await
        }
    })
    .await;
    let made = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(made, 1, "one name, one room");
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, CreateRoomError::Exists), "{refused:?}");
    }
}

async fn no_two_rooms_have_the_same_epoch(stores: Stores) {
    let ada = stores.account("ada").await;
    let mut epochs = HashSet::new();
    for index in 0..50 {
        let name = format!("room-{index}");
        let made = stores.made(new_room(&name, RoomKind::Public, &[&ada])).await;
        assert!(epochs.insert(made.epoch), "an epoch was given twice");
    }
}

async fn public_rooms_and_own_ones_are_listed_by_name(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    for name in ["c", "a.z", "a-z", "e", "b"] {
        stores.public(name, &bob).await;
    }
    stores.room("adas", RoomKind::Private, &ada).await;
    let shared = stores.room("shared", RoomKind::Private, &bob).await;
    stores.join(&shared, &ada).await;
    stores.room("bobs", RoomKind::Private, &bob).await;
    let list = async |after: Option<&str>, limit| {
        let after = after.map(room);
        let rooms = stores.rooms.list(&ada, after.as_ref(), limit).await;
        let names = rooms.unwrap().into_iter().map(|room| room.name.to_string());
        names.collect::<Vec<_>>()
    };
    let all = ["a-z", "a.z", "adas", "b", "c", "e", "shared"];
    assert_eq!(list(None, 100).await, all);
    assert_eq!(list(None, 3).await, all[..3]);
    assert_eq!(list(Some("adas"), 3).await, all[3..6]);
    assert_eq!(list(Some("bobs"), 100).await, all[4..], "after no member's room");
    assert_eq!(list(Some("shared"), 100).await, [""; 0]);
    assert_eq!(list(None, 0).await, [""; 0]);
    let listed = stores.rooms.list(&bob, None, 1).await.unwrap();
    let found = stores.rooms.find(&room("a-z")).await.unwrap();
    assert_eq!(listed[0], found.unwrap(), "listed as it is");
}

async fn a_change_answers_with_the_room(stores: Stores) {
    let (_, lobby) = stores.owner_and_room().await;
    for topic in ["bells & whistles", "", "Glocken 🔔"] {
        let change = RoomChange::topic(topic);
        let changed = stores.rooms.change(&lobby, change).await.unwrap();
        let found = stores.rooms.find(&lobby).await.unwrap();
        assert_eq!(changed, found, "the answer is what is kept");
        assert_eq!(changed.unwrap().topic, topic);
    }
    for kept in [Some(Duration::from_secs(1)), None, Some(Duration::from_secs(3_155_760_000))] {
        let change = RoomChange::retention(kept);
        let changed = stores.rooms.change(&lobby, change).await.unwrap().unwrap();
        assert_eq!((changed.retention, &*changed.topic), (kept, "Glocken 🔔"));
        assert_eq!(stores.rooms.find(&lobby).await.unwrap(), Some(changed));
    }
    let nothing = stores.rooms.change(&lobby, RoomChange::default()).await.unwrap();
    assert_eq!(nothing, stores.rooms.find(&lobby).await.unwrap(), "nothing is changed");
    let change = RoomChange::topic("nothing");
    let changed = stores.rooms.change(&room("nowhere"), change).await;
    assert_eq!(changed.unwrap(), None);
}

async fn a_deleted_room_is_gone_with_all_it_had(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let other = stores.public("other", &ada).await;
    for room in [&lobby, &other] {
        stores.say_many(room, &ada, 3).await;
        let marked = stores.receipts.mark(room, &ada, Sequence(2)).await;
        marked.unwrap();
    }
    assert!(stores.rooms.delete(&lobby).await.unwrap(), "there was one");
    assert!(!stores.rooms.delete(&lobby).await.unwrap(), "it is gone");

    assert_eq!(stores.rooms.find(&lobby).await.unwrap(), None);
    assert_eq!(stores.members.role(&lobby, &ada).await.unwrap(), None);
    let members = stores.members.members(&lobby, None, 10).await.unwrap();
    assert_eq!(members, []);
    assert_eq!(stores.members.rooms_of(&ada).await.unwrap().len(), 1);
    assert_eq!(stores.receipts.receipts(&lobby, 9).await.unwrap(), []);
    let history = stores.messages.history(&lobby, Page::Newest, 10).await;
    assert!(matches!(history, Err(HistoryError::UnknownRoom)));
    let appended = stores.append(keyed(&lobby, &ada, "key"), START).await;
    assert!(matches!(appended, Err(AppendError::UnknownRoom)));
    let put = stores.members.put(&lobby, &ada, joining()).await;
    assert!(matches!(put, Err(MemberError::UnknownRoom)));

    assert_eq!(stores.messages.size().await.unwrap().messages, 3);
    assert_eq!(stores.all(&other).await.len(), 3, "others stay");
}

async fn a_room_made_again_is_another_room(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let bob = stores.account("bob").await;
    stores.join(&lobby, &bob).await;
    stores.say_many(&lobby, &ada, 3).await;
    let keyed = keyed(&lobby, &ada, "key");
    stores.append(keyed.clone(), START).await.unwrap();
    let marked = stores.receipts.mark(&lobby, &ada, Sequence(4)).await;
    marked.unwrap();
    let before = stores.rooms.find(&lobby).await.unwrap().unwrap();
    stores.rooms.delete(&lobby).await.unwrap();

    let after = stores.made(new_room("lobby", RoomKind::Public, &[&ada])).await;
    assert_ne!(after.epoch, before.epoch, "another history");
    assert_eq!((after.members, after.last_seq), (1, Sequence(0)));
    assert_eq!(stores.all(&lobby).await, []);
    assert_eq!(stores.members.role(&lobby, &bob).await.unwrap(), None);
    assert_eq!(stores.receipts.receipts(&lobby, 9).await.unwrap(), []);
    let first = stores.append(keyed, START).await.unwrap();
    assert!(!first.duplicate, "the old room's keys are forgotten");
    assert_eq!(first.message.id.seq, Sequence(1));
    assert_eq!(first.message.id.epoch, after.epoch);
}

async fn a_room_is_of_its_kind_while_it_lives(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    let kind = async |name| stores.rooms.kind(&room(name)).await.unwrap();
    for (name, made) in [("lobby", RoomKind::Public), ("den", RoomKind::Private)] {
        assert_eq!(kind(name).await, None);
        stores.room(name, made, &ada).await;
        assert_eq!(kind(name).await, Some(made));
    }
    stores.made(new_room("dm.1", RoomKind::Direct, &[&ada, &bob])).await;
    assert_eq!(kind("dm.1").await, Some(RoomKind::Direct));
    stores.rooms.delete(&room("lobby")).await.unwrap();
    assert_eq!(kind("lobby").await, None);
}
