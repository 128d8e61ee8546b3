//! The application: everything put together, running until it is told to stop.

use crate::{
    allocator,
    apps::{self, Apps, AppsError},
    beside::{self, AskChanged},
    collect,
    config::{self, Config, Registration},
    health::{Health, Neighbours},
    http::{Edge, EdgeSettings, Node, Proxies, Watchers},
    listeners::Listeners,
    logs::{self, events},
    metrics::EdgeMetrics,
    password::Passwords,
    readings::Readings,
    tasks::Tasks,
    tls::{CertificateError, Pair, Tls},
    token,
    wiring::{
        adapters::{self, AdapterError, Adapters, BusKind, Close, StoreKind},
        exporters::{ExporterError, Exporters},
        webhooks::{self, WebhooksError},
    },
    workers::{self, Places, WorkerParts},
    ws::Lobby,
};
use campanile_core::{
    chat::{Chat, Ports},
    fanout::Shards,
    instrumented::{Backend, Driver},
    metrics::{App as AppLabel, ChatMetrics, NATIVE_APP},
    port::{BusError, Clock, Fault, NodeId},
};
use campanile_loki::ShipperMetrics;
use campanile_metrics::{
    Registry, RunningExporter, StartError, StatisticsInterval,
    standard::{
        AllocatorMetrics, BuildMetrics, ConfigMetrics, LagProbe, LogMetrics, MachineMetrics,
        ProcessMetrics, RuntimeWatch, Volume, VolumeMetrics, Worker, worker_names,
    },
};
use std::{
    fs,
    future::Future,
    io, iter,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

/// How long, beyond the drain time, the end may take before it is given up.
const GRACE: Duration = Duration::from_secs(15);

/// The name of the data directory's volume, in labels.
const DATA_VOLUME: &str = "data";

/// The name of the uploads' volume, in labels.
const UPLOADS_VOLUME: &str = "uploads";

/// A server that has everything it needs, and its ports.
pub struct App<S> {
    shutdown: S,
    drain: Duration,
    registry: Registry,
    edge: Arc<Edge>,
    lobby: Arc<Lobby>,
    server: actix_web::dev::Server,
    workers_ended: mpsc::Receiver<()>,
    tasks: Tasks,
    exporters: Vec<Box<dyn RunningExporter>>,
    endpoints: Vec<String>,
    close_store: Close,
    close_bus: Close,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The data directory cannot be made or written.
    #[error("cannot write to the data directory {}: {source}", path.display())]
    DataDirectory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The certificate cannot be served.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The system does not pass on signals.
    #[error("cannot hear of SIGHUP: {0}")]
    Hangup(io::Error),
    /// The application of this server cannot be had.
    #[error(transparent)]
    Apps(#[from] AppsError),
    /// An adapter cannot be had.
    #[error(transparent)]
    Adapter(#[from] AdapterError),
    /// The applications of the store cannot be read.
    #[error("cannot read the applications: {0}")]
    Applications(#[from] Fault),
    /// Applications cannot be told of their channels.
    #[error(transparent)]
    Webhooks(#[from] WebhooksError),
    /// An exporter cannot be had.
    #[error(transparent)]
    Exporter(#[from] ExporterError),
    /// An exporter does not start.
    #[error(transparent)]
    ExporterStart(#[from] StartError),
    /// The bus does not carry.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The workers do not start.
    #[error("cannot start the workers: {0}")]
    Workers(io::Error),
}

/// Why a server that ran did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The HTTP server failed.
    #[error("the server failed: {0}")]
    Server(#[from] io::Error),
    /// Something did not end in time.
    #[error("not everything ended within {} seconds", .0.as_secs())]
    Deadline(Duration),
}

impl<S: Future<Output = ()>> App<S> {
    /// Puts everything together. Must be called within a system of actix; `shutdown` ends the
    /// server when it is ready.
    pub async fn build(
        config: Config,
        listeners: Listeners,
        shutdown: S,
    ) -> Result<Self, BuildError> {
        Self::build_with(Exporters::bind(&config)?, config, listeners, shutdown).await
    }

    /// The same with exporters that have their ports.
    pub async fn build_with(
        exporters: Exporters,
        config: Config,
        listeners: Listeners,
        shutdown: S,
    ) -> Result<Self, BuildError> {
        prepare_directory(&config.server.data_dir)?;
        let (store, bus) = (StoreKind::of(&config)?, BusKind::of(&config)?);
        let workers = workers::count(config.server.workers);
        let apps = apps::settle(&config, &bus)?;
        let registry = registry(&config, &exporters, (&store, &bus), (workers, &apps));
        let limits = config.limits.to_core();
        let id = NodeId(rand::random());
        // A store is brought up to date when it is opened: not by a server that does not start then.
        let pair = Pair::read(&config.server)?;
        let opened = adapters::open((&store, &bus), &config, id, &registry).await?;
        let Adapters { mut ports, ask_store, ask_changed, close_store, close_bus } = opened;
        let node = node(&config, id, &ports, (&store, &bus));
        let settled = all_apps(&config, &apps, &ports, &registry).await?;
        let metrics = EdgeMetrics::register(&registry);
        let errors = &metrics.connections.errors;
        let tls = pair.map(|pair| Tls::new(pair, &config.server, &registry, errors));
        ports.webhooks = webhooks::open(&config, &settled)?;
        let (shards, inboxes) = Shards::new(workers, limits.shard_queue_events_max);
        let counted = ChatMetrics::register(&registry);
        let chat = Arc::new(Chat::new(id, ports, shards, limits, counted, token::hex_digest));
        let (runtime, loads) = observe_program(&registry, &config, chat.ports());
        let (counting, expected) = (chat.clone(), config.cluster.nodes);
        let neighbours = Neighbours {
            store: ask_store,
            bus: Box::new(move || {
                let chat = counting.clone();
                Box::pin(async move { chat.count_nodes(expected).await.is_ok() })
            }),
        };
        let health = Health::new(metrics.health.clone(), runtime.metrics().clone(), neighbours);
        let readings = Arc::new(Readings::new(registry.clone(), exporters.store.clone()));
        let lobby = Arc::new(Lobby::new(config.server.connections_max));
        // Connections are tasks of their worker's own, which its runtime does not count.
        let connections = lobby.clone();
        runtime.add_local_tasks(move || connections.connections());
        let counted = (&metrics.connections, &settled);
        collect::count_what_is_open(&registry, &chat, &lobby, counted);
        let edge = Arc::new(Edge {
            chat: chat.clone(),
            apps: settled,
            passwords: Passwords::new(),
            metrics,
            health: Arc::new(health),
            readings,
            watchers: Watchers::default(),
            node,
            settings: settings(&config, &listeners),
        });
        let lag = LagProbe::register(&registry);
        let sources = (tls.as_ref().map(|tls| (tls, loads)), ask_changed);
        let tasks = start_tasks(&edge, &registry, &lag, &config, sources).await?;
        let (places, workers_ended) = Places::new(inboxes);
        let parts = WorkerParts::new(edge.clone(), lobby.clone(), (runtime, lag), places);
        let server = workers::start(listeners, tls, parts, &config).map_err(BuildError::Workers)?;
        let endpoints = exporters.all.iter().map(|exporter| exporter.endpoint()).collect();
        let exporters = start_exporters(exporters, &registry)?;
        Ok(Self {
            shutdown,
            drain: Duration::from_secs_f64(config.server.drain_seconds),
            registry,
            edge,
            lobby,
            server,
            workers_ended,
            tasks,
            exporters,
            endpoints,
            close_store,
            close_bus,
        })
    }

    /// The registry, for whoever else counts.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Where metrics are shown or sent to.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// Serves until the shutdown signal, and then ends in order: nothing that was accepted is lost.
    pub async fn run(self) -> Result<(), RunError> {
        let Self { shutdown, drain, edge, lobby, server, .. } = self;
        let handle = server.handle();
        let mut serving = actix_web::rt::spawn(server);
        tokio::select! {
            () = shutdown => {}
            ended = &mut serving => return Ok(ended.map_err(io::Error::other)??),
        }
        events::Stopping { duration_ms: drain }.emit();
        edge.health.drain();
        let ending = async {
            // The others do not wait for this node any more.
            let _counted = edge.chat.ports().bus.leave().await;
            lobby.drain(drain).await;
            // Whoever has gone is told and kept before the workers end.
            edge.chat.shards().stop().await;
            let mut workers_ended = self.workers_ended;
            let _all_ended = workers_ended.recv().await;
            handle.stop(true).await;
            serving.await.map_err(io::Error::other)??;
            self.tasks.stop().await;
            edge.chat.queue_last_webhooks().await;
            (self.close_store)().await;
            (self.close_bus)().await;
            for exporter in self.exporters {
                exporter.stop().await;
            }
            Ok(())
        };
        let deadline = drain + GRACE;
        match timeout(deadline, ending).await {
            Ok(ended) => {
                events::write_held();
                events::Stopped {}.emit();
                ended
            }
            Err(_) => Err(RunError::Deadline(deadline)),
        }
    }
}

/// Makes the directory, for its owner only, and finds out whether it can be written.
pub(crate) fn prepare_directory(path: &Path) -> Result<(), BuildError> {
    let prepared = fs::DirBuilder::new().recursive(true).mode(0o700).create(path).and_then(|()| {
        let probe = path.join(".writable");
        fs::write(&probe, b"")?;
        fs::remove_file(&probe)
    });
    prepared.map_err(|source| BuildError::DataDirectory { path: path.to_owned(), source })
}

fn registry(
    config: &Config,
    exporters: &Exporters,
    (store, bus): (&StoreKind, &BusKind),
    (workers, apps): (usize, &[config::App]),
) -> Registry {
    let interval: StatisticsInterval =
        config.metrics.statistics_interval.parse().expect("it was checked with the others");
    let ids = apps.iter().filter_map(|app| app.id.as_deref());
    let builder = exporters.record(Registry::builder());
    builder
        .values::<AppLabel>(iter::once(NATIVE_APP).chain(ids))
        .values::<Backend>([store.name(), store.blobs_name(), bus.name()])
        .values::<Driver>([bus.name()])
        .values::<Volume>([DATA_VOLUME, UPLOADS_VOLUME])
        .values::<Worker>(worker_names(workers + 1))
        .statistics_interval(interval)
        .build()
}

/// The applications of the settings and of the store.
async fn all_apps(
    config: &Config,
    settings: &[config::App],
    ports: &Ports,
    registry: &Registry,
) -> Result<Arc<Apps>, Fault> {
    let stored = ports.apps.list().await?;
    Ok(Arc::new(Apps::new(settings, stored, (registry, config.webhooks.batch))))
}

fn node(config: &Config, id: NodeId, ports: &Ports, (store, bus): (&StoreKind, &BusKind)) -> Node {
    Node {
        id,
        name: config.node_name(),
        since: ports.clock.now(),
        store: store.name(),
        bus: bus.name(),
    }
}

/// What every program tells of itself.
fn observe_program(
    registry: &Registry,
    config: &Config,
    ports: &Ports,
) -> (RuntimeWatch, ConfigMetrics) {
    ProcessMetrics::install(registry);
    MachineMetrics::install(registry);
    // Lines are counted once the program logs with it; the series are there from the first scrape.
    LogMetrics::register(registry);
    if config.log.loki.url.is_some() {
        ShipperMetrics::register(registry);
    }
    AllocatorMetrics::install(registry, allocator::sizes);
    let data = (registry.label(DATA_VOLUME), config.server.data_dir.clone());
    // Uploads are where the data are unless something else is mounted there.
    let uploads = Some(config.uploads_dir()).filter(|path| path.exists());
    let uploads = uploads.map(|path| (registry.label(UPLOADS_VOLUME), path));
    VolumeMetrics::install(registry, iter::once(data).chain(uploads));
    BuildMetrics::register(registry).build.set([
        env!("CARGO_PKG_VERSION"),
        env!("CAMPANILE_REVISION"),
        env!("CAMPANILE_RUSTC"),
        env!("CAMPANILE_PROFILE"),
    ]);
    let loads = ConfigMetrics::register(registry);
    loads.loaded(since_epoch(&*ports.clock));
    let runtime = RuntimeWatch::install(registry);
    runtime.add(tokio::runtime::Handle::current());
    (runtime, loads)
}

fn since_epoch(clock: &dyn Clock) -> Duration {
    Duration::from_millis(u64::try_from(clock.now().0).unwrap_or_default())
}

fn settings(config: &Config, listeners: &Listeners) -> EdgeSettings {
    let by_address =
        if listeners.is_loopback() { Registration::Open } else { Registration::Closed };
    let networks = config.server.trusted_proxies.iter().map(|text| text.network());
    EdgeSettings {
        registration: config.server.registration.unwrap_or(by_address),
        token_lifetime: Duration::from_secs(u64::from(config.server.token_lifetime_days) * 86_400),
        proxies: Proxies(networks.collect()),
        webhooks_allowed: config.webhooks.allowed(),
        header_bytes_max: config.server.header_bytes_max,
    }
}

async fn start_tasks(
    edge: &Arc<Edge>,
    registry: &Registry,
    lag: &LagProbe,
    config: &Config,
    (tls, ask_changed): (Option<(&Tls, ConfigMetrics)>, Option<AskChanged>),
) -> Result<Tasks, BuildError> {
    let (chat, health) = (&edge.chat, &edge.health);
    let mut tasks = Tasks::default();
    let others = chat.ports().bus.subscribe().await?;
    let listening = chat.clone();
    tasks.spawn("bus", health, async move { listening.listen(others).await });
    let stepping = chat.clone();
    tasks.spawn("step", health, async move { stepping.keep_in_step().await });
    let (apps, asking) = (edge.apps.clone(), chat.clone());
    tasks.spawn("apps", health, async move { apps.keep(&asking).await });
    tasks.spawn("presence", health, collect::reconcile_presence(chat.clone()));
    let counting = chat.clone();
    tasks.spawn("counts", health, async move { counting.tell_counts().await });
    let watching = health.clone();
    tasks.spawn("health", health, async move { watching.watch().await });
    let readings = edge.readings.clone();
    tasks.spawn("readings", health, async move { readings.keep().await });
    let archive = edge.metrics.archive.clone();
    tasks.spawn("archive", health, collect::count_archive(chat.clone(), archive));
    let kept = config.store.retention_seconds;
    let kept = (kept > 0).then(|| Duration::from_secs(kept));
    tasks.spawn("retention", health, collect::evict(chat.clone(), kept));
    tasks.spawn("sessions", health, collect::purge_sessions(chat.clone()));
    tasks.spawn("uploads", health, collect::clear_uploads(chat.clone()));
    tasks.spawn("prekeys", health, collect::count_prekeys(chat.clone()));
    tasks.spawn("subscriptions", health, collect::count_push_subscriptions(chat.clone()));
    if chat.push_key().is_some() {
        let queueing = chat.clone();
        tasks.spawn("pushes", health, async move { queueing.queue_pushes().await });
        tasks.spawn("notifications", health, collect::deliver_pushes(chat.clone()));
    }
    if chat.ports().webhooks.is_some() {
        let queueing = chat.clone();
        tasks.spawn("webhooks", health, async move { queueing.queue_webhooks().await });
        let telling = chat.clone();
        tasks.spawn("deliveries", health, async move { telling.tell_webhooks().await });
    }
    tasks.spawn("statistics", health, registry.clone().sample());
    tasks.spawn("lag", health, lag.clone().run());
    tasks.spawn("logs", health, logs::tell_held());
    if let Some(ask_changed) = ask_changed {
        tasks.spawn("beside", health, beside::watch(chat.clone(), ask_changed));
    }
    if let Some((tls, loads)) = tls {
        let chat = chat.clone();
        let reload = tls.reload_on_hangup(move |is_good| match is_good {
            true => loads.loaded(since_epoch(chat.clock())),
            false => loads.refused(),
        });
        let reload = reload.map_err(BuildError::Hangup)?;
        tasks.spawn("certificate", health, reload);
    }
    Ok(tasks)
}

fn start_exporters(
    exporters: Exporters,
    registry: &Registry,
) -> Result<Vec<Box<dyn RunningExporter>>, BuildError> {
    let started = exporters.all.into_iter().map(|exporter| {
        let (name, endpoint) = (exporter.name(), exporter.endpoint());
        events::ExporterStarted { exporter: name, endpoint: &endpoint }.emit();
        Ok(exporter.start(registry)?)
    });
    started.collect()
}
