//! The server that is measured: the real one, with a recorder or with one that does nothing.

use crate::ballast::Ballast;
use actix_web::rt::System;
use anyhow::Result;
use campanile_exporter_prometheus::Store;
use campanile_server::{
    app::App, config::Config, listeners::Listeners, wiring::exporters::Exporters,
};
use std::{ffi::OsString, future, net::SocketAddr, path::PathBuf, sync::Arc};

/// How it is started. The parent writes these, nobody else.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    #[arg(long)]
    pub(crate) metrics_port: u16,
    #[arg(long)]
    pub(crate) data_dir: PathBuf,
    #[arg(long)]
    pub(crate) recorder: Recorder,
    #[arg(long)]
    pub(crate) ballast: bool,
    #[arg(long)]
    pub(crate) store: Option<String>,
    #[arg(long)]
    pub(crate) bus: Option<String>,
    #[arg(long)]
    pub(crate) node: Option<String>,
}

/// Where metrics go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Recorder {
    /// Into the store that is scraped, as in every server.
    Real,
    /// Into that and nine more that nobody reads, so that what one costs is seen ten times as
    /// large.
    Tenfold,
    /// Nowhere.
    Noop,
}

impl Recorder {
    fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Tenfold => "tenfold",
            Self::Noop => "noop",
        }
    }

    /// Into how many stores.
    pub(crate) fn stores(self) -> usize {
        match self {
            Self::Real => 1,
            Self::Tenfold => 10,
            Self::Noop => 0,
        }
    }

    fn exporters(self, config: &Config) -> Result<Exporters> {
        if self.stores() == 0 {
            return Ok(Exporters::none());
        }
        let more = (1..self.stores()).map(|_| Arc::new(Store::new()));
        Ok(more.fold(Exporters::bind(config)?, |exporters, store| exporters.beside(store)))
    }
}

impl IntoIterator for Arguments {
    type Item = OsString;
    type IntoIter = std::vec::IntoIter<OsString>;

    fn into_iter(self) -> Self::IntoIter {
        let mut words: Vec<OsString> = vec![
            "--listen".into(),
            self.listen.to_string().into(),
            "--metrics-port".into(),
            self.metrics_port.to_string().into(),
            "--data-dir".into(),
            self.data_dir.into(),
            "--recorder".into(),
            self.recorder.name().into(),
        ];
        if self.ballast {
            words.push("--ballast".into());
        }
        let shared = [("--store", self.store), ("--bus", self.bus), ("--node", self.node)];
        for (flag, value) in shared {
            words.extend(value.into_iter().flat_map(|value| [flag.into(), value.into()]));
        }
        words.into_iter()
    }
}

/// Serves until the parent ends it.
pub(crate) fn serve(arguments: Arguments) -> Result<()> {
    let mut config = Config::default();
    config.server.data_dir = arguments.data_dir;
    config.metrics.port = arguments.metrics_port;
    config.store.url = arguments.store;
    config.bus.url = arguments.bus.unwrap_or(config.bus.url);
    config.cluster.node = arguments.node;
    // The clients do not answer pings.
    config.websocket.ping_interval_seconds = 3_600.0;
    config.limits.enabled = false;
    config.limits.connections_per_user_max = 100_000;
    config.limits.outbox_bytes_max = 16 * 1024 * 1024;
    System::new().block_on(async move {
        let listeners = Listeners::bind(&arguments.listen.to_string())?;
        let exporters = arguments.recorder.exporters(&config)?;
        let app = App::build_with(exporters, config, listeners, future::pending()).await?;
        let _held = arguments.ballast.then(|| Ballast::register(app.registry()));
        Ok(app.run().await?)
    })
}
