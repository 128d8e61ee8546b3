//! Killed or told to stop under load, the program loses no message that it acknowledged.

#[allow(dead_code, reason = "the other tests of native connections use the rest")]
#[path = "ws_native/client.rs"]
mod client;
#[allow(dead_code, reason = "the other tests of native connections use the rest")]
#[path = "ws_native/program.rs"]
mod program;

use campanile_protocol::*;
use client::{Client, Heard};
use program::Program;
use serde_json::json;
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::JoinHandle, time::timeout};

const ROUNDS: usize = 20;
const WRITERS: usize = 4;
/// Requests of one writer that wait for their answer.
const IN_FLIGHT: usize = 8;
const ROOM: &str = "ledger";
/// All rounds together.
const WITHIN: Duration = Duration::from_secs(90);
/// How long the acknowledgements of one round may take.
const ROUND_WITHIN: Duration = Duration::from_secs(30);
/// Over how long the closes are spread when the program is told to stop.
const DRAIN: Duration = Duration::from_secs(2);

/// Somebody who writes, remembers what was acknowledged, and repeats what was not.
struct Writer {
    name: String,
    token: String,
    written: usize,
    acknowledged: HashMap<String, u64>,
    /// Keys whose fate is not known: they are sent again first.
    unknown: VecDeque<String>,
    /// With which code the last connection was closed, when it was.
    closed: Option<u16>,
}

/// How many acknowledgements there were in a round.
#[derive(Default)]
struct Progress {
    acknowledged: AtomicUsize,
    news: Notify,
}

#[tokio::test]
async fn no_acknowledged_message_is_lost_when_the_program_is_killed() {
    let started = Instant::now();
    let data = tempfile::tempdir().expect("a directory");
    let mut program = Program::start(data.path()).await;
    let mut writers = sign_up(&program);
    for round in 0..ROUNDS {
        let progress = Arc::new(Progress::default());
        let running = start_writing(&program, writers, &progress);
        // At another point of the load each time.
        progress.reach(20 + round * 13 % 97).await;
        program.kill();
        writers = ended(running).await;
        program = Program::start(data.path()).await;
        check(&program, &writers).await;
    }
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    assert!(acknowledged > ROUNDS * 20, "only {acknowledged} messages were at stake");
    assert!(started.elapsed() < WITHIN, "it took {:?}", started.elapsed());
}

#[tokio::test]
async fn no_acknowledged_message_is_lost_when_the_program_is_told_to_stop() {
    let data = tempfile::tempdir().expect("a directory");
    let drain_seconds = DRAIN.as_secs().to_string();
    let drain = [("CAMPANILE_SERVER__DRAIN_SECONDS", &*drain_seconds)];
    let mut program = Program::start_with(data.path(), &drain).await;
    let writers = sign_up(&program);
    let progress = Arc::new(Progress::default());
    let running = start_writing(&program, writers, &progress);
    progress.reach(200).await;
    let before = progress.acknowledged.load(Ordering::Relaxed);
    let told = Instant::now();
    program.terminate();
    let status = program.ended_within(DRAIN + Duration::from_secs(3)).await;
    let took = told.elapsed();
    assert_eq!(status.code(), Some(0), "after {took:?}");
    let writers = ended(running).await;
    for writer in &writers {
        assert_eq!(writer.closed, Some(1001), "{} hears that it ends", writer.name);
    }
    let acknowledged: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    assert!(acknowledged > before, "it was under load when it was told");
    let program = Program::start(data.path()).await;
    check(&program, &writers).await;
}

/// People who write, in a room of theirs.
fn sign_up(program: &Program) -> Vec<Writer> {
    let writers: Vec<_> = (0..WRITERS).map(|number| Writer::new(program, number)).collect();
    let room = json!({"name": ROOM, "kind": "public"});
    program.post("/api/v1/rooms", &room, &writers[0].token);
    writers
}

fn start_writing(
    program: &Program,
    writers: Vec<Writer>,
    progress: &Arc<Progress>,
) -> Vec<JoinHandle<Writer>> {
    let address = program.address;
    let start = |writer: Writer| tokio::spawn(writer.write(address, progress.clone()));
    writers.into_iter().map(start).collect()
}

