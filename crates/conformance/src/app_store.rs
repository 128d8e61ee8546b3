//! The promises of [`AppStore`](campanile_core::port::AppStore).

use crate::{
    stores::{START, Stores},
    tasks::at_once,
};
use campanile_core::{
    application::{AppKey, AppName, AppSecret, Application},
    channel::AppId,
    port::{AddAppKeyError, AppChange, ChangeAppError, CreateAppError, RevokeAppKeyError},
    time::Timestamp,
};
use std::time::Duration;

const MANY: u64 = 100;
const KEYS: usize = 10;

/// Proves a store of applications.
pub async fn app_store(make: impl AsyncFn() -> Stores) {
    an_application_is_listed_as_it_was_made(make().await).await;
    they_are_listed_by_id(make().await).await;
    ids_and_keys_are_unique(make().await).await;
    only_so_many_are_kept(make().await).await;
    of_many_made_at_once_only_so_many_are_kept(make().await).await;
    what_is_not_named_stays_as_it_was(make().await).await;
    what_was_made_of_other_settings_changes_nothing(make().await).await;
    of_many_changes_at_once_none_is_lost(make().await).await;
    a_key_comes_beside_another_and_goes(make().await).await;
    a_new_key_is_the_newest_whatever_the_clock_says(make().await).await;
    the_last_key_stays_however_many_are_revoked_at_once(make().await).await;
    only_so_many_keys_are_added_at_once(make().await).await;
    what_was_deleted_leaves_nothing_behind(make().await).await;
}

fn id(text: &str) -> AppId {
    AppId::parse(text).unwrap()
}

