//! `campanile top`: live rates in the terminal, read from a metrics endpoint.

mod view;

use super::{
    Failure,
    arguments::TopOptions,
    endpoint::{Endpoint, bearer},
    output,
    trust::Trust,
};
use crate::config::{Flags, Sources};
use std::{
    collections::VecDeque,
    io::{self, IsTerminal},
    process::ExitCode,
    time::{Duration, Instant},
};
use view::{Look, Style};

/// Looks that the small plots remember.
const REMEMBERED: usize = 40;

/// How long the two looks of `--once` lie apart.
const ONCE: Duration = Duration::from_secs(1);

/// Another screen, and back to the one before.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

pub(super) fn run(options: &TopOptions, flags: Flags) -> Result<ExitCode, Failure> {
    let endpoint = endpoint(options, flags)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::failed)?.block_on(async {
        if options.once { once(&endpoint).await } else { follow(&endpoint, options.interval).await }
    })
}

/// What is asked. The secrets that are configured are for the endpoint that is, and for no other.
fn endpoint(options: &TopOptions, flags: Flags) -> Result<Endpoint, Failure> {
    let authorities = options.trusted.ca.as_ref();
    let mut endpoint = match &options.url {
        Some(url) => {
            let (url, trust) = (url.clone(), Trust::of(authorities, None));
            Endpoint { url, authorization: None, trust }
        }
        None => Endpoint::metrics(&Sources::of_process(flags).load()?, authorities),
    };
    if let Some(token) = &options.token {
        endpoint.authorization = Some(bearer(token));
    }
    Ok(endpoint)
}

async fn once(endpoint: &Endpoint) -> Result<ExitCode, Failure> {
    let before = look(endpoint)?;
    tokio::time::sleep(ONCE).await;
    let looks = [before, look(endpoint)?];
    output::print(&view::frame(&endpoint.url, &looks, Style::Plain));
    Ok(ExitCode::SUCCESS)
}

async fn follow(endpoint: &Endpoint, interval: f64) -> Result<ExitCode, Failure> {
    let is_terminal = io::stdout().is_terminal();
    let mut looks = VecDeque::from([look(endpoint)?]);
    if is_terminal {
        output::print(ENTER);
    }
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(interval));
    ticks.tick().await;
    let ended = loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break Ok(ExitCode::SUCCESS),
            _ = ticks.tick() => {}
        }
        match look(endpoint) {
            Ok(next) => looks.push_back(next),
            Err(failure) => break Err(failure),
        }
        if looks.len() > REMEMBERED {
            looks.pop_front();
        }
        let style = if is_terminal { Style::Screen } else { Style::Plain };
        output::print(&view::frame(&endpoint.url, looks.make_contiguous(), style));
    };
    if is_terminal {
        output::print(LEAVE);
    }
    ended
}

fn look(endpoint: &Endpoint) -> Result<Look, Failure> {
    let reading = endpoint.scrape().map_err(Failure::failed)?;
    Ok(Look { at: Instant::now(), reading })
}
