//! How late messages are on another node, and how many two nodes take in a second.
//!
//! Two servers over a PostgreSQL and a Redis of their own, all on this machine.

use crate::{
    child::Recorder,
    heard::Heard,
    line::{self, ACKNOWLEDGEMENT, MESSAGE, Speaker},
    server::{Server, Setup, Shared},
    statistics::{millis, quartiles},
};
use anyhow::{Result, ensure};
use campanile_neighbours::{Postgres, Redis};
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// What is measured, and how long.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Deliveries a second on the other node.
    #[arg(long, default_value_t = 3_000)]
    deliveries: u32,
    /// Listeners in each room, all on the other node.
    #[arg(long, default_value_t = 10)]
    listeners: u32,
    /// Rooms, each with somebody who speaks.
    #[arg(long, default_value_t = 20)]
    rooms: usize,
    /// Connections that send as fast as they are answered, half of them on each node.
    #[arg(long, default_value_t = 32)]
    senders: usize,
    /// Messages of each of them that wait for their answer.
    #[arg(long, default_value_t = 16)]
    window: u64,
    /// Turns of each kind.
    #[arg(long, default_value_t = 10)]
    turns: usize,
    /// Seconds of one turn.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
}

/// Two nodes, and somebody who may do everything.
struct Cluster {
    here: Server,
    there: Server,
    token: String,
    _redis: Redis,
    _postgres: Postgres,
}

pub(crate) async fn measure(arguments: &Arguments) -> Result<()> {
    let cluster = Cluster::start().await?;
    let (middles, tails) = arguments.latenesses(&cluster).await?;
    let rates = arguments.sends(&cluster).await?;
    report(arguments, &[("p50 in ms", middles), ("p99 in ms", tails)], &rates);
    Ok(())
}

impl Cluster {
    async fn start() -> Result<Self> {
        let (postgres, redis) = (Postgres::start(), Redis::start());
        let shared = Shared { store: postgres.create_database("chat"), bus: redis.url() };
        let setup = |name| Setup {
            recorder: Recorder::Real,
            ballast: false,
            shared: Some((&shared, name)),
            under: &[],
        };
        let here = Server::start(setup("here")).await?;
        let there = Server::start(setup("there")).await?;
        let token = here.sign_up()?;
        Ok(Self { here, there, token, _redis: redis, _postgres: postgres })
    }
}

impl Arguments {
    /// How late deliveries on the other node were after the message was due, in each turn: in the
    /// middle, and the last in a hundred.
    async fn latenesses(&self, cluster: &Cluster) -> Result<(Vec<f64>, Vec<f64>)> {
        let heard = Arc::new(Heard::default());
        let (mut speakers, mut listeners) = (Vec::new(), Vec::new());
        for room in (0..self.rooms).map(|number| format!("late-{number}")) {
            cluster.here.make_room(&room, &cluster.token)?;
            for _ in 0..self.listeners {
                let (mut speaker, listener) =
                    line::connect(cluster.there.address, &cluster.token).await?;
                speaker.send(&json!({"op": "join", "id": 0, "room": room})).await?;
                tokio::spawn(listener.listen(MESSAGE, heard.clone()));
                listeners.push(speaker);
            }
            let (speaker, listener) = line::connect(cluster.here.address, &cluster.token).await?;
            tokio::spawn(listener.listen(MESSAGE, Arc::default()));
            speakers.push((speaker, room));
        }
        let (mut middles, mut tails, mut sent) = (Vec::new(), Vec::new(), 0);
        // The first turn warms up and is not counted.
        for turn in 0..=self.turns {
            sent += self.keep_pace(&mut speakers, &heard).await?;
            heard.until(sent * u64::from(self.listeners)).await?;
            let latenesses = heard.take_latenesses();
            if turn > 0 {
                middles.push(millis(&latenesses, 0.5));
                tails.push(millis(&latenesses, 0.99));
            }
        }
        Ok((middles, tails))
    }

    /// Sends at a steady rate for one turn, however late the server is; how many messages.
    async fn keep_pace(&self, speakers: &mut [(Speaker, String)], heard: &Heard) -> Result<u64> {
        let (started, time) = (Instant::now(), Duration::from_secs(self.seconds));
        let mut sent = 0;
        loop {
            let due = Duration::from_secs(1) * sent * self.listeners / self.deliveries;
            if due >= time {
                return Ok(sent.into());
            }
            sleep((started + due).saturating_duration_since(Instant::now())).await;
            let body = heard.due(started + due, self.body_bytes);
            let place = sent as usize % speakers.len();
            let (speaker, room) = &mut speakers[place];
            speaker.send(&json!({"op": "send", "id": sent, "room": room, "body": body})).await?;
            sent += 1;
        }
    }

    /// How many messages were acknowledged in a second, in each turn.
    async fn sends(&self, cluster: &Cluster) -> Result<Vec<f64>> {
        ensure!(self.senders > 0 && self.window > 0, "somebody has to send");
        let mut rates = Vec::new();
        let mut people = Vec::new();
        for number in 0..self.senders {
            let room = format!("busy-{}", number % self.rooms);
            if number < self.rooms {
                cluster.here.make_room(&room, &cluster.token)?;
            }
            let server = if number % 2 == 0 { &cluster.here } else { &cluster.there };
            let (speaker, listener) = line::connect(server.address, &cluster.token).await?;
            let heard = Arc::new(Heard::default());
            tokio::spawn(listener.listen(ACKNOWLEDGEMENT, heard.clone()));
            people.push((speaker, room, heard, 0));
        }
        for turn in 0..=self.turns {
            let started = Instant::now();
            let before: u64 = people.iter().map(|(.., sent)| sent).sum();
            let until = started + Duration::from_secs(self.seconds);
            let sending = people.into_iter().map(|(speaker, room, heard, sent)| {
                tokio::spawn(self.send_until(until, (speaker, room, heard, sent)))
            });
            let mut back = Vec::new();
            for one in sending.collect::<Vec<_>>() {
                back.push(one.await??);
            }
            people = back;
            let after: u64 = people.iter().map(|(.., sent)| sent).sum();
            if turn > 0 {
                rates.push((after - before) as f64 / started.elapsed().as_secs_f64());
            }
        }
        Ok(rates)
    }

    /// Sends until then, with a few messages on their way, and waits for the last answer.
    fn send_until(
        &self,
        until: Instant,
        (mut speaker, room, heard, mut sent): (Speaker, String, Arc<Heard>, u64),
    ) -> impl Future<Output = Result<(Speaker, String, Arc<Heard>, u64)>> + use<> {
        let (window, body) = (self.window, "x".repeat(self.body_bytes));
        async move {
            while Instant::now() < until {
                let request = json!({"op": "send", "id": sent, "room": room, "body": body});
                speaker.send(&request).await?;
                sent += 1;
                heard.until(sent.saturating_sub(window - 1)).await?;
            }
            heard.until(sent).await?;
            Ok((speaker, room, heard, sent))
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is a program that reports")]
fn report(arguments: &Arguments, late: &[(&str, Vec<f64>)], rates: &[f64]) {
    println!(
        "from being due on one node to being heard on the other, {} a second:",
        arguments.deliveries
    );
    for (name, values) in late {
        println!("  {name}: {}", quartiles(values));
    }
    println!(
        "acknowledged sends a second, {} connections: {}",
        arguments.senders,
        quartiles(rates)
    );
}
