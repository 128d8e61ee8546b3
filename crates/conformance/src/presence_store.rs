//! The promises of [`PresenceStore`].

use crate::stores::user;
use campanile_core::{
    port::{ConnectionId, PresenceChange, PresenceStore},
    user::Status::{self, Available, Away, DoNotDisturb, Unavailable},
};
use std::sync::Arc;

/// Proves a presence store.
pub async fn presence_store(make: impl AsyncFn() -> Arc<dyn PresenceStore>) {
    who_has_no_connection_is_unavailable(&*make().await).await;
    a_connection_says_what_its_user_is(&*make().await).await;
    the_most_reachable_connection_counts(&*make().await).await;
    connections_of_one_number_belong_to_their_users(&*make().await).await;
    statuses_come_in_the_order_asked(&*make().await).await;
    connections_are_counted_whatever_they_say(&*make().await).await;
}

fn change(before: Status, after: Status, connections: usize) -> PresenceChange {
    PresenceChange { before, after, connections }
}

async fn who_has_no_connection_is_unavailable(presence: &dyn PresenceStore) {
    let ada = user("ada");
    let statuses = presence.statuses(std::slice::from_ref(&ada)).await.unwrap();
    assert_eq!(statuses, [Unavailable]);
    let removed = presence.remove(&ada, ConnectionId(1)).await.unwrap();
    assert_eq!(removed, change(Unavailable, Unavailable, 0));
    assert_eq!(presence.users_online().await.unwrap(), 0);
    assert_eq!(presence.statuses(&[]).await.unwrap(), []);
}

async fn a_connection_says_what_its_user_is(presence: &dyn PresenceStore) {
    let (ada, connection) = (user("ada"), ConnectionId(u64::MAX));
    let said = [
        (Available, Unavailable),
        (Away, Available),
        (DoNotDisturb, Away),
        (Unavailable, DoNotDisturb),
        (Unavailable, Unavailable),
        (Available, Unavailable),
    ];
    for (status, before) in said {
        let answer = presence.put(&ada, connection, status).await.unwrap();
        assert_eq!(answer, change(before, status, 1));
        let online = presence.users_online().await.unwrap();
        assert_eq!(online, 1, "a user who says {status:?} has a connection");
        let reconciled = presence.reconcile().await.unwrap();
        assert_eq!(reconciled, [], "there is nothing to put right");
    }
    let removed = presence.remove(&ada, connection).await.unwrap();
    assert_eq!(removed, change(Available, Unavailable, 0));
    assert_eq!(presence.users_online().await.unwrap(), 0);
}

async fn the_most_reachable_connection_counts(presence: &dyn PresenceStore) {
    let ada = user("ada");
    let put = async |number, status| {
        let put = presence.put(&ada, ConnectionId(number), status).await;
        put.unwrap()
    };
    let remove = async |number| presence.remove(&ada, ConnectionId(number)).await.unwrap();
    assert_eq!(put(1, Unavailable).await, change(Unavailable, Unavailable, 1));
    assert_eq!(put(2, DoNotDisturb).await, change(Unavailable, DoNotDisturb, 2));
    assert_eq!(put(3, Away).await, change(DoNotDisturb, Away, 3));
    assert_eq!(put(4, Available).await, change(Away, Available, 4));
    assert_eq!(put(5, Away).await, change(Available, Available, 5));
    assert_eq!(remove(4).await, change(Available, Away, 4));
    assert_eq!(put(3, Unavailable).await, change(Away, Away, 4));
    assert_eq!(remove(5).await, change(Away, DoNotDisturb, 3));
    assert_eq!(remove(2).await, change(DoNotDisturb, Unavailable, 2));
    assert_eq!(remove(2).await, change(Unavailable, Unavailable, 2));
}

async fn connections_of_one_number_belong_to_their_users(presence: &dyn PresenceStore) {
    let (ada, bob) = (user("ada"), user("bob"));
    for user in [&ada, &bob] {
        presence.put(user, ConnectionId(7), Available).await.unwrap();
    }
    assert_eq!(presence.users_online().await.unwrap(), 2);
    presence.remove(&ada, ConnectionId(7)).await.unwrap();
    let statuses = presence.statuses(&[ada, bob]).await.unwrap();
    assert_eq!(statuses, [Unavailable, Available]);
}

async fn statuses_come_in_the_order_asked(presence: &dyn PresenceStore) {
    let said = [("bob", Away), ("ada", Available), ("cyd", DoNotDisturb)];
    for (index, (name, status)) in said.into_iter().enumerate() {
        let connection = ConnectionId(index as u64);
        presence.put(&user(name), connection, status).await.unwrap();
    }
    let asked = ["cyd", "nobody", "ada", "bob", "ada"].map(user);
    let statuses = presence.statuses(&asked).await.unwrap();
    assert_eq!(statuses, [DoNotDisturb, Unavailable, Available, Away, Available]);
}

async fn connections_are_counted_whatever_they_say(presence: &dyn PresenceStore) {
    let (ada, bob, cyd) = (user("ada"), user("bob"), user("cyd"));
    for (user, number, status) in
        [(&ada, 1, Unavailable), (&bob, 2, Available), (&bob, 3, DoNotDisturb)]
    {
        presence.put(user, ConnectionId(number), status).await.unwrap();
    }
    let users = [cyd, bob.clone(), ada.clone()];
    assert_eq!(presence.connections(&users).await.unwrap(), [0, 2, 1], "who hides is connected");
    presence.remove(&bob, ConnectionId(2)).await.unwrap();
    presence.remove(&ada, ConnectionId(1)).await.unwrap();
    assert_eq!(presence.connections(&users).await.unwrap(), [0, 1, 0]);
    assert_eq!(presence.connections(&[]).await.unwrap(), [0_usize; 0]);
}
