//! What is asked for on the command line, and the groups of clients that do it.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use campanile_pusher::Credentials;
use clap::Args;

use super::dialect::{Application, Dialect, Protocol};
use super::group::{By, Group, Speech};
use super::process::Pid;
use super::speaker::Pace;
use crate::scenario::{amount, duration};

/// What every measurement is told.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Measuring")]
pub struct Options {
    /// What the server speaks.
    #[arg(long, value_enum, default_value = "native")]
    pub(super) protocol: Protocol,
    /// Pusher: the application's id, as in /apps/{id}/events.
    #[arg(long, required_if_eq("protocol", "pusher"))]
    pub(super) app_id: Option<String>,
    /// Pusher: the public half of its credentials, as in /app/{key}.
    #[arg(long, required_if_eq("protocol", "pusher"))]
    pub(super) key: Option<String>,
    /// Pusher: the private half, which signs; better in the environment, where others do not see it.
    #[arg(
        long,
        env = "CAMPANILE_LOADGEN_SECRET",
        hide_env_values = true,
        required_if_eq("protocol", "pusher")
    )]
    pub(super) secret: Option<String>,
    /// Process of the server, whose CPU and memory are measured; once for each, where it has several.
    #[arg(long)]
    pub(super) pid: Vec<Pid>,
    /// Write the report as a page with plots to this file, too.
    #[arg(long)]
    pub(super) html: Option<PathBuf>,
    /// Connections opened, and channels entered, a second.
    #[arg(long, default_value = "1000", value_parser = rate)]
    pub(super) connect_rate: f64,
    /// How long nothing is done between two phases, so that one is not counted with the other.
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub(super) rest: Duration,
    /// How long messages are sent before they are measured.
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub(super) warm_up: Duration,
    /// Bytes of a message, from 48.
    #[arg(long, default_value_t = 128)]
    pub(super) bytes: usize,
}

/// How many connections.
#[derive(Args, Clone, Debug)]
pub struct Idle {
    /// Connections.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) connections: u32,
    /// Connections in each channel; 0 enters none.
    #[arg(long, default_value_t = 50)]
    pub(super) each: u32,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How many subscribers of how much.
#[derive(Args, Clone, Debug)]
pub struct Fanout {
    /// Subscribers, all channels together.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) subscribers: u32,
    /// Channels.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) channels: u32,
    /// Publishers in each channel.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) publishers: u32,
    /// Messages a second, all publishers together.
    #[arg(long, default_value = "50", value_parser = rate, conflicts_with = "saturate")]
    pub(super) rate: f64,
    /// Publish as fast as the messages arrive, instead.
    #[arg(long)]
    pub(super) saturate: bool,
    /// Saturating: messages that may be on their way to somebody.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) window: u64,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How many rooms, and how much is said in them.
#[derive(Args, Clone, Debug)]
pub struct Chat {
    /// Rooms.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) rooms: u32,
    /// People in each.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub(super) each: u32,
    /// Messages a second, all rooms together.
    #[arg(long, default_value = "200", value_parser = rate)]
    pub(super) rate: f64,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How much is published by how many.
#[derive(Args, Clone, Debug)]
pub struct Http {
    /// Publishers, each with a connection, a channel and one request at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) publishers: u32,
    /// Messages a second, all publishers together; without it, as many as are answered.
    #[arg(long, value_parser = rate)]
    pub(super) rate: Option<f64>,
    /// Subscribers of each channel.
    #[arg(long, default_value_t = 1)]
    pub(super) subscribers: u32,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How many are cut how often.
#[derive(Args, Clone, Debug)]
pub struct Storm {
    /// Clients.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(super) clients: u32,
    /// Clients in each channel.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) each: u32,
    /// Messages a second, all channels together.
    #[arg(long, default_value = "20", value_parser = rate)]
    pub(super) rate: f64,
    /// How often everybody is cut.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) times: u32,
    /// How long everybody is away.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub(super) away: Duration,
    /// Clients that come back a second.
    #[arg(long, default_value = "1000", value_parser = rate)]
    pub(super) return_rate: f64,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How much is read by how many.
#[derive(Args, Clone, Debug)]
pub struct History {
    /// Rooms, which are filled first.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) rooms: u32,
    /// Messages in each.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub(super) messages: u32,
    /// Readers, each with one request at a time.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) readers: u32,
    /// Pages a second, all readers together; without it, as many as are answered.
    #[arg(long, value_parser = rate)]
    pub(super) rate: Option<f64>,
    #[command(flatten)]
    pub(super) options: Options,
}

/// How many of everybody.
#[derive(Args, Clone, Debug)]
pub struct Mixed {
    /// Connections: half of them idle, a quarter in one big channel, a quarter in rooms of 25.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    pub(super) connections: u32,
    /// Messages a second: half of them in rooms, two fifths over HTTP, a tenth in the big channel.
    #[arg(long, default_value = "100", value_parser = rate)]
    pub(super) rate: f64,
    #[command(flatten)]
    pub(super) options: Options,
}

/// Reads a rate: a number above 0.
fn rate(text: &str) -> Result<f64> {
    let rate = amount(text)?;
    ensure!(rate > 0.0, "it is a number above 0");
    Ok(rate)
}

impl Options {
    pub(super) fn dialect(&self) -> Result<Dialect> {
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
    pub(super) fn groups(&self) -> Vec<Group> {
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
    pub(super) fn group(&self) -> Group {
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
    pub(super) fn group(&self) -> Group {
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
    pub(super) fn group(&self) -> Group {
        let each = self.each.min(self.clients);
        Group {
            name: "storm",
            channels: self.clients.div_ceil(each),
            listeners: each,
            speech: Speech::Publishers { each: 1, pace: Pace::Rate(self.rate), by: By::Usual },
        }
    }
}

impl Mixed {
    pub(super) fn groups(&self) -> Vec<Group> {
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
