//! The promises of [`PushStore`](campanile_core::port::PushStore).

use crate::{
    stores::{START, Stores, user},
    tasks::at_once,
};
use campanile_core::{
    name::UserName,
    port::AccountChange,
    push::{PushEndpoint, PushSubscription},
    time::Timestamp,
    user::{Session, TokenHash},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const MANY: u64 = 100;

/// Proves a push store.
pub async fn push_store(make: impl AsyncFn() -> Stores) {
    a_subscription_is_found_as_it_was_put(make().await).await;
    one_put_again_has_new_keys_and_a_new_user(make().await).await;
    the_oldest_make_way(make().await).await;
    of_many_put_at_once_only_so_many_are_kept(make().await).await;
    it_ends_with_its_session(make().await).await;
    it_is_not_found_once_its_session_is_over(make().await).await;
    without_a_session_nothing_is_put(make().await).await;
    only_its_user_removes_it(make().await).await;
}

fn subscription(number: u8) -> PushSubscription {
    let endpoint = format!("https://push.example/{number:03}");
    PushSubscription {
        endpoint: PushEndpoint::parse(&endpoint).unwrap(),
        p256dh: [number; 65],
        auth: [!number; 16],
    }
}

/// A session of a user who has an account.
async fn session(stores: &Stores, user: &UserName, number: u8) -> TokenHash {
    let token = TokenHash([number; 32]);
    let (user, expires_at) = (user.clone(), START.plus(HOUR));
    let session = Session { user, token, operator: false, expires_at };
    stores.sessions.open(session).await.unwrap();
    token
}

/// A user with a session.
async fn ada(stores: &Stores) -> (UserName, TokenHash) {
    let ada = stores.account("ada").await;
    let token = session(stores, &ada, 1).await;
    (ada, token)
}

async fn put(stores: &Stores, token: TokenHash, number: u8) {
    let put = stores.pushes.put(token, subscription(number), START, MANY).await;
    assert!(put.unwrap(), "there is such a session");
}

async fn of(stores: &Stores, user: &UserName) -> Vec<PushSubscription> {
    stores.pushes.of(user, START).await.unwrap()
}

async fn a_subscription_is_found_as_it_was_put(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    assert_eq!(of(&stores, &ada).await, []);
    for (number, millis) in [(1, 2), (2, 1), (3, 3)] {
        let at = Timestamp(START.0 + millis);
        assert!(stores.pushes.put(token, subscription(number), at, MANY).await.unwrap());
    }
    let found = of(&stores, &ada).await;
    assert_eq!(found, [2, 1, 3].map(subscription), "the oldest first");
    assert_eq!(of(&stores, &user("bob")).await, []);
    assert_eq!(stores.pushes.count().await.unwrap(), 3);
}

async fn one_put_again_has_new_keys_and_a_new_user(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    put(&stores, token, 1).await;
    let again = PushSubscription { auth: [9; 16], ..subscription(1) };
    assert!(stores.pushes.put(token, again.clone(), START, 1).await.unwrap());
    assert_eq!(of(&stores, &ada).await, [again]);
    let bob = stores.account("bob").await;
    let token = session(&stores, &bob, 2).await;
    put(&stores, token, 1).await;
    assert_eq!(of(&stores, &ada).await, [], "another signs in with the same browser");
    assert_eq!(of(&stores, &bob).await, [subscription(1)]);
}

async fn the_oldest_make_way(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    let bob = stores.account("bob").await;
    let of_bob = session(&stores, &bob, 3).await;
    put(&stores, of_bob, 9).await;
    let other = session(&stores, &ada, 2).await;
    for (number, token) in [(1, token), (2, other), (3, token), (4, other)] {
        let at = Timestamp(START.0 + i64::from(number));
        assert!(stores.pushes.put(token, subscription(number), at, 3).await.unwrap());
    }
    assert_eq!(of(&stores, &ada).await, [2, 3, 4].map(subscription));
    // By a clock that is late.
    assert!(stores.pushes.put(token, subscription(5), START, 2).await.unwrap());
    assert_eq!(of(&stores, &ada).await, [5, 4].map(subscription));
    assert_eq!(of(&stores, &bob).await, [subscription(9)], "others are left alone");
}

async fn of_many_put_at_once_only_so_many_are_kept(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    at_once(16, |number| {
        let stores = stores.clone();
        async move { stores.pushes.put(token, subscription(number as u8), START, 3).await.unwrap() }
    })
    .await;
    assert_eq!(of(&stores, &ada).await.len(), 3);
}

async fn it_ends_with_its_session(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    let other = session(&stores, &ada, 2).await;
    put(&stores, token, 1).await;
    put(&stores, other, 2).await;
    stores.sessions.end(token).await.unwrap();
    assert_eq!(of(&stores, &ada).await, [subscription(2)]);
    stores.accounts.change(&ada, AccountChange::Banned(true)).await.unwrap();
    stores.sessions.end_all(&ada).await.unwrap();
    assert_eq!(of(&stores, &ada).await, []);
    assert_eq!(stores.pushes.count().await.unwrap(), 0);
    session(&stores, &ada, 1).await;
    assert_eq!(of(&stores, &ada).await, [], "it does not come back with the same token");
}

async fn it_is_not_found_once_its_session_is_over(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    put(&stores, token, 1).await;
    let over = START.plus(HOUR);
    assert_eq!(stores.pushes.of(&ada, over).await.unwrap(), []);
    assert!(!stores.pushes.put(token, subscription(2), over, MANY).await.unwrap());
    stores.sessions.purge(over).await.unwrap();
    assert_eq!(stores.pushes.count().await.unwrap(), 0);
}

async fn without_a_session_nothing_is_put(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    put(&stores, token, 1).await;
    let nobodys = TokenHash([8; 32]);
    assert!(!stores.pushes.put(nobodys, subscription(1), START, MANY).await.unwrap());
    assert_eq!(of(&stores, &ada).await, [subscription(1)]);
}

async fn only_its_user_removes_it(stores: Stores) {
    let (ada, token) = ada(&stores).await;
    put(&stores, token, 1).await;
    let endpoint = subscription(1).endpoint;
    assert!(!stores.pushes.remove(&user("bob"), &endpoint).await.unwrap());
    assert!(stores.pushes.remove(&ada, &endpoint).await.unwrap());
    assert!(!stores.pushes.remove(&ada, &endpoint).await.unwrap());
    assert_eq!(of(&stores, &ada).await, []);
}
