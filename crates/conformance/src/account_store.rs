//! The promises of [`AccountStore`](campanile_core::port::AccountStore).

use crate::{
    stores::{START, Stores, new_account, user},
    tasks::at_once,
};
use campanile_core::{
    port::{AccountChange, CreateAccountError, NewAccount},
    time::Timestamp,
    user::{Account, PasswordHash},
};

/// Proves an account store.
pub async fn account_store(make: impl AsyncFn() -> Stores) {
    an_account_is_found_as_it_was_made(make().await).await;
    a_taken_name_is_refused(make().await).await;
    only_the_first_account_is_an_operators_unasked(make().await).await;
    of_many_made_at_once_one_is_first(make().await).await;
    of_many_with_one_name_one_is_made(make().await).await;
    a_change_answers_with_the_account(make().await).await;
    nobody_was_seen_earlier_than_before(make().await).await;
    many_are_seen_at_once(make().await).await;
}

async fn an_account_is_found_as_it_was_made(stores: Stores) {
    assert_eq!(stores.accounts.count().await.unwrap(), 0);
    let ada = user("ada");
    let made = stores.accounts.create(new_account(&ada)).await.unwrap();
    let expected = Account {
        name: ada.clone(),
        password: PasswordHash("hash of ada".into()),
        operator: true,
        banned: false,
        created_at: START,
        last_seen: None,
    };
    assert_eq!(made, expected);
    let found = stores.accounts.find(&ada).await.unwrap();
    assert_eq!(found, Some(expected));
    assert_eq!(stores.accounts.find(&user("bob")).await.unwrap(), None);
    assert_eq!(stores.accounts.count().await.unwrap(), 1);
}

async fn a_taken_name_is_refused(stores: Stores) {
    let ada = stores.account("ada").await;
    let again = NewAccount { password: PasswordHash("another".into()), ..new_account(&ada) };
    let refused = stores.accounts.create(again).await;
    assert!(matches!(refused, Err(CreateAccountError::Taken)), "{refused:?}");
    let kept = stores.accounts.find(&ada).await.unwrap().unwrap();
    assert_eq!(
        kept.password,
        PasswordHash("hash of ada".into()),
        "the first account stays as it was"
    );
    assert_eq!(stores.accounts.count().await.unwrap(), 1);
}

async fn only_the_first_account_is_an_operators_unasked(stores: Stores) {
    let made = |name: &str, operator| {
        let new = NewAccount { operator, ..new_account(&user(name)) };
        let accounts = stores.accounts.clone();
        async move { accounts.create(new).await.unwrap().operator }
    };
    assert!(made("first", false).await, "the first account");
    assert!(!made("second", false).await, "the second account");
    assert!(made("third", true).await, "an account made an operator's");
}

async fn of_many_made_at_once_one_is_first(stores: Stores) {
    let accounts = at_once(24, |index| {
        let stores = stores.clone();
        async move {
            let name = user(&format!("user-{index}"));
            stores.accounts.create(new_account(&name)).await.unwrap()
        }
    })
    .await;
    let operators = accounts.iter().filter(|account| account.operator).count();
    assert_eq!(operators, 1, "exactly one of many is the first");
    assert_eq!(stores.accounts.count().await.unwrap(), 24);
}

async fn of_many_with_one_name_one_is_made(stores: Stores) {
    let answers = at_once(16, |_| {
        let stores = stores.clone();
        async move { stores.accounts.create(new_account(&user("ada"))).await }
    })
    .await;
    let made = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(made, 1, "one name, one account");
    for refused in answers.into_iter().filter_map(Result::err) {
        assert!(matches!(refused, CreateAccountError::Taken), "{refused:?}");
    }
}

async fn a_change_answers_with_the_account(stores: Stores) {
    let ada = stores.account("ada").await;
    let change = |change| {
        let (accounts, ada) = (stores.accounts.clone(), ada.clone());
        async move {
            let changed = accounts.change(&ada, change).await.unwrap();
            let found = accounts.find(&ada).await.unwrap();
            assert_eq!(changed, found, "the answer is what is kept");
            changed.expect("there is such an account")
        }
    };
    let password = PasswordHash("new".into());
    let changed = change(AccountChange::Password(password.clone())).await;
    assert_eq!(changed.password, password);
    assert!(!change(AccountChange::Operator(false)).await.operator);
    assert!(change(AccountChange::Operator(true)).await.operator);
    assert!(change(AccountChange::Banned(true)).await.banned);
    let last = change(AccountChange::Banned(false)).await;
    assert!(!last.banned && last.operator && last.password == password);

    let nobody = user("nobody");
    let changed = stores.accounts.change(&nobody, AccountChange::Banned(true)).await;
    assert_eq!(changed.unwrap(), None);
}

async fn nobody_was_seen_earlier_than_before(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    let nobody = user("nobody");
    let (early, late) = (Timestamp(START.0 - 5_000), START);
    let touches = [
        vec![(ada.clone(), late), (nobody, late), (bob.clone(), early)],
        vec![(ada.clone(), early)],
        vec![],
    ];
    for seen in touches {
        stores.accounts.touch(&seen).await.unwrap();
    }
    let seen = |name| {
        let accounts = stores.accounts.clone();
        async move { accounts.find(&name).await.unwrap().unwrap().last_seen }
    };
    assert_eq!(seen(ada).await, Some(late), "an earlier time changes nothing");
    assert_eq!(seen(bob).await, Some(early));
    assert_eq!(stores.accounts.count().await.unwrap(), 2);
}

async fn many_are_seen_at_once(stores: Stores) {
    let mut seen = Vec::new();
    for index in 0..300 {
        let name = stores.account(&format!("user-{index}")).await;
        seen.push((name, Timestamp(START.0 + index)));
    }
    stores.accounts.touch(&seen).await.unwrap();
    for (name, at) in seen {
        let account = stores.accounts.find(&name).await.unwrap().unwrap();
        assert_eq!(account.last_seen, Some(at), "{name}");
    }
}
