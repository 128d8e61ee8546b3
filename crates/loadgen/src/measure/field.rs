//! What all clients of a measurement share.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;

use super::dialect::Dialect;
use super::mark::{Mark, Marks};
use super::meter::Meter;
use super::streams::Streams;
use crate::api::Ask;
use crate::delivery::Faults;
use crate::people::Session;
use crate::stop::Phase;
use crate::world::World;

/// Connections of one account; a server takes only so many.
const PER_ACCOUNT: usize = 50;

/// The server, what is sent to it and what is measured of it.
pub(super) struct Field {
    pub(super) world: World,
    pub(super) dialect: Dialect,
    pub(super) meter: Meter,
    pub(super) marks: Marks,
    pub(super) streams: Streams,
    /// What was wrong with the delivery, but for what never came.
    pub(super) faults: Mutex<Faults>,
    /// Opens when a message has reached everybody, for who waits for that.
    pub(super) gate: Gate,
    /// Accounts that are logged in; none where the protocol has none.
    pub(super) sessions: Vec<Session>,
    /// How many listen.
    pub(super) clients: u64,
    /// Bytes of a message.
    pub(super) bytes: usize,
    /// Whether clients remember where they are in a room, to go on from there.
    pub(super) keeps_places: bool,
    /// Whether everything reaches everybody in the end, however often they were cut.
    pub(super) owes_everything: bool,
}

/// Lets so much be on its way as keeps a server busy and is not too much.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// How many hear each message.
    pub(super) audience: u64,
    /// Told when a whole message's deliveries are done.
    pub(super) told: Notify,
}

/// Where something is said.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    /// As it is called on the wire.
    pub(super) name: Arc<str>,
    /// The streams that are heard in it.
    pub(super) streams: std::ops::Range<u32>,
    /// The account that made it, and may speak in it.
    pub(super) owner: usize,
}

impl Gate {
    /// A delivery was made.
    pub(super) fn passed(&self, field: &Field) {
        if self.audience > 0 && field.world.tally.delivered.get().is_multiple_of(self.audience) {
            self.told.notify_one();
        }
    }
}

impl Field {
    /// Now, from the beginning of the run.
    pub(super) fn now(&self) -> Duration {
        self.world.run.elapsed()
    }

    /// The next message of a stream; it waits for an answer where there is one.
    pub(super) fn compose(&self, stream: u32, due: Duration, is_answered: bool) -> String {
        let number = match is_answered {
            true => self.streams.next(stream),
            false => self.streams.next_unanswered(stream),
        };
        let mark = Mark { stream, number, due_micros: due.as_micros() as u64 };
        self.world.tally.sent.add();
        self.meter.did(due, self.now());
        self.marks.message(mark, self.bytes)
    }

    /// What somebody proves with who it is: of as many accounts as there are, in turn.
    pub(super) fn session(&self, account: usize) -> Option<&Session> {
        self.sessions.get(account % self.sessions.len().max(1))
    }

    /// Seconds since 1970, which signatures hold.
    pub(super) fn unix_seconds() -> i64 {
        clock_gettime(ClockId::Realtime).tv_sec
    }

    /// Whether as many messages are on their way as may be, where each is said once the one so many
    /// before it has reached everybody.
    pub(super) fn is_full(&self, window: u64) -> bool {
        let tally = &self.world.tally;
        let arrived = tally.delivered.get() / self.gate.audience.max(1);
        tally.sent.get() >= arrived.saturating_add(window)
    }
}

/// Logs so many accounts in as these connections need.
pub(super) async fn accounts(world: &World, connections: usize) -> Result<Vec<Session>> {
    let mut entering = tokio::task::JoinSet::new();
    for number in 0..connections.div_ceil(PER_ACCOUNT).max(1) {
        let world = world.clone();
        entering.spawn(async move {
            let _turn = world.door.clone().acquire_owned().await?;
            let session = world.user(number).enter(&world).await?;
            anyhow::Ok((number, session.context("stopped while accounts were made")?))
        });
    }
    let mut sessions = Vec::new();
    while let Some(entered) = entering.join_next().await {
        sessions.push(entered??);
    }
    sessions.sort_by_key(|(number, _)| *number);
    Ok(sessions.into_iter().map(|(_, session)| session).collect())
}

/// Makes these rooms, each owned by one of the accounts.
pub(super) async fn rooms(world: &World, sessions: &[Session], names: &[String]) -> Result<()> {
    let mut stop = world.stop.clone();
    for (number, name) in names.iter().enumerate() {
        let body = serde_json::json!({"name": name, "kind": "public"});
        let owner = &sessions[number % sessions.len()];
        let mut backoff = crate::backoff::Backoff::default();
        loop {
            let ask = Ask::post("/api/v1/rooms", &body).by(&owner.token).from(number);
            let wait = match world.api.ask(ask).await {
                Ok(reply) if matches!(reply.status, 201 | 409) => break,
                Ok(reply) if reply.is_away() => backoff.fail(reply.retry_after),
                Ok(reply) => anyhow::bail!("no room {name}: {} {}", reply.status, reply.body),
                Err(_) => backoff.fail(None),
            };
            anyhow::ensure!(stop.sleep(wait, Phase::Settling).await, "stopped while making rooms");
        }
    }
    Ok(())
}
