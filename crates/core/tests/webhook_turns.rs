//! Webhooks of many applications: none waits for the receiver of another, and nothing that is done
//! takes longer the more there is to do.

mod support;

use async_trait::async_trait;
use campanile_core::{
    channel::{AppId, Channel, ChannelKind},
    chat::{Ports, Webhooks},
    connection::{AppConnection, AppGreeting, Subscription},
    labels::{Transport, WebhookEvent, WebhookFailure},
    limits::Limits,
    port::{
        Backlog, ConnectionId, Fault, Job, JobId, JobQueue, NewJob, Settlement, WebhookError,
        WebhookService,
    },
    time::Timestamp,
    webhook::{Happening, Hook, HookId},
};
use std::{
    cell::Cell,
    collections::HashMap,
    ops::Range,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use support::{Node, on_a_node_with, settle};

/// How long the server waits for a receiver.
const PATIENCE: Duration = Duration::from_secs(5);

/// Receivers of several applications. One whose name begins with `dead` does not answer while it is
/// dead.
#[derive(Default)]
struct Receivers {
    revived: AtomicBool,
    asked: Mutex<HashMap<String, usize>>,
    told: Mutex<HashMap<String, usize>>,
}

#[async_trait]
impl WebhookService for Receivers {
    async fn deliver(&self, hook: &HookId, happenings: &[Happening]) -> Result<(), WebhookError> {
        let app = hook.app.as_str();
        *self.asked.lock().expect("it").entry(app.to_owned()).or_default() += 1;
        if app.starts_with("dead") && !self.revived.load(Ordering::Relaxed) {
            tokio::time::sleep(PATIENCE).await;
            let reason = "nobody answers".to_owned();
            return Err(WebhookError { kind: WebhookFailure::Timeout, reason });
        }
        *self.told.lock().expect("it").entry(app.to_owned()).or_default() += happenings.len();
        Ok(())
    }
}

impl Receivers {
    fn told(&self, app: &str) -> usize {
        self.told.lock().expect("it").get(app).copied().unwrap_or_default()
    }

    fn asked(&self, app: &str) -> usize {
        self.asked.lock().expect("it").get(app).copied().unwrap_or_default()
    }
}

/// Counts how often the jobs are counted.
struct Counting {
    inner: Arc<dyn JobQueue>,
    counted: Arc<AtomicUsize>,
}

#[async_trait]
impl JobQueue for Counting {
    async fn push(&self, jobs: &[NewJob]) -> Result<(), Fault> {
        self.inner.push(jobs).await
    }

    async fn take(
        &self,
        queue: &str,
        now: Timestamp,
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<Job>, Fault> {
        self.inner.take(queue, now, lease, limit).await
    }

    async fn settle(&self, id: JobId, attempt: u32, outcome: Settlement) -> Result<bool, Fault> {
        self.inner.settle(id, attempt, outcome).await
    }

    async fn dead(&self, queue: &str, from: Option<JobId>, max: usize) -> Result<Vec<Job>, Fault> {
        self.inner.dead(queue, from, max).await
    }

    async fn revive(&self, ids: &[JobId], now: Timestamp) -> Result<u64, Fault> {
        self.inner.revive(ids, now).await
    }

    async fn backlog(&self, queue: &str) -> Result<Backlog, Fault> {
        self.counted.fetch_add(1, Ordering::Relaxed);
        self.inner.backlog(queue).await
    }
}

struct Scene {
    node: Rc<Node>,
    receivers: Arc<Receivers>,
    counted: Arc<AtomicUsize>,
    retry_time: Duration,
    connections: Cell<u64>,
}

fn play<F: Future<Output = ()>>(
    apps: &[&str],
    retry_time: Duration,
    test: impl FnOnce(Scene) -> F,
) {
    let (receivers, counted) = (Arc::new(Receivers::default()), Arc::new(AtomicUsize::default()));
    let hook = |app: &&str| Hook {
        id: HookId { app: id(app), url: format!("https://{app}.example/").into() },
        events: vec![WebhookEvent::ChannelOccupied],
        rooms: Vec::new(),
        direct_bodies: false,
        linger: Duration::ZERO,
        retry_time,
        batch_max: 1,
        since: None,
    };
    let hooks = Arc::new(apps.iter().map(hook).collect());
    let (service, counts) = (receivers.clone(), counted.clone());
    let change = |ports: &mut Ports| {
        ports.webhooks = Some(Webhooks { service, hooks });
        ports.jobs = Arc::new(Counting { inner: ports.jobs.clone(), counted: counts });
    };
    on_a_node_with(Limits::default(), change, async |node| {
        let connections = Cell::new(0);
        test(Scene { node, receivers, counted, retry_time, connections }).await;
    });
}

fn id(app: &str) -> AppId {
    AppId::parse(app).expect("an id")
}

impl Scene {
    /// Occupies channels of an application, and makes jobs of it.
    async fn occupy(&self, app: &str, rooms: Range<usize>) -> AppConnection {
        let label = self.node.chat.metrics().native;
        let outbox = self.node.shard.outbox_for(label, Transport::WebSocket);
        self.connections.set(self.connections.get() + 1);
        let greeting = AppGreeting {
            connection: ConnectionId(self.connections.get()),
            app: id(app),
            label,
            protocol: 0,
            connections_max: 200,
            counts: false,
        };
        let connection = self.node.shard.connect_for(greeting, outbox).expect("room for it");
        for number in rooms {
            let subscription = Subscription {
                channel: Channel::new(&id(app), &format!("room-{number}")),
                kind: ChannelKind::Public,
                member: None,
                keeps: false,
            };
            drop(connection.subscribe(&subscription, 10).await.expect("may subscribe"));
        }
        settle().await;
        self.node.chat.queue_last_webhooks().await;
        connection
    }

    /// Tells what is due from now on, as a server does.
    fn run(&self) -> tokio::task::JoinHandle<()> {
        let chat = self.node.chat.clone();
        tokio::task::spawn_local(async move { chat.tell_webhooks().await })
    }

    /// Lets time pass in small steps, as it does.
    async fn pass(&self, time: Duration) {
        let step = Duration::from_millis(250);
        let mut left = time;
        while !left.is_zero() {
            self.node.pass(step.min(left)).await;
            left = left.saturating_sub(step);
        }
    }
}

#[test]
fn a_receiver_that_does_not_answer_holds_up_no_other_application() {
    play(&["dead", "shop"], Duration::from_secs(300), async |scene| {
        let _dead = scene.occupy("dead", 0..1_000).await;
        let _shop = scene.occupy("shop", 0..50).await;
        let running = scene.run();
        scene.pass(Duration::from_secs(3)).await;
        assert_eq!(scene.receivers.told("shop"), 50, "all of them, before the other has failed");
        assert!(scene.receivers.asked("dead") <= 8, "{}", scene.receivers.asked("dead"));
        // It goes on like that.
        for round in 1..=5 {
            scene.pass(Duration::from_secs(7)).await;
            let _more = scene.occupy("shop", 50 * round..50 * round + 1).await;
            scene.pass(Duration::from_secs(3)).await;
            assert!(scene.receivers.told("shop") >= 50 + round, "in round {round}");
        }
        running.abort();
    });
}

#[test]
fn many_receivers_that_do_not_answer_hold_up_nobody_for_long() {
    let apps = ["dead-1", "dead-2", "dead-3", "dead-4", "dead-5", "shop"];
    play(&apps, Duration::from_secs(300), async |scene| {
        let mut connections = Vec::new();
        for app in apps {
            connections.push(scene.occupy(app, 0..100).await);
        }
        let running = scene.run();
        scene.pass(Duration::from_secs(9)).await;
        assert_eq!(scene.receivers.told("shop"), 100);
        running.abort();
    });
}

#[test]
fn a_turn_counts_nothing_however_much_there_is_to_do() {
    play(&["shop"], Duration::from_secs(300), async |scene| {
        let _shop = scene.occupy("shop", 0..640).await;
        let mut turns = 0;
        while scene.node.chat.deliver_webhooks().await.expect("the store works") > 0 {
            turns += 1;
        }
        assert_eq!((turns, scene.receivers.told("shop")), (10, 640));
        assert_eq!(scene.counted.load(Ordering::Relaxed), 1);
        let pending = [("queue", "webhook")];
        let shown = scene.node.probe().value("chat_queue_jobs_pending", &pending);
        assert_eq!(shown, Some(0.0), "what this node does is known without counting");
        scene.node.pass(Duration::from_secs(5)).await;
        scene.node.chat.deliver_webhooks().await.expect("the store works");
        assert_eq!(scene.counted.load(Ordering::Relaxed), 2, "once in a while");
    });
}

#[test]
fn who_is_put_off_for_long_is_told_everything_in_the_end() {
    play(&["dead"], Duration::from_secs(3_600), async |scene| {
        let _dead = scene.occupy("dead", 0..300).await;
        let running = scene.run();
        let start = scene.node.chat.clock().moment();
        scene.pass(scene.retry_time - Duration::from_secs(300)).await;
        assert_eq!(scene.receivers.told("dead"), 0);
        let asked = scene.receivers.asked("dead");
        assert!(asked < 8 * 70, "it was asked {asked} times in an hour, after pauses of a minute");
        scene.receivers.revived.store(true, Ordering::Relaxed);
        while scene.receivers.told("dead") < 300 {
            scene.pass(Duration::from_secs(5)).await;
            let since = scene.node.chat.clock().moment().since(start);
            assert!(since < scene.retry_time, "{} were told", scene.receivers.told("dead"));
        }
        let dead = scene.node.chat.dead_webhooks(None, 10).await.expect("the store works");
        assert_eq!(dead, []);
        running.abort();
    });
}

#[test]
fn what_one_application_causes_takes_no_room_of_another() {
    play(&["loud", "shop"], Duration::from_secs(300), async |scene| {
        let loud = scene.occupy("loud", 0..0).await;
        for number in 0..3_000 {
            let subscription = Subscription {
                channel: Channel::new(&id("loud"), &format!("room-{}", number % 900)),
                kind: ChannelKind::Public,
                member: None,
                keeps: false,
            };
            drop(loud.subscribe(&subscription, 10).await.expect("may subscribe"));
            loud.unsubscribe(&subscription.channel, subscription.kind).await;
        }
        let _shop = scene.occupy("shop", 0..20).await;
        let running = scene.run();
        scene.pass(Duration::from_secs(10)).await;
        running.abort();
        assert_eq!(scene.receivers.told("loud"), 2_000, "its share");
        assert_eq!(scene.receivers.told("shop"), 20);
        let labels = [("event", "channel_occupied"), ("reason", "overflow")];
        let lost = scene.node.probe().value("chat_webhooks_failed_total", &labels);
        assert_eq!(lost, Some(1_000.0));
    });
}
