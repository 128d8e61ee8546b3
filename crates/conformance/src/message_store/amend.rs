//! Amending: who may edit, delete and react, and what it does.

use crate::{
    stores::{START, Stores, draft, room, user},
    tasks::at_once,
};
use campanile_core::{
    limits::Limits,
    message::{Amendment, Reaction, Sequence},
    name::{RoomName, UserName},
    port::AmendError,
    time::Timestamp,
};

/// When the amendments are made.
const LATER: Timestamp = Timestamp(START.0 + 60_000);

pub(super) async fn prove(make: &impl AsyncFn() -> Stores) {
    only_the_author_edits(start(make().await).await).await;
    the_author_and_owners_delete(start(make().await).await).await;
    a_deleted_message_is_an_empty_place(start(make().await).await).await;
    every_member_reacts(start(make().await).await).await;
    kinds_of_reactions_are_bounded(start(make().await).await).await;
    many_react_at_once(start(make().await).await).await;
    who_is_no_member_changes_nothing(start(make().await).await).await;
    what_is_not_there_is_not_changed(start(make().await).await).await;
}

/// A room with an owner, two members, and one message of the first of them.
struct Scene {
    stores: Stores,
    owner: UserName,
    ada: UserName,
    bob: UserName,
    lobby: RoomName,
}

async fn start(stores: Stores) -> Scene {
    let (owner, lobby) = stores.owner_and_room().await;
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    for user in [&ada, &bob] {
        stores.join(&lobby, user).await;
    }
    stores.say(&lobby, &ada, "hello").await;
    Scene { stores, owner, ada, bob, lobby }
}

impl Scene {
    async fn amend(&self, by: &UserName, amendment: Amendment) -> Result<bool, AmendError> {
        let messages = &self.stores.messages;
        let seq = Sequence(1);
        messages.amend(&self.lobby, seq, by, &amendment, LATER).await
    }

    async fn reactions(&self) -> Vec<Reaction> {
        let message = self.stores.message(&self.lobby, 1).await;
        message.reactions.clone()
    }
}

fn edit(body: &str) -> Amendment {
    Amendment::Edit { body: body.into() }
}

fn react(emoji: &str, on: bool) -> Amendment {
    let emoji = emoji.into();
    Amendment::React { emoji, on }
}

async fn only_the_author_edits(scene: Scene) {
    let before = scene.stores.message(&scene.lobby, 1).await;
    for other in [&scene.owner, &scene.bob] {
        let refused = scene.amend(other, edit("hijacked")).await;
        assert!(matches!(refused, Err(AmendError::Forbidden)), "{other}");
    }
    assert!(!scene.amend(&scene.ada, edit("hello")).await.unwrap());
    let same = scene.stores.message(&scene.lobby, 1).await;
    assert_eq!(same, before, "the same text is no edit");
    assert!(scene.amend(&scene.ada, edit("hello, you")).await.unwrap());
    let edited = scene.stores.message(&scene.lobby, 1).await;
    assert_eq!(*edited.body, *"hello, you");
    assert_eq!(edited.edited_at, Some(LATER));
    assert_eq!((edited.id, edited.at), (before.id, before.at));
}

async fn the_author_and_owners_delete(scene: Scene) {
    let refused = scene.amend(&scene.bob, Amendment::Delete).await;
    assert!(matches!(refused, Err(AmendError::Forbidden)));
    for (seq, by) in [(1, &scene.ada), (2, &scene.owner)] {
        let seq = Sequence(seq);
        let messages = &scene.stores.messages;
        let deleted = messages.amend(&scene.lobby, seq, by, &Amendment::Delete, LATER).await;
        assert!(deleted.unwrap(), "{by}");
        scene.stores.say(&scene.lobby, &scene.ada, "next").await;
    }
}

async fn a_deleted_message_is_an_empty_place(scene: Scene) {
    scene.amend(&scene.bob, react("👍", true)).await.unwrap();
    scene.stores.say(&scene.lobby, &scene.bob, "second").await;
    assert!(scene.amend(&scene.ada, Amendment::Delete).await.unwrap());
    let deleted = scene.stores.message(&scene.lobby, 1).await;
    assert!(deleted.deleted);
    assert_eq!((&*deleted.body, deleted.reactions.len()), ("", 0));
    assert_eq!((&deleted.from, deleted.at), (&scene.ada, START));
    assert_eq!(scene.stores.all(&scene.lobby).await.len(), 2);

    let again = scene.amend(&scene.owner, Amendment::Delete).await;
    assert!(!again.unwrap(), "it is deleted already");
    for amendment in [edit("back"), react("👍", true), react("👍", false)] {
        let refused = scene.amend(&scene.ada, amendment).await;
        assert!(matches!(refused, Err(AmendError::UnknownMessage)));
    }
    let reply = campanile_core::message::Draft {
        reply_to: Some(Sequence(1)),
        ..draft(&scene.lobby, &scene.bob, "why?")
    };
    let replied = scene.stores.append(reply, START).await;
    assert!(replied.is_ok(), "its place is there to be answered");
}

