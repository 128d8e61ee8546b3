//! One transaction: drafts and marks of many.

use super::{
    Append, Mark,
    decide::{Decider, Decision, Known, New, mark_all, message},
    rooms::{self, Used},
};
use crate::{history::Stretch, metrics::Statement, rows::seq_number, work::Work};
use async_trait::async_trait;
use campanile_core::{
    message::{Draft, Message, MessageId, Sequence},
    name::UserName,
    port::{AppendError, Appended, Marked},
};
use sqlx::{Error, PgConnection, query};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// What an append gives, or why it is refused.
type Outcome = Result<Appended, AppendError>;

/// What goes into one transaction.
pub(super) struct Batch<'a> {
    appends: &'a [Append],
    marks: &'a [Mark],
    window: Duration,
}

/// What a transaction gave.
pub(super) struct Outcomes {
    pub(super) appended: Vec<Outcome>,
    pub(super) marked: Vec<Marked>,
}

impl<'a> Batch<'a> {
    pub(super) fn of(appends: &'a [Append], marks: &'a [Mark], window: Duration) -> Self {
        Self { appends, marks, window }
    }
}

#[async_trait]
impl Work for Batch<'_> {
    type Answer = Outcomes;
    const STATEMENT: Statement = Statement::Append;

    async fn run(&self, connection: &mut PgConnection) -> Result<Outcomes, Error> {
        let mut rooms = rooms::lock(connection, self.appends, self.marks).await?;
        let used = rooms::find_keys(connection, &rooms, self.appends).await?;
        let (appends, window) = (self.appends, self.window);
        let mut decider = Decider { appends, used: &used, window, places: HashMap::new() };
        let decisions: Vec<Decision> =
            (0..appends.len()).map(|place| decider.decide(&mut rooms, place)).collect();
        let new: Vec<&New> = decisions
            .iter()
            .filter_map(|decision| match decision {
                Decision::New(new) => Some(new),
                _ => None,
            })
            .collect();
        if !new.is_empty() {
            insert(connection, &new).await?;
            insert_keys(connection, &new).await?;
            rooms::advance(connection, &rooms).await?;
        }
        let (marked, moved) = mark_all(&mut rooms, self.marks);
        if !moved.is_empty() {
            write_marks(connection, moved).await?;
        }
        let appended = answer_all(connection, appends, decisions).await?;
        Ok(Outcomes { appended, marked })
    }
}

async fn insert(connection: &mut PgConnection, new: &[&New]) -> Result<(), Error> {
    query(
        "INSERT INTO messages (room_id, seq, week, author, body, at, key, reply_to) \
         SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::integer[], $4::text[], \
         $5::bytea[], $6::bigint[], $7::bytea[], $8::bigint[])",
    )
    .bind(each(new, |new| new.room_id))
    .bind(each(new, |new| seq_number(new.message.seq())))
    .bind(each(new, |new| new.week))
    .bind(each(new, |new| new.message.from.as_str()))
    .bind(each(new, |new| new.message.body.as_bytes()))
    .bind(each(new, |new| new.message.at.0))
    .bind(each(new, |new| new.message.key.as_deref().map(str::as_bytes)))
    .bind(each(new, |new| new.message.reply_to.map(seq_number)))
    .execute(connection)
    .await?;
    Ok(())
}

/// A key that was used too long ago is taken over.
async fn insert_keys(connection: &mut PgConnection, new: &[&New]) -> Result<(), Error> {
    // Of a key that came twice in one batch, out of its time, the later use counts.
    let mut keyed: HashMap<(i64, &UserName, &str), &New> = HashMap::new();
    for new in new {
        if let Some(key) = new.message.key.as_deref() {
            keyed.insert((new.room_id, &new.message.from, key), new);
        }
    }
    let keyed: Vec<&New> = keyed.into_values().collect();
    if keyed.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO keys (room_id, sender, key, seq, at) SELECT * FROM UNNEST($1::bigint[], \
         $2::text[], $3::bytea[], $4::bigint[], $5::bigint[]) \
         ON CONFLICT (room_id, sender, key) DO UPDATE SET seq = excluded.seq, at = excluded.at",
    )
    .bind(each(&keyed, |new| new.room_id))
    .bind(each(&keyed, |new| new.message.from.as_str()))
    .bind(each(&keyed, |new| new.message.key.as_deref().unwrap_or_default().as_bytes()))
    .bind(each(&keyed, |new| seq_number(new.message.seq())))
    .bind(each(&keyed, |new| new.message.at.0))
    .execute(connection)
    .await?;
    Ok(())
}

async fn write_marks(
    connection: &mut PgConnection,
    moved: HashMap<(i64, &UserName), Sequence>,
) -> Result<(), Error> {
    let rows: Vec<_> = moved.into_iter().collect();
    query(
        "UPDATE members m SET read_seq = t.seq \
         FROM UNNEST($1::bigint[], $2::text[], $3::bigint[]) t (room_id, account, seq) \
         WHERE m.room_id = t.room_id AND m.account = t.account",
    )
    .bind(rows.iter().map(|((room_id, _), _)| *room_id).collect::<Vec<_>>())
    .bind(rows.iter().map(|((_, user), _)| user.as_str()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, seq)| seq_number(*seq)).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    Ok(())
}

async fn answer_all(
    connection: &mut PgConnection,
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
            Decision::New(new) => (new.message, new.kind, false),
            Decision::Repeat(place) => match &outcomes[place] {
                Ok(first) => (first.message.clone(), first.kind, true),
                Err(_) => unreachable!("only what is stored is repeated"),
            },
            Decision::Known(known, kind) => {
                (read_known(connection, &append.draft, known).await?, kind, true)
            }
        };
        outcomes.push(Ok(Appended { message, kind, duplicate }));
    }
    Ok(outcomes)
}

/// The message as it is now; where retention removed it, as it was drafted.
async fn read_known(
    connection: &mut PgConnection,
    draft: &Draft,
    known: Known,
) -> Result<Arc<Message>, Error> {
    let Known { room_id, epoch, first: Used { seq, at } } = known;
    let stretch = Stretch { room: &draft.room, room_id, epoch, seqs: (seq.0, seq.0) };
    let read = stretch.read(connection).await?.pop();
    Ok(Arc::new(read.unwrap_or_else(|| message(draft, MessageId { epoch, seq }, at))))
}

fn each<'a, T>(new: &[&'a New], read: impl Fn(&'a New) -> T) -> Vec<T> {
    new.iter().map(|new| read(new)).collect()
}
