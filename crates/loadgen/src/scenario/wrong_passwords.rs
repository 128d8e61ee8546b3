//! Log-ins with wrong passwords, and nothing else.

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::{Tasks, amount};
use crate::api::Ask;
use crate::pace::Pace;
use crate::stop::Phase;
use crate::world::World;

/// How many, of whom.
#[derive(Args, Debug)]
pub struct Options {
    /// Guesses a second, all accounts together.
    #[arg(long, default_value = "1", value_parser = amount)]
    rate: f64,
    /// Accounts that are guessed at, in turn.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    accounts: u32,
}

/// Starts it.
pub(super) fn start(options: Options, world: &World, tasks: &mut Tasks) {
    tasks.spawn(guess(options, world.clone()));
}

async fn guess(options: Options, world: World) -> Result<()> {
    let mut stop = world.stop.clone();
    for number in 0..options.accounts as usize {
        // It is there from an earlier run, or is made, or is guessed at though it is not there.
        let _ = world.api.ask(Ask::post("/api/v1/users", &world.user(number).credentials())).await;
        if !stop.is_running() {
            return Ok(());
        }
    }
    let mut pace = Pace::per_second(options.rate);
    let mut guesses = Tasks::new();
    for number in (0..options.accounts as usize).cycle() {
        tokio::select! {
            () = sleep_until(pace.due()) => {}
            () = stop.reached(Phase::Settling) => break,
        }
        world.tally.skipped.add_many(pace.catch_up(1, Instant::now()));
        pace.step();
        while guesses.try_join_next().is_some() {}
        if guesses.len() >= super::requests::AT_ONCE {
            world.tally.skipped.add();
            continue;
        }
        let world = world.clone();
        guesses.spawn(async move {
            let guess =
                json!({"name": world.user(number).name, "password": "a guess that is wrong"});
            let answer = world.api.ask(Ask::post("/api/v1/login", &guess).from(number)).await;
            if answer.is_ok_and(|reply| reply.is_ok()) {
                world.tally.surprise(|| "a wrong password was right".to_owned());
            }
            Ok(())
        });
    }
    guesses.join_all().await;
    Ok(())
}
