//! The scenarios: from what is asked for to what was measured.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Subcommand;

use super::course::{Course, Timing};
use super::field::{Field, Gate, accounts, rooms};
use super::group::{By, Group, Speech, channels};
use super::history::{self, Reading};
use super::mark::Marks;
use super::meter::Meter;
use super::options::{Chat, Fanout, History, Http, Idle, Mixed, Options, Storm};
use super::progress;
use super::report::{About, Measurement};
use super::speaker::Pace;
use super::streams::Streams;
use crate::delivery::Faults;
use crate::scenario::Common;
use crate::stop::{Phase, Stopper};
use crate::target::Window;
use crate::world::World;

/// What is measured.
#[derive(Clone, Debug, Subcommand)]
pub enum Kind {
    /// Measure connections that hear nothing: how fast they open, what each costs.
    Idle(Idle),
    /// Measure a few channels with many subscribers: latency, CPU of each delivery.
    Fanout(Fanout),
    /// Measure rooms in which everybody talks.
    Chat(Chat),
    /// Measure publishing over HTTP.
    Http(Http),
    /// Measure clients that are cut all at once and come back.
    Storm(Storm),
    /// Measure reading what was said, page by page; native protocol only.
    History(History),
    /// Measure all of these at once, a little of each.
    Mixed(Mixed),
}

