//! One stream's life after the request: heartbeats, and its end.

use super::frame;
use crate::ws::{Drain, DrainWatch, Meter, Place, Wire};
use actix_web::web::Bytes;
use campanile_core::{connection::Connection, fanout::Class, labels::CloseReason};
use campanile_protocol::{Draining, Event, HEARTBEAT};
use std::{rc::Rc, time::Duration};
use tokio::time::{Instant, sleep_until, timeout};

/// A stream that is open.
pub(super) struct Stream {
    pub(super) number: u64,
    pub(super) connection: Connection,
    pub(super) wire: Rc<Wire>,
    /// When the session expires.
    pub(super) until: Instant,
    pub(super) heartbeats: Heartbeats,
    /// How long the client may take to read the end.
    pub(super) closing: Duration,
    pub(super) drain: DrainWatch,
    pub(super) meter: Meter,
    /// Given back last, when everything about the stream is done.
    pub(super) place: Place,
}

/// When to say that nothing has happened.
pub(super) struct Heartbeats {
    every: Duration,
    next: Instant,
}

/// What happens to a stream.
enum Happening {
    /// Its outbox has ended: somebody closes it.
    Ended,
    /// The client reads no more.
    Gone,
    /// It is time to close it, for this reason.
    Over(CloseReason),
    Heartbeat,
    /// The node is stopping.
    Draining(Drain),
}

impl Heartbeats {
    pub(super) fn every(every: Duration) -> Self {
        Self { every, next: Instant::now() + every }
    }

    fn next(&self) -> Instant {
        self.next
    }

    fn beat(&mut self) {
        self.next = Instant::now() + self.every;
    }
}

impl Stream {
    /// Lives until the stream is over.
    pub(super) async fn run(mut self) {
        let mut turn = None;
        loop {
            match self.next(turn).await {
                Happening::Ended => break,
                Happening::Gone => {
                    self.on_gone();
                    break;
                }
                Happening::Over(reason) => self.connection.outbox().end(reason),
                Happening::Heartbeat => {
                    self.heartbeats.beat();
                    let beat = Bytes::from_static(HEARTBEAT);
                    self.connection.outbox().push(beat, Class::Answer);
                }
                Happening::Draining(drain) => turn = Some(self.on_drain(drain)),
            }
        }
        self.part().await;
    }

    async fn next(&mut self, turn: Option<Instant>) -> Happening {
        let (over, reason) = match turn {
            Some(turn) if turn < self.until => (turn, CloseReason::ServerShutdown),
            _ => (self.until, CloseReason::AuthExpired),
        };
        tokio::select! {
            biased;
            _ = self.connection.outbox().ended() => Happening::Ended,
            () = self.wire.gone() => Happening::Gone,
            () = sleep_until(over) => Happening::Over(reason),
            () = sleep_until(self.heartbeats.next()) => Happening::Heartbeat,
            drain = self.drain.begun() => Happening::Draining(drain),
        }
    }

    /// A client cannot say goodbye: one that had read everything has left, another was lost.
    fn on_gone(&self) {
        let outbox = self.connection.outbox();
        if outbox.bytes() == 0 {
            return outbox.end(CloseReason::ClientClose);
        }
        self.meter.lost();
        outbox.end(CloseReason::NetworkError);
    }

    fn on_drain(&self, drain: Drain) -> Instant {
        let turn = drain.turn(self.number);
        let after = turn.saturating_duration_since(Instant::now());
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let draining = frame(Event::Draining(Draining { after_ms }));
        self.connection.outbox().push(draining, Class::Lasting);
        turn
    }

    async fn part(self) {
        let Self { connection, wire, closing, mut meter, place, .. } = self;
        // A client that does not read what is left does not hold up the end.
        let _late = timeout(closing, wire.gone()).await;
        meter.close(connection.outbox().end_reason().unwrap_or(CloseReason::Other));
        // Leaving the rooms comes before the count: who sees the count go down sees nobody there.
        drop(connection);
        drop(meter);
        drop(place);
    }
}
