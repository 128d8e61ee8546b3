//! The clients of a measurement, each a task, and the turns in which they do things.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::field::{Channel, Field};
use super::listener::{Ear, Listener};
use super::socket::Writer;
use super::speaker;
use super::ticker::Ticker;
use crate::backoff::Backoff;
use crate::line::Cut;
use crate::stop::Phase;

/// The clients.
pub(super) struct Crew {
    field: Arc<Field>,
    tasks: JoinSet<Result<Ear>>,
    /// Ears of clients that ended.
    ears: Vec<Ear>,
    shared: Arc<Shared>,
    /// How often everybody was cut.
    cuts: watch::Sender<u64>,
    clients: usize,
}

#[derive(Default)]
struct Shared {
    /// Who may enter, or come back, takes one.
    turns: Turns,
    /// The speaking halves of who is connected, by client.
    writers: Mutex<BTreeMap<usize, Arc<Writer>>>,
}

/// A semaphore without permits, for turns that are given out one by one.
struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::const_new(0))
    }
}

/// What a client is for.
#[derive(Clone, Debug)]
pub(super) struct Role {
    /// Where it listens, if anywhere.
    pub(super) channel: Option<Channel>,
    /// Which stream it speaks in, if any.
    pub(super) speaks: Option<u32>,
    /// Whose account it uses, where that matters.
    pub(super) account: Option<usize>,
}

/// How often it is looked whether something has happened.
const LOOK: Duration = Duration::from_millis(5);

impl Crew {
    pub(super) fn new(field: &Arc<Field>) -> Self {
        Self {
            field: field.clone(),
            tasks: JoinSet::new(),
            ears: Vec::new(),
            shared: Arc::default(),
            cuts: watch::Sender::new(0),
            clients: 0,
        }
    }

    /// Connects clients with these roles, so many a second; their numbers. They do not enter yet.
    pub(super) async fn connect(
        &mut self,
        roles: Vec<Role>,
        rate: f64,
    ) -> Result<std::ops::Range<usize>> {
        let numbers = self.clients..self.clients + roles.len();
        let wanted = self.field.world.tally.connections.get() + roles.len() as u64;
        let mut ticker = Ticker::new()?;
        let began = Instant::now();
        for (index, role) in roles.into_iter().enumerate() {
            let due = began + Duration::from_secs_f64(index as f64 / rate);
            speaker::wait(&self.field, &mut ticker, due).await?;
            let member = Member {
                field: self.field.clone(),
                shared: self.shared.clone(),
                cuts: self.cuts.subscribe(),
                client: self.clients,
                role,
            };
            self.clients += 1;
            self.tasks.spawn(member.live(due));
        }
        self.until("connecting", |field| field.world.tally.connections.get() >= wanted).await?;
        Ok(numbers)
    }

    /// Lets everybody who waits for a turn have it, so many a second, until so many channels were
    /// entered.
    pub(super) async fn give_turns(&mut self, count: usize, rate: f64) -> Result<()> {
        let wanted = self.field.meter.entries.get() + count as u64;
        let mut ticker = Ticker::new()?;
        let began = Instant::now();
        for index in 0..count {
            let due = began + Duration::from_secs_f64(index as f64 / rate);
            speaker::wait(&self.field, &mut ticker, due).await?;
            self.shared.turns.0.add_permits(1);
        }
        self.until("subscribing", |field| field.meter.entries.get() >= wanted).await
    }

