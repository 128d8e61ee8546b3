//! What people do all day: they talk, come and go, and are sometimes wrong.

mod places;
mod talker;
mod connection;
mod asked;
mod deeds;
mod errands;
mod mischief;
mod stream;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::errands::Runner;
use super::{Tasks, amount, slow_reader};
use crate::world::World;

/// How much of what.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Users, each with a connection.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=20_000))]
    users: u32,
    /// Rooms with a name, every other one private, and as many direct rooms.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rooms: u32,
    /// Messages a second, all users together.
    #[arg(long, default_value = "20", value_parser = amount)]
    rate: f64,
    /// Wrong things done for each message: wrong passwords, unknown rooms, broken frames and so on.
    #[arg(long, default_value = "0.05", value_parser = amount)]
    mischief: f64,
    /// REST requests for each message.
    #[arg(long, default_value = "0.1", value_parser = amount)]
    errands: f64,
    /// Seconds that a connection lives on average until its client comes back on a new one.
    #[arg(long, default_value = "60", value_parser = amount)]
    lifetime: f64,
    /// Readers that stop reading, once a minute, until they are cut.
    #[arg(long, default_value_t = 1)]
    slow_readers: u32,
    /// Listeners to server-sent events.
    #[arg(long, default_value_t = 1)]
    streams: u32,
    /// One-time prekeys published for every five that are claimed.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=9))]
    prekeys: u64,
    /// Push service to which a user who is never there subscribes; nothing is pushed without it.
    #[arg(long)]
    push_endpoint: Option<String>,
}

/// Does all of it until the run is over.
pub(super) async fn run(options: Options, world: World) -> Result<()> {
    ensure!(options.rooms <= options.users, "each room has an owner: more users, or fewer rooms");
    let Some(runner) = Runner::enter(&options, &world).await? else { return Ok(()) };
    let mut tasks = Tasks::new();
    for number in 0..options.users as usize {
        tasks.spawn(talker::talk(options.clone(), world.clone(), number));
    }
    for number in 0..options.streams {
        tasks.spawn(stream::listen(world.clone(), number));
    }
    tasks.spawn(errands::run(runner));
    tasks.spawn(mischief::run(options.rate * options.mischief, world.clone()));
    for number in 0..options.slow_readers {
        tasks.spawn(slow_reader::read_slowly(world.clone(), number, slow_reader::USUAL));
    }
    while let Some(task) = tasks.join_next().await {
        task.context("a client broke")??;
    }
    Ok(())
}
