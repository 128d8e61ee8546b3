//! The worker threads: each answers requests and has a part of the fan-out.

use crate::{
    config::{Config, Server},
    http::{Edge, FirstRequests, gate, measure, routes},
    limits::CONNECTIONS_BESIDE,
    listeners::Listeners,
    serve::{Plain, serve},
    tls::Tls,
    wiring::protocols,
    ws::{self, FrameLimits, Lobby, Patience, Pinging},
};
use actix_web::{App, middleware::from_fn, rt, web::Data};
use campanile_core::{connection::Shard, fanout::ShardInbox};
use campanile_metrics::standard::{LagProbe, RuntimeWatch};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio::sync::mpsc;

/// Seconds that requests may take to end when the server stops.
pub(crate) const STOP_SECONDS: u64 = 5;

/// Anything but zero keeps the socket of a WebSocket open after its closing frame.
pub(crate) const DISCONNECT_TIMEOUT: Duration = Duration::ZERO;

/// What every worker is made of.
#[derive(Clone)]
pub(crate) struct WorkerParts {
    pub(crate) edge: Arc<Edge>,
    pub(crate) lobby: Arc<Lobby>,
    pub(crate) runtime: RuntimeWatch,
    pub(crate) lag: LagProbe,
    places: Arc<Mutex<Vec<Place>>>,
}

/// One worker's place.
struct Place {
    inbox: ShardInbox,
    /// Dropped when the worker's shard has ended.
    still_running: mpsc::Sender<()>,
}

/// Places for workers, one for each inbox, and where one hears when the last shard has ended: then
/// nothing more comes.
pub(crate) struct Places(Vec<Place>);

impl Places {
    pub(crate) fn new(inboxes: Vec<ShardInbox>) -> (Self, mpsc::Receiver<()>) {
        let (sender, ended) = mpsc::channel(1);
        let place = |inbox| Place { inbox, still_running: sender.clone() };
        (Self(inboxes.into_iter().map(place).collect()), ended)
    }
}

impl WorkerParts {
    pub(crate) fn new(
        edge: Arc<Edge>,
        lobby: Arc<Lobby>,
        (runtime, lag): (RuntimeWatch, LagProbe),
        places: Places,
    ) -> Self {
        Self { edge, lobby, runtime, lag, places: Arc::new(Mutex::new(places.0)) }
    }
}

/// How many workers there are to be: as many as set, else one for each core.
pub(crate) fn count(configured: usize) -> usize {
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    if configured == 0 { cores() } else { configured }
}

/// How much the workers take, and how long they wait for it.
#[derive(Clone, Copy)]
pub(crate) struct Capacity {
    pub(crate) workers: usize,
    /// Of each worker.
    pub(crate) connections: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) request_timeout: Duration,
}

impl Capacity {
    fn of(config: &Server) -> Self {
        let seconds = Duration::from_secs_f64;
        Self {
            workers: count(config.workers),
            connections: match config.connections_max {
                0 => usize::MAX,
                max => max.saturating_add(CONNECTIONS_BESIDE),
            },
            keep_alive: seconds(config.keep_alive_seconds),
            request_timeout: seconds(config.request_timeout_seconds),
        }
    }
}

/// Starts the workers on the listener.
pub(crate) fn start(
    listeners: Listeners,
    tls: Option<Tls>,
    parts: WorkerParts,
    config: &Config,
) -> io::Result<actix_web::dev::Server> {
    let connection = connection_config(config);
    let capacity = Capacity::of(&config.server);
    let first_requests = FirstRequests::new(&parts.edge.metrics.http, capacity.request_timeout);
    let app = move || {
        let worker = Data::new(parts.worker(connection.clone()));
        App::new()
            .app_data(Data::from(parts.edge.clone()))
            .app_data(Data::from(parts.edge.health.clone()))
            .app_data(Data::new(parts.edge.metrics.http.clone()))
            .app_data(worker)
            .wrap(from_fn(gate))
            .wrap(from_fn(measure))
            .configure(routes)
    };
    match tls {
        Some(tls) => serve((tls, listeners.web), capacity, first_requests, app),
        None => serve((Plain, listeners.web), capacity, first_requests, app),
    }
}

impl WorkerParts {
    /// Called on each worker's own thread, once.
    fn worker(&self, config: ws::Config) -> ws::Worker {
        let Self { edge, lobby, runtime, lag, places } = self.clone();
        let place = places.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Place { inbox, still_running } = place.expect("there is one place for each worker");
        let shard = Shard::new(edge.chat.clone(), protocols::encoders(), inbox);
        runtime.add(tokio::runtime::Handle::current());
        rt::spawn(lag.run());
        let running = shard.clone();
        rt::spawn(async move {
            running.run().await;
            drop(still_running);
        });
        let metrics = &edge.metrics.connections;
        let traffic = ws::Traffic::new(metrics, shard.batch());
        ws::Worker {
            chat: edge.chat.clone(),
            apps: edge.apps.clone(),
            shard,
            traffic,
            protocol: protocols::NATIVE,
            event_stream: protocols::EVENT_STREAM,
            channels: protocols::PUSHER,
            metrics: Arc::new(metrics.clone()),
            lobby,
            config,
            proxies: edge.settings.proxies.clone(),
        }
    }
}

fn connection_config(config: &Config) -> ws::Config {
    let websocket = &config.websocket;
    let seconds = Duration::from_secs_f64;
    ws::Config {
        allowed_origins: websocket.allowed_origins.clone(),
        is_tls: config.server.tls.cert.is_some(),
        patience: Patience {
            authentication: seconds(websocket.authentication_seconds),
            ping_interval: seconds(websocket.ping_interval_seconds),
            pinging: Pinging::Regular,
            ping: seconds(websocket.ping_timeout_seconds),
            idle: seconds(websocket.idle_seconds),
            closing: seconds(websocket.closing_seconds),
        },
        frames: FrameLimits {
            frame_bytes_max: u64::from(websocket.frame_bytes_max),
            message_bytes_max: u64::from(websocket.frame_bytes_max),
            fragments_max: websocket.fragments_max,
        },
    }
}
