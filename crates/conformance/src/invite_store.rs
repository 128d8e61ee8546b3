//! The promises of [`InviteStore`](campanile_core::port::InviteStore), and of
//! [`AccountStore`](campanile_core::port::AccountStore) to those who are invited.

use crate::{
    stores::{START, Stores, new_account, user},
    tasks::at_once,
};
use campanile_core::{
    invite::{Invite, InviteHash},
    port::{CreateAccountError, NewAccount, PutInviteError},
    time::Timestamp,
};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const MANY: u64 = 100;

/// Proves an invite store.
pub async fn invite_store(make: impl AsyncFn() -> Stores) {
    an_invitation_is_listed_as_it_was_made(make().await).await;
    the_newest_are_listed_first(make().await).await;
    an_expired_one_is_not_listed_and_makes_room(make().await).await;
    only_so_many_are_kept(make().await).await;
    of_many_put_at_once_only_so_many_are_kept(make().await).await;
    whoever_is_invited_is_let_in_once(make().await).await;
    nobody_is_let_in_without(make().await).await;
    who_is_not_invited_learns_no_name(make().await).await;
    a_taken_name_uses_nothing_up(make().await).await;
    of_many_who_come_at_once_no_more_are_let_in(make().await).await;
}

fn invite(number: u8, uses: u32) -> Invite {
    Invite {
        hash: InviteHash([number; 32]),
        made_by: Some(user("ada")),
        made_at: START,
        expires_at: START.plus(DAY),
        uses_left: uses,
    }
}

async fn put(stores: &Stores, invite: Invite) {
    stores.invites.put(invite, MANY).await.unwrap();
}

async fn list(stores: &Stores, now: Timestamp) -> Vec<Invite> {
    stores.invites.list(now, 100).await.unwrap()
}

async fn come(
    stores: &Stores,
    name: &str,
    number: u8,
    at: Timestamp,
) -> Option<CreateAccountError> {
    let invite = Some(InviteHash([number; 32]));
    let new = NewAccount { invite, created_at: at, ..new_account(&user(name)) };
    stores.accounts.create(new).await.err()
}

async fn an_invitation_is_listed_as_it_was_made(stores: Stores) {
    assert_eq!(list(&stores, START).await, []);
    let by_nobody = Invite { made_by: None, uses_left: u32::MAX, ..invite(1, 1) };
    put(&stores, by_nobody.clone()).await;
    assert_eq!(list(&stores, START).await, [by_nobody]);
    put(&stores, invite(1, 5)).await;
    assert_eq!(list(&stores, START).await, [invite(1, 5)], "it takes the place of the one before");
    let found = stores.invites.find(InviteHash([1; 32]), START).await.unwrap();
    assert_eq!(found, Some(invite(1, 5)));
    assert_eq!(stores.invites.find(InviteHash([2; 32]), START).await.unwrap(), None);
    assert!(stores.invites.revoke(InviteHash([1; 32])).await.unwrap());
    assert!(!stores.invites.revoke(InviteHash([1; 32])).await.unwrap());
    assert_eq!(list(&stores, START).await, []);
}

async fn the_newest_are_listed_first(stores: Stores) {
    let at =
        |number: u8, millis| Invite { made_at: Timestamp(START.0 + millis), ..invite(number, 1) };
    for one in [at(1, 5), at(3, 0), at(2, 9)] {
        put(&stores, one).await;
    }
    assert_eq!(list(&stores, START).await, [at(2, 9), at(1, 5), at(3, 0)]);
    let first = stores.invites.list(START, 1).await.unwrap();
    assert_eq!(first, [at(2, 9)]);
}

