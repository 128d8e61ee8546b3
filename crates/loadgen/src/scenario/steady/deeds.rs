//! What a user does when it is its turn: says something, and now and then something else.

use campanile_protocol::{Request, Status};
use tokio::time::Instant;

use super::asked::What;
use super::connection::Connection;
use super::talker::Saying;
use crate::line::Cut;

/// Of so many turns, one has something else beside the message.
const ELSE_SHARE: f64 = 0.5;

const EMOJI: &[&str] = &["👍", "🔔", "❤️", "😂"];

impl Connection<'_> {
    /// A turn that is due at this time.
    pub(super) async fn do_something(&mut self, due: Instant) -> Result<(), Cut> {
        let present = (0..self.talker.places.len()).filter(|at| self.talker.places[*at].present);
        let present: Vec<usize> = present.collect();
        let Some(place) = pick(&present).copied() else { return self.come_back().await };
        let talker = &mut *self.talker;
        talker.said += 1;
        let reply_to = rand::random_bool(0.05).then(|| pick_last(talker.places[place].mine.len()));
        let reply_to = reply_to.flatten().map(|at| talker.places[place].mine[at]);
        let saying = Saying {
            place,
            key: format!("{}-{}-{}", talker.world.run.name(), talker.name, talker.said),
            body: talker.world.run.body(due),
            due,
            reply_to,
            tries: 0,
            _undecided: talker.world.tally.undecided.enter(),
        };
        talker.world.tally.sent.add();
        if rand::random_bool(0.02) {
            let again = Saying {
                key: saying.key.clone(),
                body: saying.body.clone(),
                tries: 1,
                _undecided: self.talker.world.tally.undecided.enter(),
                ..saying
            };
            self.say(saying).await?;
            self.say(again).await?;
        } else {
            self.say(saying).await?;
        }
        if rand::random_bool(ELSE_SHARE) { self.do_else(place).await } else { Ok(()) }
    }

    async fn do_else(&mut self, place: usize) -> Result<(), Cut> {
        let world = &self.talker.world;
        let at = &self.talker.places[place];
        let room = at.room.clone();
        let last = world.ledger.since(at.reader).map_or(0, |since| since.seq);
        let mine = pick_last(at.mine.len()).map(|index| at.mine[index]);
        let request = match (rand::random_range(0..100), mine) {
            (0..8, Some(seq)) => Request::Edit { room, seq, body: "said otherwise".to_owned() },
            (8..11, Some(seq)) => Request::Delete { room, seq },
            (11..26, Some(seq)) => {
                let emoji = EMOJI[rand::random_range(0..EMOJI.len())].to_owned();
                Request::React { room, seq, emoji, on: rand::random_bool(0.7) }
            }
            (26..50, _) => Request::Typing { room, on: rand::random() },
            (50..70, _) if last > 0 => Request::Read { room, seq: last },
            (70..78, _) => Request::Presence { status: status() },
            (78..86, _) => Request::History { room, before: None, after: None, limit: Some(50) },
            (86..89, _) => return self.leave(place).await,
            (89..97, _) => return self.come_back().await,
            _ => Request::Ping,
        };
        self.ask(request, What::Deed).await
    }

    async fn leave(&mut self, place: usize) -> Result<(), Cut> {
        let at = &mut self.talker.places[place];
        at.present = false;
        self.talker.world.ledger.left(at.reader);
        let room = at.room.clone();
        self.ask(Request::Leave { room }, What::Leave).await
    }

    /// Enters again a room that was left.
    async fn come_back(&mut self) -> Result<(), Cut> {
        let left = self.talker.places.iter().position(|place| !place.present);
        let Some(place) = left else { return Ok(()) };
        self.talker.places[place].present = true;
        self.join(place).await
    }
}

fn status() -> Status {
    let all = [Status::Available, Status::Away, Status::Dnd, Status::Unavailable];
    all[rand::random_range(0..all.len())]
}

fn pick<T>(all: &[T]) -> Option<&T> {
    (!all.is_empty()).then(|| &all[rand::random_range(0..all.len())])
}

/// An index of a list of this length.
fn pick_last(length: usize) -> Option<usize> {
    (length > 0).then(|| rand::random_range(0..length))
}
