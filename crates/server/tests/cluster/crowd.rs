//! People who write and listen at every node while things go wrong, and remember everything.

use crate::{
    line::{Cut, Line},
    nodes::Cluster,
};
use campanile_protocol::*;
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};

pub(crate) const ROOM: &str = "square";

/// Between two attempts of somebody who was cut off or refused.
const PAUSE: Duration = Duration::from_millis(50);

/// How long a listener waits at the end for what it has not heard.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// People at work.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    writers: Vec<JoinHandle<Written>>,
    listeners: Vec<JoinHandle<Listened>>,
}

/// What they share.
struct Shared {
    addresses: Vec<SocketAddr>,
    token: String,
    pace: Duration,
    is_over: AtomicBool,
    /// The last number that anybody was acknowledged, once writing is over.
    last: Mutex<Option<u64>>,
    acknowledged: AtomicU64,
    refused: AtomicU64,
    /// When each message was acknowledged.
    known: Mutex<HashMap<String, Instant>>,
    begun: Instant,
}

/// What a writer was told.
#[derive(Default)]
pub(crate) struct Written {
    /// The number of each message, by key.
    pub(crate) numbers: HashMap<String, u64>,
    /// What refusals said, each kind once.
    pub(crate) refusals: Vec<(ErrorCode, bool)>,
}

/// What a listener heard, in the order in which it was heard.
#[derive(Default)]
pub(crate) struct Listened {
    pub(crate) node: usize,
    /// The first number that was to be heard.
    pub(crate) from: u64,
    pub(crate) heard: Vec<(u64, Option<String>)>,
    /// The longest time from a message's acknowledgement until it was heard, over a connection
    /// that was not cut.
    pub(crate) delay: Duration,
    /// How often it had to connect again.
    pub(crate) cuts: usize,
}

impl Crowd {
    /// Sends so many writers and listeners to each node; each writer says something every `pace`.
    pub(crate) async fn gather(cluster: &Cluster, each: usize, pace: Duration) -> Self {
        let everywhere: Vec<_> = (0..cluster.nodes.len()).collect();
        Self::gather_at(cluster, &everywhere, each, pace).await
    }

    /// The same with writers at these nodes only.
    pub(crate) async fn gather_at(
        cluster: &Cluster,
        writers: &[usize],
        each: usize,
        pace: Duration,
    ) -> Self {
        let token = cluster.user("ada");
        cluster.room(ROOM, &token);
        let shared = Arc::new(Shared {
            addresses: cluster.addresses(),
            token,
            pace,
            is_over: AtomicBool::new(false),
            last: Mutex::new(None),
            acknowledged: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            known: Mutex::default(),
            begun: Instant::now(),
        });
        let places =
            || (0..shared.addresses.len()).flat_map(|node| (0..each).map(move |one| (node, one)));
        let mut listeners = Vec::new();
        for (node, _) in places() {
            let line = Listener::join(shared.clone(), node).await;
            listeners.push(tokio::spawn(line.listen()));
        }
        let writers = places().filter(|(node, _)| writers.contains(node)).map(|(node, one)| {
            let name = format!("{node}-{one}");
            tokio::spawn(write(shared.clone(), node, name))
        });
        Self { writers: writers.collect(), shared, listeners }
    }

    pub(crate) fn token(&self) -> &str {
        &self.shared.token
    }

    /// Waits until so many more messages are acknowledged; how long that took.
    pub(crate) async fn acknowledges(&self, more: u64, within: Duration) -> Duration {
        let started = Instant::now();
        let wanted = self.shared.acknowledged.load(Ordering::SeqCst) + more;
        while self.shared.acknowledged.load(Ordering::SeqCst) < wanted {
            assert!(started.elapsed() < within, "{more} more messages: not within {within:?}");
            sleep(Duration::from_millis(5)).await;
        }
        started.elapsed()
    }

