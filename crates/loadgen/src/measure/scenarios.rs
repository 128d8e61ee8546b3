//! The scenarios: what is asked for on the command line, and the groups of clients that do it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use campanile_pusher::Credentials;
use clap::{Args, Subcommand};

use super::course::{By, Course, Group, Speech, Timing, channels};
use super::dialect::{Application, Dialect, Protocol};
use super::field::{Field, Gate, accounts, rooms};
use super::mark::Marks;
use super::meter::Meter;
use super::process::Pid;
use super::progress;
use super::report::{About, Measurement};
use super::speaker::Pace;
use super::streams::Streams;
use crate::delivery::Faults;
use crate::scenario::{Common, amount, duration};
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
    /// Measure all of these at once, a little of each.
    Mixed(Mixed),
}

/// What every measurement is told.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Measuring")]
pub struct Options {
    /// What the server speaks.
    #[arg(long, value_enum, default_value = "native")]
    protocol: Protocol,
    /// Pusher: the application's id, as in /apps/{id}/events.
    #[arg(long, required_if_eq("protocol", "pusher"))]
    app_id: Option<String>,
    /// Pusher: the public half of its credentials, as in /app/{key}.
    #[arg(long, required_if_eq("protocol", "pusher"))]
    key: Option<String>,
    /// Pusher: the private half, which signs; better in the environment, where others do not see it.
    #[arg(
        long,
        env = "CAMPANILE_LOADGEN_SECRET",
        hide_env_values = true,
        required_if_eq("protocol", "pusher")
    )]
    secret: Option<String>,
    /// Process of the server, whose CPU and memory are measured; once for each, where it has several.
    #[arg(long)]
    pid: Vec<Pid>,
    /// Write the report as a page with plots to this file, too.
    #[arg(long)]
    html: Option<PathBuf>,
    /// Connections opened, and channels entered, a second.
    #[arg(long, default_value = "1000", value_parser = rate)]
    connect_rate: f64,
    /// How long nothing is done between two phases, so that one is not counted with the other.
    #[arg(long, default_value = "1s", value_parser = duration)]
    rest: Duration,
    /// How long messages are sent before they are measured.
    #[arg(long, default_value = "1s", value_parser = duration)]
    warm_up: Duration,
    /// Bytes of a message, from 48.
    #[arg(long, default_value_t = 128)]
    bytes: usize,
}

/// How many connections.
#[derive(Args, Clone, Debug)]
pub struct Idle {
    #[command(flatten)]
    options: Options,
    /// Connections.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections: u32,
    /// Connections in each channel; 0 enters none.
    #[arg(long, default_value_t = 50)]
    each: u32,
}

/// How many subscribers of how much.
#[derive(Args, Clone, Debug)]
pub struct Fanout {
    #[command(flatten)]
    options: Options,
    /// Subscribers, all channels together.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    subscribers: u32,
    /// Channels.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    channels: u32,
    /// Publishers in each channel.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    publishers: u32,
    /// Messages a second, all publishers together.
    #[arg(long, default_value = "50", value_parser = rate, conflicts_with = "saturate")]
    rate: f64,
    /// Publish as fast as the messages arrive, instead.
    #[arg(long)]
    saturate: bool,
    /// Saturating: messages that may be on their way to somebody.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    window: u64,
}

/// How many rooms, and how much is said in them.
#[derive(Args, Clone, Debug)]
pub struct Chat {
    #[command(flatten)]
    options: Options,
    /// Rooms.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rooms: u32,
    /// People in each.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..=1000))]
    each: u32,
    /// Messages a second, all rooms together.
    #[arg(long, default_value = "200", value_parser = rate)]
    rate: f64,
}

/// How much is published by how many.
#[derive(Args, Clone, Debug)]
pub struct Http {
    #[command(flatten)]
    options: Options,
    /// Publishers, each with a connection, a channel and one request at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    publishers: u32,
    /// Messages a second, all publishers together; without it, as many as are answered.
    #[arg(long, value_parser = rate)]
    rate: Option<f64>,
    /// Subscribers of each channel.
    #[arg(long, default_value_t = 1)]
    subscribers: u32,
}

/// How many are cut how often.
#[derive(Args, Clone, Debug)]
pub struct Storm {
    #[command(flatten)]
    options: Options,
    /// Clients.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    clients: u32,
    /// Clients in each channel.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    each: u32,
    /// Messages a second, all channels together.
    #[arg(long, default_value = "20", value_parser = rate)]
    rate: f64,
    /// How often everybody is cut.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    times: u32,
    /// How long everybody is away.
    #[arg(long, default_value = "2s", value_parser = duration)]
    away: Duration,
    /// Clients that come back a second.
    #[arg(long, default_value = "1000", value_parser = rate)]
    return_rate: f64,
}

