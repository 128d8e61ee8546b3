//! The exporter: a listener and threads of its own, from start to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, rt, web};
use campanile_metrics::{
    Exporter, ExporterMetrics, ExporterName, Registry, RunningExporter, Sink, StartError,
    StopFuture,
};
use rustls::ServerConfig;

use crate::access::{Access, PATH};
use crate::endpoint::{Endpoint, answer};
use crate::naming::Naming;
use crate::scrape::Scraper;
use crate::store::Store;

/// The exporter's name in configuration.
const NAME: &str = "prometheus";
/// How often observations that came without a catalogue are sorted in.
const KEEP_UP_EVERY: Duration = Duration::from_secs(5);
/// How long a scraper may keep a connection between two scrapes; longer than most intervals.
const KEEP_ALIVE: Duration = Duration::from_secs(150);
/// How long a client may take to send its request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// How many connections there may be; scrapers need one each.
const CONNECTIONS_MAX: usize = 128;
/// How many renderings may run or wait for each other.
const BLOCKING_THREADS: usize = 4;
/// How long scrapes that are being answered may take when the exporter stops.
const STOP_SECONDS: u64 = 5;

/// A scrape endpoint that has its port and waits to be started.
pub struct Prometheus {
    store: Arc<Store>,
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<ServerConfig>,
    access: Access,
    naming: Naming,
    gzip: bool,
}

impl Prometheus {
    pub(crate) fn new(
        listener: TcpListener,
        tls: Option<ServerConfig>,
        access: Access,
        naming: Naming,
        gzip: bool,
    ) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self { store: Arc::new(Store::new()), listener, address, tls, access, naming, gzip })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it shows.
    pub fn store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }
}

impl Exporter for Prometheus {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endpoint(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{PATH}", self.address)
    }

    fn sink(&self) -> Arc<dyn Sink> {
        self.store()
    }

    fn start(self: Box<Self>, registry: &Registry) -> Result<Box<dyn RunningExporter>, StartError> {
        let failed = |source: io::Error| StartError { exporter: NAME, source: source.into() };
        let Self { store, listener, tls, access, naming, gzip, .. } = *self;
        let exporter = ExporterMetrics::register(registry);
        let name = registry.label::<ExporterName>(NAME);
        let endpoint = web::Data::new(Endpoint {
            access,
            scraper: Arc::new(Scraper::new(registry, Arc::clone(&store), naming)),
            gzip,
            exporter: exporter.clone(),
            name,
            under_way: AtomicUsize::new(0),
        });
        let up = exporter.up.handle(name);
        let (started, starting) = sync_channel(1);
        let thread =
            std::thread::Builder::new().name("exporter-prom".to_owned()).spawn(move || {
                rt::System::new().block_on(async move {
                    let server = serve(listener, tls, endpoint);
                    let handle = server.as_ref().map(Server::handle);
                    // Whoever started this waits for it, so somebody hears.
                    let _ = started.send(handle.map_err(|error| error.kind().into()));
                    let Ok(server) = server else { return };
                    up.set(true);
                    let keeping_up = rt::spawn(keep_up(store));
                    if let Err(error) = server.await {
                        tracing::error!(%error, "the metrics endpoint failed");
                    }
                    keeping_up.abort();
                    up.set(false);
                });
            });
        let thread = thread.map_err(failed)?;
        let gone = || io::Error::other("its thread ended");
        let handle = starting.recv().map_err(|_| failed(gone()))?.map_err(failed)?;
        Ok(Box::new(Serving { handle, thread }))
    }
}

struct Serving {
    handle: ServerHandle,
    thread: JoinHandle<()>,
}

impl RunningExporter for Serving {
    fn stop(self: Box<Self>) -> StopFuture {
        Box::pin(async move {
            self.handle.stop(true).await;
            // The server has ended, so its thread is about to.
            let _ = tokio::task::spawn_blocking(|| self.thread.join()).await;
        })
    }
}

fn serve(
    listener: TcpListener,
    tls: Option<ServerConfig>,
    endpoint: web::Data<Endpoint>,
) -> io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new().app_data(endpoint.clone()).default_service(web::to(answer))
    });
    let server = server
        .workers(1)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .max_connections(CONNECTIONS_MAX)
        .client_request_timeout(REQUEST_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

async fn keep_up(store: Arc<Store>) {
    let mut ticks = tokio::time::interval(KEEP_UP_EVERY);
    loop {
        ticks.tick().await;
        store.keep_up();
    }
}
