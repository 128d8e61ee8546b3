//! The promises of [`Cache`].

use crate::stores::{START, room, user};
use campanile_core::{
    port::{Cache, CacheKey, Cached},
    room::{Role, RoomKind},
    user::{Session, TokenHash},
};
use std::sync::Arc;

/// Proves a cache that keeps entries for at least ten seconds.
pub async fn cache(make: impl AsyncFn() -> Arc<dyn Cache>) {
    what_is_not_there_is_not_found(&*make().await).await;
    an_entry_is_given_as_it_was_taken_in(&*make().await).await;
    a_later_value_takes_the_place_of_an_earlier_one(&*make().await).await;
    what_is_forgotten_is_gone(&*make().await).await;
    what_was_read_before_a_change_does_not_come_in_after_it(&*make().await).await;
    it_says_how_much_it_uses(&*make().await).await;
}

fn session(token: u8) -> (CacheKey, Cached) {
    let token = TokenHash([token; 32]);
    let session = Session { user: user("ada"), token, operator: false, expires_at: START };
    (CacheKey::Session(token), Cached::Session(session))
}

fn entries() -> Vec<(CacheKey, Cached)> {
    let mut entries = vec![session(0), session(255)];
    for (name, kind) in
        [("lobby", RoomKind::Public), ("den", RoomKind::Private), ("dm.1", RoomKind::Direct)]
    {
        entries.push((CacheKey::Room(room(name)), Cached::Room(kind)));
    }
    for (name, role) in [("ada", Role::Owner), ("bob", Role::Member)] {
        entries.push((CacheKey::Role(room("lobby"), user(name)), Cached::Role(role)));
    }
    // Names that are long, and that would be the same were they put together without care.
    let long = "x".repeat(64);
    entries.push((CacheKey::Role(room(&long), user(&long)), Cached::Role(Role::Member)));
    for (one, other) in [("a", "b.c"), ("a.b", "c")] {
        let role = if one == "a" { Role::Owner } else { Role::Member };
        entries.push((CacheKey::Role(room(one), user(other)), Cached::Role(role)));
    }
    entries
}

async fn what_is_not_there_is_not_found(cache: &dyn Cache) {
    for (key, _) in entries() {
        assert_eq!(cache.get(&key).await.unwrap(), None);
    }
    cache.forget(&[]).await.unwrap();
    cache.forget(&[session(1).0]).await.unwrap();
}

async fn an_entry_is_given_as_it_was_taken_in(cache: &dyn Cache) {
    for (key, value) in entries() {
        cache.put(&key, &value).await.unwrap();
    }
    for (key, value) in entries() {
        assert_eq!(cache.get(&key).await.unwrap(), Some(value), "{key:?}");
    }
}

async fn a_later_value_takes_the_place_of_an_earlier_one(cache: &dyn Cache) {
    let key = CacheKey::Role(room("lobby"), user("ada"));
    for role in [Role::Member, Role::Owner, Role::Member] {
        cache.put(&key, &Cached::Role(role)).await.unwrap();
        assert_eq!(cache.get(&key).await.unwrap(), Some(Cached::Role(role)));
    }
}

async fn what_is_forgotten_is_gone(cache: &dyn Cache) {
    let (gone, stays) = (session(1), session(2));
    for (key, value) in [&gone, &stays] {
        cache.put(key, value).await.unwrap();
    }
    cache.forget(&[gone.0.clone(), session(3).0]).await.unwrap();
    assert_eq!(cache.get(&gone.0).await.unwrap(), None);
    assert_eq!(cache.get(&stays.0).await.unwrap(), Some(stays.1));
}

async fn what_was_read_before_a_change_does_not_come_in_after_it(cache: &dyn Cache) {
    let (key, value) = session(1);
    for _ in 0..2 {
        cache.forget(std::slice::from_ref(&key)).await.unwrap();
        cache.put(&key, &value).await.unwrap();
        assert_eq!(cache.get(&key).await.unwrap(), None, "it may be of before the change");
    }
}

async fn it_says_how_much_it_uses(cache: &dyn Cache) {
    for (key, value) in entries() {
        cache.put(&key, &value).await.unwrap();
    }
    let size = cache.size().await.unwrap();
    assert!(size.used_bytes > 0, "entries take memory");
    assert!(size.entries.is_none_or(|count| count >= entries().len() as u64), "{size:?}");
}
