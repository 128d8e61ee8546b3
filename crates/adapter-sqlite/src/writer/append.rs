//! Appending many messages at once.

use super::{Append, Ledger};
use crate::{
    messages,
    rows::{Columns, seq_number},
    shapes::Shapes,
};
use campanile_core::{
    message::{Draft, Epoch, Message, MessageId, Sequence},
    name::UserName,
    port::{AppendError, Appended},
    room::RoomKind,
    time::Timestamp,
};
use sqlx::Error;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

/// What an append gives, or why it is refused.
pub(super) type Outcome = Result<Appended, AppendError>;

/// When a key was used, and for which message.
#[derive(Clone, Copy)]
struct Used {
    seq: Sequence,
    at: Timestamp,
}

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

/// A row of the table of messages.
struct Row<'a> {
    room_id: i64,
    message: &'a Message,
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
    let used = find_keys(ledger, appends).await?;
    let decisions = decide_all(ledger, appends, used);
    store(ledger, &decisions).await?;
    answer_all(ledger, appends, decisions).await
}

fn decide_all(
    ledger: &mut Ledger,
    appends: &[Append],
    used: HashMap<usize, Used>,
) -> Vec<Decision> {
    let mut decisions: Vec<Decision> = Vec::with_capacity(appends.len());
    // The last place in this batch where a sender used a key in a room.
    let mut places: HashMap<(i64, &UserName, &str), usize> = HashMap::new();
    for (place, append) in appends.iter().enumerate() {
        let window_start = ledger.window_start(append.now);
        let Some(room) = ledger.room(&append.draft.room) else {
            decisions.push(Decision::Refused(AppendError::UnknownRoom));
            continue;
        };
        let draft = &append.draft;
        if !room.members.contains_key(&draft.from) {
            decisions.push(Decision::Refused(AppendError::NotMember));
            continue;
        }
        let key = draft.key.as_deref().map(|key| (room.id, &draft.from, key));
        let earlier = key.as_ref().and_then(|key| places.get(key)).copied();
        if let Some(earlier) = earlier.filter(|place| appends[*place].now >= window_start) {
            decisions.push(Decision::Repeat(earlier));
            continue;
        }
        let first = used.get(&place).filter(|first| first.at >= window_start);
        if let (None, Some(first)) = (earlier, first) {
            let known = Known { room_id: room.id, epoch: room.epoch, first: *first };
            decisions.push(Decision::Known(known, room.kind));
            continue;
        }
        let there = |seq: Sequence| (room.first_seq..=room.last_seq).contains(&seq);
        if draft.reply_to.is_some_and(|seq| !there(seq)) {
            decisions.push(Decision::Refused(AppendError::UnknownReply));
            continue;
        }
        room.last_seq = room.last_seq.next();
        let used = Used { seq: room.last_seq, at: append.now };
        if let Some(key) = key {
            places.insert(key, place);
        }
        let message = message(draft, room.epoch, used);
        decisions.push(Decision::New(Arc::new(message), room.kind));
    }
    decisions
}

/// The message that a draft becomes, or became.
fn message(draft: &Draft, epoch: Epoch, stored: Used) -> Message {
    Message {
        room: draft.room.clone(),
        id: MessageId { epoch, seq: stored.seq },
        from: draft.from.clone(),
        body: draft.body.clone(),
        at: stored.at,
        key: draft.key.clone(),
        reply_to: draft.reply_to,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
    }
}

/// Which of the drafts have a key that was used, by their place.
async fn find_keys(ledger: &mut Ledger, appends: &[Append]) -> Result<HashMap<usize, Used>, Error> {
    static FIND: LazyLock<Shapes> = LazyLock::new(|| {
        let find = "SELECT v.column1, k.seq, k.at FROM ROWS v CROSS JOIN keys k \
             ON k.room_id = v.column2 AND k.sender = v.column3 AND k.key = v.column4";
        Shapes::new(find, 4)
    });
    let mut keyed = Vec::new();
    for (place, append) in appends.iter().enumerate() {
        let room = ledger.room(&append.draft.room);
        if let (Some(room), Some(key)) = (room, &append.draft.key) {
            keyed.push((place, room.id, &append.draft.from, key));
        }
    }
    let mut used = HashMap::new();
    if keyed.is_empty() {
        return Ok(used);
    }
    let found = FIND
        .fetch(ledger.connection(), &keyed, |query, keyed| {
            let (place, room_id, sender, key) = keyed;
            query
                .bind(*place as i64)
                .bind(*room_id)
                .bind(sender.as_str().to_owned())
                .bind((*key).clone())
        })
        .await?;
    for row in found {
        let mut columns = Columns::from(&row, 0);
        let place: i64 = columns.take()?;
        let (seq, at) = (columns.seq()?, columns.time()?);
        used.insert(place as usize, Used { seq, at });
    }
    Ok(used)
}

async fn store(ledger: &mut Ledger, decisions: &[Decision]) -> Result<(), Error> {
    static INSERT: LazyLock<Shapes> = LazyLock::new(|| {
        let insert = "INSERT INTO messages (room_id, seq, author, body, at, key, reply_to) \
             SELECT * FROM ROWS WHERE column1 IS NOT NULL";
        Shapes::new(insert, 7)
    });
    static INSERT_KEYS: LazyLock<Shapes> = LazyLock::new(|| {
        let insert = "INSERT OR REPLACE INTO keys (room_id, sender, key, seq, at) \
             SELECT * FROM ROWS WHERE column1 IS NOT NULL";
        Shapes::new(insert, 5)
    });
    let mut rows = Vec::with_capacity(decisions.len());
    for decision in decisions {
        if let Decision::New(message, _) = decision {
            let room = ledger.room(&message.room);
            let room_id = room.expect("the message was given its number by it").id;
            rows.push(Row { room_id, message });
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    INSERT
        .execute(ledger.connection(), &rows, |query, row| {
            let message = row.message;
            query
                .bind(row.room_id)
                .bind(seq_number(message.seq()))
                .bind(message.from.as_str().to_owned())
                .bind(message.body.clone())
                .bind(message.at.0)
                .bind(message.key.clone())
                .bind(message.reply_to.map(seq_number))
        })
        .await?;
    ledger.rows_in_log += rows.len();
    rows.retain(|row| row.message.key.is_some());
    if rows.is_empty() {
        return Ok(());
    }
    ledger.rows_in_log += rows.len();
    ledger.keys_written += rows.len();
    INSERT_KEYS
        .execute(ledger.connection(), &rows, |query, row| {
            let message = row.message;
            query
                .bind(row.room_id)
                .bind(message.from.as_str().to_owned())
                .bind(message.key.clone())
                .bind(seq_number(message.seq()))
                .bind(message.at.0)
        })
        .await
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
    Ok(Arc::new(read.unwrap_or_else(|| message(draft, epoch, first))))
}
