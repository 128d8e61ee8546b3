//! Writing: what fails fails alone, what is full says so, and nothing grows for ever.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use campanile_adapter_sqlite::{Config, SqliteStore};
use campanile_conformance::{START, Stores};
use campanile_core::{
    message::Draft,
    name::{RoomName, UserName},
    port::{AppendError, FaultKind, HistoryError, MessageStore, Page},
    time::Timestamp,
};
use campanile_metrics::{Registry, testing::Recording};
use sqlx::{Connection, SqliteConnection, query_scalar, raw_sql, sqlite::SqliteConnectOptions};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A store in a directory of its own, with a room and its owner.
struct Scene {
    directory: TempDir,
    store: Arc<SqliteStore>,
    stores: Stores,
    recording: Recording,
    owner: UserName,
    lobby: RoomName,
}

async fn start(change: impl FnOnce(&mut Config)) -> Scene {
    let directory = tempfile::tempdir().unwrap();
    let mut config = Config::new(directory.path().join("store.db"));
    change(&mut config);
    let recording = Recording::new();
    let store = Arc::new(config.open(recording.registry()).await.unwrap());
    let stores = Stores::of(store.clone());
    let (owner, lobby) = stores.owner_and_room().await;
    Scene { directory, store, stores, recording, owner, lobby }
}

impl Scene {
    fn path(&self) -> PathBuf {
        self.directory.path().join("store.db")
    }

    fn draft(&self, body: &str) -> Draft {
        Draft {
            room: self.lobby.clone(),
            from: self.owner.clone(),
            body: body.into(),
            key: None,
            reply_to: None,
        }
    }

    /// Another connection to the file, as another program has it.
    async fn other(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path());
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    async fn run(&self, sql: &'static str) {
        let mut other = self.other().await;
        raw_sql(sql).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut other = self.other().await;
        query_scalar(sql).fetch_one(&mut other).await.unwrap()
    }

    fn up(&self) -> Option<f64> {
        let backend = [("backend", "sqlite")];
        self.recording.probe().value("chat_storage_up", &backend)
    }

    /// How many messages wait to be stored.
    fn waiting(&self) -> f64 {
        self.recording.probe().value("chat_archive_write_queue_messages", &[]).unwrap()
    }

    /// Says things at once, in order, and gives what each heard.
    async fn say_at_once(&self, drafts: Vec<Draft>) -> Vec<Result<u64, AppendError>> {
        let mut tasks = tokio::task::JoinSet::new();
        for (place, draft) in drafts.into_iter().enumerate() {
            let store = self.store.clone();
            tasks.spawn(async move { (place, store.append(draft, START).await) });
        }
        let mut heard = tasks.join_all().await;
        heard.sort_by_key(|(place, _)| *place);
        let seq = |(_, heard): (_, Result<campanile_core::port::Appended, _>)| {
            heard.map(|appended| appended.message.seq().0)
        };
        heard.into_iter().map(seq).collect()
    }
}

/// Waits for something to become true.
async fn eventually(what: &str, mut check: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < deadline, "in time: {what}");
        tokio::task::yield_now().await;
    }
}