impl Kind {
    /// Its name, as it is given on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Idle(_) => "idle",
            Self::Fanout(_) => "fanout",
            Self::Chat(_) => "chat",
            Self::Http(_) => "http",
            Self::Storm(_) => "storm",
            Self::History(_) => "history",
            Self::Mixed(_) => "mixed",
        }
    }

    /// What every measurement is told.
    pub fn options(&self) -> &Options {
        match self {
            Self::Idle(Idle { options, .. })
            | Self::Fanout(Fanout { options, .. })
            | Self::Chat(Chat { options, .. })
            | Self::Http(Http { options, .. })
            | Self::Storm(Storm { options, .. })
            | Self::History(History { options, .. })
            | Self::Mixed(Mixed { options, .. }) => options,
        }
    }

    /// Measures and reports.
    pub(crate) async fn run(self, common: &Common) -> Result<Measurement> {
        let (stopper, stop) = Stopper::new();
        let stopper = Arc::new(stopper);
        let signals = tokio::spawn(stop_on_signals(stopper.clone()));
        let groups = self.groups();
        let field =
            self.field(World::new(common.target()?, common.names()?, stop)?, &groups).await?;
        let timing = self.timing(common);
        let watching = tokio::spawn(watch(field.clone(), timing.duration));
        let course = self.go(&field, groups, (&stopper, timing)).await;
        stopper.enter(Phase::Over);
        course?.crew.close().await?;
        watching.await?;
        signals.abort();
        let about =
            About { scenario: self.name(), protocol: self.options().protocol, url: common.url() };
        let measurement = Measurement::of(about, &field);
        if let Some(path) = &self.options().html {
            let written = std::fs::write(path, measurement.page());
            written.with_context(|| format!("cannot write the page to {}", path.display()))?;
        }
        Ok(measurement)
    }

    fn groups(&self) -> Vec<Group> {
        match self {
            Self::Idle(idle) => idle.groups(),
            Self::Fanout(fanout) => vec![fanout.group()],
            Self::Chat(chat) => vec![Group {
                name: "room",
                channels: chat.rooms,
                listeners: chat.each,
                speech: Speech::Listeners(chat.rate),
            }],
            Self::Http(http) => vec![http.group()],
            Self::Storm(storm) => vec![storm.group()],
            // Its publishers fill the rooms, and are silent while they are read.
            Self::History(history) => vec![Group {
                name: "history",
                channels: history.rooms,
                listeners: 0,
                speech: Speech::Publishers { each: 1, pace: Pace::Saturating(1), by: By::Usual },
            }],
            Self::Mixed(mixed) => mixed.groups(),
        }
    }

    /// Connections beside those of groups.
    fn readers(&self) -> usize {
        match self {
            Self::History(history) => history.readers as usize,
            _ => 0,
        }
    }

    fn timing(&self, common: &Common) -> Timing {
        let Options { connect_rate, rest, warm_up, .. } = *self.options();
        let duration = common.duration(Duration::from_secs(10));
        Timing { connect_rate, rest, warm_up, duration, settle: common.settle() }
    }

    /// Everything that is shared, with accounts and rooms where the protocol has them.
    async fn field(&self, world: World, groups: &[Group]) -> Result<Arc<Field>> {
        let options = self.options();
        let dialect = options.dialect()?;
        let has_history = dialect.answers_messages();
        ensure!(
            has_history || !matches!(self, Self::History(_)),
            "the Pusher protocol has no history that could be read"
        );
        let meter = Meter::new(&options.pid)?;
        // Who measures wants to hear of it at once, and not to wait for a server to come.
        let reached = world.target.connect(0, Window::Usual).await;
        reached.context("nobody answers at the URL")?;
        let is_native = dialect.answers_messages();
        let mut sessions = Vec::new();
        if is_native {
            let count = |group: &Group| group.connections() + group.publishing_connections(true);
            let connections = groups.iter().map(count).sum::<usize>() + self.readers();
            sessions = accounts(&world, connections).await?;
            let names: Vec<_> = groups
                .iter()
                .flat_map(|group| (0..group.channels).map(|number| name(&world, group, number)))
                .collect();
            rooms(&world, &sessions, &names).await?;
        }
        let audience = match groups {
            [group @ Group { speech: Speech::Publishers { .. }, .. }] => group.listeners.into(),
            _ => 0,
        };
        Ok(Arc::new(Field {
            meter,
            marks: Marks::of(world.run.name()),
            streams: Streams::new(groups.iter().map(Group::streams).sum()),
            faults: Mutex::new(Faults::default()),
            gate: Gate { audience, ..Gate::default() },
            sessions,
            clients: groups.iter().map(|group| group.connections() as u64).sum(),
            bytes: options.bytes,
            keeps_places: is_native && matches!(self, Self::Storm(_)),
            owes_everything: is_native || !matches!(self, Self::Storm(_)),
            dialect,
            world,
        }))
    }

    async fn go<'s>(
        &self,
        field: &Arc<Field>,
        groups: Vec<Group>,
        run: (&'s Stopper, Timing),
    ) -> Result<Course<'s>> {
        let placed = channels(&groups, |group, number| {
            let clients_speak = matches!(group.speech, Speech::Listeners(_));
            field.dialect.channel(&name(&field.world, group, number), clients_speak)
        });
        let mut course = Course::new(field, placed, run);
        course.gather().await?;
        match self {
            Self::Storm(storm) => {
                course.speak("traffic", async |course| rage(storm, course).await).await?
            }
            Self::History(history) => {
                let History { messages, readers, rate, .. } = *history;
                history::measure(&mut course, Reading { messages, readers, rate }).await?;
            }
            Self::Idle(_) => course.speak("idle", async |_| Ok(())).await?,
            _ => course.speak("traffic", async |_| Ok(())).await?,
        }
        Ok(course)
    }
}

/// The name of a channel in a run.
fn name(world: &World, group: &Group, number: u32) -> String {
    world.room(&format!("{}-{number}", group.name))
}

/// How long people talk before each storm.
const CALM: Duration = Duration::from_secs(1);

/// Cuts everybody and lets them come back, several times.
async fn rage(storm: &Storm, course: &mut Course<'_>) -> Result<()> {
    for _ in 0..storm.times {
        if !course.pass(CALM).await? {
            return Ok(());
        }
        course.begin("away");
        course.crew.cut();
        if !course.pass(storm.away).await? {
            return Ok(());
        }
        course.begin("return");
        let everybody = storm.group().connections();
        course.crew.give_turns(everybody, storm.return_rate).await?;
        course.begin("traffic");
    }
    Ok(())
}

/// The first signal ends the traffic, the second one the waiting.
async fn stop_on_signals(stopper: Arc<Stopper>) -> Result<()> {
    stopper.settle_after(Duration::MAX / 4).await?;
    stopper.settle_after(Duration::MAX / 4).await?;
    stopper.enter(Phase::Over);
    Ok(())
}

/// Samples and tells until the run is over.
async fn watch(field: Arc<Field>, measured: Duration) {
    tokio::join!(field.meter.sample(&field.world), progress::tell(&field, measured));
}
