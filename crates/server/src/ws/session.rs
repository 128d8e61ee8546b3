//! One connection's life above the handshake: its frames, its pings, its end.
//!
//! What the frames mean is the [`Answerer`]'s business. This loop reads them one after another, so
//! answers come in the order of requests, and stops reading while too much waits to be written.

use super::{
    closing::{self, StreamEnd},
    frame,
    lobby::{Drain, DrainWatch, Place},
    meter::Meter,
    timers::{Due, Patience, Timers},
    wire::{Goodbye, Wire},
};
use actix_web::web::Bytes;
use actix_ws::{
    AggregatedMessage, AggregatedMessageStream, CloseReason as PeerClose, ProtocolError,
};
use campanile_core::{
    fanout::{Class, Outbox},
    labels::CloseReason,
    port::Clock,
    time::Moment,
};
use campanile_protocol::CloseCode;
use std::{
    future::{self, Future},
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// Who answers a connection's frames; puts what it says into the connection's outbox.
pub trait Answerer: 'static {
    /// A text message has arrived. What is said afterwards waits until this is done.
    fn text(&mut self, text: &str) -> impl Future<Output = Said>;

    /// A binary message has arrived; whether such are taken here.
    fn binary(&mut self, bytes: Bytes) -> Taken;

    /// A ping has arrived; whether to answer it.
    fn ping(&mut self) -> Taken;

    /// Asks whether the peer is there in the protocol's own way; whether there is one for this
    /// peer. Where there is none it is asked with a ping of the WebSocket.
    fn ask(&mut self) -> Taken {
        Taken::No
    }

    /// The server is about to close the connection, so long from now.
    fn draining(&mut self, after: Duration);

    /// Ends when the peer has to go, for a reason of the protocol's own that it was told; with what
    /// the closing frame says. Never for most.
    fn dismissed(&mut self) -> impl Future<Output = u16> {
        future::pending()
    }

    /// Whether the peer may stay.
    fn standing(&self) -> Standing;
}

/// What a text message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// What the peer had to say.
    Something,
    /// That it is there, as it was asked.
    Here,
}

/// Whether something was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was.
    Yes,
    /// It was not.
    No,
}

/// Whether a peer may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has not said who it is.
    Unknown,
    /// It is known, until its session expires.
    Known {
        /// When that is; `None` for never.
        until: Option<Instant>,
    },
}

/// A connection after the handshake.
pub(super) struct Session<A> {
    pub(super) number: u64,
    pub(super) answerer: A,
    pub(super) outbox: Rc<Outbox>,
    pub(super) wire: Rc<Wire>,
    pub(super) frames: AggregatedMessageStream,
    pub(super) timers: Timers,
    pub(super) patience: Patience,
    /// Bytes in the outbox from which on no more is read.
    pub(super) unread_bytes_max: usize,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) drain: DrainWatch,
    pub(super) pings: Pings,
    pub(super) meter: Meter,
    /// Given back last, when everything about the connection is done.
    pub(super) place: Place,
}

/// The last ping of the server.
#[derive(Default)]
pub(super) struct Pings {
    number: u64,
    sent: Moment,
}

/// What happens to a connection.
enum Happening {
    /// Its outbox has ended: somebody closes it.
    Ended,
    /// A frame arrived, or the stream of them ended.
    Frame(Option<Result<AggregatedMessage, ProtocolError>>),
    /// It is time for something.
    Time,
    /// The peer has to go, and the closing frame says this.
    Dismissed(u16),
    /// The node is stopping.
    Draining(Drain),
}

/// How a connection parts.
enum Parting {
    /// The server closes: the peer is to answer.
    Ask,
    /// The peer has closed, and is answered.
    Answer,
    /// The peer broke the protocol: it is told, and nothing is expected of it.
    Fail(CloseCode),
    /// The network connection is gone.
    Lost,
}

/// How long what a peer goes on sending is thrown away, so that it reads why it was closed before
/// the operating system tells it that nobody listens.
const LINGER: Duration = Duration::from_secs(1);

impl<A: Answerer> Session<A> {
    /// Lives until the connection is over.
    pub(super) async fn run(mut self) {
        let parting = self.converse().await;
        self.part(parting).await;
    }

    async fn converse(&mut self) -> Parting {
        loop {
            match self.next().await {
                Happening::Ended => return Parting::Ask,
                Happening::Frame(frame) => {
                    if let Some(parting) = self.hear(frame).await {
                        return parting;
                    }
                }
                Happening::Time => self.on_time(),
                Happening::Dismissed(code) => return self.dismiss(code),
                Happening::Draining(drain) => self.on_drain(drain),
            }
        }
    }

    async fn next(&mut self) -> Happening {
        let Self { answerer, outbox, wire, frames, timers, drain, unread_bytes_max, .. } = self;
        let frame = async {
            wire.below(*unread_bytes_max, || outbox.bytes()).await;
            frames.recv().await
        };
        tokio::select! {
            biased;
            _ = outbox.ended() => Happening::Ended,
            () = sleep_until(timers.next()) => Happening::Time,
            drain = drain.begun() => Happening::Draining(drain),
            code = answerer.dismissed() => Happening::Dismissed(code),
            frame = frame => Happening::Frame(frame),
        }
    }