    /// Cuts everybody at once, without a word.
    pub(super) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Waits until something holds. A client that fails ends the run, and so does its end.
    pub(super) async fn until(
        &mut self,
        what: &str,
        mut holds: impl FnMut(&Field) -> bool,
    ) -> Result<()> {
        while !holds(&self.field) {
            self.look()?;
            ensure!(self.field.world.stop.is_running(), "stopped while {what}");
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Whether a client has failed.
    pub(super) fn look(&mut self) -> Result<()> {
        while let Some(ended) = self.tasks.try_join_next() {
            self.ears.push(ended.context("a client broke")??);
        }
        Ok(())
    }

    /// What a client speaks on.
    pub(super) fn writer(&self, client: usize) -> Option<Arc<Writer>> {
        self.shared.writers.lock().expect("nobody panics with it").get(&client).cloned()
    }

    /// Ends all clients, once the run is over, and says what never came.
    pub(super) async fn close(mut self) -> Result<()> {
        while let Some(ended) = self.tasks.join_next().await {
            self.ears.push(ended.context("a client broke")??);
        }
        self.ears.iter().for_each(Ear::close);
        Ok(())
    }
}

/// One client.
struct Member {
    field: Arc<Field>,
    shared: Arc<Shared>,
    cuts: watch::Receiver<u64>,
    client: usize,
    role: Role,
}

impl Member {
    /// Comes, enters when it is its turn, listens to the end, and comes back when it was cut.
    async fn live(mut self, mut due: Instant) -> Result<Ear> {
        let account = self.role.account.unwrap_or(self.client);
        let mut ear = Ear::new(&self.field, (self.client, account));
        ear.speaks = self.role.speaks;
        let mut is_back = false;
        loop {
            let mut listener = match self.come(ear, due, is_back).await? {
                Ok(listener) => listener,
                Err(ear) => return Ok(ear),
            };
            match self.enter(&mut listener, is_back).await? {
                Entering::Done => {}
                Entering::Over => return Ok(listener.close()),
                Entering::Cut { had_turn } => {
                    ear = self.hang_up(listener);
                    let mut stop = self.field.world.stop.clone();
                    if !stop.sleep(Backoff::default().fail(None), Phase::Settling).await {
                        return Ok(ear);
                    }
                    (due, is_back) = (Instant::now(), had_turn);
                    continue;
                }
            }
            match self.listen(&mut listener).await {
                End::Over => return Ok(listener.close()),
                End::Cut(cut) => {
                    self.note(&cut);
                    self.field.world.tally.cuts.add();
                    return Ok(self.hang_up(listener));
                }
                End::Dismissed => {
                    ear = self.hang_up(listener);
                    let Some(turn) = self.turn().await else { return Ok(ear) };
                    (due, is_back) = (turn, true);
                }
            }
        }
    }

    /// Ends a connection, whoever speaks on it.
    fn hang_up(&self, listener: Listener) -> Ear {
        self.shared.writers.lock().expect("nobody panics with it").remove(&self.client);
        listener.hang_up()
    }

    /// Connects, again and again if it has to.
    async fn come(
        &mut self,
        mut ear: Ear,
        due: Instant,
        is_back: bool,
    ) -> Result<Result<Listener, Ear>> {
        let mut stop = self.field.world.stop.clone();
        let mut backoff = Backoff::default();
        loop {
            let cut = match Listener::open(ear).await {
                Ok(listener) => {
                    let tally = &self.field.world.tally;
                    tally.connections.add();
                    if is_back {
                        tally.reconnects.add();
                    }
                    self.field.meter.connected(due.elapsed());
                    if self.role.speaks.is_some() {
                        let writers = self.shared.writers.lock();
                        let mut writers = writers.expect("nobody panics with it");
                        writers.insert(self.client, listener.writer());
                    }
                    return Ok(Ok(listener));
                }
                Err((cut, lost)) => {
                    ear = lost;
                    cut
                }
            };
            if let Some(refusal) = ear.refusal() {
                bail!("client {} is not let in: {refusal}", self.client);
            }
            let told = self.note(&cut);
            if !stop.sleep(backoff.fail(told), Phase::Settling).await {
                return Ok(Err(ear));
            }
        }
    }

    /// Enters its channel, if it has one, when it is its turn; who is back has had it.
    async fn enter(&self, listener: &mut Listener, is_back: bool) -> Result<Entering> {
        let Some(channel) = &self.role.channel else { return Ok(Entering::Done) };
        if !is_back {
            let cut = tokio::select! {
                turn = self.turn() => match turn {
                    Some(_) => None,
                    None => return Ok(Entering::Over),
                },
                cut = listener.listen(Phase::Settling) => match cut {
                    Some(cut) => Some(cut),
                    None => return Ok(Entering::Over),
                },
            };
            if let Some(cut) = cut {
                self.note(&cut);
                return Ok(Entering::Cut { had_turn: false });
            }
        }
        Ok(match listener.enter(channel).await? {
            Ok(()) => Entering::Done,
            Err(cut) => {
                self.note(&cut);
                Entering::Cut { had_turn: true }
            }
        })
    }

    /// Waits for its turn, which is now; `None` where there is none any more.
    async fn turn(&self) -> Option<Instant> {
        let mut stop = self.field.world.stop.clone();
        tokio::select! {
            turn = self.shared.turns.0.acquire() => {
                turn.ok()?.forget();
                Some(Instant::now())
            }
            () = stop.reached(Phase::Settling) => None,
        }
    }

    async fn listen(&mut self, listener: &mut Listener) -> End {
        tokio::select! {
            cut = listener.listen(Phase::Over) => cut.map_or(End::Over, End::Cut),
            // Publishers stay.
            Ok(()) = self.cuts.changed(), if self.role.channel.is_some() => End::Dismissed,
        }
    }

    /// Counts a connection that did not come or did not last; how long the server said to wait.
    fn note(&self, cut: &Cut) -> Option<Duration> {
        let tally = &self.field.world.tally;
        match cut {
            Cut::Refused(status, retry_after) => {
                tally.refused(&format!("ws upgrade {status}"));
                *retry_after
            }
            Cut::Closed(code) => {
                tally.closed(*code);
                None
            }
            Cut::Broken => {
                tally.unreachable.add();
                None
            }
        }
    }
}

/// How a connection ended.
enum End {
    /// With the run.
    Over,
    /// By the server, or what is between.
    Cut(Cut),
    /// By this program.
    Dismissed,
}

/// What came of entering.
enum Entering {
    Done,
    /// The run is over.
    Over,
    /// The connection did not last so long.
    Cut {
        had_turn: bool,
    },
}
