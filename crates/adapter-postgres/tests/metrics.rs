//! What only the driver sees is told, by exactly as much as happened.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_postgres::{Config, OpenError, PostgresStore};
use campanile_conformance::{START, Stores, user};
use campanile_core::{
    port::{AccountStore, FaultKind, NewAccount},
    user::PasswordHash,
};
use campanile_metrics::testing::{Probe, Recording};
use campanile_neighbours::free_port;
use std::{
    io,
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex},
    time::Duration,
};
use support::{Server, eventually, hold};
use tokio::task::JoinSet;
use tracing_subscriber::fmt;

const BACKEND: [(&str, &str); 1] = [("backend", "postgres")];

const PATIENCE: Duration = Duration::from_secs(10);

/// What holds up a probe.
const BEATS: &str = "SELECT FROM campanile FOR UPDATE";

/// What holds up writing messages.
const ROOMS: &str = "SELECT FROM rooms FOR UPDATE";

/// A store that is counted.
struct Counted {
    recording: Recording,
    store: Arc<PostgresStore>,
}

impl Counted {
    /// Opens it, and waits until it has put the database in order.
    async fn open(config: Config) -> Self {
        let recording = Recording::new();
        let store = Arc::new(config.connect(recording.registry()).await.unwrap());
        let counted = Self { recording, store };
        let in_order = || counted.waits() >= 4.0 && counted.connections("used") == 0.0;
        eventually("the database is in order", PATIENCE, in_order).await;
        counted
    }

    fn stores(&self) -> Stores {
        Stores::of(self.store.clone())
    }

    fn probe(&self) -> Probe {
        self.recording.probe()
    }

    fn value(&self, name: &str) -> f64 {
        self.probe().value(name, &BACKEND).unwrap()
    }

    fn up(&self) -> f64 {
        self.value("chat_storage_up")
    }

    fn waits(&self) -> f64 {
        self.value("chat_storage_pool_wait_duration_seconds_count")
    }

    fn connections(&self, state: &str) -> f64 {
        let labels = [("backend", "postgres"), ("state", state)];
        self.probe().value("chat_storage_pool_connections", &labels).unwrap()
    }

    fn connects(&self, result: &str) -> f64 {
        connects(&self.recording, result)
    }

    fn slow(&self, statement: &str) -> f64 {
        let labels = [("backend", "postgres"), ("statement", statement)];
        self.probe().value("chat_storage_slow_statements_total", &labels).unwrap()
    }

    fn queue(&self) -> f64 {
        self.probe().value("chat_archive_write_queue_messages", &[]).unwrap()
    }

    /// Makes an account; what kind of failure it was.
    async fn create(&self, name: &str) -> Option<FaultKind> {
        let new = NewAccount {
            name: user(name),
            password: PasswordHash("hash".into()),
            operator: false,
            created_at: START,
            invite: None,
        };
        match self.store.create(new).await {
            Ok(_) => None,
            Err(campanile_core::port::CreateAccountError::Fault(fault)) => Some(fault.kind),
            Err(error) => panic!("{error}"),
        }
    }
}

fn connects(recording: &Recording, result: &str) -> f64 {
    let labels = [("backend", "postgres"), ("result", result)];
    recording.probe().value("chat_storage_connects_total", &labels).unwrap()
}

fn sqlstate_errors(recording: &Recording, class: &str) -> f64 {
    let labels = [("backend", "postgres"), ("class", class)];
    recording.probe().value("chat_storage_sqlstate_errors_total", &labels).unwrap()
}

