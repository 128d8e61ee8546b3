//! The promises of [`ReceiptStore`](campanile_core::port::ReceiptStore).

use crate::{
    stores::{Stores, room, user},
    tasks::at_once,
};
use campanile_core::{message::Sequence, port::Marked};

/// Proves a receipt store.
pub async fn receipt_store(make: impl AsyncFn() -> Stores) {
    a_mark_only_rises(make().await).await;
    a_mark_never_passes_the_last_message(make().await).await;
    only_members_mark(make().await).await;
    receipts_are_listed_by_name(make().await).await;
    of_many_marks_at_once_the_highest_stays(make().await).await;
}

async fn a_mark_only_rises(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &ada, 5).await;
    let mark = async |seq| {
        let marked = stores.receipts.mark(&lobby, &ada, Sequence(seq)).await;
        marked.unwrap()
    };
    assert_eq!(mark(0).await, Marked::Stayed, "nothing is read");
    assert_eq!(mark(3).await, Marked::Moved(Sequence(3)));
    assert_eq!(mark(3).await, Marked::Stayed);
    assert_eq!(mark(2).await, Marked::Stayed);
    assert_eq!(mark(4).await, Marked::Moved(Sequence(4)));
    let receipts = stores.receipts.receipts(&lobby, 10).await.unwrap();
    assert_eq!(receipts, [(ada.clone(), Sequence(4))]);
    let rooms = stores.members.rooms_of(&ada).await.unwrap();
    assert_eq!(rooms[0].1.read_seq, Sequence(4));
}

async fn a_mark_never_passes_the_last_message(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let mark = async |seq| {
        let marked = stores.receipts.mark(&lobby, &ada, Sequence(seq)).await;
        marked.unwrap()
    };
    assert_eq!(mark(1).await, Marked::Stayed, "the room is empty");
    stores.say_many(&lobby, &ada, 2).await;
    assert_eq!(mark(u64::MAX).await, Marked::Moved(Sequence(2)));
    stores.say(&lobby, &ada, "one more").await;
    assert_eq!(mark(u64::MAX).await, Marked::Moved(Sequence(3)));
}

async fn only_members_mark(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &ada, 2).await;
    let stranger = stores.account("stranger").await;
    for (room, user) in [(&lobby, &stranger), (&lobby, &user("nobody")), (&room("nowhere"), &ada)] {
        let marked = stores.receipts.mark(room, user, Sequence(1)).await;
        assert_eq!(marked.unwrap(), Marked::NotMember, "{user} in {room}");
    }
    let nowhere = stores.receipts.receipts(&room("nowhere"), 10).await;
    assert_eq!(nowhere.unwrap(), []);
}

async fn receipts_are_listed_by_name(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &owner, 9).await;
    for (name, read) in [("cyd", 3), ("ada", 7), ("bob", 0)] {
        let reader = stores.account(name).await;
        stores.join(&lobby, &reader).await;
        let marked = stores.receipts.mark(&lobby, &reader, Sequence(read)).await;
        marked.unwrap();
    }
    let expected = [(user("ada"), Sequence(7)), (user("cyd"), Sequence(3))];
    let receipts = async |limit| stores.receipts.receipts(&lobby, limit).await.unwrap();
    assert_eq!(receipts(10).await, expected, "who read nothing is left out");
    assert_eq!(receipts(1).await, expected[..1]);
}

async fn of_many_marks_at_once_the_highest_stays(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &ada, 20).await;
    let marks = at_once(20, |index| {
        let (stores, lobby, ada) = (stores.clone(), lobby.clone(), ada.clone());
        let seq = Sequence(index as u64 + 1);
        async move { stores.receipts.mark(&lobby, &ada, seq).await.unwrap() }
    })
    .await;
    assert_eq!(marks[19], Marked::Moved(Sequence(20)));
    let receipts = stores.receipts.receipts(&lobby, 10).await.unwrap();
    assert_eq!(receipts, [(ada, Sequence(20))]);
}
