//! The pump: the loop of one worker that takes what it is told and heals what is missing.

use super::{Instruction, hub::Hub};
use crate::{
    event::{Audience, Envelope, Event, Signal},
    message::Sequence,
    name::RoomName,
    port::{History, HistoryError, Page},
    time::Moment,
};
use futures_util::{FutureExt, StreamExt, future::LocalBoxFuture, stream::FuturesUnordered};
use std::{ops::ControlFlow, sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

/// Events handled before other tasks of the worker get their turn.
const EVENTS_PER_TURN: usize = 64;

/// How long a gap that could not be filled is left before it is tried again.
const REFILL_PAUSE: Duration = Duration::from_secs(1);

/// Messages of a room that did not come: those between `passed` and `early`, and maybe more.
struct Gap {
    room: RoomName,
    passed: Sequence,
    early: Sequence,
    /// Since when it is waited for.
    since: Moment,
    /// How many messages are read to fill it, and the gaps behind it.
    to_read: usize,
}

/// What the store had of a gap.
type GapRead = (Gap, Result<History, HistoryError>);

impl Hub {
    /// Delivers events to this worker's connections until [`super::Shards::stop`].
    pub(crate) async fn pump(&self) {
        let Some(mut inbox) = self.inbox.take() else {
            return;
        };
        let mut instructions = Vec::with_capacity(EVENTS_PER_TURN);
        let mut reads: FuturesUnordered<LocalBoxFuture<'_, GapRead>> = FuturesUnordered::new();
        let mut gap_check = tokio::time::interval(self.context.limits.gap_patience);
        gap_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                count = inbox.receiver.recv_many(&mut instructions, EVENTS_PER_TURN) => {
                    let follow = || instructions.drain(..).try_for_each(|told| self.follow(told));
                    let flow = self.round.run(follow).await;
                    if count == 0 || flow.is_break() {
                        break;
                    }
                }
                Some(read) = reads.next() => self.round.run(|| self.refill(read)).await,
                _ = gap_check.tick(), if !self.gaps.borrow().is_empty() => {
                    reads.extend(self.overdue_gaps().into_iter().map(|gap| self.read(gap).boxed_local()));
                }
            }
            // Let the writers run: what was pushed in one round leaves in one write.
            tokio::task::yield_now().await;
        }
    }

    fn follow(&self, instruction: Instruction) -> ControlFlow<()> {
        match instruction {
            Instruction::Deliver(envelope, before) => {
                self.before.set(before);
                self.deliver(&envelope, self.tally.now());
            }
            Instruction::Survey(order) => {
                let survey = self.survey(order.connections_max, order.rooms_max);
                let _asker_gone = order.reply.send(survey);
            }
            Instruction::Roll(reply) => {
                let _asker_gone = reply.send(self.roll());
            }
            Instruction::Compare(rooms) => {
                let now = self.tally.now();
                rooms.iter().for_each(|room| self.compare(room, now));
            }
            Instruction::CompareMembers(compared) => {
                self.compare_members(&compared, self.tally.now());
            }
            Instruction::Stop => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    }

    /// The gaps that were waited for long enough.
    fn overdue_gaps(&self) -> Vec<Gap> {
        let (now, patience) = (self.tally.now(), self.context.limits.gap_patience);
        let mut state = self.state.borrow_mut();
        let mut overdue = Vec::new();
        self.gaps.borrow_mut().retain(|name| {
            let Some(room) = state.rooms.get_mut(name) else {
                return false;
            };
            let Some((passed, early, since)) = room.order.gap() else {
                return false;
            };
            if now.since(since) >= patience {
                let to_read = usize::try_from(room.order.to_read()).unwrap_or(usize::MAX);
                let to_read = to_read.min(self.context.limits.resume_messages_max);
                // Not asked for again while this read is under way.
                room.order.wait_from(now.plus(REFILL_PAUSE));
                overdue.push(Gap { room: name.clone(), passed, early, since, to_read });
            }
            true
        });
        overdue
    }

    async fn read(&self, gap: Gap) -> GapRead {
        let page = Page::After(gap.passed);
        let history = self.context.messages.history(&gap.room, page, gap.to_read);
        let history = history.await;
        (gap, history)
    }

    /// Passes on what was missing; what cannot be had is given up, and listeners are told.
    fn refill(&self, (gap, history): GapRead) {
        let now = self.tally.now();
        let Ok(history) = history else { return };
        let Some(kind) = self.kind(&gap.room) else {
            return;
        };
        let room = (&gap.room, kind);
        for message in &history.messages {
            let audience = Audience::Room(gap.room.clone(), kind);
            let tell = Arc::new(Signal::Tell(audience, Event::Message(message.clone())));
            let accepted = now.minus(self.context.clock.now().since(message.at));
            let envelope =
                Arc::new(Envelope { signal: tell, accepted: accepted.into(), remote: true });
            self.tell_message(room, message, &envelope, now);
        }
        self.give_up_gap(room, gap.early, now);
        // What did not go into one reading has been waited for as long.
        if history.messages.len() == gap.to_read
            && let Some(room) = self.state.borrow_mut().rooms.get_mut(&gap.room)
        {
            room.order.wait_from(gap.since);
        }
    }
}
