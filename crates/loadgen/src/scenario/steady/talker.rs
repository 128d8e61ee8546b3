//! One user: an account, its rooms, and one connection after another.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::Instant;

use super::Options;
use super::connection::{Connection, End};
use super::places;
use crate::backoff::Backoff;
use crate::delivery::ReaderId;
use crate::line::{Cut, Line};
use crate::pace::Pace;
use crate::people::{Person, Session};
use crate::stop::Phase;
use crate::tally::Present;
use crate::target::Window;
use crate::world::World;

/// A user and what it keeps from one connection to the next.
pub(super) struct Talker {
    pub(super) world: World,
    pub(super) session: Session,
    pub(super) places: Vec<Place>,
    pub(super) pace: Pace,
    /// Messages of which it is not known whether the server has them: they are sent again.
    pub(super) unsure: VecDeque<Saying>,
    pub(super) said: u64,
    pub(super) name: String,
    lifetime: Duration,
}

/// A room of a user.
pub(super) struct Place {
    pub(super) room: String,
    pub(super) reader: ReaderId,
    /// The user's own messages there, the newest last.
    pub(super) mine: VecDeque<u64>,
    /// Whether the user wants to listen now.
    pub(super) present: bool,
}

/// A message on its way.
pub(super) struct Saying {
    pub(super) place: usize,
    pub(super) key: String,
    pub(super) body: String,
    pub(super) due: Instant,
    pub(super) reply_to: Option<u64>,
    /// How often it was sent.
    pub(super) tries: u32,
    /// What becomes of it is waited for, however the run ends.
    pub(super) _undecided: Present,
}

/// Lives until the run is over.
pub(super) async fn talk(options: Options, world: World, number: usize) -> Result<()> {
    let person = world.user(number);
    let entering = world.door.acquire().await.context("the door is never closed")?;
    let Some(session) = person.enter(&world).await? else { return Ok(()) };
    drop(entering);
    let converse = async {
        let Some(rooms) = places::enter(&options, &world, &person, &session).await? else {
            return Ok(());
        };
        Talker::new(&options, &world, (&person, &session), rooms).live(&person).await
    };
    let is_host = number < options.rooms as usize && places::is_private(number);
    if is_host {
        let inviting = places::invite(&options, &world, &person, &session);
        tokio::try_join!(converse, inviting)?;
        return Ok(());
    }
    converse.await
}

impl Talker {
    fn new(
        options: &Options,
        world: &World,
        (person, session): (&Person, &Session),
        rooms: Vec<String>,
    ) -> Self {
        let place = |room: String| Place {
            reader: world.ledger.reader(&person.name, &room),
            room,
            mine: VecDeque::new(),
            present: true,
        };
        Self {
            places: rooms.into_iter().map(place).collect(),
            pace: Pace::per_second(options.rate / f64::from(options.users)),
            unsure: VecDeque::new(),
            said: 0,
            name: person.name.clone(),
            lifetime: Duration::try_from_secs_f64(options.lifetime).unwrap_or(Duration::MAX),
            session: session.clone(),
            world: world.clone(),
        }
    }

    async fn live(mut self, person: &Person) -> Result<()> {
        let mut stop = self.world.stop.clone();
        let (mut backoff, mut had_one) = (Backoff::default(), false);
        while stop.phase() != Phase::Over {
            let wait = match Line::open(&self.world.target, person.number, Window::Usual).await {
                Ok(line) => {
                    let tally = self.world.tally.clone();
                    let _present = tally.open.enter();
                    tally.connections.add();
                    if had_one {
                        tally.reconnects.add();
                    }
                    had_one = true;
                    match self.on(line).await {
                        End::Over => return Ok(()),
                        End::Wanted => Duration::ZERO,
                        End::Stranger => match person.log_in(&self.world).await? {
                            Some(session) => {
                                self.session = session;
                                Duration::ZERO
                            }
                            None => return Ok(()),
                        },
                        End::Cut(ready) => {
                            tally.cuts.add();
                            if ready {
                                backoff.reset();
                            }
                            backoff.fail(None)
                        }
                    }
                }
                Err(cut) => backoff.fail(self.turned_away(&cut)),
            };
            stop.sleep(wait, Phase::Over).await;
        }
        Ok(())
    }

    async fn on(&mut self, line: Line) -> End {
        // As people leave: at any time, however long they have been there.
        let share = -(1.0 - rand::random::<f64>()).ln();
        let lifetime = Duration::try_from_secs_f64(self.lifetime.as_secs_f64() * share);
        let until = lifetime.ok().and_then(|lifetime| Instant::now().checked_add(lifetime));
        Connection::new(self, line, until).run().await
    }

    fn turned_away(&self, cut: &Cut) -> Option<Duration> {
        match cut {
            Cut::Refused(status, retry_after) => {
                self.world.tally.refused(&format!("ws upgrade {status}"));
                *retry_after
            }
            Cut::Closed(_) | Cut::Broken => {
                self.world.tally.unreachable.add();
                None
            }
        }
    }
}
