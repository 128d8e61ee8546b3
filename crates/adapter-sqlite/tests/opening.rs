//! Opening: what is made, what is refused, and in which words.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use campanile_adapter_sqlite::{Config, OpenError, SqliteStore};
use campanile_conformance::{START, Stores, user};
use campanile_core::{
    message::Draft,
    port::{AccountChange, AccountStore, NewAccount},
    user::PasswordHash,
};
use campanile_metrics::{Registry, testing::Recording};
use sqlx::{Connection, SqliteConnection, raw_sql, sqlite::SqliteConnectOptions};
use std::{path::Path, sync::Arc};

async fn open(path: &Path) -> Result<SqliteStore, OpenError> {
    Config::new(path).open(Registry::global()).await
}

async fn refusal(path: &Path) -> String {
    let error = open(path).await.expect_err("it does not open");
    let line = error.to_string();
    assert!(!line.contains('\n'), "one line: {line}");
    line
}

async fn run(path: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_is_missing_is_made_for_its_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b/campanile.db");
    let recording = Recording::new();
    let store = Config::new(&path).open(recording.registry()).await.unwrap();
    assert_eq!(store.count().await.unwrap(), 0);
    let backend = [("backend", "sqlite")];
    let probe = recording.probe();
    let version = probe.value("chat_storage_schema_version", &backend);
    assert_eq!(version, Some(9.0));
    assert_eq!(probe.value("chat_storage_up", &backend), Some(1.0));
    #[cfg(unix)]
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
        assert_eq!(mode & 0o077, 0, "{} is its owner's", file.path().display());
    }
}

#[tokio::test]
async fn what_was_kept_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("campanile.db");
    let store = Arc::new(open(&path).await.unwrap());
    let stores = Stores::of(store.clone());
    let (ada, lobby) = stores.owner_and_room().await;
    stores.say_many(&lobby, &ada, 3).await;
    let before = stores.all(&lobby).await;
    store.close().await;
    drop((stores, store));

    let stores = Stores::of(Arc::new(open(&path).await.unwrap()));
    assert_eq!(stores.all(&lobby).await, before);
    assert_eq!(stores.say(&lobby, &ada, "next").await.seq().0, 4);
}

#[tokio::test]
async fn a_newer_schema_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("campanile.db");
    open(&path).await.unwrap().close().await;
    run(&path, "PRAGMA user_version = 10").await;
    let line = refusal(&path).await;
    assert!(line.contains("campanile.db has schema 10"), "{line}");
    assert!(line.contains("knows schemas up to 9"), "{line}");
}

#[tokio::test]
async fn other_files_are_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("campanile.db");
    let text = "This is a letter and no database. ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let line = refusal(&path).await;
    assert!(line.contains("campanile.db is not a database of this program"), "{line}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    let path = directory.path().join("other-campanile.db");
    run(&path, "CREATE TABLE recipes (name TEXT)").await;
    let line = refusal(&path).await;
    assert!(line.contains("campanile.db is not a database of this program"), "{line}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let line = refusal(&file.join("campanile.db")).await;
    let expected = format!("cannot make the directory {}: ", file.display());
    assert!(line.starts_with(&expected), "{line}");

    let path = directory.path().join("campanile.db");
    std::fs::create_dir(&path).unwrap();
    let line = refusal(&path).await;
    let expected = format!("cannot read and write {}: ", path.display());
    assert!(line.starts_with(&expected), "{line}");
}

#[tokio::test]
async fn two_servers_do_not_share_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("campanile.db");
    let first = open(&path).await.unwrap();
    let line = refusal(&path).await;
    assert!(line.contains("in use by another process"), "{line}");
    first.close().await;
    drop(first);
    open(&path).await.expect("it is free again");
}

#[tokio::test]
async fn a_file_that_another_program_keeps_locked_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("campanile.db");
    open(&path).await.unwrap().close().await;
    let options = SqliteConnectOptions::new().filename(&path);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    raw_sql("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE pulse SET beats = 1; COMMIT")
        .execute(&mut other)
        .await
        .unwrap();
    let config =
        Config { busy_timeout: std::time::Duration::from_millis(50), ..Config::new(&path) };
    let error = config.open(Registry::global()).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
}

#[tokio::test]
async fn what_another_process_changes_is_noticed_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("campanile.db");
    let store = Arc::new(open(&path).await.unwrap());
    let server = Stores::of(store.clone());
    assert!(store.changed_elsewhere().await.unwrap(), "nobody knows what was before");
    let ada = server.account("ada").await;
    assert!(!store.changed_elsewhere().await.unwrap(), "its own changes are none");

    let guest = Config::new(&path).open_beside(Registry::global()).await.unwrap();
    guest.count().await.unwrap();
    assert!(!store.changed_elsewhere().await.unwrap(), "reading changes nothing");
    AccountStore::change(&guest, &ada, AccountChange::Banned(true)).await.unwrap();
    guest.close().await;
    // What the server writes itself in between does not hide it.
    server.account("bob").await;
    assert!(store.changed_elsewhere().await.unwrap());
    assert!(!store.changed_elsewhere().await.unwrap(), "it was told already");

    run(&path, "DELETE FROM accounts WHERE name = 'bob'").await;
    assert!(store.changed_elsewhere().await.unwrap(), "whoever changed it");
    store.close().await;
    store.changed_elsewhere().await.expect_err("a closed store is not asked");
}

#[tokio::test]
async fn a_guest_administers_beside_a_server_that_notices() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("campanile.db");
    let guest = Config::new(&path).open_beside(Registry::global()).await;
    let guest = guest.expect("there need not be a server");
    guest.close().await;
    drop(guest);

    let server = Stores::of(Arc::new(open(&path).await.unwrap()));
    let (owner, lobby) = server.owner_and_room().await;
    let ada = server.account("ada").await;
    server.join(&lobby, &ada).await;
    server.say(&lobby, &owner, "from the server").await;
    server.say(&lobby, &ada, "and from ada").await;

    let guest = Config::new(&path).open_beside(Registry::global()).await;
    let guest = Arc::new(guest.expect("it is let in"));
    let operator = NewAccount {
        name: user("root"),
        password: PasswordHash("hash".into()),
        operator: true,
        created_at: START,
        invite: None,
    };
    let made = AccountStore::create(&*guest, operator).await.unwrap();
    assert_eq!(
        server.accounts.find(&made.name).await.unwrap(),
        Some(made),
        "the server sees what the guest did"
    );
    let guests = Stores::of(guest.clone());
    let third = guests.say(&lobby, &owner, "from the guest").await;
    guests.members.remove(&lobby, &ada).await.unwrap();
    guest.close().await;
    let fourth = server.say(&lobby, &owner, "from the server").await;
    assert_eq!((third.seq().0, fourth.seq().0), (3, 4), "no number twice");
    let draft =
        Draft { room: lobby, from: ada, body: "still here?".into(), key: None, reply_to: None };
    let refused = server.append(draft, START).await;
    assert!(refused.is_err(), "the server knows who was removed");
}
