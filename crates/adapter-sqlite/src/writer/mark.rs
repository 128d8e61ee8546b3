//! Moving many read marks at once.

use super::{Ledger, Mark};
use crate::{rows::seq_number, shapes::Shapes};
use campanile_core::{message::Sequence, name::UserName, port::Marked};
use sqlx::Error;
use std::{collections::HashMap, sync::LazyLock};

/// Moves the marks, and says of each what became of it.
pub(super) async fn mark_all(ledger: &mut Ledger, marks: &[Mark]) -> Result<Vec<Marked>, Error> {
    if marks.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<_> = marks.iter().map(|mark| (&mark.room, &mark.user)).collect();
    ledger.learn(&wanted).await?;
    let mut moved: HashMap<(i64, &UserName), Sequence> = HashMap::new();
    let mut answers = Vec::with_capacity(marks.len());
    for mark in marks {
        let known = ledger.room(&mark.room).and_then(|room| {
            let read_seq = room.members.get_mut(&mark.user)?;
            Some((room.id, mark.seq.min(room.last_seq), read_seq))
        });
        answers.push(match known {
            None => Marked::NotMember,
            Some((_, seq, read_seq)) if seq <= *read_seq => Marked::Stayed,
            Some((room_id, seq, read_seq)) => {
                *read_seq = seq;
                moved.insert((room_id, &mark.user), seq);
                Marked::Moved(seq)
            }
        });
    }
    if !moved.is_empty() {
        let rows: Vec<_> = moved.into_iter().collect();
        write(ledger, &rows).await?;
    }
    Ok(answers)
}

async fn write(ledger: &mut Ledger, rows: &[((i64, &UserName), Sequence)]) -> Result<(), Error> {
    static UPDATE: LazyLock<Shapes> = LazyLock::new(|| {
        let update = "UPDATE members SET read_seq = v.column3 FROM ROWS v \
             WHERE members.room_id = v.column1 AND members.user = v.column2";
        Shapes::new(update, 3)
    });
    ledger.rows_in_log += rows.len();
    UPDATE
        .execute(ledger.connection(), rows, |query, ((room_id, user), seq)| {
            query.bind(*room_id).bind(user.as_str().to_owned()).bind(seq_number(*seq))
        })
        .await
        .map(drop)
}
