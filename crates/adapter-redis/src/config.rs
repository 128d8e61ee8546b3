//! What can be set, with defaults, and the way to a node's connection.

use crate::{
    bus::{Bounds, Counts, Ear, EarCounts, HearingBounds, Listener, Voices, channel_names},
    cache::{CacheState, Gauge},
    channels::ChannelsState,
    core::{Core, Tasks},
    handle::Redis,
    health::Health,
    link::Link,
    metrics::{Call, RedisMetrics},
    nodes::Roster,
    place::{Place, PlaceError},
    presence::PresenceState,
    trouble::{Complaints, Trouble, TroubleKind},
    wire::{Opener, Wire},
};
use campanile_core::{
    instrumented::{BusMetrics, StorageMetrics},
    port::{Clock, Node, NodeId},
};
use campanile_metrics::Registry;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks at how much the servers hold.
const INFO_INTERVAL: Duration = Duration::from_secs(5);

/// How often this node says that it is there.
const NODE_INTERVAL: Duration = Duration::from_millis(500);

/// Where Redis is, who this node is, and how it behaves.
#[derive(Clone)]
pub struct Config {
    /// Where Redis is: `redis://user:password@host:port/database`, `redis-cluster://host,host`,
    /// or `redis-sentinel://host,host/master`. With TLS it is `rediss` instead.
    pub url: String,
    /// The password; it goes before one in the URL.
    pub password: Option<String>,
    /// What every key and channel begins with: nodes with the same one belong together.
    pub prefix: String,
    /// This node, since this start.
    pub node: NodeId,
    /// This node's name, which is the same after the next start and which no other node has.
    pub node_name: String,
    /// What this node runs.
    pub version: String,
    /// Whether the other nodes see this one; not where it is a command that ends soon.
    pub is_seen: bool,
    /// The authorities whose certificates are believed, in PEM; those of the system otherwise.
    pub ca_file: Option<PathBuf>,
    /// As whom sentinels are asked, where they ask for it.
    pub sentinel_user: Option<String>,
    /// With which password sentinels are asked.
    pub sentinel_password: Option<String>,
    /// How long connecting to one server may take.
    pub connect_timeout: Duration,
    /// How long a call may take. A server that takes longer counts as away until it answers.
    pub command_timeout: Duration,
    /// Signals that may wait to be published. Seen in `chat_broker_queue_messages` and
    /// `chat_broker_messages_dropped_total`.
    pub publish_queue_max: usize,
    /// How long a signal may wait to be published while Redis is away.
    pub publish_hold: Duration,
    /// Signals that may wait to be received. Seen in `chat_broker_messages_dropped_total`.
    pub receive_queue_max: usize,
    /// Bytes that may wait to be received.
    pub receive_bytes_max: usize,
    /// Longest signal, in bytes; the same on every node.
    pub signal_bytes_max: usize,
    /// How long the cache keeps an entry.
    pub cache_lifetime: Duration,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is none.
    #[error("not the url of a redis: {0}")]
    Url(#[from] PlaceError),
    /// The file of authorities cannot be read.
    #[error("cannot read the authorities in {}: {source}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Redis is not there, or does not answer.
    #[error("cannot reach redis at {place}: {source}")]
    Unreachable {
        /// Where it was looked for.
        place: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The password is wrong, or the user has not the rights that are needed.
    #[error("redis at {place} refuses this node: {source}")]
    Refused {
        /// Where.
        place: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It cannot be used: it only reads, is full, too old, or is no Redis.
    #[error("redis at {place} cannot be used: {source}")]
    Unfit {
        /// Where.
        place: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Config {
    /// A node at this Redis.
    pub fn new(
        url: impl Into<String>,
        node: NodeId,
        node_name: impl Into<String>,
        version: impl Into<String>,
    ) -> Self {
        Self {
            url: url.into(),
            password: None,
            prefix: "campanile:".to_owned(),
            node,
            node_name: node_name.into(),
            version: version.into(),
            is_seen: true,
            ca_file: None,
            sentinel_user: None,
            sentinel_password: None,
            connect_timeout: Duration::from_secs(2),
            command_timeout: Duration::from_secs(1),
            publish_queue_max: 16 * 1024,
            publish_hold: Duration::from_secs(5),
            receive_queue_max: 16 * 1024,
            receive_bytes_max: 64 * 1024 * 1024,
            signal_bytes_max: 1024 * 1024,
            cache_lifetime: Duration::from_secs(30),
        }
    }

    /// Connects, joins the cluster of nodes, and listens. What goes wrong later is put right
    /// later; what is wrong now is an error.
    pub async fn connect(
        self,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Redis, ConnectError> {
        let mut place = Place::parse(&self.url)?;
        place.password = self.password.clone().or(place.password);
        let shown = place.to_string();
        let authorities = self.authorities().await?;
        if place.tls {
            // Where the process has chosen another one, that is used.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let opener = Opener::new(&self, place, authorities);
        let joined = self.join(opener, registry, clock).await;
        joined.map_err(|trouble| ConnectError::of(trouble, shown))
    }

    async fn authorities(&self) -> Result<Option<Vec<u8>>, ConnectError> {
        let Some(path) = self.ca_file.clone() else {
            return Ok(None);
        };
        match tokio::fs::read(&path).await {
            Ok(authorities) => Ok(Some(authorities)),
            Err(source) => Err(ConnectError::Authorities { path, source }),
        }
    }

    async fn join(
        self,
        opener: Opener,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> Result<Redis, Trouble> {
        let metrics = RedisMetrics::register(registry);
        let (errors, driver) = (BusMetrics::register(registry), registry.label("redis"));
        let health = Arc::new(Health::new(&errors, driver));
        let complaints = Arc::new(Complaints::default());
        let wire = opener.open(None).await?;
        let shared = (metrics.clone(), complaints.clone());
        let link = Link::new(opener.clone(), wire, self.command_timeout, shared, health.clone());
        let link = Arc::new(link);

        let own = Node::new(self.node, &self.node_name, &self.version, clock.now());
        let roster = Arc::new(Roster::new(&self.prefix, own, self.is_seen));
        roster.beat(&link).await?;
        let names = channel_names(&self.prefix);
        may_publish(&link, &names).await?;

        let counts = Counts { metrics: metrics.clone(), errors: errors.clone(), driver };
        let who = (self.node, clock.clone());
        let (voices, tasks) =
            Voices::new(who.clone(), link.clone(), names.clone(), self.bounds(), &counts);
        let ear = Arc::new(Ear::new(self.receive_queue_max));
        let counts = EarCounts {
            metrics: metrics.clone(),
            errors,
            driver,
            complaints,
            health: health.clone(),
        };
        let heard = (ear.clone(), voices.unechoed());
        let listener = Listener::new(heard, who, (opener, names), self.hearing_bounds(), counts);
        let subscription = listener.subscribe().await?;

        let core = Core {
            link,
            roster,
            voices,
            ear,
            health,
            presence: PresenceState::new(),
            channels: ChannelsState::new(),
            cache: Arc::new(CacheState::new(self.cache_lifetime)),
            metrics,
            storage: StorageMetrics::register(registry),
            backend: registry.label("redis"),
            prefix: self.prefix,
            clock,
            tasks: Tasks::default(),
        };
        if self.is_seen {
            core.announce(Call::PresenceReconcile).await?;
        }
        core.tasks.spawn(core.link.clone().keep());
        core.tasks.spawn(listener.run(subscription));
        for voice in tasks {
            core.tasks.spawn(voice.run());
        }
        core.tasks.spawn(say_here(core.link.clone(), core.roster.clone(), core.cache.clone()));
        core.tasks.spawn(look(core.link.clone(), core.metrics.clone()));
        Ok(Redis::new(core))
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            frames_max: self.publish_queue_max,
            frame_bytes_max: self.signal_bytes_max,
            hold: self.publish_hold,
        }
    }

    fn hearing_bounds(&self) -> HearingBounds {
        HearingBounds {
            frames_max: self.receive_queue_max,
            bytes_max: self.receive_bytes_max,
            frame_bytes_max: self.signal_bytes_max,
            command_timeout: self.command_timeout,
        }
    }
}

/// Finds out at the start whether this node may publish; nobody takes an empty frame for a signal.
async fn may_publish(link: &Link, names: &[String]) -> Result<(), Trouble> {
    let mut pipeline = redis::Pipeline::new();
    Wire::publish(link.is_cluster(), &mut pipeline, &format!("{}:check", names[0]), b"");
    link.pipe(Call::Publish, &pipeline).await
}

/// Says again and again that this node is there, and forgets for the cache what it owes.
async fn say_here(link: Arc<Link>, roster: Arc<Roster>, cache: Arc<CacheState>) {
    let mut ticks = interval(NODE_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        link.up().await;
        // The link has counted and told what goes wrong; the next time is soon.
        let _ = roster.beat(&link).await;
        let _ = cache.settle(&link).await;
    }
}

/// Shows again and again how much the servers hold.
async fn look(link: Arc<Link>, metrics: RedisMetrics) {
    let mut gauge = Gauge::new(metrics);
    let mut ticks = interval(INFO_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        gauge.look(&link).await;
    }
}

impl ConnectError {
    fn of(trouble: Trouble, place: String) -> Self {
        let source = trouble.clone().into();
        match trouble.kind {
            TroubleKind::Auth => Self::Refused { place, source },
            TroubleKind::Timeout | TroubleKind::Connection | TroubleKind::Loading => {
                Self::Unreachable { place, source }
            }
            _ => Self::Unfit { place, source },
        }
    }
}

/// Without what gives access.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Place::parse(&self.url).map(|place| place.to_string());
        formatter
            .debug_struct("Config")
            .field("url", &url)
            .field("prefix", &self.prefix)
            .field("node", &self.node)
            .field("node_name", &self.node_name)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
