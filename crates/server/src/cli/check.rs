//! `campanile check`: says what is wrong, before a start and beside a running server.

use super::{
    Failure,
    arguments::What,
    endpoint::{self, EndpointError},
    output,
};
use crate::{
    app::prepare_directory,
    config::{Config, Flags, Sources},
    listeners::Listeners,
    readings::Reading,
    tls,
    wiring::adapters::{BusKind, StoreKind, sqlite_config},
};
use campanile_metrics::Registry;
use std::{net::TcpListener, process::ExitCode};

/// What was found: what is fine, and what is not.
#[derive(Default)]
struct Findings {
    wrong: usize,
    /// Scrapes that were answered to this check, which are not monitoring's.
    own_scrapes: u64,
}

pub(super) fn run(what: Option<What>, flags: Flags) -> Result<ExitCode, Failure> {
    let config = Sources::of_process(flags).load()?;
    let mut findings = Findings::default();
    findings.note("config", Ok("every setting is understood".to_owned()));
    let is_asked = |one| what.is_none_or(|what| what == one);
    if is_asked(What::Modules) {
        modules(&config, &mut findings)?;
    }
    if is_asked(What::Metrics) {
        metrics(&config, &mut findings);
    }
    if is_asked(What::Monitoring) {
        monitoring(&config, &mut findings);
    }
    Ok(if findings.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Findings {
    fn scrape(&mut self, config: &Config) -> Result<Reading, EndpointError> {
        let token = config.metrics.bearer_token.as_ref().map(|token| token.reveal());
        let reading = endpoint::scrape(&metrics_url(config), token)?;
        self.own_scrapes += 1;
        Ok(reading)
    }

    fn note(&mut self, what: &str, found: Result<String, String>) {
        match found {
            Ok(fine) => output::line(&format!("fine   {what}: {fine}")),
            Err(wrong) => {
                self.wrong += 1;
                output::line(&format!("WRONG  {what}: {wrong}"));
            }
        }
    }
}

/// What the settings choose: can it be had?
fn modules(config: &Config, findings: &mut Findings) -> Result<(), Failure> {
    findings.note("server.listen", listen(&config.server.listen));
    if let Some(found) = tls::check(&config.server) {
        findings.note("server.tls", found);
    }
    if config.metrics.enabled {
        let address = (config.metrics.host.as_str(), config.metrics.port);
        let found = match TcpListener::bind(address) {
            Ok(_) => Ok(format!("{}:{} is free", address.0, address.1)),
            Err(error) => match findings.scrape(config) {
                Ok(_) => Ok(format!("{}:{} is served by this program", address.0, address.1)),
                Err(_) => Err(format!("cannot listen on {}:{}: {error}", address.0, address.1)),
            },
        };
        findings.note("metrics.port", found);
    }
    let directory = prepare_directory(&config.server.data_dir);
    let directory =
        directory.map(|()| format!("{} can be written", config.server.data_dir.display()));
    findings.note("server.data_dir", directory.map_err(|error| error.to_string()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let found = runtime.map_err(Failure::failed)?.block_on(store(config));
    findings.note("store.url", found);
    let bus = BusKind::of(config).map(|bus| format!("the {} bus", bus.name()));
    findings.note("bus.url", bus.map_err(|error| error.to_string()));
    Ok(())
}

fn listen(address: &str) -> Result<String, String> {
    match Listeners::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => match endpoint::get(&format!("http://{address}/readyz"), None) {
            Ok(answer) if answer.text == "ready\n" => {
                Ok(format!("{address} is served by this program, which is ready"))
            }
            _ => Err(error.to_string()),
        },
    }
}

async fn store(config: &Config) -> Result<String, String> {
    let path = match StoreKind::of(config).map_err(|error| error.to_string())? {
        StoreKind::Memory => return Ok("nothing is kept when the server stops".to_owned()),
        StoreKind::Sqlite(path) => path,
    };
    let opening = sqlite_config(&path, &config.limits.to_core());
    let store = opening.open_beside(&Registry::builder().build()).await;
    let store = store.map_err(|error| error.to_string())?;
    let probed = store.probe().await;
    store.close().await;
    match probed {
        Ok(()) => Ok(format!("{} can be read and written", path.display())),
        Err(fault) => Err(format!("{}: {fault}: {}", path.display(), fault.source)),
    }
}

/// The metrics endpoint of a running server.
fn metrics(config: &Config, findings: &mut Findings) {
    if !config.metrics.enabled {
        return findings.note("metrics", Err("metrics.enabled is false".to_owned()));
    }
    let found =
        findings.scrape(config).map(|reading| format!("{} series", reading.samples().len()));
    findings.note("metrics", found.map_err(|error| error.to_string()));
}

/// What scrapes a running server, and whether there is anything to see.
fn monitoring(config: &Config, findings: &mut Findings) {
    let own = findings.own_scrapes;
    let reading = match findings.scrape(config) {
        Ok(reading) => reading,
        Err(error) => return findings.note("monitoring", Err(error.to_string())),
    };
    findings.note("scrapes", scrapes(config, &reading, own));
    findings.note("denied scrapes", denied(&reading));
    let requests = reading.whole("chat_http_requests_total", &[]);
    let opened = reading.whole("chat_connections_opened_total", &[]);
    findings.note(
        "traffic",
        if requests + opened > 0 {
            Ok(format!("{requests} requests, {opened} connections since the start"))
        } else {
            Err("nobody has asked for anything since the start".to_owned())
        },
    );
}

fn scrapes(config: &Config, reading: &Reading, own: u64) -> Result<String, String> {
    match reading.whole("chat_metrics_scrapes_total", &[]).saturating_sub(own) {
        0 => Err(format!(
            "nothing but this check has scraped {}: point Prometheus there",
            metrics_url(config)
        )),
        scrapes => Ok(format!("{scrapes} since the start")),
    }
}

fn denied(reading: &Reading) -> Result<String, String> {
    let reasons = reading
        .samples()
        .iter()
        .filter(|sample| sample.name == "chat_metrics_scrapes_denied_total" && sample.value > 0.0);
    let reasons: Vec<String> = reasons
        .map(|sample| {
            let reason = sample.labels.iter().find(|(key, _)| key == "reason");
            format!("{} by {}", sample.value, reason.map_or("?", |(_, reason)| reason))
        })
        .collect();
    if reasons.is_empty() {
        return Ok("none".to_owned());
    }
    Err(format!("{} (metrics.allow_ips, metrics.allow_cidr, tokens)", reasons.join(", ")))
}

fn metrics_url(config: &Config) -> String {
    let scheme = if config.metrics.tls.cert.is_some() { "https" } else { "http" };
    let host = match config.metrics.host.as_str() {
        // An address that means every one of this machine's is none to call.
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" => "[::1]".to_owned(),
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    format!("{scheme}://{host}:{}/metrics", config.metrics.port)
}
