//! One connection of a user: says what is due, hears what comes, and matches answers to requests.

use std::collections::HashMap;
use std::time::Duration;

use campanile_protocol::{Answer, ErrorCode, Event, Refusal, Request, ServerFrame};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::asked::{Asked, What};
use super::talker::{Place, Saying, Talker};
use crate::line::{Cut, Line};
use crate::stop::Phase;

/// How long an answer is waited for before the connection is given up.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long nothing at all is heard, pings among it, before the connection is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// Requests that wait for an answer; what is due beyond is passed over.
const WAITING_MAX: usize = 64;

/// Messages kept to be sent again.
const UNSURE_MAX: usize = 64;

/// How often a message is sent before it is given up.
const TRIES_MAX: u32 = 20;

/// Overdue messages that are still sent.
const OVERDUE_MAX: u64 = 3;

/// How a connection ended.
pub(super) enum End {
    /// The run is over.
    Over,
    /// The user wanted another one.
    Wanted,
    /// The server did not know the session.
    Stranger,
    /// Somebody else ended it; whether it had been of use.
    Cut(bool),
}

/// A connection in use.
pub(super) struct Connection<'a> {
    pub(super) talker: &'a mut Talker,
    line: Line,
    asked: HashMap<u64, Asked>,
    until: Option<Instant>,
    heard: Instant,
    /// Rooms still to be entered; nothing is said before all are.
    entering: usize,
    welcome: bool,
    stranger: bool,
}

impl<'a> Connection<'a> {
    pub(super) fn new(talker: &'a mut Talker, line: Line, until: Option<Instant>) -> Self {
        let (asked, heard) = (HashMap::new(), Instant::now());
        Self { talker, line, asked, until, heard, entering: 0, welcome: false, stranger: false }
    }

    pub(super) async fn run(mut self) -> End {
        let ended = self.converse().await;
        self.keep_unsure();
        let ready = self.is_ready();
        match ended {
            Ok(End::Over) => {
                self.line.close().await;
                End::Over
            }
            Ok(End::Wanted) => {
                // Some say goodbye; some are just gone.
                if rand::random_bool(0.7) {
                    self.line.close().await;
                }
                End::Wanted
            }
            Ok(end) => end,
            Err(cut) => {
                if let Cut::Closed(code) = cut {
                    self.talker.world.tally.closed(code);
                    self.line.part().await;
                }
                if self.stranger { End::Stranger } else { End::Cut(ready) }
            }
        }
    }