async fn ended(running: Vec<JoinHandle<Writer>>) -> Vec<Writer> {
    let mut writers = Vec::new();
    for writer in running {
        writers.push(writer.await.expect("a writer does not panic"));
    }
    writers
}

/// The room holds every acknowledged message, in its place, once, and without a gap.
async fn check(program: &Program, writers: &[Writer]) {
    let mut reader = Client::hello(program.address, &writers[0].token).await;
    let mut kept = HashMap::new();
    let mut last = 0;
    loop {
        let after = Some(last);
        let history = Request::History { room: ROOM.into(), before: None, after, limit: Some(200) };
        let Answer::History(page) = reader.ask(history).await else { panic!("no page") };
        for message in page.messages {
            assert_eq!(message.seq, last + 1, "no gap");
            last = message.seq;
            let key = message.key.expect("every message has its key");
            assert_eq!(message.body, body(&message.from, &key));
            assert!(kept.insert(key, message.seq).is_none(), "no message is kept twice");
        }
        if !page.has_more {
            break;
        }
    }
    for writer in writers {
        for (key, seq) in &writer.acknowledged {
            assert_eq!(kept.get(key), Some(seq), "{key} was acknowledged as {seq}");
        }
    }
}

fn body(writer: &str, key: &str) -> String {
    format!("{writer} wrote {key}")
}

impl Writer {
    fn new(program: &Program, number: usize) -> Self {
        let name = format!("writer{number}");
        let token = program.sign_up(&name);
        let (acknowledged, unknown) = (HashMap::new(), VecDeque::new());
        Self { name, token, written: 0, acknowledged, unknown, closed: None }
    }

    /// Writes until the server is gone.
    async fn write(mut self, address: SocketAddr, progress: Arc<Progress>) -> Self {
        let Some(mut client) = self.enter(address).await else { return self };
        let mut waiting = VecDeque::new();
        'connected: loop {
            while waiting.len() < IN_FLIGHT {
                let key = self.next_key();
                waiting.push_back(key.clone());
                if client.try_send(self.request(&key)).await.is_err() {
                    break 'connected;
                }
            }
            match client.hear().await {
                Heard::Frame(ServerFrame::Ok { answer: Answer::Sent(sent), .. }) => {
                    let key = waiting.pop_front().expect("something was asked");
                    self.acknowledged.insert(key, sent.seq);
                    progress.step();
                }
                Heard::Frame(ServerFrame::Event(_)) => {}
                Heard::Frame(other) => panic!("{other:?}"),
                Heard::Closed(code) => {
                    self.closed = code;
                    break;
                }
                Heard::Gone => break,
            }
        }
        waiting.append(&mut self.unknown);
        self.unknown = waiting;
        self
    }

    /// A connection in the room; `None` when the server is gone already.
    async fn enter(&self, address: SocketAddr) -> Option<Client> {
        let mut client = Client::try_connect(address, &[]).await.ok()?;
        let hello = Request::Hello { token: Some(self.token.clone()) };
        let join = Request::Join { room: ROOM.into(), since: None };
        for request in [hello, join] {
            client.try_send(request).await.ok()?;
            loop {
                match client.hear().await {
                    Heard::Frame(ServerFrame::Ok { .. }) => break,
                    Heard::Frame(ServerFrame::Event(_)) => {}
                    Heard::Frame(other) => panic!("{other:?}"),
                    Heard::Closed(_) | Heard::Gone => return None,
                }
            }
        }
        Some(client)
    }

    fn next_key(&mut self) -> String {
        self.unknown.pop_front().unwrap_or_else(|| {
            self.written += 1;
            format!("{}-{}", self.name, self.written)
        })
    }

    fn request(&self, key: &str) -> Request {
        Request::Send {
            room: ROOM.into(),
            body: body(&self.name, key),
            key: Some(key.into()),
            reply_to: None,
        }
    }
}

impl Progress {
    fn step(&self) {
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
        self.news.notify_one();
    }

    async fn reach(&self, wanted: usize) {
        let reached = async {
            while self.acknowledged.load(Ordering::Relaxed) < wanted {
                self.news.notified().await;
            }
        };
        let in_time = timeout(ROUND_WITHIN, reached).await;
        let acknowledged = self.acknowledged.load(Ordering::Relaxed);
        in_time.unwrap_or_else(|_| panic!("{acknowledged} of {wanted} were acknowledged in time"));
    }
}
