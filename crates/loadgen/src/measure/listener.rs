//! A client that hears: a connection, the channel it is in, and its place in every stream there.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use campanile_protocol::Since;
use campanile_pusher::SocketId;
use tokio::time::{Instant, sleep, timeout};

use super::dialect::{self, Dialect, Word};
use super::field::{Channel, Field};
use super::mark::Mark;
use super::place::{Heard, Place};
use super::socket::{Socket, Upgrade, Writer};
use crate::delivery::Fault;
use crate::line::Cut;
use crate::stop::Phase;
use crate::tally::Present;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a client of Pusher says that it is there, as it has to.
const PING_EVERY: Duration = Duration::from_secs(60);

/// A client with a connection.
pub(super) struct Listener {
    socket: Socket,
    pub(super) ear: Ear,
    _present: Present,
}

/// What a client has heard, whatever becomes of its connection.
pub(super) struct Ear {
    field: Arc<Field>,
    client: usize,
    account: usize,
    channel: Option<Channel>,
    /// One for each stream of the channel.
    places: Vec<Place>,
    /// The stream in which it speaks itself, and whether that is told it too.
    pub(super) speaks: Option<u32>,
    told: Told,
}

/// What the server said to this connection.
#[derive(Debug, Default)]
struct Told {
    is_welcome: bool,
    socket_id: Option<SocketId>,
    has_entered: bool,
    /// It was there before, and is not told what it missed.
    is_returning: bool,
    refusal: Option<String>,
    /// From where it goes on when it comes again.
    since: Option<Since>,
    /// What it has to read again: everything behind this.
    owes_after: Option<u64>,
    page: Option<(u64, bool)>,
    wants_pong: bool,
}

impl Ear {
    /// That of a client with an account, which has heard nothing.
    pub(super) fn new(field: &Arc<Field>, (client, account): (usize, usize)) -> Self {
        Self {
            field: field.clone(),
            client,
            account,
            channel: None,
            places: Vec::new(),
            speaks: None,
            told: Told::default(),
        }
    }

    /// Hears everything from the beginning, as if nothing had been heard.
    pub(super) fn start_over(&mut self) {
        self.places.iter_mut().for_each(|place| *place = Place::after(0));
    }

    /// What never came, told the list of faults.
    pub(super) fn close(&self) {
        for (stream, lacking) in self.lacking() {
            let mut faults = self.field.faults.lock().expect("nobody panics while judging");
            let client = self.client;
            faults.add(Fault::Lost, lacking, || {
                format!("{lacking} of stream {stream} did not reach client {client}")
            });
        }
    }

    /// How much of what was sent in each stream has not come yet.
    pub(super) fn lacking(&self) -> impl Iterator<Item = (u32, u64)> {
        let echoes = self.field.dialect.answers_messages();
        let speaks = self.speaks;
        let hears = move |stream| echoes || speaks != Some(stream);
        let streams = self.streams().zip(&self.places).filter(move |(stream, _)| hears(*stream));
        streams.map(|(stream, place)| {
            (stream, self.field.streams.lacking(stream, |last, no| place.lacks(last, no)))
        })
    }

