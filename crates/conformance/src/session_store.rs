//! The promises of [`SessionStore`](campanile_core::port::SessionStore).

use crate::stores::{START, Stores, user};
use campanile_core::{
    name::UserName,
    port::AccountChange,
    time::Timestamp,
    user::{Session, TokenHash},
};
use std::time::Duration;

const LIFETIME: Duration = Duration::from_secs(60);

/// Proves a session store.
pub async fn session_store(make: impl AsyncFn() -> Stores) {
    a_session_is_found_until_it_expires(make().await).await;
    a_session_says_what_the_account_says(make().await).await;
    a_banned_user_has_no_sessions(make().await).await;
    an_ended_session_is_gone(make().await).await;
    all_sessions_of_one_user_end(make().await).await;
    expired_sessions_are_forgotten(make().await).await;
    many_are_asked_for_at_once(make().await).await;
}

fn session(user: &UserName, token: u8) -> Session {
    Session {
        user: user.clone(),
        token: TokenHash([token; 32]),
        operator: true,
        expires_at: START.plus(LIFETIME),
    }
}

async fn a_session_is_found_until_it_expires(stores: Stores) {
    let ada = stores.account("ada").await;
    let session = session(&ada, 1);
    stores.sessions.open(session.clone()).await.unwrap();
    let find = async |now| stores.sessions.find(session.token, now).await.unwrap();
    assert_eq!(find(START).await, Some(session.clone()));
    let last = Timestamp(session.expires_at.0 - 1);
    assert_eq!(find(last).await, Some(session.clone()));
    assert_eq!(find(session.expires_at).await, None, "it expires then");
    let other = stores.sessions.find(TokenHash([9; 32]), START).await;
    assert_eq!(other.unwrap(), None);
}

async fn a_session_says_what_the_account_says(stores: Stores) {
    stores.account("first").await;
    let ada = stores.account("ada").await;
    let session = session(&ada, 1);
    stores.sessions.open(session.clone()).await.unwrap();
    for operator in [false, true, false] {
        let change = AccountChange::Operator(operator);
        stores.accounts.change(&ada, change).await.unwrap();
        let found = stores.sessions.find(session.token, START).await.unwrap();
        assert_eq!(found.unwrap().operator, operator, "as the account is now");
    }
}

async fn a_banned_user_has_no_sessions(stores: Stores) {
    let ada = stores.account("ada").await;
    let session = session(&ada, 1);
    stores.sessions.open(session.clone()).await.unwrap();
    let change = AccountChange::Banned(true);
    stores.accounts.change(&ada, change).await.unwrap();
    let found = stores.sessions.find(session.token, START).await.unwrap();
    assert_eq!(found, None);
}

async fn an_ended_session_is_gone(stores: Stores) {
    let ada = stores.account("ada").await;
    stores.sessions.open(session(&ada, 1)).await.unwrap();
    stores.sessions.open(session(&ada, 2)).await.unwrap();
    let token = TokenHash([1; 32]);
    assert!(stores.sessions.end(token).await.unwrap(), "there was one");
    assert!(!stores.sessions.end(token).await.unwrap(), "there was none");
    assert_eq!(stores.sessions.find(token, START).await.unwrap(), None);
    let other = stores.sessions.find(TokenHash([2; 32]), START).await;
    assert!(other.unwrap().is_some(), "the other session goes on");
}

async fn all_sessions_of_one_user_end(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    for token in 1..=3 {
        stores.sessions.open(session(&ada, token)).await.unwrap();
    }
    stores.sessions.open(session(&bob, 4)).await.unwrap();
    let end_all = async |user| {
        let mut ended = stores.sessions.end_all(user).await.unwrap();
        ended.sort_by_key(|token| token.0);
        ended
    };
    assert_eq!(end_all(&ada).await, [1, 2, 3].map(|token| TokenHash([token; 32])));
    assert_eq!(end_all(&ada).await, []);
    assert_eq!(end_all(&user("nobody")).await, []);
    for token in 1..=3 {
        let found = stores.sessions.find(TokenHash([token; 32]), START).await;
        assert_eq!(found.unwrap(), None);
    }
    let bobs = stores.sessions.find(TokenHash([4; 32]), START).await;
    assert!(bobs.unwrap().is_some(), "another user's session goes on");
}

async fn expired_sessions_are_forgotten(stores: Stores) {
    let ada = stores.account("ada").await;
    let long = Session { expires_at: START.plus(2 * LIFETIME), ..session(&ada, 1) };
    stores.sessions.open(long.clone()).await.unwrap();
    stores.sessions.open(session(&ada, 2)).await.unwrap();
    let end = START.plus(LIFETIME);
    assert_eq!(stores.sessions.purge(START).await.unwrap(), 0);
    assert_eq!(stores.sessions.purge(end).await.unwrap(), 1);
    assert_eq!(stores.sessions.purge(end).await.unwrap(), 0);
    assert!(!stores.sessions.end(TokenHash([2; 32])).await.unwrap());
    assert!(stores.sessions.end(long.token).await.unwrap());
}

async fn many_are_asked_for_at_once(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    let long = Session { expires_at: START.plus(2 * LIFETIME), ..session(&ada, 1) };
    stores.sessions.open(long).await.unwrap();
    for (user, token) in [(&ada, 2), (&ada, 3), (&bob, 4)] {
        stores.sessions.open(session(user, token)).await.unwrap();
    }
    stores.sessions.end(TokenHash([3; 32])).await.unwrap();
    stores.accounts.change(&bob, AccountChange::Banned(true)).await.unwrap();
    let tokens = [4, 1, 9, 2, 3, 1].map(|token| TokenHash([token; 32]));
    let ended = async |now| stores.sessions.ended(&tokens, now).await.unwrap();
    assert_eq!(ended(START).await, [true, false, true, false, true, false]);
    assert_eq!(ended(START.plus(LIFETIME)).await, [true, false, true, true, true, false]);
    assert!(stores.sessions.ended(&[], START).await.unwrap().is_empty());
    let many = vec![tokens[1]; 1_000];
    assert_eq!(stores.sessions.ended(&many, START).await.unwrap(), vec![false; 1_000]);
}
