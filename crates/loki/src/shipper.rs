//! The shipper: how it is started, and the handle of whoever started it.

use crate::{
    backoff::Backoff,
    config::{Config, ConfigError},
    layer::LokiLayer,
    ledger::Ledger,
    limits::{FLUSH_GRACE, LANES},
    metrics::ShipperMetrics,
    push::{Pusher, PusherError, told},
    queue::Queue,
    relay::{Intake, Relay},
    sender::{Sender, Streak},
    spool::{Spool, SpoolError},
    status::Status,
    works::{Shared, Works, lock},
};
use campanile_metrics::Registry;
use std::{
    io,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tracing_loki::{BackgroundTask, BackgroundTaskController};

/// Why logs are not shipped.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The HTTP client cannot be made: the system has no authorities although TLS needs them, or
    /// the like.
    #[error("cannot make a client for the log store: {0}")]
    Client(String),
    /// tracing-loki does not take what it is given.
    #[error("cannot make the log layer: {0}")]
    Layer(tracing_loki::Error),
    /// There is no port, no thread, or no runtime for the shipper.
    #[error("cannot start the log shipper: {0}")]
    Io(#[from] io::Error),
    /// The environment sends tracing-loki's client through a proxy even on this machine.
    #[error("cannot ship logs through a proxy: set NO_PROXY=127.0.0.1")]
    Proxy,
}

/// Ships lines until it is flushed, or dropped: then what is not in the spool is given up.
#[derive(Debug)]
pub struct Shipper {
    shared: Arc<Shared>,
    /// When the thread has to have ended, once it has to.
    end: watch::Sender<Option<Instant>>,
    ended: Mutex<Receiver<()>>,
}

/// What a flush came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlushReport {
    /// Lines that were sent meanwhile.
    pub sent: u64,
    /// Lines that were given up meanwhile.
    pub dropped: u64,
    /// Lines that stay in the spool until the next start.
    pub kept: u64,
}

impl Config {
    /// Checks the settings, reads the spool and starts the shipper; Loki need not be there. Fails
    /// if a setting or the spool cannot be used, or if there is no port or thread. Lines that are
    /// logged before the layer has its subscriber are not seen.
    pub fn start(&self) -> Result<(LokiLayer, Shipper), StartError> {
        self.validate()?;
        let relay = Relay::bind()?;
        if relay.is_behind_a_proxy()? {
            return Err(StartError::Proxy);
        }
        let pusher = Pusher::new(self).map_err(|error| match error {
            PusherError::Config(error) => error.into(),
            PusherError::Client(error) => StartError::Client(told(&error)),
        })?;
        let ledger = Arc::new(Ledger::default());
        let bounds = self.bounds();
        let mut queue = Queue::new(bounds, Arc::clone(&ledger));
        if let Some(spool) = &self.spool {
            let (spool, found) = Spool::open(spool)?;
            queue.keep_in(spool, found);
        }
        let intake = Arc::new(Intake::new(queue, Arc::clone(&ledger)));
        let metrics = Arc::default();
        let (is_last, last) = watch::channel(false);
        let sender = Sender {
            intake: Arc::clone(&intake),
            ledger: Arc::clone(&ledger),
            pusher,
            backoff: Backoff::new(self.backoff_min, self.backoff_max),
            linger: self.linger,
            metrics: Arc::clone(&metrics),
            is_last: last,
            streak: Streak::default(),
        };
        let (mut layers, mut controllers, mut tasks) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..LANES {
            let (layer, controller, task) = self.lane(&relay.url(number)?)?;
            layers.push(layer);
            controllers.push(controller);
            tasks.push(task);
        }
        let layer = LokiLayer::new(Arc::clone(&ledger), layers);
        let shared = Arc::new(Shared { ledger, bounds, metrics });
        let (end, ending) = watch::channel(None);
        let works = Works {
            shared: Arc::clone(&shared),
            intake,
            relay,
            tasks,
            controllers,
            sender,
            is_last,
            end: ending,
        };
        let ended = Mutex::new(works.start()?);
        Ok((layer, Shipper { shared, end, ended }))
    }

    /// One tracing-loki, which ships to the relay.
    fn lane(
        &self,
        relay_url: &str,
    ) -> Result<(tracing_loki::Layer, BackgroundTaskController, BackgroundTask), StartError> {
        let mut builder = tracing_loki::builder();
        for (label, value) in self.labels() {
            builder = builder.label(label, value).map_err(StartError::Layer)?;
        }
        let url = relay_url.parse().map_err(io::Error::other)?;
        builder.build_controller_url(url).map_err(StartError::Layer)
    }
}

impl Shipper {
    /// Where every line is now.
    pub fn status(&self) -> Status {
        self.shared.ledger.status()
    }

    /// Shows what is counted in a registry, from now on: whenever it collects, and every second.
    /// Only one shipper can be shown in one registry.
    pub fn register(&self, registry: &Registry) {
        let metrics = ShipperMetrics::register(registry);
        lock(&self.shared.metrics).show_in(metrics);
        self.shared.show();
        let shared = Arc::downgrade(&self.shared);
        registry.add_collector(move || {
            if let Some(shared) = shared.upgrade() {
                shared.show();
            }
        });
    }

    /// Ends the shipper: what waits is sent, until a deadline; what is then not in the spool is
    /// dropped. Lines that are logged from now on are dropped too.
    ///
    /// Blocks until then; a task calls it through `spawn_blocking`, or when its runtime has ended.
    pub fn flush(&self, deadline: Duration) -> FlushReport {
        let before = self.status();
        let until = Instant::now() + deadline;
        self.shared.ledger.close();
        self.end.send_if_modified(|end| end.is_none() && end.replace(until).is_none());
        let ended = lock(&self.ended).recv_timeout(deadline + FLUSH_GRACE);
        if ended == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the log shipper's thread did not end in time");
        }
        self.shared.ledger.finish();
        self.shared.show();
        let after = self.status();
        FlushReport {
            sent: after.sent - before.sent,
            dropped: after.dropped_in_all() - before.dropped_in_all(),
            kept: after.queued,
        }
    }
}

impl Drop for Shipper {
    fn drop(&mut self) {
        self.shared.ledger.close();
        self.end.send_if_modified(|end| end.is_none() && end.replace(Instant::now()).is_none());
    }
}
