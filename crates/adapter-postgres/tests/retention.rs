//! Weeks that retention has emptied are dropped, and what is kept stays.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_postgres::{Config, PostgresStore};
use campanile_core::{
    message::Draft,
    name::{RoomName, UserName},
    port::{AccountStore, MessageStore, NewAccount, NewRoom, Page, RoomStore},
    room::RoomKind,
    time::Timestamp,
    user::PasswordHash,
};
use campanile_metrics::Registry;
use campanile_neighbours::until;
use std::time::Duration;
use support::Server;

const WEEK_MILLIS: i64 = 7 * 24 * 3_600 * 1_000;

async fn connect(url: &str) -> PostgresStore {
    let config = Config { connections_max: 4, ..Config::new(url) };
    config.connect(Registry::global()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_week_that_retention_has_emptied_is_dropped() {
    let server = Server::start();
    let url = server.database();
    let store = connect(&url).await;
    let (user, room) = (UserName::parse("ada").unwrap(), RoomName::parse("square").unwrap());
    let account = NewAccount {
        name: user.clone(),
        password: PasswordHash("hash".into()),
        operator: false,
        created_at: Timestamp(0),
    };
    AccountStore::create(&store, account).await.unwrap();
    let new = NewRoom {
        name: room.clone(),
        kind: RoomKind::Public,
        members: vec![user.clone()],
        created_at: Timestamp(0),
    };
    RoomStore::create(&store, new).await.unwrap();
    for week in [100, 101, 102] {
        let draft = Draft {
            room: room.clone(),
            from: user.clone(),
            body: format!("said in week {week}").into(),
            key: None,
            reply_to: None,
        };
        let at = Timestamp(week * WEEK_MILLIS);
        // No server writes into weeks that are over: the look for empty ones at the start may
        // take this one before it has a message.
        if store.append(draft.clone(), at).await.is_err() {
            store.append(draft, at).await.unwrap();
        }
    }
    assert_eq!(store.evict(Timestamp(102 * WEEK_MILLIS), 100).await.unwrap(), 2);
    // It is looked for at the start, and then each hour.
    store.close().await;
    let store = connect(&url).await;
    let table = |week: i64| {
        let name = url.rsplit_once('/').unwrap().1;
        server.postgres.sql(name, &format!("SELECT to_regclass('messages_{week}') IS NOT NULL"))
    };
    until("the empty weeks are dropped", Duration::from_secs(20), || {
        (table(100) == "f" && table(101) == "f").then_some(())
    });
    assert_eq!(table(102), "t", "it has a message");
    let history = store.history(&room, Page::Newest, 10).await.unwrap();
    let bodies: Vec<_> = history.messages.iter().map(|message| message.body.to_string()).collect();
    assert_eq!(bodies, ["said in week 102"]);
    store.close().await;
}
