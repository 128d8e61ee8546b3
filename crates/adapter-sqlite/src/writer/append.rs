//! Appending many messages at once: what becomes of each draft.

use super::{
    Append, Ledger,
    drafts::{self, Used},
};
use crate::messages;
use campanile_core::{
    message::{Draft, Epoch, Message, MessageId, Sequence},
    name::UserName,
    port::{AppendError, Appended},
    room::RoomKind,
    time::Timestamp,
};
use sqlx::Error;
use std::{collections::HashMap, sync::Arc};

/// What an append gives, or why it is refused.
pub(super) type Outcome = Result<Appended, AppendError>;

/// What becomes of a draft.
enum Decision {
    Refused(AppendError),
    New(Arc<Message>, RoomKind),
    /// The same key came earlier in this batch, at this place.
    Repeat(usize),
    /// The same key was used in an earlier transaction.
    Known(Known, RoomKind),
}

/// A message that was stored under a key.
struct Known {
    room_id: i64,
    epoch: Epoch,
    first: Used,
}

/// Decides draft by draft, in their order.
struct Decider<'a> {
    appends: &'a [Append],
    /// Keys that were used in earlier transactions, by the places of the drafts that have them.
    used: &'a HashMap<usize, Used>,
    /// Where in this batch a sender used a key in a room.
    places: HashMap<(i64, &'a UserName, &'a str), usize>,
}

/// Stores the drafts, and says of each what became of it.
pub(super) async fn append_all(
    ledger: &mut Ledger,
    appends: &[Append],
) -> Result<Vec<Outcome>, Error> {
    if appends.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<_> =
        appends.iter().map(|append| (&append.draft.room, &append.draft.from)).collect();
    ledger.learn(&wanted).await?;
    let used = drafts::find_keys(ledger, appends).await?;
    let mut decider = Decider { appends, used: &used, places: HashMap::new() };
    let decisions: Vec<Decision> =
        (0..appends.len()).map(|place| decider.decide(ledger, place)).collect();
    store(ledger, &used, &decisions).await?;
    answer_all(ledger, appends, decisions).await
}

impl Decider<'_> {
    fn decide(&mut self, ledger: &mut Ledger, place: usize) -> Decision {
        let Append { draft, now, .. } = &self.appends[place];
        let window_start = ledger.window_start(*now);
        let Some(room) = ledger.room(&draft.room) else {
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
        if let Some(key) = key {
            self.places.insert(key, place);
        }
        let id = MessageId { epoch: room.epoch, seq: room.last_seq };
        Decision::New(Arc::new(message(draft, id, *now)), room.kind)
    }
}

/// The message that a draft becomes, or became.
fn message(draft: &Draft, id: MessageId, at: Timestamp) -> Message {
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

async fn store(
    ledger: &mut Ledger,
    used: &HashMap<usize, Used>,
    decisions: &[Decision],
) -> Result<(), Error> {
    let mut rows = Vec::with_capacity(decisions.len());
    let mut expired = Vec::new();
    for (place, decision) in decisions.iter().enumerate() {
        if let Decision::New(message, _) = decision {
            let room = ledger.room(&message.room);
            let room_id = room.expect("it gave the message its number").id;
            rows.push(drafts::Row { room_id, message });
            expired.extend(used.get(&place).map(|used| used.id));
        }
    }
    drafts::insert(ledger, rows, &expired).await
}

async fn answer_all(
    ledger: &mut Ledger,
    appends: &[Append],
    decisions: Vec<Decision>,
) -> Result<Vec<Outcome>, Error> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(decisions.len());
    for (append, decision) in appends.iter().zip(decisions) {
        let (message, kind, duplicate) = match decision {
            Decision::Refused(error) => {
                outcomes.push(Err(error));
                continue;
            }
            Decision::New(message, kind) => (message, kind, false),
            Decision::Repeat(place) => match &outcomes[place] {
                Ok(first) => (first.message.clone(), first.kind, true),
                Err(_) => unreachable!("only what is stored is repeated"),
            },
            Decision::Known(known, kind) => {
                (read_known(ledger, &append.draft, known).await?, kind, true)
            }
        };
        outcomes.push(Ok(Appended { message, kind, duplicate }));
    }
    Ok(outcomes)
}

/// The message as it is now; where retention removed it, as it was drafted.
async fn read_known(
    ledger: &mut Ledger,
    draft: &Draft,
    known: Known,
) -> Result<Arc<Message>, Error> {
    let Known { room_id, epoch, first } = known;
    let place = messages::Place { room: &draft.room, room_id, epoch, seq: first.seq };
    let read = messages::read(ledger.connection(), place).await?;
    let id = MessageId { epoch, seq: first.seq };
    Ok(Arc::new(read.unwrap_or_else(|| message(draft, id, first.at))))
}
