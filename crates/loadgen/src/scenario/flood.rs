//! One client that asks faster than it may.

use anyhow::Result;
use campanile_protocol::{Request, ServerFrame};
use clap::{Args, ValueEnum};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::{Tasks, amount};
use crate::api::Ask;
use crate::backoff::Backoff;
use crate::line::{Cut, Line};
use crate::pace::Pace;
use crate::people::Session;
use crate::stop::Phase;
use crate::target::Window;
use crate::world::World;

/// How fast, and with what.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Requests a second.
    #[arg(long, default_value = "200", value_parser = amount)]
    rate: f64,
    /// What is asked too often.
    #[arg(long, value_enum, default_value = "requests")]
    what: What,
}

/// What there is a limit of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Requests of one connection.
    Requests,
    /// Messages of one user.
    Messages,
    /// Rooms that one user enters.
    Joins,
}

/// Starts it.
pub(super) fn start(options: &Options, world: &World, tasks: &mut Tasks) {
    tasks.spawn(flood(options.clone(), world.clone()));
}

async fn flood(options: Options, world: World) -> Result<()> {
    let Some(session) = world.special("flood").enter(&world).await? else { return Ok(()) };
    let mut stop = world.stop.clone();
    let mut backoff = Backoff::default();
    while stop.is_running() {
        tokio::select! {
            () = stop.reached(Phase::Settling) => break,
            ended = pour(&options, &world, &session) => match ended {
                Cut::Closed(code) => world.tally.closed(code),
                Cut::Refused(status, _) => world.tally.refused(&format!("ws upgrade {status}")),
                Cut::Broken => world.tally.unreachable.add(),
            },
        }
        stop.sleep(backoff.fail(None), Phase::Settling).await;
    }
    Ok(())
}

/// Asks over one connection until it ends.
async fn pour(options: &Options, world: &World, session: &Session) -> Cut {
    let room = world.room("flood-room");
    let make = Ask::post("/api/v1/rooms", &json!({"name": room, "kind": "public"}));
    // It is there from an earlier connection.
    let _ = world.api.ask(make.by(&session.token)).await;
    let mut line = match Line::open(&world.target, 0, Window::Usual).await {
        Ok(line) => line,
        Err(cut) => return cut,
    };
    let _present = world.tally.open.enter();
    world.tally.connections.add();
    let mut pace = Pace::per_second(options.rate);
    let mut request = Request::Hello { token: Some(session.token.clone()) };
    loop {
        tokio::select! {
            biased;
            () = sleep_until(pace.due()) => {
                world.tally.skipped.add_many(pace.catch_up(10, Instant::now()));
                let due = pace.step();
                if let Err(cut) = line.say(request).await {
                    return cut;
                }
                let room = room.clone();
                request = match options.what {
                    What::Requests => Request::Ping,
                    What::Joins => Request::Join { room, since: None },
                    What::Messages => {
                        let body = world.run.body(due);
                        Request::Send { room, body, key: None, reply_to: None }
                    }
                };
            }
            heard = line.hear() => match heard {
                Ok(ServerFrame::Ok { .. }) => world.tally.requests.add(),
                Ok(ServerFrame::Error { refusal, .. }) => {
                    let code = serde_json::to_value(refusal.code).unwrap_or_default();
                    world.tally.refused(&format!("ws {}", code.as_str().unwrap_or("-")));
                }
                Ok(ServerFrame::Event(_)) => {}
                Err(cut) => return cut,
            },
        }
    }
}