async fn an_expired_one_is_not_listed_and_makes_room(stores: Stores) {
    put(&stores, invite(1, 1)).await;
    let over = START.plus(DAY);
    assert_eq!(list(&stores, Timestamp(over.0 - 1)).await.len(), 1);
    assert_eq!(list(&stores, over).await, []);
    assert_eq!(stores.invites.find(InviteHash([1; 32]), over).await.unwrap(), None);
    let refused = come(&stores, "bob", 1, over).await;
    assert!(matches!(refused, Some(CreateAccountError::NotInvited)), "{refused:?}");
    let next = Invite { made_at: over, expires_at: over.plus(DAY), ..invite(2, 1) };
    stores.invites.put(next.clone(), 1).await.unwrap();
    assert_eq!(list(&stores, START).await, [next], "the expired one is forgotten");
}

async fn only_so_many_are_kept(stores: Stores) {
    stores.invites.put(invite(1, 1), 2).await.unwrap();
    stores.invites.put(invite(2, 1), 2).await.unwrap();
    let refused = stores.invites.put(invite(3, 1), 2).await;
    assert!(matches!(refused, Err(PutInviteError::TooMany)), "{refused:?}");
    stores.invites.put(invite(2, 7), 2).await.unwrap();
    let kept = list(&stores, START).await;
    assert_eq!(kept, [invite(1, 1), invite(2, 7)]);
}

async fn of_many_put_at_once_only_so_many_are_kept(stores: Stores) {
    let answers = at_once(16, |number| {
        let stores = stores.clone();
        async move { stores.invites.put(invite(number as u8, 1), 5).await.is_ok() }
    })
    .await;
    assert_eq!(answers.iter().filter(|kept| **kept).count(), 5);
    assert_eq!(list(&stores, START).await.len(), 5);
}

async fn whoever_is_invited_is_let_in_once(stores: Stores) {
    put(&stores, invite(1, 2)).await;
    assert!(come(&stores, "bob", 1, START).await.is_none());
    assert_eq!(list(&stores, START).await, [invite(1, 1)]);
    assert!(come(&stores, "eve", 1, START).await.is_none());
    assert_eq!(list(&stores, START).await, [], "the last use takes it away");
    let refused = come(&stores, "tom", 1, START).await;
    assert!(matches!(refused, Some(CreateAccountError::NotInvited)), "{refused:?}");
    assert_eq!(stores.accounts.count().await.unwrap(), 2);
}

async fn nobody_is_let_in_without(stores: Stores) {
    put(&stores, invite(1, 2)).await;
    let refused = come(&stores, "bob", 2, START).await;
    assert!(matches!(refused, Some(CreateAccountError::NotInvited)), "{refused:?}");
    assert_eq!(stores.accounts.count().await.unwrap(), 0);
    stores.account("ada").await;
    assert_eq!(list(&stores, START).await, [invite(1, 2)], "where none is asked for, none is used");
}

async fn who_is_not_invited_learns_no_name(stores: Stores) {
    stores.account("ada").await;
    let refused = come(&stores, "ada", 1, START).await;
    assert!(matches!(refused, Some(CreateAccountError::NotInvited)), "{refused:?}");
}

async fn a_taken_name_uses_nothing_up(stores: Stores) {
    stores.account("ada").await;
    put(&stores, invite(1, 1)).await;
    let refused = come(&stores, "ada", 1, START).await;
    assert!(matches!(refused, Some(CreateAccountError::Taken)), "{refused:?}");
    assert_eq!(list(&stores, START).await, [invite(1, 1)]);
}

async fn of_many_who_come_at_once_no_more_are_let_in(stores: Stores) {
    put(&stores, invite(1, 3)).await;
    let answers = at_once(16, |number| {
        let stores = stores.clone();
        async move { come(&stores, &format!("user-{number}"), 1, START).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|refused| refused.is_none()).count(), 3);
    for refused in answers.into_iter().flatten() {
        assert!(matches!(refused, CreateAccountError::NotInvited), "{refused:?}");
    }
    assert_eq!(stores.accounts.count().await.unwrap(), 3);
    assert_eq!(list(&stores, START).await, []);
}
