//! HTTP requests of one kind, at a rate that does not wait for answers.

use anyhow::Result;
use clap::Args;
use reqwest::Method;
use tokio::time::{Instant, sleep_until};

use super::{Tasks, amount};
use crate::api::Ask;
use crate::pace::Pace;
use crate::stop::Phase;
use crate::world::World;

/// Requests that may wait for their answer; what is due beyond is passed over.
pub(super) const AT_ONCE: usize = 256;

/// Which, and how many.
#[derive(Args, Debug)]
pub struct Options {
    /// Requests a second.
    #[arg(long, default_value = "5", value_parser = amount)]
    rate: f64,
    /// What is asked for.
    #[arg(long, default_value = "/nothing-is-here")]
    path: String,
    /// How.
    #[arg(long, default_value = "GET")]
    method: Method,
    /// Asks as an account that is logged in.
    #[arg(long)]
    authenticated: bool,
}

/// Starts it.
pub(super) fn start(options: Options, world: &World, tasks: &mut Tasks) {
    tasks.spawn(request(options, world.clone()));
}

async fn request(options: Options, world: World) -> Result<()> {
    let mut ask = Ask::new(options.method, options.path);
    if options.authenticated {
        let Some(session) = world.special("asker").enter(&world).await? else { return Ok(()) };
        ask = ask.by(&session.token);
    }
    let mut stop = world.stop.clone();
    let mut pace = Pace::per_second(options.rate);
    let mut asking = Tasks::new();
    for client in 0.. {
        tokio::select! {
            () = sleep_until(pace.due()) => {}
            () = stop.reached(Phase::Settling) => break,
        }
        world.tally.skipped.add_many(pace.catch_up(1, Instant::now()));
        let due = pace.step();
        while asking.try_join_next().is_some() {}
        if asking.len() >= AT_ONCE {
            world.tally.skipped.add();
            continue;
        }
        let (world, ask) = (world.clone(), ask.clone().from(client));
        asking.spawn(async move {
            if world.api.ask(ask).await.is_ok() {
                world.tally.acknowledged_after(due.elapsed());
            }
            Ok(())
        });
    }
    asking.join_all().await;
    Ok(())
}