    /// Waits until so many more messages are refused.
    pub(crate) async fn is_refused(&self, more: u64, within: Duration) {
        let started = Instant::now();
        let wanted = self.shared.refused.load(Ordering::SeqCst) + more;
        while self.shared.refused.load(Ordering::SeqCst) < wanted {
            assert!(started.elapsed() < within, "{more} more refusals: not within {within:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Lets them finish, and hears what they have to tell.
    pub(crate) async fn disperse(self) -> (Vec<Written>, Vec<Listened>) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let mut written = Vec::new();
        for writer in self.writers {
            written.push(writer.await.expect("a writer does not panic"));
        }
        let last = written.iter().flat_map(|one| one.numbers.values()).max();
        *lock(&self.shared.last) = Some(last.copied().unwrap_or_default());
        let mut listened = Vec::new();
        for listener in self.listeners {
            listened.push(listener.await.expect("a listener does not panic"));
        }
        (written, listened)
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    /// A connection to a node, or to the next ones if that is not there.
    async fn connect(&self, node: &mut usize) -> Line {
        loop {
            match Line::open(self.addresses[*node], &self.token).await {
                Ok(line) => return line,
                Err(Cut) => *node = (*node + 1) % self.addresses.len(),
            }
            assert!(self.begun.elapsed() < Duration::from_secs(300), "no node takes connections");
            sleep(PAUSE).await;
        }
    }
}

/// Says something again and again; what was not acknowledged is said again with the same key.
async fn write(shared: Arc<Shared>, mut node: usize, name: String) -> Written {
    let mut written = Written::default();
    let mut line = shared.connect(&mut node).await;
    let mut said = 0;
    while !shared.is_over() {
        let key = format!("{name}-{said}");
        said += 1;
        let seq = loop {
            let request = Request::Send {
                room: ROOM.into(),
                body: key.clone(),
                key: Some(key.clone()),
                reply_to: None,
            };
            match line.ask(request).await {
                Ok(Ok(Answer::Sent(sent))) => break sent.seq,
                Ok(Ok(other)) => panic!("{other:?}"),
                Ok(Err(refusal)) => {
                    shared.refused.fetch_add(1, Ordering::SeqCst);
                    let told = (refusal.code, refusal.retry_after_ms.is_some());
                    if !written.refusals.contains(&told) {
                        written.refusals.push(told);
                    }
                    sleep(PAUSE).await;
                }
                Err(Cut) => line = shared.connect(&mut node).await,
            }
        };
        shared.acknowledged.fetch_add(1, Ordering::SeqCst);
        lock(&shared.known).insert(key.clone(), Instant::now());
        written.numbers.insert(key, seq);
        sleep(shared.pace).await;
    }
    written
}

/// Somebody who listens, and goes on elsewhere when cut off.
struct Listener {
    shared: Arc<Shared>,
    node: usize,
    line: Line,
    /// Up to where it has heard.
    place: Since,
    listened: Listened,
}

impl Listener {
    async fn join(shared: Arc<Shared>, mut node: usize) -> Self {
        let listened = Listened { node, ..Listened::default() };
        let mut line = shared.connect(&mut node).await;
        let joined = line.join(ROOM, None).await.expect("the node is there");
        let (place, _) = joined.expect("the store is there");
        let listened = Listened { from: place.seq + 1, ..listened };
        Self { shared, node, line, place, listened }
    }

    async fn listen(mut self) -> Listened {
        let mut waits_since = None;
        loop {
            let last = *lock(&self.shared.last);
            if let Some(last) = last {
                let since = waits_since.get_or_insert_with(Instant::now);
                if self.place.seq >= last || since.elapsed() > LAST_WORDS {
                    return self.listened;
                }
            }
            match timeout(PAUSE, self.line.event()).await {
                Err(_nothing_yet) => {}
                Ok(Ok(Event::Message(message))) if message.room == ROOM => {
                    self.time(&message);
                    self.note(message);
                }
                Ok(Ok(Event::Resync(_))) => self.catch_up().await,
                Ok(Ok(_)) => {}
                Ok(Err(Cut)) => {
                    self.listened.cuts += 1;
                    self.line = self.shared.connect(&mut self.node).await;
                    self.catch_up().await;
                }
            }
        }
    }

    /// Joins again, and reads what was missed.
    async fn catch_up(&mut self) {
        loop {
            match self.line.join(ROOM, Some(self.place)).await {
                Ok(Some((place, missed))) => {
                    missed.into_iter().for_each(|message| self.note(message));
                    assert_eq!(place.epoch, self.place.epoch, "the room is the same");
                    return;
                }
                Ok(None) => {}
                Err(Cut) => self.line = self.shared.connect(&mut self.node).await,
            }
            sleep(PAUSE).await;
        }
    }

    fn time(&mut self, message: &Message) {
        let known = message.key.as_ref().and_then(|key| lock(&self.shared.known).get(key).copied());
        let delay = known.map_or(Duration::ZERO, |known| known.elapsed());
        self.listened.delay = self.listened.delay.max(delay);
    }

    fn note(&mut self, message: Message) {
        self.place.seq = self.place.seq.max(message.seq);
        self.listened.heard.push((message.seq, message.key));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nobody panics")
}
