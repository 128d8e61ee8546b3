//! Idempotence: a draft with a key that was used is the first message.

use crate::{
    stores::{IDEMPOTENCY_WINDOW, START, Stores, draft, keyed},
    tasks::at_once,
};
use campanile_core::{
    message::{Amendment, Draft, Sequence},
    port::AppendError,
    time::Timestamp,
};
use std::time::Duration;

pub(super) async fn prove(make: &impl AsyncFn() -> Stores) {
    a_used_key_answers_with_the_first_message(make().await).await;
    without_a_key_everything_is_new(make().await).await;
    a_key_is_its_senders_and_its_rooms(make().await).await;
    a_key_is_remembered_for_the_window(make().await).await;
    of_many_with_one_key_one_is_stored(make().await).await;
    many_keys_are_remembered(make().await).await;
    a_refused_draft_uses_no_key(make().await).await;
    who_left_gets_no_answer(make().await).await;
    the_first_message_is_answered_as_it_is_now(make().await).await;
    a_removed_message_is_still_the_answer(make().await).await;
}

async fn a_used_key_answers_with_the_first_message(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let first = stores.append(keyed(&lobby, &ada, "key"), START).await.unwrap();
    stores.say(&lobby, &ada, "something else").await;
    for minutes in 1..4 {
        let retry = Draft { body: "said otherwise".into(), ..keyed(&lobby, &ada, "key") };
        let later = START.plus(Duration::from_secs(60 * minutes));
        let again = stores.append(retry, later).await.unwrap();
        assert!(again.duplicate, "said to be known");
        assert_eq!(again.message, first.message, "the first message");
        assert_eq!(again.kind, first.kind);
    }
    assert_eq!(stores.all(&lobby).await.len(), 2, "nothing more is stored");
    let next = stores.append(keyed(&lobby, &ada, "other"), START).await.unwrap();
    assert!(!next.duplicate);
    assert_eq!(next.message.seq(), Sequence(3), "no number was used up");
}

async fn without_a_key_everything_is_new(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    for seq in 1..=3 {
        let same = draft(&lobby, &ada, "the same");
        let appended = stores.append(same, START).await.unwrap();
        assert!(!appended.duplicate);
        assert_eq!(appended.message.seq(), Sequence(seq));
    }
}

async fn a_key_is_its_senders_and_its_rooms(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let bob = stores.account("bob").await;
    stores.join(&lobby, &bob).await;
    let other = stores.public("other", &ada).await;
    for (room, from) in [(&lobby, &ada), (&lobby, &bob), (&other, &ada)] {
        let appended = stores.append(keyed(room, from, "key"), START).await;
        assert!(!appended.unwrap().duplicate, "{from} in {room}");
    }
}

async fn a_key_is_remembered_for_the_window(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let append = async |now| {
        let appended = stores.append(keyed(&lobby, &ada, "key"), now).await.unwrap();
        (appended.message.seq().0, appended.duplicate)
    };
    let end = START.plus(IDEMPOTENCY_WINDOW);
    assert_eq!(append(START).await, (1, false));
    assert_eq!(append(end).await, (1, true), "at its end it is known");
    let after = Timestamp(end.0 + 1);
    assert_eq!(append(after).await, (2, false), "then it is forgotten");
    assert_eq!(append(after).await, (2, true), "and known anew");
    assert_eq!(append(after.plus(IDEMPOTENCY_WINDOW)).await, (2, true));
}

async fn of_many_with_one_key_one_is_stored(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    for round in 1..=5 {
        let answers = at_once(24, |_| {
            let stores = stores.clone();
            let draft = keyed(&lobby, &ada, &format!("key-{round}"));
            async move { stores.append(draft, START).await.unwrap() }
        })
        .await;
        let new = answers.iter().filter(|answer| !answer.duplicate).count();
        assert_eq!(new, 1, "one of many is stored");
        for answer in answers {
            assert_eq!(answer.message.seq(), Sequence(round));
        }
    }
    assert_eq!(stores.all(&lobby).await.len(), 5);
}

async fn many_keys_are_remembered(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    for repeated in [false, true] {
        let answers = at_once(300, |index| {
            let stores = stores.clone();
            let draft = keyed(&lobby, &ada, &format!("key-{index}"));
            async move { stores.append(draft, START).await.unwrap() }
        })
        .await;
        for answer in &answers {
            assert_eq!(answer.duplicate, repeated);
        }
    }
    assert_eq!(stores.all(&lobby).await.len(), 300);
}

async fn a_refused_draft_uses_no_key(stores: Stores) {
    let (_, lobby) = stores.owner_and_room().await;
    let ada = stores.account("ada").await;
    let draft = keyed(&lobby, &ada, "key");
    let refused = stores.append(draft.clone(), START).await;
    assert!(matches!(refused, Err(AppendError::NotMember)));
    stores.join(&lobby, &ada).await;
    let no_reply = Draft { reply_to: Some(Sequence(9)), ..draft.clone() };
    let refused = stores.append(no_reply, START).await;
    assert!(matches!(refused, Err(AppendError::UnknownReply)));
    assert!(!stores.append(draft, START).await.unwrap().duplicate);
}

async fn who_left_gets_no_answer(stores: Stores) {
    let (_, lobby) = stores.owner_and_room().await;
    let ada = stores.account("ada").await;
    stores.join(&lobby, &ada).await;
    let draft = keyed(&lobby, &ada, "key");
    stores.append(draft.clone(), START).await.unwrap();
    stores.members.remove(&lobby, &ada).await.unwrap();
    let refused = stores.append(draft.clone(), START).await;
    assert!(matches!(refused, Err(AppendError::NotMember)));
    stores.join(&lobby, &ada).await;
    assert!(stores.append(draft, START).await.unwrap().duplicate);
}

async fn the_first_message_is_answered_as_it_is_now(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let draft = keyed(&lobby, &ada, "key");
    stores.append(draft.clone(), START).await.unwrap();
    let edit = Amendment::Edit { body: "edited".into() };
    let react = Amendment::React { emoji: "👍".into(), on: true };
    for amendment in [edit, react] {
        let amended = stores.messages.amend(&lobby, Sequence(1), &ada, &amendment, START).await;
        assert!(amended.unwrap());
    }
    let again = stores.append(draft, START).await.unwrap();
    assert_eq!(again.message, stores.message(&lobby, 1).await);
}

async fn a_removed_message_is_still_the_answer(stores: Stores) {
    let (ada, lobby) = stores.owner_and_room().await;
    let draft = keyed(&lobby, &ada, "key");
    let first = stores.append(draft.clone(), START).await.unwrap();
    let later = START.plus(Duration::from_secs(60));
    assert_eq!(stores.messages.evict(later, Some(Duration::ZERO), 10).await.unwrap(), 1);
    let again = stores.append(draft, later).await.unwrap();
    assert!(again.duplicate, "removed, and still not said twice");
    assert_eq!(again.message, first.message);
    assert_eq!(stores.say(&lobby, &ada, "next").await.seq(), Sequence(2));
}
