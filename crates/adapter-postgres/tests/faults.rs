//! PostgreSQL is killed, held up, locked and filled: nothing acknowledged is lost, nobody waits for
//! ever, and it goes on by itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_postgres::{Config, OpenError, PostgresStore};
use campanile_conformance::Stores;
use campanile_core::port::{AppendError, FaultKind};
use campanile_metrics::testing::Recording;
use campanile_neighbours::{Postgres, Tls};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use support::{Server, eventually, hold, load::Load};
use tempfile::TempDir;
use tokio::task::JoinSet;

const PATIENCE: Duration = Duration::from_secs(30);

/// How long writing a message may take in these tests.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(2);

/// How much later than that an answer may come on a busy machine.
const SLACK: Duration = Duration::from_secs(1);

async fn open(url: &str) -> Arc<PostgresStore> {
    let config = Config { write_wait_max: WRITE_WAIT_MAX, ..Config::new(url) };
    Arc::new(config.connect(Recording::new().registry()).await.unwrap())
}

/// Kills the server under load once, and sees that everything goes on; how soon.
async fn survives_a_kill(server: &mut Postgres, load: &Load) -> Duration {
    let before = load.acknowledged();
    eventually("much is written", PATIENCE, || load.acknowledged() >= before + 200).await;
    let faults = load.faults();
    server.kill();
    eventually("faults are told", PATIENCE, || load.faults() >= faults + 20).await;
    server.start_again();
    let back = load.goes_on(PATIENCE).await;
    assert!(back < Duration::from_secs(3), "{back:?}");
    back
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_server_that_is_killed_under_load_loses_nothing_and_comes_back() {
    let mut server = Postgres::start();
    let store = open(&server.create_database("chat")).await;
    let load = Load::start(Stores::of(store.clone())).await;
    for _ in 0..3 {
        let back = survives_a_kill(&mut server, &load).await;
        println!("after {} messages: back in {back:?}", load.acknowledged());
    }
    store.probe().await.unwrap();
    let (faults, slowest) = (load.faults(), load.slowest());
    assert!(slowest < WRITE_WAIT_MAX + SLACK, "{slowest:?}");
    let messages = load.prove().await;
    println!("{messages} messages, {faults} faults, the slowest answer took {slowest:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_server_that_is_held_up_is_not_waited_for() {
    let server = Postgres::start();
    let store = open(&server.create_database("chat")).await;
    let load = Load::start(Stores::of(store.clone())).await;
    eventually("much is written", PATIENCE, || load.acknowledged() >= 200).await;
    server.pause();
    eventually("faults are told", PATIENCE, || load.faults() >= 6).await;
    server.resume();
    let back = load.goes_on(PATIENCE).await;
    let slowest = load.slowest();
    println!("held up: back in {back:?}, the slowest answer took {slowest:?}");
    assert!(back < Duration::from_secs(3), "{back:?}");
    assert!(slowest < WRITE_WAIT_MAX + SLACK, "{slowest:?}");
    load.prove().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn eight_nodes_that_start_at_once_make_one_database() {
    let server = Server::start();
    let url = server.database();
    let mut starting = JoinSet::new();
    for _ in 0..8 {
        let config = Config { connections_max: 4, ..Config::new(&url) };
        starting.spawn(async move {
            let recording = Recording::new();
            let store = config.connect(recording.registry()).await.unwrap();
            let backend = [("backend", "postgres")];
            let version = recording.probe().value("chat_storage_schema_version", &backend);
            (Stores::of(Arc::new(store)), version)
        });
    }
    let nodes = starting.join_all().await;
    let row = server.postgres.sql("test_0", "SELECT count(*), max(version) FROM campanile");
    let version = row.strip_prefix("1|").expect("there is one row").parse().unwrap();
    assert!(nodes.iter().all(|(_, known)| *known == Some(version)), "{version}");

    let (owner, lobby) = nodes[0].0.owner_and_room().await;
    let mut talk = JoinSet::new();
    for (node, _) in &nodes {
        let (node, owner, lobby) = (node.clone(), owner.clone(), lobby.clone());
        talk.spawn(async move { node.say_many(&lobby, &owner, 10).await });
    }
    talk.join_all().await;
    let all = nodes[7].0.all(&lobby).await;
    assert!(all.iter().map(|message| message.seq().0).eq(1..=80), "in one order");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_statement_that_takes_too_long_is_given_up() {
    let server = Server::start();
    let url = server.database();
    let statement_timeout = Duration::from_millis(400);
    let config = Config { statement_timeout, ..Config::new(&url) };
    let store = Arc::new(config.connect(Recording::new().registry()).await.unwrap());
    let stores = Stores::of(store.clone());
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say(&lobby, &owner, "before").await;
    let in_time = |started: Instant| {
        let took = started.elapsed();
        assert!((statement_timeout..statement_timeout + SLACK).contains(&took), "{took:?}");
    };

    let other = hold(&url, "SELECT FROM campanile FOR UPDATE").await;
    let started = Instant::now();
    assert_eq!(store.probe().await.unwrap_err().kind, FaultKind::Timeout);
    in_time(started);
    drop(other);
    store.probe().await.unwrap();

    let other = hold(&url, "SELECT FROM rooms FOR UPDATE").await;
    let draft = campanile_core::message::Draft {
        room: lobby.clone(),
        from: owner.clone(),
        body: "too late".into(),
        key: None,
        reply_to: None,
    };
    let started = Instant::now();
    let refused = stores.append(draft, campanile_conformance::START).await;
    in_time(started);
    assert!(
        matches!(&refused, Err(AppendError::Fault(fault)) if fault.kind == FaultKind::Timeout),
        "{refused:?}"
    );
    drop(other);
    stores.say(&lobby, &owner, "after").await;
    let bodies: Vec<_> = stores.all(&lobby).await.iter().map(|said| said.body.clone()).collect();
    assert_eq!(bodies, ["before".into(), "after".into()]);
}

/// An authority, and a certificate of `localhost` that it has signed, with its key.
struct Certificates {
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Certificates {
    fn make(directory: &Path, name: &str) -> Self {
        let mut about = rcgen::CertificateParams::new(Vec::new()).unwrap();
        about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let authority = rcgen::CertifiedIssuer::self_signed(about, key).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let about = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = about.signed_by(&key, &authority).unwrap();
        let write = |what: &str, text: String| {
            let path = directory.join(format!("{name}-{what}.pem"));
            fs::write(&path, text).unwrap();
            path
        };
        Self {
            authority: write("authority", authority.pem()),
            certificate: write("certificate", certificate.pem()),
            key: write("key", key.serialize_pem()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn a_server_with_tls_is_believed_by_its_authority_and_its_name_only() {
    let directory = tempfile::tempdir().unwrap();
    let own = Certificates::make(directory.path(), "own");
    let wrong = Certificates::make(directory.path(), "wrong");
    let server = Postgres::start_secure(Tls { certificate: &own.certificate, key: &own.key });
    let url = server.create_database("chat");
    let full = |url: &str, authority: &Path| {
        format!("{url}?sslmode=verify-full&sslrootcert={}", authority.display())
    };
    let store = open(&full(&url, &own.authority)).await;
    let stores = Stores::of(store.clone());
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say(&lobby, &owner, "in secret").await;
    let plain = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                 WHERE application_name = 'campanile' AND NOT ssl";
    assert_eq!(server.sql("chat", plain), "0");

    let elsewhere = url.replace("localhost", "127.0.0.1");
    let missing = directory.path().join("no-such-file");
    let refused = [
        ("another authority", full(&url, &wrong.authority)),
        ("another name", full(&elsewhere, &own.authority)),
        ("an authority of the system", format!("{url}?sslmode=verify-full")),
        ("no such authority", full(&url, &missing)),
        ("no tls", format!("{url}?sslmode=disable")),
    ];
    for (why, url) in refused {
        let recording = Recording::new();
        let error = Config::new(url).connect(recording.registry()).await.expect_err(why);
        println!("{why}: {error}");
        let told = matches!(error, OpenError::Unreachable { .. } | OpenError::Refused { .. });
        assert!(told, "{why}: {error:?}");
    }
}

/// A file system of its own, in memory, with little room.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(megabytes: usize) -> Self {
        let place = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m,mode=0755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "none"]).arg(place.path());
        let mounted = mount.output().unwrap();
        let said = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "a small disk needs the right to mount one: {said}");
        Self(place)
    }

    fn directory(&self) -> TempDir {
        tempfile::tempdir_in(self.0.path()).unwrap()
    }

    fn filler(&self) -> PathBuf {
        self.0.path().join("filler")
    }

    /// Takes all the room there is, and what may come.
    fn fill(&self) {
        let mut file = fs::File::options().create(true).append(true).open(self.filler()).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        let is_gone = unmounted.is_ok_and(|status| status.success());
        assert!(is_gone || std::thread::panicking(), "it stays mounted");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL, and root: cargo xtask test"]
async fn a_full_disk_fails_appends_and_loses_nothing() {
    let disk = SmallDisk::mount(192);
    // Declared after the disk, so that it is gone before.
    let settings = ["min_wal_size=32MB", "max_wal_size=64MB", "autovacuum=off"];
    let server = Postgres::start_in(disk.directory(), &settings);
    let recording = Recording::new();
    let config =
        Config { write_wait_max: WRITE_WAIT_MAX, ..Config::new(server.create_database("chat")) };
    let store = Arc::new(config.connect(recording.registry()).await.unwrap());
    let load = Load::start(Stores::of(store.clone())).await;
    eventually("much is written", PATIENCE, || load.acknowledged() >= 200).await;
    disk.fill();
    let full = || {
        let labels = [("backend", "postgres"), ("class", "53")];
        recording.probe().value("chat_storage_sqlstate_errors_total", &labels).unwrap()
    };
    eventually("the disk is full", PATIENCE, || load.faults() >= 20 && full() >= 5.0).await;
    let (written, faults) = (load.acknowledged(), load.faults());
    disk.make_room();
    let back = load.goes_on(PATIENCE).await;
    store.probe().await.unwrap();
    let slowest = load.slowest();
    println!("full after {written} messages, {faults} faults; back in {back:?}, {slowest:?}");
    assert!(back < Duration::from_secs(3), "{back:?}");
    assert!(slowest < WRITE_WAIT_MAX + SLACK, "{slowest:?}");
    load.prove().await;
    store.close().await;
}