/// How connecting fails, and what is counted of it.
async fn refused(config: Config) -> (OpenError, Recording) {
    let recording = Recording::new();
    let error = config.connect(recording.registry()).await.expect_err("it does not connect");
    assert_eq!(recording.probe().sum("chat_storage_connects_total"), 1.0, "it tries once");
    (error, recording)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn every_connection_is_counted_by_how_it_ended() {
    let server = Server::start();
    let url = server.database();
    let counted = Counted::open(Config { writers: 1, ..Config::new(&url) }).await;
    assert_eq!(counted.connects("ok"), 2.0, "one at the start, one to put things in order");
    let (owner, lobby) = counted.stores().owner_and_room().await;
    counted.stores().say(&lobby, &owner, "hello").await;
    counted.stores().say(&lobby, &owner, "again").await;
    assert_eq!(counted.connects("ok"), 3.0, "one to write messages");

    let (_, recording) =
        refused(Config { password: Some("wrong".into()), ..Config::new(&url) }).await;
    assert_eq!(connects(&recording, "refused"), 1.0);
    assert_eq!(sqlstate_errors(&recording, "28"), 1.0);

    let nowhere = format!("postgres://chat:secret@127.0.0.1:{}/chat", free_port());
    let (_, recording) = refused(Config::new(nowhere)).await;
    assert_eq!(connects(&recording, "error"), 1.0);
    assert_eq!(recording.probe().sum("chat_storage_sqlstate_errors_total"), 0.0);

    // It takes the connection and says nothing.
    let mute = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let silence = format!("postgres://chat:secret@{}/chat", mute.local_addr().unwrap());
    let connect_timeout = Duration::from_millis(200);
    let (error, recording) = refused(Config { connect_timeout, ..Config::new(silence) }).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
    assert_eq!(connects(&recording, "timeout"), 1.0);

    let role = "CREATE ROLE guest LOGIN PASSWORD 'guest' CONNECTION LIMIT 0";
    server.postgres.sql("postgres", role);
    let full = format!("postgres://guest:guest@127.0.0.1:{}/postgres", server.postgres.port());
    let (error, recording) = refused(Config::new(full)).await;
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error}");
    assert_eq!(connects(&recording, "error"), 1.0);
    assert_eq!(sqlstate_errors(&recording, "53"), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn what_the_database_says_is_counted_by_its_class() {
    let server = Server::start();
    let url = server.database();
    let counted = Counted::open(Config::new(&url)).await;
    // An account's name says how it fails.
    let mut other = hold(
        &url,
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION 'told to' USING ERRCODE = upper(substr(NEW.name, 2)); END $$; \
         CREATE TRIGGER fail BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION fail(); \
         COMMIT",
    )
    .await;
    // What collides is tried six times, and a connection that broke is replaced twice.
    let cases = [
        ("e08006", "08", 3.0, FaultKind::Connection),
        ("e22003", "22", 1.0, FaultKind::Constraint),
        ("e23503", "23", 1.0, FaultKind::Constraint),
        ("e25006", "25", 3.0, FaultKind::Connection),
        ("e28000", "28", 3.0, FaultKind::Connection),
        ("e40001", "40", 6.0, FaultKind::Serialization),
        ("e42501", "42", 1.0, FaultKind::Other),
        ("e53100", "53", 1.0, FaultKind::Other),
        ("e55p03", "55", 6.0, FaultKind::Serialization),
        ("e57014", "57", 1.0, FaultKind::Timeout),
        ("e58030", "58", 1.0, FaultKind::Other),
        ("exx001", "XX", 1.0, FaultKind::Corrupt),
        ("ep0001", "other", 1.0, FaultKind::Other),
    ];
    for (name, class, count, kind) in cases {
        let before = counted.probe();
        assert_eq!(counted.create(name).await, Some(kind), "{name}");
        let moved = counted.probe().since(&before);
        let labels = [("backend", "postgres"), ("class", class)];
        let errors = moved.value("chat_storage_sqlstate_errors_total", &labels);
        assert_eq!(errors, Some(count), "{name}");
        assert_eq!(moved.sum("chat_storage_sqlstate_errors_total"), count, "{name}");
    }
    sqlx::raw_sql("DROP TRIGGER fail ON accounts").execute(&mut other).await.unwrap();
    assert_eq!(counted.create("ada").await, None);
}

/// Log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// On one thread, where the log is read.
#[tokio::test]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_slow_statement_is_counted_and_named_in_the_log() {
    let (lines, server) = (Lines::default(), Server::start());
    let writer = lines.clone();
    let log = fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _log = tracing::subscriber::set_default(log);
    let url = server.database();
    let slow_after = Duration::from_millis(300);
    let counted = Counted::open(Config { slow_after, ..Config::new(&url) }).await;
    let (owner, lobby) = counted.stores().owner_and_room().await;
    counted.stores().say(&lobby, &owner, "quick").await;
    counted.store.probe().await.unwrap();
    assert_eq!((counted.slow("probe"), counted.slow("append")), (0.0, 0.0));
    for (lock, statement) in [(BEATS, "probe"), (ROOMS, "append")] {
        let other = hold(&url, lock).await;
        let stores = counted.stores();
        let slowly = async {
            match statement {
                "probe" => counted.store.probe().await.unwrap(),
                _ => drop(stores.say(&lobby, &owner, "slow").await),
            }
        };
        let waits = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' \
             AND clock_timestamp() - query_start > interval '{} ms'",
            slow_after.as_millis()
        );
        let release = async {
            let is_slow = || server.postgres.sql("test_0", &waits) == "1";
            eventually("it takes long", PATIENCE, is_slow).await;
            drop(other);
        };
        tokio::join!(slowly, release);
        assert_eq!(counted.slow(statement), 1.0, "{statement}");
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let named = format!("slow statement statement=\"{statement}\" duration_ms=");
        let told = text.lines().filter(|line| line.contains(&named)).count();
        assert_eq!(told, 1, "{statement}: {text}");
    }
    assert_eq!(counted.probe().sum("chat_storage_slow_statements_total"), 2.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn the_store_is_down_until_it_answers_again() {
    let mut server = Server::start();
    let counted = Counted::open(Config::new(server.database())).await;
    assert_eq!(counted.up(), 1.0);
    server.postgres.kill();
    assert_eq!(counted.store.probe().await.unwrap_err().kind, FaultKind::Connection);
    assert_eq!(counted.up(), 0.0);
    assert!(counted.connects("error") >= 1.0);
    let ok = counted.connects("ok");
    server.postgres.start_again();
    counted.store.probe().await.unwrap();
    assert_eq!(counted.up(), 1.0);
    assert_eq!(counted.connects("ok"), ok + 1.0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn the_pool_tells_what_it_does() {
    let server = Server::start();
    let url = server.database();
    let connection_wait_max = Duration::from_millis(400);
    let config = Config { connections_max: 2, connection_wait_max, ..Config::new(&url) };
    let counted = Counted::open(config).await;
    assert_eq!(counted.value("chat_storage_pool_connections_max"), 2.0);
    assert_eq!((counted.connections("idle"), counted.connections("used")), (1.0, 0.0));
    let version = server.postgres.sql("test_0", "SELECT version FROM campanile");
    let version: f64 = version.parse().unwrap();
    assert_eq!(counted.value("chat_storage_schema_version"), version);
    assert!(version >= 4.0, "{version}");

    let (other, before) = (hold(&url, BEATS).await, counted.probe());
    let mut busy = JoinSet::new();
    for _ in 0..2 {
        let store = counted.store.clone();
        busy.spawn(async move { store.probe().await.unwrap() });
    }
    eventually("both are lent", PATIENCE, || counted.connections("used") == 2.0).await;
    assert_eq!(counted.connections("idle"), 0.0);
    let pending = || counted.value("chat_storage_pool_pending_requests");
    eventually("nobody waits", PATIENCE, || pending() == 0.0).await;
    let store = counted.store.clone();
    let waits = tokio::spawn(async move { store.probe().await.unwrap_err() });
    eventually("one waits", PATIENCE, || pending() == 1.0).await;
    assert_eq!(counted.value("chat_storage_pool_timeouts_total"), 0.0);
    assert_eq!(waits.await.unwrap().kind, FaultKind::PoolExhausted);
    assert_eq!(pending(), 0.0);
    assert_eq!(counted.value("chat_storage_pool_timeouts_total"), 1.0);
    drop(other);
    busy.join_all().await;
    assert_eq!((counted.connections("idle"), counted.connections("used")), (2.0, 0.0));
    let moved = counted.probe().since(&before);
    let waits = moved.value("chat_storage_pool_wait_duration_seconds_count", &BACKEND);
    assert_eq!(waits, Some(3.0));
    let waited = moved.value("chat_storage_pool_wait_duration_seconds_sum", &BACKEND).unwrap();
    assert!((0.4..3.0).contains(&waited), "{waited}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn messages_that_wait_are_counted() {
    let server = Server::start();
    let url = server.database();
    let counted = Counted::open(Config::new(&url)).await;
    let stores = counted.stores();
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say(&lobby, &owner, "the room is known").await;
    eventually("nobody waits", PATIENCE, || counted.queue() == 0.0).await;
    let other = hold(&url, ROOMS).await;
    let mut tasks = JoinSet::new();
    for _ in 0..5 {
        let (stores, owner, lobby) = (stores.clone(), owner.clone(), lobby.clone());
        tasks.spawn(async move { stores.say(&lobby, &owner, "waiting").await });
    }
    eventually("five wait", Duration::from_secs(4), || counted.queue() == 5.0).await;
    drop(other);
    tasks.join_all().await;
    eventually("nobody waits any more", PATIENCE, || counted.queue() == 0.0).await;
}
