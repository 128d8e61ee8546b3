//! The course of a measurement: groups of clients come, enter, speak and listen, one phase after
//! the other.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::crew::{Crew, Role};
use super::field::{Channel, Field};
use super::group::{Group, Placed, Speech};
use super::http::Http;
use super::socket::Writer;
use super::speaker::{self, Speaker, Way};
use super::ticker::Ticker;
use crate::stop::{Phase, Stopper};

/// How a measurement goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// Connections opened, and channels entered, a second.
    pub(super) connect_rate: f64,
    /// How long nothing is done between two phases.
    pub(super) rest: Duration,
    /// How long is spoken before it is measured.
    pub(super) warm_up: Duration,
    /// How long it is measured.
    pub(super) duration: Duration,
    /// How long afterwards is waited for what is on its way.
    pub(super) settle: Duration,
}

/// A measurement as it goes on.
pub(super) struct Course<'a> {
    pub(super) field: Arc<Field>,
    pub(super) crew: Crew,
    stopper: &'a Stopper,
    timing: Timing,
    groups: Vec<Placed>,
}

impl<'a> Course<'a> {
    pub(super) fn new(
        field: &Arc<Field>,
        groups: Vec<(Group, Vec<Channel>)>,
        (stopper, timing): (&'a Stopper, Timing),
    ) -> Self {
        let placed = groups.into_iter().map(|(group, channels)| Placed {
            group,
            channels,
            listeners: 0..0,
            publishers: 0..0,
        });
        let groups = placed.collect();
        Self { field: field.clone(), crew: Crew::new(field), stopper, timing, groups }
    }

    /// Begins a phase.
    pub(super) fn begin(&self, phase: &'static str) {
        self.field.meter.begin(phase, &self.field.world.tally);
    }

    /// Lets time pass; whether it was not cut short.
    pub(super) async fn pass(&mut self, time: Duration) -> Result<bool> {
        let mut stop = self.field.world.stop.clone();
        let passed = stop.sleep(time, Phase::Settling).await;
        self.crew.look()?;
        Ok(passed)
    }

    /// Everybody comes: publishers first, then listeners, who then enter.
    pub(super) async fn gather(&mut self) -> Result<()> {
        let rate = self.timing.connect_rate;
        let is_native = self.field.dialect.answers_messages();
        for placed in &mut self.groups {
            if placed.group.publishes_on_sockets(is_native) {
                let roles = placed.channels.iter().flat_map(|channel| {
                    let account = Some(channel.owner);
                    let role = move |stream| Role { channel: None, speaks: Some(stream), account };
                    channel.streams.clone().map(role)
                });
                let roles = roles.collect();
                placed.publishers = self.crew.connect(roles, rate).await?;
            }
        }
        self.rest().await?;
        if self.groups.iter().all(|placed| placed.group.connections() == 0) {
            return Ok(());
        }
        self.begin("connect");
        for placed in &mut self.groups {
            placed.listeners = self.crew.connect(placed.roles(), rate).await?;
        }
        self.begin("subscribe");
        let count = self.groups.iter().map(|placed| placed.group.connections()).sum();
        self.crew.give_turns(count, rate).await?;
        self.rest().await
    }

    /// Speaks for as long as it is measured, in this phase, and then waits for what is on its way.
    /// Meanwhile it does this.
    pub(super) async fn speak(
        &mut self,
        phase: &'static str,
        meanwhile: impl AsyncFnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        let mut speakers = JoinSet::new();
        for placed in &self.groups {
            self.start(placed, &mut speakers)?;
        }
        if !speakers.is_empty() {
            self.begin("warm-up");
            self.pass(self.timing.warm_up).await?;
        }
        self.field.meter.measure_from(self.field.now());
        self.begin(phase);
        let work = async {
            meanwhile(self).await?;
            self.pass(self.timing.duration).await
        };
        work.await?;
        self.settle(&mut speakers).await
    }

    /// Lets the time of the measurement pass, and then ends these tasks.
    pub(super) async fn finish(&mut self, tasks: &mut JoinSet<Result<()>>) -> Result<()> {
        self.pass(self.timing.duration).await?;
        self.settle(tasks).await
    }

    async fn settle(&mut self, tasks: &mut JoinSet<Result<()>>) -> Result<()> {
        self.stopper.enter(Phase::Settling);
        self.begin("drain");
        self.drain().await?;
        while let Some(task) = tasks.join_next().await {
            task.context("a client broke")??;
        }
        self.field.meter.end(&self.field.world.tally);
        Ok(())
    }

    /// Does nothing for a while.
    pub(super) async fn rest(&mut self) -> Result<()> {
        self.begin("rest");
        self.pass(self.timing.rest).await?;
        Ok(())
    }

    /// The channels of the first group.
    pub(super) fn channels(&self) -> &[Channel] {
        &self.groups[0].channels
    }

    /// What its publishers speak on; `None` where one is gone.
    pub(super) fn publishers(&self) -> Option<Vec<Arc<Writer>>> {
        self.groups[0].publishers.clone().map(|client| self.crew.writer(client)).collect()
    }

    /// Waits until everything has arrived, as far as can be told from numbers alone; at most as
    /// long as is wanted.
    async fn drain(&mut self) -> Result<()> {
        let end = Instant::now() + self.timing.settle;
        let mut stop = self.field.world.stop.clone();
        let mut last = u64::MAX;
        while Instant::now() < end {
            let heard = self.field.world.tally.delivered.get();
            if heard == last && self.field.streams.waiting() == 0 && self.has_all() {
                break;
            }
            last = heard;
            // Longer than deliveries take that are not held up.
            if !stop.sleep(Duration::from_millis(100), Phase::Over).await {
                break;
            }
            self.crew.look()?;
        }
        Ok(())
    }

    /// Whether as much was heard as was said to so many.
    fn has_all(&self) -> bool {
        if !self.field.owes_everything {
            return true;
        }
        let echoes = self.field.dialect.answers_messages();
        let wanted: u64 =
            self.groups.iter().map(|placed| placed.audience(&self.field, echoes)).sum();
        let tally = &self.field.world.tally;
        tally.delivered.get() + tally.recovered.get() >= wanted
    }

    fn start(&self, placed: &Placed, speakers: &mut JoinSet<Result<()>>) -> Result<()> {
        match placed.group.speech {
            Speech::None => {}
            Speech::Listeners(rate) => {
                let writers = placed.listeners.clone().map(|client| self.crew.writer(client));
                let writers: Option<Vec<_>> = writers.collect();
                let writers = writers.context("somebody who was to speak is gone")?;
                let channels = placed.channels.clone();
                let field = self.field.clone();
                speakers.spawn(converse(field, channels, writers, rate));
            }
            Speech::Publishers { each, pace, .. } => {
                let count = placed.channels.len() as u32 * each;
                let streams = placed.channels.iter().flat_map(|channel| {
                    channel.streams.clone().map(move |stream| (channel, stream))
                });
                for (turn, (channel, stream)) in streams.enumerate() {
                    let writer = placed.publishers.clone().nth(turn);
                    let way = match writer.and_then(|client| self.crew.writer(client)) {
                        Some(writer) => Way::Socket(writer),
                        None => self.http(turn, channel),
                    };
                    let field = self.field.clone();
                    let speaker = Speaker { field, stream, channel: channel.clone(), way };
                    speakers.spawn(speaker.speak(pace, (turn as u32, count)));
                }
            }
        }
        Ok(())
    }

    fn http(&self, turn: usize, channel: &Channel) -> Way {
        let target = self.field.world.target.clone();
        let token = self.field.session(channel.owner).map(|session| session.token.clone());
        Way::Http(Box::new(Http::new(target, turn)), token)
    }
}

/// Everybody in these channels speaks in turn, so many messages a second.
async fn converse(
    field: Arc<Field>,
    channels: Vec<Channel>,
    writers: Vec<Arc<Writer>>,
    rate: f64,
) -> Result<()> {
    let stop = field.world.stop.clone();
    let mut ticker = Ticker::new()?;
    let every = Duration::from_secs_f64(1.0 / rate);
    let (began, start) = (Instant::now(), field.now());
    let mut due = Duration::ZERO;
    for turn in 0_usize.. {
        speaker::wait(&field, &mut ticker, began + due).await?;
        if !stop.is_running() {
            break;
        }
        // As they came: one of each channel, then the next of each.
        let client = turn % writers.len();
        let channel = &channels[client % channels.len()];
        let stream = channel.streams.start + (client / channels.len()) as u32;
        speaker::say(&field, &writers[client], stream, (channel, start + due));
        due += every;
        if turn % 64 == 63 {
            // Behind its time it would never wait, and nobody else would have a turn.
            tokio::task::yield_now().await;
        }
    }
    Ok(())
}
