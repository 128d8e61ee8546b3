//! Logs: one line for each thing worth telling, for machines or for people. What is told is the list
//! in `events`; `here` knows for whom something is being done.

pub mod events;
pub mod reference;
pub(crate) mod here;
mod bounded;
mod event;
mod line;
mod names;
mod panics;
mod trace;
#[cfg(test)]
pub(crate) mod testing;

pub use event::Description;
pub(crate) use line::FIELD_BYTES_MAX;

use crate::config::{Config, LogFormat};
use campanile_adapter_memory::SystemClock;
use campanile_loki::LokiLayer;
use campanile_metrics::{Registry, standard::LogLines};
use names::KeyError;
use std::{
    io::{self, IsTerminal},
    time::Duration,
};
use tokio::time::{MissedTickBehavior, interval};
use tracing_subscriber::{
    EnvFilter, Layer, Registry as Spans,
    layer::{Layered, SubscriberExt},
    reload,
    util::SubscriberInitExt,
};

type Filtered = Layered<EnvFilter, Spans>;

/// What is not worth a line unless somebody asks: the HTTP library tells of each worker it starts,
/// the others of each connection that ships lines.
const QUIET: &str = "actix_server=warn,hyper=warn,hyper_util=warn,reqwest=warn,rustls=warn";

/// How often what was held back is told.
const HELD_EVERY: Duration = Duration::from_secs(1);

/// Logs that have begun.
pub(crate) struct Logs {
    counted: reload::Handle<Option<LogLines>, Filtered>,
}

impl Logs {
    /// Begins to log, for the whole process. The level was checked with the settings.
    /// Lines go to Loki, too, where there is a layer for it.
    ///
    /// # Errors
    ///
    /// When users are to be named by hashes, and the key can neither be read nor made.
    pub(crate) fn start(config: &Config, loki: Option<LokiLayer>) -> Result<Self, KeyError> {
        names::begin(config)?;
        let config = &config.log;
        let filter = EnvFilter::new(format!("{QUIET},{}", config.level));
        let (count, counted) = reload::Layer::new(None);
        let is_human = match config.format {
            LogFormat::Human => true,
            LogFormat::Json => false,
            LogFormat::Auto => io::stdout().is_terminal(),
        };
        let lines = if is_human {
            tracing_subscriber::fmt::layer().with_target(false).boxed()
        } else {
            let layer = tracing_subscriber::fmt::layer().with_ansi(false);
            layer.event_format(line::Json(SystemClock::new())).boxed()
        };
        let subscriber =
            tracing_subscriber::registry().with(filter).with(count).with(loki).with(lines);
        // Whoever has begun before goes on.
        let _begun_before = subscriber.try_init();
        panics::tell();
        Ok(Self { counted })
    }

    /// Counts lines from now on.
    pub(crate) fn count(&self, registry: &Registry) {
        let _ended = self.counted.reload(Some(LogLines::register(registry)));
    }
}

/// Tells every second what was held back. For the server to spawn.
pub(crate) async fn tell_held() {
    let mut ticks = interval(HELD_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        events::write_held();
    }
}
