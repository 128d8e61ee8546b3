//! Readers that stop reading in a busy room, until the server cuts them.
//!
//! It has to be soon: a system that hears nothing from a peer for long ends the connection itself,
//! and the server then knows of no slow reader. So the room is fed with what is small for its
//! sender and long on the wire.

use std::time::Duration;

use anyhow::Result;
use campanile_protocol::{Answer, Event, Request, ServerFrame, Status};
use clap::Args;
use serde_json::json;
use tokio::time::{Instant, interval_at, timeout};

use super::Tasks;
use crate::api::Ask;
use crate::backoff::Backoff;
use crate::line::{Cut, Line};
use crate::people::Session;
use crate::stop::Phase;
use crate::target::Window;
use crate::world::World;

/// How long a reader that was cut stays away beside other traffic, and what it is sent at most.
pub(super) const USUAL: (Duration, u32) = (Duration::from_secs(60), MESSAGES);

/// How long a reader is fed at most.
const MEAL: Duration = Duration::from_secs(40);

/// How long an answer, or the end, is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Messages that a reader is sent at most, unless another number is given.
const MESSAGES: u32 = 400;

/// Characters of a message. Each takes six bytes in JSON, and a frame has at most 64 KiB.
const BODY_CHARACTERS: usize = 10_000;

/// Messages that may be said at once.
const BURST: u32 = 16;

/// From one message to the next: a little longer than a user has to wait.
const EVERY: Duration = Duration::from_millis(125);

/// How many readers.
#[derive(Args, Debug)]
pub struct Options {
    /// Readers at a time, each in a room of its own.
    #[arg(long, default_value_t = 1)]
    count: u32,
    /// Seconds that a reader stays away after it was cut.
    #[arg(long, default_value = "5", value_parser = super::amount)]
    pause: f64,
    /// Messages of 60 KB that a reader is sent at most; more lie on the way than one might think.
    #[arg(long, default_value_t = MESSAGES)]
    messages: u32,
}

/// Starts them.
pub(super) fn start(options: &Options, world: &World, tasks: &mut Tasks) {
    let pause = Duration::try_from_secs_f64(options.pause).unwrap_or(Duration::MAX);
    for number in 0..options.count {
        tasks.spawn(read_slowly(world.clone(), number, (pause, options.messages)));
    }
}

/// Both ends of a room in which one speaks and the other does not listen.
struct Pair {
    world: World,
    slow: Session,
    slow_name: String,
    feeder: Session,
    room: String,
    messages: u32,
}

/// Stops reading, is cut, stays away, and does it again until the traffic ends.
pub(super) async fn read_slowly(
    world: World,
    number: u32,
    (pause, messages): (Duration, u32),
) -> Result<()> {
    let person = |role: &str| world.special(&format!("{role}-{number}"));
    let Some(slow) = person("slow").enter(&world).await? else { return Ok(()) };
    let Some(feeder) = person("feeder").enter(&world).await? else { return Ok(()) };
    let room = world.room(&format!("slow-room-{number}"));
    let slow_name = person("slow").name;
    let pair = Pair { world, slow, slow_name, feeder, room, messages };
    let mut stop = pair.world.stop.clone();
    let mut backoff = Backoff::default();
    while stop.is_running() {
        let wait = match stop.within(MEAL * 2, Phase::Settling, pair.once()).await {
            Some(Ok(())) => {
                backoff.reset();
                pause
            }
            Some(Err(_)) | None => backoff.fail(None),
        };
        stop.sleep(wait, Phase::Settling).await;
    }
    Ok(())
}

impl Pair {
    async fn once(&self) -> Result<(), Cut> {
        let room = json!({"name": self.room, "kind": "public"});
        // It is there from the last time, or is missed when it is entered.
        let _ = self.world.api.ask(Ask::post("/api/v1/rooms", &room).by(&self.feeder.token)).await;
        let mut slow = self.enter(&self.slow, Window::Narrow).await?;
        let _present = self.world.tally.open.enter();
        let mut feeder = self.enter(&self.feeder, Window::Usual).await?;
        let is_cut = self.feed(&mut feeder).await?;
        feeder.close().await;
        if is_cut {
            self.world.tally.slow_cut.add();
        } else {
            self.world.tally.surprise(|| "a reader that did not read was not cut".to_owned());
        }
        if let Some(Cut::Closed(code)) = rest_of(&mut slow).await {
            self.world.tally.closed(code);
        }
        Ok(())
    }

    async fn enter(&self, session: &Session, window: Window) -> Result<Line, Cut> {
        let mut line = Line::open(&self.world.target, 0, window).await?;
        self.world.tally.connections.add();
        line.say(Request::Hello { token: Some(session.token.clone()) }).await?;
        line.say(Request::Join { room: self.room.clone(), since: None }).await?;
        loop {
            let heard = timeout(PATIENCE, line.hear()).await.map_err(|_| Cut::Broken)??;
            match heard {
                ServerFrame::Ok { answer: Answer::Joined(_), .. } => return Ok(line),
                ServerFrame::Error { .. } => return Err(Cut::Broken),
                ServerFrame::Ok { .. } | ServerFrame::Event(_) => {}
            }
        }
    }

    /// Says much, of which the other reads nothing, until that one is gone; whether it is.
    async fn feed(&self, feeder: &mut Line) -> Result<bool, Cut> {
        let end = Instant::now() + MEAL;
        let mut due = interval_at(Instant::now() - EVERY * BURST, EVERY);
        let mut left = self.messages;
        while Instant::now() < end {
            tokio::select! {
                frame = feeder.hear() => if self.is_absence(&frame?) {
                    return Ok(true);
                },
                _ = due.tick(), if left > 0 => {
                    left -= 1;
                    // The bell, which JSON has no short word for.
                    let body = format!("ring {}", "\u{7}".repeat(BODY_CHARACTERS));
                    let room = self.room.clone();
                    feeder.say(Request::Send { room, body, key: None, reply_to: None }).await?;
                    self.world.tally.requests.add();
                }
            }
        }
        Ok(false)
    }

    /// Whether the frame says that the slow one is no longer connected.
    fn is_absence(&self, frame: &ServerFrame) -> bool {
        let ServerFrame::Event(Event::Presence(presence)) = frame else { return false };
        presence.user == self.slow_name && presence.status == Status::Unavailable
    }
}

/// Reads what was left lying; how it ended, if it did.
async fn rest_of(slow: &mut Line) -> Option<Cut> {
    let rest = async {
        loop {
            if let Err(cut) = slow.hear().await {
                return cut;
            }
        }
    };
    timeout(PATIENCE, rest).await.ok()
}
