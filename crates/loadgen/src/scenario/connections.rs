//! Connections that say who they are, and then nothing.

use std::time::Duration;

use anyhow::Result;
use campanile_protocol::{Request, ServerFrame};
use clap::Args;
use tokio::time::Instant;

use super::{Tasks, amount};
use crate::backoff::Backoff;
use crate::line::{Cut, Line};
use crate::people::Session;
use crate::stop::Phase;
use crate::target::Window;
use crate::world::World;

/// Connections of one account; a server takes only so many.
const PER_ACCOUNT: u32 = 50;

/// How many.
#[derive(Args, Debug)]
pub struct Options {
    /// Connections that are held.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// Connections opened a second.
    #[arg(long, default_value = "8", value_parser = amount)]
    rate: f64,
}

/// Starts them.
pub(super) fn start(options: &Options, world: &World, tasks: &mut Tasks) {
    let began = Instant::now();
    let group = |first: u32| (first..options.count.min(first + PER_ACCOUNT)).collect::<Vec<_>>();
    for first in (0..options.count).step_by(PER_ACCOUNT as usize) {
        let due = move |number: u32, rate: f64| {
            began + Duration::try_from_secs_f64(f64::from(number) / rate).unwrap_or_default()
        };
        let rate = options.rate;
        let dues = group(first).into_iter().map(|number| due(number, rate)).collect();
        tasks.spawn(hold(world.clone(), (first / PER_ACCOUNT) as usize, dues));
    }
}

/// Holds the connections of one account, each from when it is due.
async fn hold(world: World, account: usize, dues: Vec<Instant>) -> Result<()> {
    let mut stop = world.stop.clone();
    let first = dues.first().copied().unwrap_or_else(Instant::now);
    stop.sleep(first.saturating_duration_since(Instant::now()), Phase::Settling).await;
    let Some(session) = world.user(account).enter(&world).await? else { return Ok(()) };
    let mut held = Tasks::new();
    for (number, due) in dues.into_iter().enumerate() {
        let (world, session) = (world.clone(), session.clone());
        held.spawn(async move {
            let mut stop = world.stop.clone();
            stop.sleep(due.saturating_duration_since(Instant::now()), Phase::Settling).await;
            keep(&world, &session, account + number).await;
            Ok(())
        });
    }
    held.join_all().await;
    Ok(())
}

/// Keeps one connection, or another in its place.
async fn keep(world: &World, session: &Session, client: usize) {
    let mut stop = world.stop.clone();
    let (mut backoff, mut had_one) = (Backoff::default(), false);
    while stop.is_running() {
        tokio::select! {
            () = stop.reached(Phase::Settling) => return,
            cut = sit(world, session, (client, &mut had_one)) => {
                let told = match cut {
                    Cut::Refused(status, retry_after) => {
                        world.tally.refused(&format!("ws upgrade {status}"));
                        retry_after
                    }
                    Cut::Closed(code) => {
                        world.tally.closed(code);
                        world.tally.cuts.add();
                        None
                    }
                    Cut::Broken => {
                        world.tally.unreachable.add();
                        None
                    }
                };
                stop.sleep(backoff.fail(told), Phase::Settling).await;
            }
        }
    }
}

/// Sits on one connection until it ends.
async fn sit(world: &World, session: &Session, (client, had_one): (usize, &mut bool)) -> Cut {
    let mut line = match Line::open(&world.target, client, Window::Usual).await {
        Ok(line) => line,
        Err(cut) => return cut,
    };
    let _present = world.tally.open.enter();
    world.tally.connections.add();
    if std::mem::replace(had_one, true) {
        world.tally.reconnects.add();
    }
    let hello = Request::Hello { token: Some(session.token.clone()) };
    if let Err(cut) = line.say(hello).await {
        return cut;
    }
    loop {
        match line.hear().await {
            Ok(ServerFrame::Error { refusal, .. }) => {
                world.tally.refused(&format!("ws {:?}", refusal.code).to_lowercase());
            }
            Ok(_) => {}
            Err(cut) => return cut,
        }
    }
}