async fn every_member_reacts(scene: Scene) {
    let (ada, bob, owner) = (&scene.ada, &scene.bob, &scene.owner);
    let steps = [
        (bob, "🔔", true, true),
        (ada, "👍", true, true),
        (ada, "🔔", true, true),
        (ada, "🔔", true, false),
        (owner, "👍", true, true),
        (owner, "🎉", false, false),
        (owner, "🎉", true, true),
    ];
    for (by, emoji, on, changed) in steps {
        let answer = scene.amend(by, react(emoji, on)).await.unwrap();
        assert_eq!(answer, changed, "{by} {emoji} {on}");
    }
    let kind = |emoji: &str, users: &[&UserName]| Reaction {
        emoji: emoji.into(),
        users: users.iter().copied().cloned().collect(),
    };
    let expected = [kind("🔔", &[bob, ada]), kind("👍", &[ada, owner]), kind("🎉", &[owner])];
    assert_eq!(scene.reactions().await, expected);
    assert!(scene.amend(bob, react("🔔", false)).await.unwrap());
    assert!(!scene.amend(bob, react("🔔", false)).await.unwrap());
    assert!(scene.amend(ada, react("👍", false)).await.unwrap());
    let expected = [kind("🔔", &[ada]), kind("👍", &[owner]), kind("🎉", &[owner])];
    let mut kinds = scene.reactions().await;
    kinds.sort_by_key(|kind| expected.iter().position(|other| other.emoji == kind.emoji));
    assert_eq!(kinds, expected);
    let message = scene.stores.message(&scene.lobby, 1).await;
    assert_eq!(message.edited_at, None, "a reaction is no edit");
}

async fn kinds_of_reactions_are_bounded(scene: Scene) {
    let max = Limits::default().reactions_per_message_max;
    for index in 0..max {
        let added = scene.amend(&scene.ada, react(&format!("e{index}"), true));
        assert!(added.await.unwrap());
    }
    let refused = scene.amend(&scene.bob, react("one more", true)).await;
    assert!(matches!(refused, Err(AmendError::TooManyReactions)));
    assert!(scene.amend(&scene.bob, react("e0", true)).await.unwrap());
    assert!(scene.amend(&scene.ada, react("e1", false)).await.unwrap());
    assert!(scene.amend(&scene.bob, react("one more", true)).await.unwrap());
    assert_eq!(scene.reactions().await.len(), max);
}

async fn many_react_at_once(scene: Scene) {
    for index in 0..16 {
        let name = scene.stores.account(&format!("user-{index}")).await;
        scene.stores.join(&scene.lobby, &name).await;
    }
    let changed = at_once(16, |index| {
        let (stores, lobby) = (scene.stores.clone(), scene.lobby.clone());
        let (by, seq) = (user(&format!("user-{index}")), Sequence(1));
        async move {
            let amendment = react("👍", true);
            stores.messages.amend(&lobby, seq, &by, &amendment, LATER).await
        }
    })
    .await;
    assert!(changed.into_iter().all(|changed| changed.unwrap()));
    assert_eq!(scene.reactions().await[0].users.len(), 16);
}

async fn who_is_no_member_changes_nothing(scene: Scene) {
    let stranger = scene.stores.account("stranger").await;
    let members = &scene.stores.members;
    members.remove(&scene.lobby, &scene.ada).await.unwrap();
    for by in [&stranger, &scene.ada, &user("nobody")] {
        for amendment in [edit("x"), Amendment::Delete, react("👍", true)] {
            let refused = scene.amend(by, amendment).await;
            assert!(matches!(refused, Err(AmendError::Forbidden)), "{by}");
        }
    }
    let message = scene.stores.message(&scene.lobby, 1).await;
    assert_eq!(*message.body, *"hello");
}

async fn what_is_not_there_is_not_changed(scene: Scene) {
    let amend = async |room: &RoomName, seq, by: &UserName, amendment: &Amendment| {
        let messages = &scene.stores.messages;
        messages.amend(room, Sequence(seq), by, amendment, LATER).await
    };
    for amendment in [edit("x"), Amendment::Delete, react("👍", true)] {
        for seq in [0, 2, u64::MAX] {
            let refused = amend(&scene.lobby, seq, &scene.ada, &amendment).await;
            assert!(matches!(refused, Err(AmendError::UnknownMessage)), "{seq}");
        }
        let refused = amend(&room("nowhere"), 1, &scene.ada, &amendment).await;
        assert!(matches!(refused, Err(AmendError::UnknownRoom)));
    }
}
