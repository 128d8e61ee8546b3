//! Somebody who only listens, to server-sent events.

use std::time::Duration;

use anyhow::Result;
use campanile_protocol::{Codec, Event, HistoryPage, JsonV1, LastEventId, Message, ServerFrame};
use serde_json::json;

use super::places;
use crate::api::{Ask, Unreachable};
use crate::backoff::Backoff;
use crate::delivery::ReaderId;
use crate::people::{Person, Session};
use crate::stop::Phase;
use crate::world::World;

/// How long nothing at all is heard, heartbeats among it, before the stream is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// Bytes of one line; a longer one ends the stream.
const LINE_BYTES_MAX: usize = 256 * 1024;

/// A listener to one room.
struct Listener {
    world: World,
    person: Person,
    session: Session,
    room: String,
    reader: ReaderId,
    last: String,
    /// Whether an id came with the event that is being read.
    placed: bool,
}

/// Listens until the run is over.
pub(super) async fn listen(world: World, number: u32) -> Result<()> {
    let person = world.special(&format!("listener-{number}"));
    let Some(session) = person.enter(&world).await? else { return Ok(()) };
    // The first room is public, and there is always one.
    let room = places::name(&world, 0);
    let (reader, last) = (world.ledger.reader(&person.name, &room), String::new());
    let mut stop = world.stop.clone();
    let mut listener = Listener { world, person, session, room, reader, last, placed: false };
    let (mut backoff, mut had_one) = (Backoff::default(), false);
    while stop.phase() != Phase::Over {
        tokio::select! {
            () = stop.reached(Phase::Over) => break,
            told = listener.stream(&mut had_one) => {
                if told == Told::Something {
                    backoff.reset();
                }
                if told == Told::Stranger {
                    match listener.person.log_in(&listener.world).await? {
                        Some(session) => listener.session = session,
                        None => return Ok(()),
                    }
                }
            }
        }
        stop.sleep(backoff.fail(None), Phase::Over).await;
    }
    Ok(())
}

/// What a stream was good for.
#[derive(PartialEq, Eq)]
enum Told {
    Something,
    Nothing,
    Stranger,
}

impl Listener {
    /// One stream, to its end.
    async fn stream(&mut self, had_one: &mut bool) -> Told {
        let ask = Ask::get(format!("/sse?room={}", self.room)).by(&self.session.token);
        let ask = match self.last.is_empty() {
            true => ask,
            false => ask.header("last-event-id", self.last.clone()),
        };
        let Ok(mut response) = self.world.api.open(ask).await else { return Told::Nothing };
        let status = response.status().as_u16();
        if status != 200 {
            self.world.tally.refused(&format!("sse {status}"));
            return if status == 401 { Told::Stranger } else { Told::Nothing };
        }
        let tally = self.world.tally.clone();
        let _present = tally.open.enter();
        tally.connections.add();
        if std::mem::replace(had_one, true) {
            tally.reconnects.add();
            if !self.last.is_empty() {
                tally.resumes.add();
            }
        }
        let mut rest = Vec::new();
        while let Ok(Ok(Some(piece))) = tokio::time::timeout(SILENCE, response.chunk()).await {
            rest.extend_from_slice(&piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                self.line(&String::from_utf8_lossy(&line[..end])).await;
            }
            if rest.len() > LINE_BYTES_MAX {
                break;
            }
        }
        tally.cuts.add();
        Told::Something
    }

    async fn line(&mut self, line: &str) {
        if let Some(id) = line.strip_prefix("id: ") {
            self.last = id.to_owned();
            self.placed = true;
        } else if let Some(data) = line.strip_prefix("data: ") {
            if let Ok(ServerFrame::Event(event)) = JsonV1.decode(data.as_bytes()) {
                self.happened(&event);
            }
        } else if line.is_empty() && std::mem::take(&mut self.placed) {
            self.place().await;
        }
    }

    fn happened(&self, event: &Event) {
        let world = &self.world;
        match event {
            Event::Message(message) if world.ledger.since(self.reader).is_none() => {
                // Before it is said where the room is, there is nothing to go on from.
                world.tally.surprise(|| format!("{} came before its place", message.seq));
            }
            Event::Message(message) if world.ledger.heard(self.reader, message) => {
                world.tally.delivered.add();
                if let Some(late) = world.run.lateness(&message.body) {
                    world.tally.delivered_after(late);
                }
            }
            Event::Resync(_) => world.ledger.resync(self.reader),
            _ => {}
        }
    }

    /// Goes to where the last id says; reads what could not be told.
    async fn place(&self) {
        let Ok(LastEventId(positions)) = self.last.parse() else { return };
        let Some(position) = positions.iter().find(|position| position.room == self.room) else {
            return;
        };
        self.world.ledger.positioned(self.reader, position.epoch, position.seq);
        while let Some(after) = self.world.ledger.owed_after(self.reader) {
            // What cannot be read now is read after the next message.
            let Ok(true) = self.read(after).await else { break };
        }
    }

    async fn read(&self, after: u64) -> Result<bool, Unreachable> {
        let path = format!("/api/v1/rooms/{}/messages?after={after}&limit=200", self.room);
        let reply = self.world.api.ask(Ask::get(path).by(&self.session.token)).await?;
        let messages = reply.body.get("messages").cloned().unwrap_or(json!(null));
        let Ok(messages) = serde_json::from_value::<Vec<Message>>(messages) else {
            return Ok(false);
        };
        let has_more = reply.body["has_more"] == true;
        let recovered = self.world.ledger.read(self.reader, &HistoryPage { messages, has_more });
        self.world.tally.recovered.add_many(recovered);
        Ok(true)
    }
}