fn fault_kind(error: &AppendError) -> FaultKind {
    match error {
        AppendError::Fault(fault) => fault.kind,
        refusal => panic!("no fault: {refusal}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_fails_alone() {
    let scene = start(|_| {}).await;
    scene
        .run(
            "CREATE TRIGGER poison BEFORE INSERT ON messages WHEN new.body = 'poison' \
             BEGIN SELECT RAISE(ABORT, 'poison'); END",
        )
        .await;
    let body = |index| {
        if index % 10 == 3 { "poison" } else { "wholesome" }
    };
    let drafts = (0..100).map(|index| scene.draft(body(index))).collect();
    let mut seqs = Vec::new();
    for (index, heard) in scene.say_at_once(drafts).await.into_iter().enumerate() {
        match heard {
            Ok(seq) => seqs.push(seq),
            Err(error) => {
                assert_eq!(body(index), "poison");
                assert_eq!(fault_kind(&error), FaultKind::Constraint);
            }
        }
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=90).collect::<Vec<_>>(), "the others have no gap");
    assert_eq!(scene.stores.all(&scene.lobby).await.len(), 90);
    assert_eq!(scene.up(), Some(1.0), "the store is well");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_refuses_and_works_again() {
    let scene = start(|config| config.bytes_max = Some(1024 * 1024)).await;
    let body = "0123456789abcdef".repeat(64);
    let mut stored = 0;
    let error = loop {
        match scene.stores.append(scene.draft(&body), START).await {
            Ok(appended) => {
                stored += 1;
                assert_eq!(appended.message.seq().0, stored);
            }
            Err(error) => break error,
        }
        assert!(stored < 2_000, "it is bounded");
    };
    assert_eq!(fault_kind(&error), FaultKind::Other, "{error:?}");
    assert_eq!(scene.up(), Some(0.0), "it cannot be written");
    let kept = scene.stores.all(&scene.lobby).await;
    assert_eq!(kept.len() as u64, stored, "all that was answered, and no more");
    let again = scene.stores.append(scene.draft(&body), START).await;
    again.expect_err("still full");

    let later = Timestamp(START.0 + 1);
    let evicted = scene.stores.messages.evict(later, Some(Duration::ZERO), 100).await;
    assert_eq!(evicted.expect("there is room to make room"), 100);
    let next = scene.stores.say(&scene.lobby, &scene.owner, &body).await;
    assert_eq!(next.seq().0, stored + 1, "refusals left no gap");
    assert_eq!(scene.up(), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_ill_is_found_well_without_being_asked() {
    let scene = start(|config| config.busy_timeout = Duration::from_millis(20)).await;
    let mut other = scene.other().await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let refused = scene.stores.append(scene.draft("held up"), START).await;
    let error = refused.expect_err("another program writes");
    assert_eq!(fault_kind(&error), FaultKind::Serialization);
    assert_eq!(scene.up(), Some(0.0));
    let history = scene.stores.messages.history(&scene.lobby, Page::Newest, 5);
    assert_eq!(history.await.unwrap().last_seq.0, 0, "reading goes on");
    raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    eventually("it is up", async || scene.up() == Some(1.0)).await;
    scene.stores.say(&scene.lobby, &scene.owner, "well").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_too_long_hears_so() {
    let scene = start(|config| {
        config.busy_timeout = Duration::from_secs(20);
        config.write_wait_max = Duration::from_millis(50);
    })
    .await;
    let mut other = scene.other().await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let draft = Draft { key: Some("key".into()), ..scene.draft("unknown whether") };
    let unknown = scene.stores.append(draft.clone(), START).await;
    let error = unknown.expect_err("nobody waits for ever");
    assert_eq!(fault_kind(&error), FaultKind::Timeout);
    raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    eventually("a retry finds out", async || {
        let retry = scene.stores.append(draft.clone(), START).await;
        retry.is_ok_and(|appended| appended.duplicate)
    })
    .await;
    assert_eq!(scene.stores.all(&scene.lobby).await.len(), 1, "said once");
}

// One thread, so that what counts as waiting is in the queue.
#[tokio::test]
async fn closing_finishes_what_was_accepted() {
    const ACCEPTED: usize = 200;
    let scene = start(|config| config.busy_timeout = Duration::from_secs(20)).await;
    // Nothing is committed before the store begins to close.
    let mut other = scene.other().await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let drafts = |count, body| (0..count).map(|_| scene.draft(body)).collect();
    // The writer is held up by the first, and the others wait behind it.
    let first = tokio::spawn({
        let (store, draft) = (scene.store.clone(), scene.draft("the first"));
        async move { store.append(draft, START).await }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let closing = async {
        eventually("all are accepted", async || scene.waiting() == ACCEPTED as f64 + 1.0).await;
        let let_go = async {
            raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        };
        let too_late = scene.say_at_once(drafts(50, "meanwhile"));
        let ((), (), meanwhile) = tokio::join!(biased; scene.store.close(), let_go, too_late);
        meanwhile
    };
    let before = scene.say_at_once(drafts(ACCEPTED, "before the end"));
    let (before, meanwhile) = tokio::join!(before, closing);
    let first = first.await.unwrap().expect("accepted first").message.seq().0;
    let before = before.into_iter().map(|heard| heard.expect("accepted"));
    let mut seqs: Vec<_> = std::iter::once(first).chain(before).collect();
    for heard in meanwhile {
        match heard {
            Ok(seq) => seqs.push(seq),
            Err(error) => assert_eq!(fault_kind(&error), FaultKind::Connection, "never half"),
        }
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    assert_eq!(scene.count("SELECT count(*) FROM messages").await, seqs.len() as i64);
    let late = scene.stores.append(scene.draft("too late"), START).await;
    assert_eq!(fault_kind(&late.unwrap_err()), FaultKind::Connection);
    let late = scene.stores.messages.history(&scene.lobby, Page::Newest, 1);
    assert!(matches!(late.await, Err(HistoryError::Fault(_))));
    scene.store.close().await;
}

// While people go on saying things, it closes all the same.
#[tokio::test(flavor = "multi_thread")]
async fn closing_under_load_keeps_every_message_that_was_answered() {
    let scene = start(|_| {}).await;
    let answered = Arc::new(AtomicUsize::new(0));
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (store, answered) = (scene.store.clone(), answered.clone());
        let draft = scene.draft("again and again");
        writers.spawn(async move {
            loop {
                match store.append(draft.clone(), START).await {
                    Ok(_) => answered.fetch_add(1, Ordering::Relaxed),
                    Err(error) => return fault_kind(&error),
                };
            }
        });
    }
    eventually("much is stored", async || answered.load(Ordering::Relaxed) >= 500).await;
    scene.store.close().await;
    assert_eq!(writers.join_all().await, [FaultKind::Connection; 8], "never half");
    let answered = answered.load(Ordering::Relaxed) as i64;
    assert_eq!(scene.count("SELECT count(*) FROM messages").await, answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_room_leaves_nothing_behind() {
    let scene = start(|_| {}).await;
    let keyed = |index: usize| Draft {
        key: Some(format!("key-{index}").into()),
        ..scene.draft("to be forgotten")
    };
    for heard in scene.say_at_once((0..3_000).map(keyed).collect()).await {
        heard.unwrap();
    }
    let react = campanile_core::message::Amendment::React { emoji: "👍".into(), on: true };
    let seq = campanile_core::message::Sequence(1);
    let messages = &scene.stores.messages;
    let amended = messages.amend(&scene.lobby, seq, &scene.owner, &react, START);
    assert!(amended.await.unwrap());
    assert!(scene.stores.rooms.delete(&scene.lobby).await.unwrap());
    eventually("everything is cleared away", async || {
        let left = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM reactions) \
             + (SELECT count(*) FROM keys) + (SELECT count(*) FROM graves)";
        scene.count(left).await == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_keys_are_forgotten() {
    let scene = start(|config| config.idempotency_window = Duration::from_secs(1)).await;
    for minute in 0..8 {
        let now = START.plus(Duration::from_secs(60 * minute));
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..1_000 {
            let draft =
                Draft { key: Some(format!("{minute}-{index}").into()), ..scene.draft("said once") };
            let store = scene.store.clone();
            tasks.spawn(async move { store.append(draft, now).await.unwrap() });
        }
        tasks.join_all().await;
    }
    let kept = scene.count("SELECT count(*) FROM keys").await;
    assert!(kept < 4_000, "{kept} of 8000 keys are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_does_not_grow_for_ever() {
    let scene = start(|_| {}).await;
    for _ in 0..8 {
        let drafts = (0..5_000).map(|_| scene.draft("more and more")).collect();
        for heard in scene.say_at_once(drafts).await {
            heard.unwrap();
        }
    }
    let log = scene.directory.path().join("store.db-wal");
    let bytes = std::fs::metadata(log).unwrap().len();
    assert!(bytes < 32 * 1024 * 1024, "{bytes} bytes after 40000 messages");
    scene.store.close().await;
    let other = Config::new(scene.path()).open_beside(Registry::global());
    let other = Stores::of(Arc::new(other.await.unwrap()));
    let history = other.messages.history(&scene.lobby, Page::Newest, 1).await;
    assert_eq!(history.unwrap().last_seq.0, 40_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_said_to_be_corrupt_and_harms_no_other_room() {
    let scene = start(|_| {}).await;
    let healthy = scene.stores.public("healthy", &scene.owner).await;
    scene.run("UPDATE rooms SET kind = 9 WHERE name = 'lobby'").await;
    let found = scene.stores.rooms.find(&scene.lobby).await;
    assert_eq!(found.unwrap_err().kind, FaultKind::Corrupt);
    let draft = |index| match index % 2 {
        0 => scene.draft("hello?"),
        _ => Draft { room: healthy.clone(), ..scene.draft("hello") },
    };
    let heard = scene.say_at_once((0..100).map(draft).collect()).await;
    for (index, heard) in heard.into_iter().enumerate() {
        match heard {
            Ok(_) => assert_eq!(index % 2, 1, "in the healthy room"),
            Err(error) => {
                assert_eq!(fault_kind(&error), FaultKind::Corrupt);
                assert_eq!(index % 2, 0, "in the damaged room");
            }
        }
    }
    assert_eq!(scene.stores.all(&healthy).await.len(), 50);
    assert_eq!(scene.up(), Some(1.0), "the store is well");
}