fn later(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn key(text: &str, seconds: u64) -> AppKey {
    AppKey {
        key: text.to_owned(),
        secret: AppSecret(format!("the secret of {text}")),
        made_at: later(seconds),
    }
}

pub(crate) fn app(name: &str, keys: &[AppKey]) -> Application {
    Application {
        id: id(name),
        name: AppName::parse(&format!("The „{name}“ \u{1f514}")).unwrap(),
        enabled: true,
        settings: "{\"words\": \"ü ' \\\\\"}".to_owned(),
        keys: keys.to_vec(),
        made_at: START,
        changed_at: START,
    }
}

/// An application with two keys, which stores are filled with that are to be moved.
pub(crate) fn with_two_keys(name: &str) -> Application {
    app(name, &[key(&format!("{name}-1"), 0), key(&format!("{name}-2"), 5)])
}

async fn made(stores: &Stores, app: Application) -> Application {
    stores.apps.create(app.clone(), MANY).await.unwrap();
    app
}

async fn all(stores: &Stores) -> Vec<Application> {
    let listed = stores.apps.list().await.unwrap();
    assert_eq!(listed.senseless, []);
    listed.all
}

fn nothing() -> AppChange {
    AppChange { name: None, enabled: None, settings: None, settings_before: None, at: later(60) }
}

async fn an_application_is_listed_as_it_was_made(stores: Stores) {
    assert_eq!(all(&stores).await, []);
    let shop = made(&stores, with_two_keys("shop")).await;
    assert_eq!(all(&stores).await, [shop]);
}

async fn they_are_listed_by_id(stores: Stores) {
    for name in ["b", "a", "B", "10", "9", "_"] {
        made(&stores, app(name, &[key(&format!("key-of-{name}"), 0)])).await;
    }
    let ids: Vec<String> = all(&stores).await.iter().map(|app| app.id.to_string()).collect();
    assert_eq!(ids, ["10", "9", "B", "_", "a", "b"], "as bytes");
}

async fn ids_and_keys_are_unique(stores: Stores) {
    let shop = made(&stores, app("shop", &[key("one", 0)])).await;
    let refused = stores.apps.create(app("shop", &[key("two", 0)]), MANY).await;
    assert!(matches!(refused, Err(CreateAppError::IdTaken)), "{refused:?}");
    let refused = stores.apps.create(app("forum", &[key("two", 0), key("one", 0)]), MANY).await;
    assert!(matches!(refused, Err(CreateAppError::KeyTaken)), "{refused:?}");
    assert_eq!(all(&stores).await, [shop], "nothing of it is kept");
    made(&stores, app("forum", &[key("two", 0)])).await;
    for name in ["shop", "forum"] {
        let refused = stores.apps.add_key(&id(name), key("one", 1), KEYS).await;
        assert!(matches!(refused, Err(AddAppKeyError::KeyTaken)), "{refused:?}");
    }
}

async fn only_so_many_are_kept(stores: Stores) {
    stores.apps.create(app("a", &[key("one", 0)]), 2).await.unwrap();
    stores.apps.create(app("b", &[key("two", 0)]), 2).await.unwrap();
    let refused = stores.apps.create(app("c", &[key("three", 0)]), 2).await;
    assert!(matches!(refused, Err(CreateAppError::TooMany)), "{refused:?}");
    assert!(stores.apps.delete(&id("a")).await.unwrap());
    stores.apps.create(app("c", &[key("three", 0)]), 2).await.unwrap();
}

async fn of_many_made_at_once_only_so_many_are_kept(stores: Stores) {
    let answers = at_once(16, |number| {
        let stores = stores.clone();
        async move {
            let new = app(&format!("app-{number}"), &[key(&format!("key-{number}"), 0)]);
            stores.apps.create(new, 5).await.is_ok()
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|made| **made).count(), 5);
    assert_eq!(all(&stores).await.len(), 5);
}

async fn what_is_not_named_stays_as_it_was(stores: Stores) {
    let shop = made(&stores, with_two_keys("shop")).await;
    let other = made(&stores, app("tap", &[key("tap", 0)])).await;
    let off = AppChange { enabled: Some(false), ..nothing() };
    let changed = stores.apps.change(&shop.id, off).await.unwrap();
    let shop = Application { enabled: false, changed_at: later(60), ..shop };
    assert_eq!(changed, shop);
    let name = AppName::parse("Another").unwrap();
    let (new, settings) = (name.clone(), "{}".to_owned());
    let change = AppChange { name: Some(new), settings: Some(settings.clone()), ..nothing() };
    let changed = stores.apps.change(&shop.id, change).await.unwrap();
    let shop = Application { name, settings, ..shop };
    assert_eq!(changed, shop);
    let on = AppChange { enabled: Some(true), at: later(70), ..nothing() };
    stores.apps.change(&shop.id, on).await.unwrap();
    let shop = Application { enabled: true, changed_at: later(70), ..shop };
    assert_eq!(all(&stores).await, [shop, other]);
    let refused = stores.apps.change(&id("nobody"), nothing()).await;
    assert!(matches!(refused, Err(ChangeAppError::NotFound)), "{refused:?}");
}

async fn what_was_made_of_other_settings_changes_nothing(stores: Stores) {
    let shop = made(&stores, with_two_keys("shop")).await;
    let text = |text: &str| Some(text.to_owned());
    let change = |before: &str| AppChange {
        name: Some(AppName::parse("Another").unwrap()),
        settings: text("{}"),
        settings_before: text(before),
        ..nothing()
    };
    for other in ["", "{}", &format!("{} ", shop.settings), &shop.settings.to_uppercase()] {
        let refused = stores.apps.change(&shop.id, change(other)).await;
        assert!(matches!(refused, Err(ChangeAppError::Stale)), "{refused:?}");
    }
    let refused = stores.apps.change(&id("nobody"), change("{}")).await;
    assert!(matches!(refused, Err(ChangeAppError::NotFound)), "{refused:?}");
    assert_eq!(all(&stores).await, std::slice::from_ref(&shop));
    let changed = stores.apps.change(&shop.id, change(&shop.settings)).await.unwrap();
    assert_eq!((&*changed.settings, changed.name.as_str()), ("{}", "Another"));
    assert_eq!(all(&stores).await, [changed]);
}

async fn of_many_changes_at_once_none_is_lost(stores: Stores) {
    let shop =
        made(&stores, Application { settings: String::new(), ..with_two_keys("shop") }).await;
    at_once(8, |_| {
        let (stores, id) = (stores.clone(), shop.id.clone());
        async move {
            loop {
                let before = all(&stores).await[0].settings.clone();
                let settings = Some(format!("{before}x"));
                let change = AppChange { settings, settings_before: Some(before), ..nothing() };
                match stores.apps.change(&id, change).await {
                    Err(ChangeAppError::Stale) => {}
                    changed => return changed.unwrap(),
                }
            }
        }
    })
    .await;
    assert_eq!(all(&stores).await[0].settings, "x".repeat(8));
}

async fn a_key_comes_beside_another_and_goes(stores: Stores) {
    let shop = made(&stores, app("shop", &[key("one", 0)])).await;
    let added = stores.apps.add_key(&shop.id, key("two", 9), KEYS).await.unwrap();
    assert_eq!(added, key("two", 9));
    let both = Application {
        keys: vec![key("one", 0), key("two", 9)],
        changed_at: later(9),
        ..shop.clone()
    };
    assert_eq!(all(&stores).await, [both]);
    stores.apps.revoke_key(&shop.id, "one", later(20)).await.unwrap();
    let one = Application { keys: vec![key("two", 9)], changed_at: later(20), ..shop.clone() };
    assert_eq!(all(&stores).await, std::slice::from_ref(&one));
    for unknown in ["one", "", "TWO"] {
        let refused = stores.apps.revoke_key(&shop.id, unknown, later(30)).await;
        assert!(matches!(refused, Err(RevokeAppKeyError::NotFound)), "{refused:?}");
    }
    let refused = stores.apps.revoke_key(&id("nobody"), "two", later(30)).await;
    assert!(matches!(refused, Err(RevokeAppKeyError::NotFound)), "{refused:?}");
    let refused = stores.apps.revoke_key(&shop.id, "two", later(30)).await;
    assert!(matches!(refused, Err(RevokeAppKeyError::Last)), "{refused:?}");
    let refused = stores.apps.add_key(&id("nobody"), key("new", 30), KEYS).await;
    assert!(matches!(refused, Err(AddAppKeyError::NotFound)), "{refused:?}");
    assert_eq!(all(&stores).await, [one], "who was refused has changed nothing");
}

async fn a_new_key_is_the_newest_whatever_the_clock_says(stores: Stores) {
    let shop = made(&stores, with_two_keys("shop")).await;
    for (name, millis) in [("a", 1), ("0", 2)] {
        let added = stores.apps.add_key(&shop.id, key(name, 1), KEYS).await.unwrap();
        let made_at = later(5).plus(Duration::from_millis(millis));
        assert_eq!(added, AppKey { made_at, ..key(name, 1) });
        let kept = all(&stores).await.remove(0);
        assert_eq!((kept.keys.last(), kept.changed_at), (Some(&added), made_at));
    }
}

async fn the_last_key_stays_however_many_are_revoked_at_once(stores: Stores) {
    let keys: Vec<AppKey> = (0..8).map(|number| key(&format!("key-{number}"), number)).collect();
    let shop = made(&stores, app("shop", &keys)).await;
    let answers = at_once(8, |number| {
        let (stores, id) = (stores.clone(), shop.id.clone());
        async move {
            let revoked = stores.apps.revoke_key(&id, &format!("key-{number}"), later(60)).await;
            revoked.is_ok()
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|revoked| **revoked).count(), 7);
    assert_eq!(all(&stores).await[0].keys.len(), 1);
}

async fn only_so_many_keys_are_added_at_once(stores: Stores) {
    let shop = made(&stores, app("shop", &[key("first", 0)])).await;
    let answers = at_once(16, |number| {
        let (stores, id) = (stores.clone(), shop.id.clone());
        async move {
            let added = stores.apps.add_key(&id, key(&format!("key-{number}"), 1), 4).await;
            assert!(matches!(added, Ok(_) | Err(AddAppKeyError::TooMany)), "{added:?}");
            added.is_ok()
        }
    })
    .await;
    assert_eq!(answers.iter().filter(|added| **added).count(), 3);
    assert_eq!(all(&stores).await[0].keys.len(), 4);
}

async fn what_was_deleted_leaves_nothing_behind(stores: Stores) {
    made(&stores, with_two_keys("shop")).await;
    assert!(stores.apps.delete(&id("shop")).await.unwrap());
    assert!(!stores.apps.delete(&id("shop")).await.unwrap());
    assert_eq!(all(&stores).await, []);
    let again = made(&stores, app("shop", &[key("shop-2", 0)])).await;
    assert_eq!(all(&stores).await, [again], "its keys are free");
}
