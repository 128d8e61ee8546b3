//! Weeks that retention has emptied are dropped, and what is kept stays.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_postgres::{Config, PostgresStore};
use campanile_conformance::{Stores, draft};
use campanile_core::{
    name::RoomName,
    port::{MessageStore, RoomChange},
    time::Timestamp,
};
use campanile_metrics::Registry;
use campanile_neighbours::until;
use std::{sync::Arc, time::Duration};
use support::Server;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

/// A store of a fresh database.
struct Scene {
    server: Server,
    url: String,
    store: Arc<PostgresStore>,
    stores: Stores,
}

impl Scene {
    async fn start() -> Self {
        let server = Server::start();
        let url = server.database();
        let store = connect(&url).await;
        let stores = Stores::of(store.clone());
        Self { server, url, store, stores }
    }

    fn sql(&self, sql: &str) -> String {
        let name = self.url.rsplit_once('/').unwrap().1;
        self.server.postgres.sql(name, sql)
    }

    /// Whether this week has a partition.
    fn has(&self, week: u32) -> bool {
        self.sql(&format!("SELECT to_regclass('messages_{week}') IS NOT NULL")) == "t"
    }

    /// Says something in each of these weeks; the room.
    async fn say_in(&self, name: &str, weeks: &[u32]) -> RoomName {
        let ada = self.stores.account(&format!("owner.of.{name}")).await;
        let room = self.stores.public(name, &ada).await;
        for week in weeks {
            let body = format!("said in week {week}");
            self.stores.append(draft(&room, &ada, &body), start_of(*week)).await.unwrap();
        }
        room
    }

    async fn bodies(&self, room: &RoomName) -> Vec<String> {
        let all = self.stores.all(room).await;
        all.iter().map(|message| message.body.to_string()).collect()
    }
}

async fn connect(url: &str) -> Arc<PostgresStore> {
    let config = Config { connections_max: 4, ..Config::new(url) };
    Arc::new(config.connect(Registry::global()).await.unwrap())
}

fn start_of(week: u32) -> Timestamp {
    Timestamp(0).plus(WEEK * week)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_week_that_retention_has_emptied_is_dropped() {
    let scene = Scene::start().await;
    let square = scene.say_in("square", &[100, 101, 102]).await;
    // This room keeps for three weeks, so that week 101 is still needed.
    let annals = scene.say_in("annals", &[101]).await;
    let change = RoomChange::retention(WEEK * 3);
    scene.stores.rooms.change(&annals, change).await.unwrap();
    let evicted = scene.store.evict(start_of(103), Some(WEEK), 100).await;
    assert_eq!(evicted.unwrap(), 2);
    // It is looked for at the start, and then each hour.
    scene.store.close().await;
    let again = connect(&scene.url).await;
    until("the empty week is dropped", Duration::from_secs(20), || (!scene.has(100)).then_some(()));
    assert!(scene.has(101) && scene.has(102), "they have messages");
    again.close().await;
    let scene = Scene { stores: Stores::of(connect(&scene.url).await), ..scene };
    assert_eq!(scene.bodies(&square).await, ["said in week 102"]);
    assert_eq!(scene.bodies(&annals).await, ["said in week 101"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_week_that_another_node_has_dropped_is_made_again() {
    let scene = Scene::start().await;
    let square = scene.say_in("square", &[100]).await;
    assert_eq!(scene.store.evict(start_of(101), Some(Duration::ZERO), 100).await.unwrap(), 1);
    // Unless this store has done so already.
    scene.sql("DROP TABLE IF EXISTS messages_100");
    let room = scene.say_in("other", &[100, 100]).await;
    assert_eq!(scene.bodies(&room).await, ["said in week 100"; 2]);
    assert_eq!(scene.bodies(&square).await, [""; 0]);
    scene.store.close().await;
}