    async fn hear(
        &mut self,
        frame: Option<Result<AggregatedMessage, ProtocolError>>,
    ) -> Option<Parting> {
        let message = match frame {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Some(self.on_error(&error)),
            None => return Some(self.on_lost()),
        };
        match message {
            AggregatedMessage::Text(text) => self.on_text(&text).await,
            AggregatedMessage::Binary(bytes) => {
                if self.answerer.binary(bytes) == Taken::No {
                    return Some(self.fail(CloseCode::ProtocolError));
                }
            }
            AggregatedMessage::Ping(payload) => {
                if self.answerer.ping() == Taken::Yes {
                    self.outbox.push(frame::pong(&payload), Class::Answer);
                }
            }
            AggregatedMessage::Pong(payload) => self.on_pong(&payload),
            AggregatedMessage::Close(close) => return Some(self.on_close(close)),
        }
        // The time that handling took is not the peer's silence.
        self.timers.heard(Instant::now());
        None
    }

    async fn on_text(&mut self, text: &str) {
        if self.answerer.text(text).await == Said::Something {
            self.timers.asked(Instant::now());
        }
        if let Standing::Known { until } = self.answerer.standing() {
            self.timers.known(until);
        }
    }

    fn on_pong(&mut self, payload: &[u8]) {
        if payload == self.pings.number.to_be_bytes() && self.timers.ponged() {
            self.meter.pong(self.clock.moment().since(self.pings.sent));
        }
    }

    fn on_close(&mut self, close: Option<PeerClose>) -> Parting {
        self.wire.set_goodbye(match close {
            Some(close) => Goodbye::Code(close.code.into()),
            None => Goodbye::Bare,
        });
        self.outbox.end(CloseReason::ClientClose);
        Parting::Answer
    }

    fn on_error(&mut self, error: &ProtocolError) -> Parting {
        match closing::stream_end(error) {
            StreamEnd::Broken(code) => self.fail(code),
            StreamEnd::Lost => self.on_lost(),
        }
    }

    fn on_lost(&mut self) -> Parting {
        // A connection that was cut for not reading ends so too, and that is no error of its own.
        if self.outbox.end_reason().is_none() {
            self.meter.lost();
        }
        self.outbox.end(CloseReason::NetworkError);
        Parting::Lost
    }

    fn fail(&mut self, code: CloseCode) -> Parting {
        self.meter.broken(code);
        self.wire.set_goodbye(Goodbye::Code(code.number()));
        self.outbox.end(CloseReason::ProtocolError);
        Parting::Fail(code)
    }

    fn dismiss(&mut self, code: u16) -> Parting {
        self.wire.set_goodbye(Goodbye::Code(code));
        self.outbox.end(CloseReason::Policy);
        Parting::Ask
    }

    fn on_time(&mut self) {
        match self.timers.due(Instant::now()) {
            None => {}
            Some(Due::Ping) => {
                self.pings = Pings { number: self.pings.number + 1, sent: self.clock.moment() };
                if self.answerer.ask() == Taken::No {
                    let ping = frame::ping(&self.pings.number.to_be_bytes());
                    self.outbox.push(ping, Class::Answer);
                }
            }
            Some(Due::NotAuthenticated) => {
                self.meter.timed_out();
                self.outbox.end(CloseReason::Policy);
            }
            Some(Due::PingTimeout) => {
                self.meter.timed_out();
                self.outbox.end(CloseReason::PingTimeout);
            }
            Some(Due::Idle) => self.outbox.end(CloseReason::IdleTimeout),
            Some(Due::Expired) => self.outbox.end(CloseReason::AuthExpired),
            Some(Due::Drained) => self.outbox.end(CloseReason::ServerShutdown),
        }
    }

    fn on_drain(&mut self, drain: Drain) {
        let turn = drain.turn(self.number);
        self.answerer.draining(turn.saturating_duration_since(Instant::now()));
        self.timers.drain(turn);
    }

    async fn part(self, parting: Parting) {
        let Self { outbox, wire, mut frames, patience, mut meter, answerer, place, .. } = self;
        let deadline = Instant::now() + patience.closing;
        let written = timeout_at(deadline, wire.said_goodbye());
        match parting {
            Parting::Ask => {
                let answered = timeout_at(deadline, until_closed(&mut frames));
                let _late = tokio::join!(written, answered);
            }
            Parting::Fail(CloseCode::TooLarge) => {
                // Without a reader, the HTTP dispatcher throws away what arrives.
                drop(frames);
                let _late = written.await;
                tokio::select! {
                    () = sleep(LINGER) => {}
                    () = wire.gone() => {}
                }
            }
            Parting::Answer | Parting::Fail(_) => {
                let _late = written.await;
            }
            Parting::Lost => {}
        }
        wire.dismiss();
        meter.close(outbox.end_reason().unwrap_or(CloseReason::Other));
        // Leaving the rooms comes before the count: who sees the count go down sees nobody there.
        drop(answerer);
        drop(meter);
        drop(place);
    }
}

/// Throws away what still arrives, until the peer closes too.
async fn until_closed(frames: &mut AggregatedMessageStream) {
    while let Some(Ok(message)) = frames.recv().await {
        if matches!(message, AggregatedMessage::Close(_)) {
            return;
        }
    }
}
