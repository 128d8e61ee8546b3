//! `campanile serve`: runs the server until it is told to stop.

use super::Failure;
use crate::{
    app::App,
    config::{Config, Flags, Sources},
    listeners::Listeners,
    logs::{Logs, events},
    wiring::loki::{self, Shipping},
};
use actix_web::rt::System;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

pub(super) fn run(flags: Flags) -> Result<ExitCode, Failure> {
    let config = Sources::of_process(flags).load()?;
    let (layer, shipping) = loki::start(&config).map_err(Failure::wrong)?;
    let logs = Logs::start(&config, layer).map_err(Failure::wrong)?;
    open_many_files();
    let ended = System::new().block_on(serve(config, &logs, &shipping));
    shipping.flush();
    ended
}

/// Takes as many files as the system lets this program have: each connection is one.
fn open_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit { current: limit.maximum, ..limit };
    if let Err(error) = setrlimit(Resource::Nofile, all) {
        events::FilesLimited { error: &error }.emit();
    }
}

async fn serve(config: Config, logs: &Logs, shipping: &Shipping) -> Result<ExitCode, Failure> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::failed)?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let listeners = Listeners::bind(&config.server.listen)?;
    let url = format!("{}://{}", config.server.scheme(), listeners.address());
    let app = App::build(config, listeners, shutdown).await?;
    logs.count(app.registry());
    shipping.count(app.registry());
    events::Serving { url: &url, version: env!("CARGO_PKG_VERSION") }.emit();
    app.run().await?;
    Ok(ExitCode::SUCCESS)
}
