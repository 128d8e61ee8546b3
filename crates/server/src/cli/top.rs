//! `campanile top`: live rates in the terminal, read from a metrics endpoint.

mod view;

use super::{Failure, arguments::TopOptions, endpoint, output};
use crate::readings::Reading;
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

pub(super) fn run(options: TopOptions) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failure::failed)?.block_on(async {
        if options.once { once(&options).await } else { follow(&options).await }
    })
}

async fn once(options: &TopOptions) -> Result<ExitCode, Failure> {
    let before = look(options)?;
    tokio::time::sleep(ONCE).await;
    let looks = [before, look(options)?];
    output::print(&view::frame(&options.url, &looks, Style::Plain));
    Ok(ExitCode::SUCCESS)
}

async fn follow(options: &TopOptions) -> Result<ExitCode, Failure> {
    let is_terminal = io::stdout().is_terminal();
    let mut looks = VecDeque::from([look(options)?]);
    if is_terminal {
        output::print(ENTER);
    }
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(options.interval));
    ticks.tick().await;
    let ended = loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break Ok(ExitCode::SUCCESS),
            _ = ticks.tick() => {}
        }
        match look(options) {
            Ok(next) => looks.push_back(next),
            Err(failure) => break Err(failure),
        }
        if looks.len() > REMEMBERED {
            looks.pop_front();
        }
        let style = if is_terminal { Style::Screen } else { Style::Plain };
        output::print(&view::frame(&options.url, looks.make_contiguous(), style));
    };
    if is_terminal {
        output::print(LEAVE);
    }
    ended
}

fn look(options: &TopOptions) -> Result<Look, Failure> {
    let reading: Reading =
        endpoint::scrape(&options.url, options.token.as_deref()).map_err(Failure::failed)?;
    Ok(Look { at: Instant::now(), reading })
}
