//! Heads: where rooms are, for whoever has to catch up.

use crate::stores::{START, Stores, room};
use campanile_core::{
    message::{Amendment, Sequence},
    name::RoomName,
    port::Head,
    time::Timestamp,
};
use std::time::Duration;

pub(super) async fn prove(make: &impl AsyncFn() -> Stores) {
    heads_come_in_the_order_asked(make().await).await;
    a_head_moves_with_every_message_and_change(make().await).await;
    a_head_stays_when_messages_are_evicted(make().await).await;
}

async fn head(stores: &Stores, room: &RoomName) -> Head {
    let heads = stores.messages.heads(std::slice::from_ref(room)).await.unwrap();
    heads[0].expect("the room is there")
}

async fn heads_come_in_the_order_asked(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    let den = stores.public("den", &owner).await;
    stores.say_many(&den, &owner, 3).await;
    let asked = [den.clone(), room("nowhere"), lobby.clone(), den.clone()];
    let heads = stores.messages.heads(&asked).await.unwrap();
    let seqs: Vec<_> = heads.iter().map(|head| head.map(|head| head.last_seq)).collect();
    let (three, zero) = (Some(Sequence(3)), Some(Sequence(0)));
    assert_eq!(seqs, [three, None, zero, three]);
    let epoch = stores.rooms.find(&lobby).await.unwrap().map(|room| room.epoch);
    assert_eq!(heads[2].map(|head| head.epoch), epoch);
    assert_eq!(stores.messages.heads(&[]).await.unwrap(), []);
    let many = vec![den; 1_000];
    assert_eq!(stores.messages.heads(&many).await.unwrap(), vec![heads[0]; 1_000]);
}

async fn a_head_moves_with_every_message_and_change(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &owner, 2).await;
    assert_eq!(head(&stores, &lobby).await.amended_at, None);
    let amend = async |amendment: Amendment, at: Timestamp| {
        let messages = &stores.messages;
        messages.amend(&lobby, Sequence(1), &owner, &amendment, at).await.unwrap()
    };
    let later = |seconds| START.plus(Duration::from_secs(seconds));
    assert!(amend(Amendment::Edit { body: "changed".into() }, later(1)).await);
    assert_eq!(head(&stores, &lobby).await.amended_at, Some(later(1)));
    assert!(amend(Amendment::React { emoji: "🔔".into(), on: true }, later(2)).await);
    assert_eq!(head(&stores, &lobby).await.amended_at, Some(later(2)));
    assert!(!amend(Amendment::React { emoji: "🔔".into(), on: true }, later(3)).await);
    assert_eq!(head(&stores, &lobby).await.amended_at, Some(later(2)), "nothing was changed");
    assert!(amend(Amendment::Delete, later(1)).await);
    let end = head(&stores, &lobby).await;
    assert_eq!(end.amended_at, Some(later(2)), "another node's clock is behind");
    assert_eq!(end.last_seq, Sequence(2));
}

async fn a_head_stays_when_messages_are_evicted(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &owner, 2).await;
    let before = head(&stores, &lobby).await;
    let all = START.plus(Duration::from_secs(1));
    assert_eq!(stores.messages.evict(all, Some(Duration::ZERO), 10).await.unwrap(), 2);
    assert_eq!(head(&stores, &lobby).await, before);
}
