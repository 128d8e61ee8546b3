//! What people should not do: each kind in turn, at a low rate, and what they must get for it.

mod http;
mod raw;
mod socket;

use std::sync::Arc;

use anyhow::Result;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::places;
use crate::api::{Ask, Unreachable};
use crate::line::Cut;
use crate::pace::Pace;
use crate::people::{Person, Session};
use crate::stop::Phase;
use crate::world::World;

/// Things that may be tried at once; what is due beyond is left out.
const AT_ONCE: usize = 16;

/// Somebody who does what should not be done.
pub(super) struct Rascal {
    world: World,
    person: Person,
    session: Session,
    /// A room of its own, where it can do no harm.
    room: String,
}

/// Nobody was there to do it to.
pub(super) struct Away;

impl From<Unreachable> for Away {
    fn from(_: Unreachable) -> Self {
        Self
    }
}

impl From<Cut> for Away {
    fn from(_: Cut) -> Self {
        Self
    }
}

impl From<std::io::Error> for Away {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

/// Does wrong until the traffic ends.
pub(super) async fn run(rate: f64, world: World) -> Result<()> {
    let person = world.special("rascal");
    let Some(session) = person.enter(&world).await? else { return Ok(()) };
    let room = world.room("rascal-room");
    let make = Ask::post("/api/v1/rooms", &json!({"name": room, "kind": "public"}));
    // It is there from an earlier run, or is missed.
    let _ = world.api.ask(make.by(&session.token)).await;
    let mut stop = world.stop.clone();
    let mut pace = Pace::per_second(rate);
    let rascal = Arc::new(Rascal { world, person, session, room });
    let mut running = JoinSet::new();
    for turn in 0.. {
        tokio::select! {
            () = sleep_until(pace.due()) => {}
            () = stop.reached(Phase::Settling) => break,
        }
        pace.catch_up(0, Instant::now());
        pace.step();
        while running.try_join_next().is_some() {}
        if running.len() < AT_ONCE {
            let rascal = rascal.clone();
            running.spawn(async move {
                // Who is away cannot be wronged.
                let _ = rascal.do_wrong(turn).await;
            });
        }
    }
    // Nobody waits for what is only mischief.
    running.shutdown().await;
    Ok(())
}

impl Rascal {
    async fn do_wrong(&self, turn: usize) -> Result<(), Away> {
        match turn % 12 {
            0 => self.guess_password().await,
            1 => self.ask_wrongly(turn / 12).await,
            2 => self.enter_wrongly(turn / 12).await,
            3 => self.guess_token().await,
            4 => self.ask_wrongly(turn / 12 + 4).await,
            5 => self.break_frames(turn / 12).await,
            6 => self.upload_wrongly(turn / 12).await,
            7 => self.ask_wrongly(turn / 12 + 8).await,
            8 => self.speak_wrongly(turn / 12).await,
            9 => self.break_http(turn / 12).await,
            10 => self.be_too_fast(turn / 12).await,
            _ => self.say_nothing().await,
        }
    }

    /// What was answered is looked at: one of these is right, and so is a server that is busy.
    fn expect(&self, what: &str, got: u16, right: &[u16]) {
        let busy = matches!(got, 429 | 502 | 503 | 504);
        if !busy && !right.contains(&got) {
            self.world
                .tally
                .surprise(|| format!("{what} was answered {got}, not one of {right:?}"));
        }
    }

    fn other_room(&self) -> String {
        places::name(&self.world, 0)
    }

    fn private_room(&self) -> String {
        places::name(&self.world, 1)
    }
}
