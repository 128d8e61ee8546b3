//! How many durable messages go through the port in a second.

use campanile_adapter_sqlite::{Config, SqliteStore};
use campanile_core::{
    message::Draft,
    name::{RoomName, UserName},
    port::{AccountStore, MemberStore, MessageStore, NewAccount, NewRoom, PutMember, RoomStore},
    room::RoomKind,
    time::Timestamp,
    user::PasswordHash,
};
use campanile_metrics::Registry;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

const ROOMS: usize = 20;
const NOW: Timestamp = Timestamp(1_800_000_000_000);
const BODY: &str = "The bells of the campanile ring at noon, and everyone on the square looks up; \
                    the pigeons take off, as every day, and come back before the last stroke.";

fn append(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime starts");
    let mut group = criterion.benchmark_group("append");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(2))
        .measurement_time(Duration::from_secs(8))
        .throughput(Throughput::Elements(1));
    for senders in [1, 16, 256, 1024] {
        for keyed in [false, true] {
            let name = if keyed { "with keys" } else { "without keys" };
            let directory = tempfile::tempdir().expect("a directory is made");
            let path = directory.path().join("bench.db");
            let bench = runtime.block_on(Bench::start(Config::new(path), senders, keyed));
            group.bench_function(BenchmarkId::new(name, senders), |bencher| {
                bencher.to_async(Runtime(&runtime)).iter_custom(|count| bench.clone().run(count));
            });
            runtime.block_on(bench.store.close());
        }
    }
    group.finish();
}

/// Senders that wait for each answer before they say more.
#[derive(Clone)]
struct Bench {
    store: Arc<SqliteStore>,
    senders: usize,
    keyed: bool,
    said: Arc<AtomicU64>,
}

impl Bench {
    async fn start(config: Config, senders: usize, keyed: bool) -> Self {
        let store = config.open(Registry::global()).await;
        let store = Arc::new(store.expect("the store opens"));
        let mut accounts = tokio::task::JoinSet::new();
        for index in 0..senders {
            let store = store.clone();
            accounts.spawn(async move { make_account(&store, index).await });
        }
        accounts.join_all().await;
        for index in 0..ROOMS {
            let new = NewRoom {
                name: room(index),
                kind: RoomKind::Public,
                members: vec![sender(0)],
                created_at: NOW,
            };
            let created = RoomStore::create(&*store, new).await;
            created.expect("the name is free");
        }
        let mut members = tokio::task::JoinSet::new();
        for index in 1..senders {
            let store = store.clone();
            members.spawn(async move { join(&store, index).await });
        }
        members.join_all().await;
        Self { store, senders, keyed, said: Arc::default() }
    }

    /// Says so many things in all, and gives the time it took.
    async fn run(self, count: u64) -> Duration {
        let left = Arc::new(AtomicU64::new(count));
        let started = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..self.senders {
            let (bench, left) = (self.clone(), left.clone());
            tasks.spawn(async move {
                let take = |left: u64| left.checked_sub(1);
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                    bench.say(index).await;
                }
            });
        }
        tasks.join_all().await;
        started.elapsed()
    }

    async fn say(&self, index: usize) {
        let number = self.said.fetch_add(1, Ordering::Relaxed);
        let draft = Draft {
            room: room(index % ROOMS),
            from: sender(index),
            body: BODY.into(),
            key: self.keyed.then(|| format!("key-{number}").into()),
            reply_to: None,
        };
        let appended = self.store.append(draft, NOW).await;
        appended.expect("a member may speak");
    }
}

async fn make_account(store: &SqliteStore, index: usize) {
    let account = NewAccount {
        name: sender(index),
        password: PasswordHash("none".into()),
        operator: false,
        created_at: NOW,
        invite: None,
    };
    let created = AccountStore::create(store, account).await;
    created.expect("the name is free");
}

async fn join(store: &SqliteStore, index: usize) {
    let put = PutMember { role: None, at: NOW, members_max: 10_000 };
    let put = store.put(&room(index % ROOMS), &sender(index), put).await;
    put.expect("anyone may join");
}

fn sender(index: usize) -> UserName {
    UserName::parse(&format!("sender-{index}")).expect("it is a name")
}

fn room(index: usize) -> RoomName {
    RoomName::parse(&format!("room-{index}")).expect("it is a name")
}

/// Runs the benchmark's futures on the runtime that the store lives on.
struct Runtime<'a>(&'a tokio::runtime::Runtime);

impl criterion::async_executor::AsyncExecutor for Runtime<'_> {
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}

criterion_group!(benches, append);
criterion_main!(benches);