    async fn converse(&mut self) -> Result<End, Cut> {
        self.greet().await?;
        let mut stop = self.talker.world.stop.clone();
        let mut tick = interval(Duration::from_secs(1));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let speaks = self.is_ready() && stop.is_running();
            tokio::select! {
                biased;
                () = stop.reached(Phase::Over) => return Ok(End::Over),
                frame = self.line.hear() => self.hear(frame?).await?,
                () = sleep_until(self.talker.pace.due()), if speaks => self.speak().await?,
                _ = tick.tick() => {
                    if self.is_late() {
                        return Err(Cut::Broken);
                    }
                    self.say_again().await?;
                    let is_time = self.until.is_some_and(|until| until <= Instant::now());
                    if is_time && stop.is_running() {
                        return Ok(End::Wanted);
                    }
                }
            }
            if self.stranger {
                return Ok(End::Stranger);
            }
        }
    }

    /// Sends a request whose answer is expected.
    pub(super) async fn ask(&mut self, request: Request, what: What) -> Result<(), Cut> {
        let at = Instant::now();
        match self.line.say(request).await {
            Ok(id) => {
                self.asked.insert(id, Asked { at, what });
                Ok(())
            }
            Err(cut) => {
                // It may have left all the same.
                if let What::Say(saying) = what {
                    self.talker.unsure.push_back(saying);
                }
                Err(cut)
            }
        }
    }

    /// Enters a room, from where one was.
    pub(super) async fn join(&mut self, place: usize) -> Result<(), Cut> {
        let since = self.talker.world.ledger.since(self.talker.places[place].reader);
        let room = self.talker.places[place].room.clone();
        self.entering += 1;
        self.ask(Request::Join { room, since }, What::Join(place, since)).await
    }

    /// Says a message, or says it again.
    pub(super) async fn say(&mut self, mut saying: Saying) -> Result<(), Cut> {
        if saying.tries > 0 {
            self.talker.world.tally.repeated.add();
        }
        saying.tries += 1;
        let request = Request::Send {
            room: self.talker.places[saying.place].room.clone(),
            body: saying.body.clone(),
            key: Some(saying.key.clone()),
            reply_to: saying.reply_to,
        };
        self.ask(request, What::Say(saying)).await
    }

    async fn greet(&mut self) -> Result<(), Cut> {
        let token = Some(self.talker.session.token.clone());
        self.ask(Request::Hello { token }, What::Hello).await?;
        for place in 0..self.talker.places.len() {
            if self.talker.places[place].present {
                self.join(place).await?;
            }
        }
        Ok(())
    }

    async fn speak(&mut self) -> Result<(), Cut> {
        let skipped = self.talker.pace.catch_up(OVERDUE_MAX, Instant::now());
        let due = self.talker.pace.step();
        if skipped > 0 || self.asked.len() >= WAITING_MAX {
            self.talker.world.tally.skipped.add_many(skipped.max(1));
            return Ok(());
        }
        self.do_something(due).await
    }

    async fn say_again(&mut self) -> Result<(), Cut> {
        while self.is_ready() && self.asked.len() < WAITING_MAX {
            let Some(saying) = self.talker.unsure.pop_front() else { break };
            if saying.tries < TRIES_MAX {
                self.say(saying).await?;
            }
        }
        Ok(())
    }

    async fn hear(&mut self, frame: ServerFrame) -> Result<(), Cut> {
        self.heard = Instant::now();
        match frame {
            ServerFrame::Ok { id, answer } => match self.take(id.as_u64()) {
                Some(asked) => self.answered(asked.what, answer).await,
                None => Ok(()),
            },
            ServerFrame::Error { id, refusal } => {
                let asked = id.and_then(|id| self.take(id.as_u64()));
                self.refused(asked, &refusal)
            }
            ServerFrame::Event(event) => self.happened(event).await,
        }
    }

    fn take(&mut self, id: Option<u64>) -> Option<Asked> {
        self.asked.remove(&id?)
    }

    async fn answered(&mut self, what: What, answer: Answer) -> Result<(), Cut> {
        let world = self.talker.world.clone();
        match (what, answer) {
            (What::Hello, _) => self.welcome = true,
            (What::Join(place, since), Answer::Joined(joined)) => {
                self.entering -= 1;
                let reader = self.talker.places[place].reader;
                world.tally.recovered.add_many(world.ledger.joined(reader, &joined));
                if since.is_some() {
                    world.tally.resumes.add();
                }
                self.read_owed(place).await?;
            }
            (What::Read(place), Answer::History(page)) => {
                let reader = self.talker.places[place].reader;
                world.tally.recovered.add_many(world.ledger.read(reader, &page));
                self.read_owed(place).await?;
            }
            (What::Say(saying), Answer::Sent(sent)) => {
                let place = &mut self.talker.places[saying.place];
                world.ledger.acknowledged(&place.room, &saying.key, &sent);
                // A message that is said twice on purpose is one message.
                if !place.mine.contains(&sent.seq) {
                    world.tally.acknowledged.add();
                    world.tally.acknowledged_after(saying.due.elapsed());
                    place.mine.push_back(sent.seq);
                    if place.mine.len() > 16 {
                        place.mine.pop_front();
                    }
                }
            }
            (What::Leave | What::Deed, _) => world.tally.requests.add(),
            _ => world.tally.surprise(|| "an answer to another request".to_owned()),
        }
        Ok(())
    }

    fn refused(&mut self, asked: Option<Asked>, refusal: &Refusal) -> Result<(), Cut> {
        let world = &self.talker.world;
        let code = serde_json::to_value(refusal.code).unwrap_or_default();
        world.tally.refused(&format!("ws {}", code.as_str().unwrap_or("-")));
        let passing = matches!(refusal.code, ErrorCode::Unavailable | ErrorCode::Internal);
        match asked.map(|asked| asked.what) {
            Some(What::Hello) if refusal.code == ErrorCode::Unauthenticated => self.stranger = true,
            // Joins that were asked for behind it.
            Some(What::Join(..)) if self.stranger => {}
            // It is tried again on another connection.
            Some(What::Hello | What::Join(..) | What::Read(_)) => return Err(Cut::Broken),
            Some(What::Say(saying)) if passing => self.talker.unsure.push_back(saying),
            Some(What::Say(_) | What::Leave | What::Deed) | None => {}
        }
        Ok(())
    }

    async fn happened(&mut self, event: Event) -> Result<(), Cut> {
        let world = self.talker.world.clone();
        let place_of = |room: &str| self.talker.places.iter().position(|place| place.room == room);
        match event {
            Event::Message(message) => {
                let Some(place) = place_of(&message.room) else { return Ok(()) };
                if world.ledger.heard(self.talker.places[place].reader, &message) {
                    world.tally.delivered.add();
                    if let Some(late) = world.run.lateness(&message.body) {
                        world.tally.delivered_after(late);
                    }
                }
            }
            Event::Resync(resync) => {
                if let Some(place) = place_of(&resync.room) {
                    world.ledger.resync(self.talker.places[place].reader);
                    self.join(place).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn read_owed(&mut self, place: usize) -> Result<(), Cut> {
        let world = &self.talker.world;
        let Place { reader, room, .. } = &self.talker.places[place];
        let Some(after) = world.ledger.owed_after(*reader) else { return Ok(()) };
        let room = room.clone();
        let history = Request::History { room, before: None, after: Some(after), limit: Some(200) };
        self.ask(history, What::Read(place)).await
    }

    /// What waited for an answer may have been done or not.
    fn keep_unsure(&mut self) {
        for (_, asked) in self.asked.drain() {
            if let What::Say(saying) = asked.what {
                self.talker.unsure.push_back(saying);
            }
        }
        while self.talker.unsure.len() > UNSURE_MAX {
            self.talker.unsure.pop_front();
            self.talker.world.tally.skipped.add();
        }
    }

    fn is_ready(&self) -> bool {
        self.welcome && self.entering == 0
    }

    fn is_late(&self) -> bool {
        let oldest = self.asked.values().map(|asked| asked.at).min();
        oldest.is_some_and(|oldest| oldest.elapsed() > PATIENCE) || self.heard.elapsed() > SILENCE
    }
}