    /// Why the server did not let it in.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.told.refusal.as_deref()
    }

    fn streams(&self) -> std::ops::Range<u32> {
        self.channel.as_ref().map_or(0..0, |channel| channel.streams.clone())
    }

    /// Takes a frame that came at this time of the run.
    fn hear(&mut self, frame: &[u8], now: Duration) {
        let field = self.field.clone();
        if !field.dialect.is_word(frame)
            && let Some(mark) = field.marks.find(frame)
        {
            let heard = self.take(mark);
            if let (Some(since), true) = (&mut self.told.since, field.keeps_places) {
                since.seq = dialect::place_of(frame).unwrap_or(since.seq);
            }
            if heard {
                field.world.tally.delivered.add();
                field.meter.heard(Duration::from_micros(mark.due_micros), now);
                field.gate.passed(&field);
            }
            return;
        }
        match field.dialect.word(frame) {
            Word::Welcome(socket_id) => {
                (self.told.is_welcome, self.told.socket_id) = (true, socket_id);
            }
            Word::Entered { last, is_truncated } => {
                self.told.has_entered = true;
                self.told.owes_after =
                    self.told.since.filter(|_| is_truncated).map(|since| since.seq);
                self.recover(frame);
                self.owe_nothing_so_far();
                self.told.since = last;
            }
            Word::Page { last, has_more } => {
                self.told.page = Some((last, has_more));
                self.recover(frame);
            }
            Word::Taken(due) => {
                self.speaks.inspect(|stream| field.streams.taken(*stream));
                field.world.tally.acknowledged.add();
                field.meter.acknowledged(due, now);
            }
            Word::NotTaken(code) => {
                self.speaks.inspect(|stream| field.streams.refused(*stream));
                field.world.tally.refused(&format!("ws {code}"));
            }
            Word::Refused(reason) => {
                field.world.tally.refused(&format!("ws {reason}"));
                self.told.refusal = Some(reason);
            }
            Word::Resync => field.world.tally.refused("ws resync"),
            Word::Ping => self.told.wants_pong = true,
            Word::Other => {}
        }
    }

    /// Pusher tells nobody what was said while they were away.
    fn owe_nothing_so_far(&mut self) {
        if std::mem::take(&mut self.told.is_returning) {
            for (stream, place) in self.streams().zip(&mut self.places) {
                place.skip_to(self.field.streams.sent(stream));
            }
        }
    }

    /// Everything in a frame that tells what was missed.
    fn recover(&mut self, frame: &[u8]) {
        for mark in self.field.marks.find_all(frame) {
            if self.take(mark) {
                self.field.world.tally.recovered.add();
            }
        }
    }

    /// Notes a message; whether it was new.
    fn take(&mut self, mark: Mark) -> bool {
        let client = self.client;
        let index = mark.stream.checked_sub(self.streams().start).map(|index| index as usize);
        let place = index.and_then(|index| self.places.get_mut(index));
        let Some(place) = place else {
            let mut faults = self.field.faults.lock().expect("nobody panics while judging");
            faults.add(Fault::Contradicted, 1, || {
                format!(
                    "client {client} heard {} of stream {} of another channel",
                    mark.number, mark.stream
                )
            });
            return false;
        };
        if self.told.is_returning {
            place.skip_to(mark.number.saturating_sub(1));
        }
        let heard = place.hear(mark.number);
        if heard != Heard::New {
            let mut faults = self.field.faults.lock().expect("nobody panics while judging");
            heard.note(&mut faults, || {
                format!("{} of stream {} at client {client}", mark.number, mark.stream)
            });
        }
        heard != Heard::Again
    }
}

impl Listener {
    /// Connects and says who it is.
    pub(super) async fn open(mut ear: Ear) -> Result<Self, (Cut, Ear)> {
        let field = ear.field.clone();
        let (path, subprotocol) = field.dialect.upgrade();
        let upgrade = Upgrade { path: &path, subprotocol };
        let socket = match Socket::open(&field.world.target, ear.client, upgrade).await {
            Ok(socket) => socket,
            Err(cut) => return Err((cut, ear)),
        };
        let since = ear.told.since;
        ear.told = Told { since, ..Told::default() };
        let mut listener = Self { socket, ear, _present: field.world.tally.open.enter() };
        match listener.greet().await {
            Ok(()) => Ok(listener),
            Err(cut) => Err((cut, listener.ear)),
        }
    }

    async fn greet(&mut self) -> Result<(), Cut> {
        if let Some(session) = self.ear.field.session(self.ear.account) {
            self.socket.writer().say(&dialect::hello(&session.token))?;
        }
        self.hear_until(|told| told.is_welcome || told.refusal.is_some()).await?;
        if self.ear.told.is_welcome { Ok(()) } else { Err(Cut::Closed(None)) }
    }