/// How many of everybody.
#[derive(Args, Clone, Debug)]
pub struct Mixed {
    #[command(flatten)]
    options: Options,
    /// Connections: half of them idle, a quarter in one big channel, a quarter in rooms of 25.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    connections: u32,
    /// Messages a second: half of them in rooms, two fifths over HTTP, a tenth in the big channel.
    #[arg(long, default_value = "100", value_parser = rate)]
    rate: f64,
}

/// Reads a rate: a number above 0.
fn rate(text: &str) -> Result<f64> {
    let rate = amount(text)?;
    ensure!(rate > 0.0, "it is a number above 0");
    Ok(rate)
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
            Self::Mixed(mixed) => mixed.groups(),
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
        let meter = Meter::new(&options.pid)?;
        // Who measures wants to hear of it at once, and not to wait for a server to come.
        let reached = world.target.connect(0, Window::Usual).await;
        reached.context("nobody answers at the URL")?;
        let is_native = dialect.answers_messages();
        let mut sessions = Vec::new();
        if is_native {
            let count = |group: &Group| group.connections() + group.publishing_connections(true);
            let connections = groups.iter().map(count).sum();
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
                course.speak("traffic", async |course| storm.rage(course).await).await?
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

impl Options {
    fn dialect(&self) -> Result<Dialect> {
        Ok(match self.protocol {
            Protocol::Native => Dialect::Native,
            Protocol::Pusher => {
                let id = self.app_id.clone().context("--app-id is missing")?;
                let key = self.key.clone().context("--key is missing")?;
                let secret = self.secret.as_deref().context("--secret is missing")?;
                Dialect::Pusher(Application { id, credentials: Credentials::new(key, secret) })
            }
        })
    }
}

impl Idle {
    /// Whole channels, and one with the rest.
    fn groups(&self) -> Vec<Group> {
        let each = if self.each == 0 { 1 } else { self.each.min(self.connections) };
        let group =
            |name, channels, listeners| Group { name, channels, listeners, speech: Speech::None };
        let (whole, rest) = (self.connections / each, self.connections % each);
        let mut groups = vec![group("idle", whole, each)];
        if rest > 0 {
            groups.push(group("rest", 1, rest));
        }
        groups
    }
}

impl Fanout {
    fn group(&self) -> Group {
        let pace =
            if self.saturate { Pace::Saturating(self.window) } else { Pace::Rate(self.rate) };
        let each = self.publishers;
        Group {
            name: "fanout",
            channels: self.channels,
            listeners: self.subscribers.div_ceil(self.channels),
            speech: Speech::Publishers { each, pace, by: By::Usual },
        }
    }
}

impl Http {
    fn group(&self) -> Group {
        // Each has one request at a time, which bounds what is on its way.
        let pace = self.rate.map_or(Pace::Saturating(u64::MAX), Pace::Rate);
        Group {
            name: "http",
            channels: self.publishers,
            listeners: self.subscribers,
            speech: Speech::Publishers { each: 1, pace, by: By::Http },
        }
    }
}

impl Storm {
    fn group(&self) -> Group {
        let each = self.each.min(self.clients);
        Group {
            name: "storm",
            channels: self.clients.div_ceil(each),
            listeners: each,
            speech: Speech::Publishers { each: 1, pace: Pace::Rate(self.rate), by: By::Usual },
        }
    }

    /// Cuts everybody and lets them come back, several times.
    async fn rage(&self, course: &mut Course<'_>) -> Result<()> {
        for _ in 0..self.times {
            course.begin("away");
            course.crew.cut();
            if !course.pass(self.away).await? {
                return Ok(());
            }
            course.begin("return");
            let everybody = self.group().connections();
            course.crew.give_turns(everybody, self.return_rate).await?;
            course.begin("traffic");
            course.pass(Duration::from_secs(1)).await?;
        }
        Ok(())
    }
}

impl Mixed {
    fn groups(&self) -> Vec<Group> {
        let quarter = self.connections / 4;
        let publishers = |each, share: f64, by| Speech::Publishers {
            each,
            pace: Pace::Rate(self.rate * share),
            by,
        };
        let group = |name, channels, listeners, speech| Group { name, channels, listeners, speech };
        vec![
            group("idle", 2, quarter, Speech::None),
            group("fanout", 1, quarter, publishers(1, 0.1, By::Usual)),
            group("room", quarter / 25, 25, Speech::Listeners(self.rate * 0.5)),
            group("http", 4, 1, publishers(1, 0.4, By::Http)),
        ]
    }
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
