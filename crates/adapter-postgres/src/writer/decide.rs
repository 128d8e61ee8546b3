//! What becomes of each draft of a batch, and of each mark.

use super::{
    Append, Mark,
    rooms::{Rooms, Used},
};
use crate::weeks::week;
use campanile_core::{
    message::{Draft, Epoch, Message, MessageId, Sequence},
    name::UserName,
    port::{AppendError, Marked},
    room::RoomKind,
    time::Timestamp,
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// What becomes of a draft.
pub(super) enum Decision {
    Refused(AppendError),
    New(New),
    /// The same key came earlier in this batch, at this place.
    Repeat(usize),
    /// The same key was used in an earlier transaction.
    Known(Known, RoomKind),
}

/// A message to be stored.
pub(super) struct New {
    pub(super) message: Arc<Message>,
    pub(super) kind: RoomKind,
    pub(super) room_id: i64,
    pub(super) week: i32,
}

/// A message that was stored under a key.
pub(super) struct Known {
    pub(super) room_id: i64,
    pub(super) epoch: Epoch,
    pub(super) first: Used,
}

/// Decides draft by draft, in their order.
pub(super) struct Decider<'a> {
    pub(super) appends: &'a [Append],
    /// Keys that were used in earlier transactions, by the places of the drafts that have them.
    pub(super) used: &'a HashMap<usize, Used>,
    /// How long keys are remembered.
    pub(super) window: Duration,
    /// Where in this batch a sender used a key in a room.
    pub(super) places: HashMap<(i64, &'a UserName, &'a str), usize>,
}

impl Decider<'_> {
    pub(super) fn decide(&mut self, rooms: &mut Rooms, place: usize) -> Decision {
        let Append { draft, now, .. } = &self.appends[place];
        let window_start = now.minus(self.window);
        let Some(room) = rooms.get_mut(&draft.room) else {
            return Decision::Refused(AppendError::UnknownRoom);
        };
        if !room.members.contains_key(&draft.from) {
            return Decision::Refused(AppendError::NotMember);
        }
        let key = draft.key.as_deref().map(|key| (room.id, &draft.from, key));
        let earlier = key.as_ref().and_then(|key| self.places.get(key)).copied();
        if let Some(earlier) = earlier.filter(|place| self.appends[*place].now >= window_start) {
            return Decision::Repeat(earlier);
        }
        let used = self.used.get(&place).copied();
        if let Some(first) = used.filter(|first| earlier.is_none() && first.at >= window_start) {
            let known = Known { room_id: room.id, epoch: room.epoch, first };
            return Decision::Known(known, room.kind);
        }
        let there = |seq: Sequence| (room.first_seq..=room.last_seq).contains(&seq);
        if draft.reply_to.is_some_and(|seq| !there(seq)) {
            return Decision::Refused(AppendError::UnknownReply);
        }
        room.last_seq = room.last_seq.next();
        room.first_at.get_or_insert(*now);
        // A partition has a stretch of each room without a hole, whatever the clocks say.
        let week = room.last_week.map_or(week(*now), |last| last.max(week(*now)));
        if room.last_week != Some(week) {
            room.last_week = Some(week);
            room.spans.push((room.last_seq, week));
        }
        if let Some(key) = key {
            self.places.insert(key, place);
        }
        let id = MessageId { epoch: room.epoch, seq: room.last_seq };
        let message = Arc::new(message(draft, id, *now));
        Decision::New(New { message, kind: room.kind, room_id: room.id, week })
    }
}

/// The message that a draft becomes, or became.
pub(super) fn message(draft: &Draft, id: MessageId, at: Timestamp) -> Message {
    Message {
        room: draft.room.clone(),
        id,
        from: draft.from.clone(),
        body: draft.body.clone(),
        at,
        key: draft.key.clone(),
        reply_to: draft.reply_to,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
    }
}

/// Moves the marks in what is known of the rooms: what became of each, and which have moved.
pub(super) fn mark_all<'a>(
    rooms: &mut Rooms,
    marks: &'a [Mark],
) -> (Vec<Marked>, HashMap<(i64, &'a UserName), Sequence>) {
    let mut moved = HashMap::new();
    let mut answers = Vec::with_capacity(marks.len());
    for mark in marks {
        let known = rooms.get_mut(&mark.room).and_then(|room| {
            let seq = mark.seq.min(room.last_seq);
            Some((room.id, seq, room.members.get_mut(&mark.user)?))
        });
        answers.push(match known {
            None => Marked::NotMember,
            Some((_, seq, read)) if seq <= *read => Marked::Stayed,
            Some((room_id, seq, read)) => {
                *read = seq;
                moved.insert((room_id, &mark.user), seq);
                Marked::Moved(seq)
            }
        });
    }
    (answers, moved)
}
