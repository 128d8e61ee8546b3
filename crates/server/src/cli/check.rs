//! `campanile check`: says what is wrong, before a start and beside a running server.

use super::{
    Failure,
    arguments::{Trusted, What},
    endpoint::{Endpoint, EndpointError},
    output,
};
use crate::{
    app::prepare_directory,
    apps::{look_at_apps, look_at_stored},
    config::{Config, Flags, Sources},
    listeners::Listeners,
    readings::Reading,
    tls,
    wiring::{
        adapters::{LookedAt, look_at_bus, look_at_store},
        loki::look_at_loki,
    },
};
use std::{net::TcpListener, process::ExitCode};

/// What was found: what is fine, and what is not.
struct Findings {
    /// The metrics endpoint.
    endpoint: Endpoint,
    wrong: usize,
    /// Scrapes that were answered to this check, which are not monitoring's.
    own_scrapes: u64,
}

pub(super) fn run(
    what: Option<What>,
    trusted: &Trusted,
    flags: Flags,
) -> Result<ExitCode, Failure> {
    let config = Sources::of_process(flags).load()?;
    let endpoint = Endpoint::metrics(&config, trusted.ca.as_ref());
    let mut findings = Findings { endpoint, wrong: 0, own_scrapes: 0 };
    findings.note("config", Ok("every setting is understood".to_owned()));
    let is_asked = |one| what.is_none_or(|what| what == one);
    if is_asked(What::Modules) {
        let readiness = Endpoint::readiness(&config, trusted.ca.as_ref());
        modules(&config, &readiness, &mut findings)?;
    }
    if is_asked(What::Metrics) {
        metrics(&config, &mut findings);
    }
    if is_asked(What::Monitoring) {
        if let Some(found) = look_at_loki(&config) {
            findings.note("log.loki.url", found);
        }
        monitoring(&mut findings);
    }
    Ok(if findings.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Findings {
    fn scrape(&mut self) -> Result<Reading, EndpointError> {
        let reading = self.endpoint.scrape()?;
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
fn modules(config: &Config, readiness: &Endpoint, findings: &mut Findings) -> Result<(), Failure> {
    findings.note("server.listen", listen(&config.server.listen, readiness));
    if let Some(found) = tls::check(&config.server) {
        findings.note("server.tls", found);
    }
    if config.metrics.enabled {
        let address = (config.metrics.host.as_str(), config.metrics.port);
        let found = match TcpListener::bind(address) {
            Ok(_) => Ok(format!("{}:{} is free", address.0, address.1)),
            Err(error) => match findings.scrape() {
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
    findings.note("apps", look_at_apps(config));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let (store, bus) = runtime
        .map_err(Failure::failed)?
        .block_on(async { (look_at_store(config).await, look_at_bus(config).await) });
    let (place, stored) = match store {
        Ok(LookedAt { place, apps }) => (Ok(place), apps),
        Err(error) => (Err(error), None),
    };
    findings.note("store.url", place);
    if let Some(stored) = stored {
        findings.note("apps of the store", look_at_stored(config, &stored));
    }
    findings.note("bus.url", bus);
    Ok(())
}

fn listen(address: &str, readiness: &Endpoint) -> Result<String, String> {
    match Listeners::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(error) => match readiness.get() {
            Ok(answer) if answer.text == "ready\n" => {
                Ok(format!("{address} is served by this program, which is ready"))
            }
            Ok(_) => Err(error.to_string()),
            Err(why) => Err(format!("{error}, and who listens there does not answer us: {why}")),
        },
    }
}

/// The metrics endpoint of a running server.
fn metrics(config: &Config, findings: &mut Findings) {
    if !config.metrics.enabled {
        return findings.note("metrics", Err("metrics.enabled is false".to_owned()));
    }
    let found = findings.scrape().map(|reading| format!("{} series", reading.samples().len()));
    findings.note("metrics", found.map_err(|error| error.to_string()));
}

/// What scrapes a running server, and whether there is anything to see.
fn monitoring(findings: &mut Findings) {
    let own = findings.own_scrapes;
    let reading = match findings.scrape() {
        Ok(reading) => reading,
        Err(error) => return findings.note("monitoring", Err(error.to_string())),
    };
    findings.note("scrapes", scrapes(&findings.endpoint.url, &reading, own));
    findings.note("denied scrapes", denied(&reading));
    let requests = requests(&reading);
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

/// Requests of people and programs: not those that ask whether the server lives.
fn requests(reading: &Reading) -> u64 {
    let is_probe = |labels: &[(String, String)]| {
        let route = labels.iter().find(|(key, _)| key == "route");
        route.is_some_and(|(_, route)| matches!(route.as_str(), "/livez" | "/readyz"))
    };
    let all = reading.samples().iter();
    let asked =
        all.filter(|sample| sample.name == "chat_http_requests_total" && !is_probe(&sample.labels));
    asked.map(|sample| sample.value).sum::<f64>() as u64
}

fn scrapes(url: &str, reading: &Reading, own: u64) -> Result<String, String> {
    match reading.whole("chat_metrics_scrapes_total", &[]).saturating_sub(own) {
        0 => Err(format!("nothing but this check has scraped {url}: point Prometheus there",)),
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