    /// Enters a channel; from now on it hears everything that is said there. An error is a refusal;
    /// a cut may be no fault of anybody.
    pub(super) async fn enter(&mut self, channel: &Channel) -> Result<Result<(), Cut>> {
        let Self { socket, ear, .. } = self;
        let socket_id = ear.told.socket_id;
        let text = ear.field.dialect.enter(&channel.name, socket_id, ear.told.since);
        let is_back = ear.channel.is_some();
        if !is_back {
            let place = |stream| Place::after(ear.field.streams.sent(stream));
            ear.places = channel.streams.clone().map(place).collect();
            ear.channel = Some(channel.clone());
        }
        ear.told.is_returning = is_back && matches!(ear.field.dialect, Dialect::Pusher(_));
        let entered = match socket.writer().say(&text) {
            Ok(()) => self.hear_until(|told| told.has_entered || told.refusal.is_some()).await,
            Err(cut) => Err(cut),
        };
        let Self { ear, .. } = self;
        if let Some(refusal) = &ear.told.refusal {
            bail!("client {} may not enter {}: {refusal}", ear.client, channel.name);
        }
        if let Err(cut) = entered {
            return Ok(Err(cut));
        }
        ear.field.meter.entries.add();
        Ok(self.catch_up(&channel.name).await)
    }

    /// Reads what it missed and was not told, page by page.
    async fn catch_up(&mut self, room: &str) -> Result<(), Cut> {
        while let Some(after) = self.ear.told.owes_after.take() {
            let (last, has_more) = self.page(room, after).await?;
            self.ear.told.owes_after = has_more.then_some(last);
        }
        Ok(())
    }

    /// Reads a page of the history behind this message; the last of the page, and whether there is
    /// more.
    pub(super) async fn page(&mut self, room: &str, after: u64) -> Result<(u64, bool), Cut> {
        self.ear.told.page = None;
        self.socket.writer().say(&dialect::history(room, after))?;
        self.hear_until(|told| told.page.is_some()).await?;
        self.ear.told.page.take().ok_or(Cut::Broken)
    }

    /// Whoever speaks on this connection.
    pub(super) fn writer(&self) -> Arc<Writer> {
        self.socket.writer().clone()
    }

    /// Hears whatever comes, until this phase; how it was cut, if it was.
    pub(super) async fn listen(&mut self, until: Phase) -> Option<Cut> {
        let mut stop = self.ear.field.world.stop.clone();
        let mut over = pin!(stop.reached(until));
        let mut silent = pin!(sleep(PING_EVERY));
        loop {
            tokio::select! {
                biased;
                heard = self.hear() => if let Err(cut) = heard {
                    return Some(cut);
                },
                () = &mut over => return None,
                () = &mut silent => {
                    if let Dialect::Pusher(_) = self.ear.field.dialect {
                        // Who is gone is noticed at the next read.
                        let _ = self.socket.writer().say(dialect::PING);
                    }
                    silent.as_mut().reset(Instant::now() + PING_EVERY);
                }
            }
        }
    }

    /// Hears what comes next.
    pub(super) async fn hear(&mut self) -> Result<(), Cut> {
        let Self { socket, ear, .. } = self;
        let mut now = None;
        socket
            .hear(|frame| {
                let now = *now.get_or_insert_with(|| ear.field.now());
                ear.hear(frame, now);
            })
            .await?;
        if std::mem::take(&mut ear.told.wants_pong) {
            socket.writer().say(dialect::PONG)?;
        }
        Ok(())
    }

    async fn hear_until(&mut self, mut holds: impl FnMut(&Told) -> bool) -> Result<(), Cut> {
        let hearing = async {
            while !holds(&self.ear.told) {
                self.hear().await?;
            }
            Ok(())
        };
        timeout(PATIENCE, hearing).await.unwrap_or(Err(Cut::Broken))
    }

    /// Hangs up without a word, as a network does it.
    pub(super) fn hang_up(self) -> Ear {
        self.ear
    }

    /// Says goodbye.
    pub(super) fn close(self) -> Ear {
        self.socket.writer().close();
        self.ear
    }
}
