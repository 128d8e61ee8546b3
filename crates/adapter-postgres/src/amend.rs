//! Changing messages: edits, deletions, reactions. The room's row is locked first, so that changes
//! of one room come one after the other.

use crate::{
    history::Stretch,
    metrics::Statement,
    rows::{Columns, role, seq_number},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    message::{Amendment, Message, Sequence},
    name::{RoomName, UserName},
    port::{AmendError, check_amendment},
    room::Role,
    time::Timestamp,
};
use sqlx::{Error, PgConnection, query};
use std::sync::Arc;

/// Changes a message; whether there was anything to change.
pub(crate) struct Amend<'a> {
    pub(crate) room: &'a RoomName,
    pub(crate) seq: Sequence,
    pub(crate) by: &'a UserName,
    pub(crate) amendment: &'a Amendment,
    pub(crate) now: Timestamp,
    /// Distinct reactions that a message may have.
    pub(crate) reactions_max: usize,
}

#[async_trait]
impl Work for Amend<'_> {
    type Answer = Result<bool, AmendError>;
    const STATEMENT: Statement = Statement::Amend;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT r.id, r.epoch, (SELECT m.role FROM members m \
             WHERE m.room_id = r.id AND m.account = $2) \
             FROM rooms r WHERE r.name = $1 FOR NO KEY UPDATE OF r",
        )
        .bind(self.room.as_str())
        .bind(self.by.as_str())
        .fetch_optional(&mut *connection)
        .await?;
        let Some(found) = found else {
            return Ok(Err(AmendError::UnknownRoom));
        };
        let mut columns = Columns::of(&found);
        let (room_id, epoch) = (columns.take()?, columns.epoch()?);
        let role: Option<Role> = columns.take::<Option<i16>>()?.map(role).transpose()?;
        if role.is_none() {
            return Ok(Err(AmendError::Forbidden));
        }
        let seqs = (self.seq.0, self.seq.0);
        let stretch = Stretch { room: self.room, room_id, epoch, seqs };
        let Some(message) = stretch.read(connection).await?.pop() else {
            return Ok(Err(AmendError::UnknownMessage));
        };
        if let Err(error) = check_amendment(&message, self.by, role, self.amendment) {
            return Ok(Err(error));
        }
        let applied = self.apply(connection, room_id, &message).await?;
        if let Ok(true) = applied {
            query("UPDATE rooms SET amended_at = greatest(amended_at, $2) WHERE id = $1")
                .bind(room_id)
                .bind(self.now.0)
                .execute(connection)
                .await?;
        }
        Ok(applied)
    }
}

impl Amend<'_> {
    async fn apply(
        &self,
        connection: &mut PgConnection,
        room_id: i64,
        message: &Message,
    ) -> Result<Result<bool, AmendError>, Error> {
        match self.amendment {
            Amendment::Edit { body } if message.body == *body => return Ok(Ok(false)),
            Amendment::Edit { body } => {
                query(
                    "UPDATE messages SET body = $3, edited_at = $4 WHERE room_id = $1 AND seq = $2",
                )
                .bind(room_id)
                .bind(seq_number(self.seq))
                .bind(body.as_bytes())
                .bind(self.now.0)
                .execute(connection)
                .await?;
            }
            Amendment::Delete if message.deleted => return Ok(Ok(false)),
            Amendment::Delete => self.delete(connection, room_id).await?,
            Amendment::React { emoji, on } => {
                let kind = message.reactions.iter().find(|kind| kind.emoji == *emoji);
                if kind.is_some_and(|kind| kind.users.contains(self.by)) == *on {
                    return Ok(Ok(false));
                }
                if *on && kind.is_none() && message.reactions.len() >= self.reactions_max {
                    return Ok(Err(AmendError::TooManyReactions));
                }
                self.react(connection, room_id, (emoji, *on)).await?;
            }
        }
        Ok(Ok(true))
    }

    async fn delete(&self, connection: &mut PgConnection, room_id: i64) -> Result<(), Error> {
        for statement in [
            "UPDATE messages SET body = '', deleted = true WHERE room_id = $1 AND seq = $2",
            "DELETE FROM reactions WHERE room_id = $1 AND seq = $2",
        ] {
            query(statement)
                .bind(room_id)
                .bind(seq_number(self.seq))
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    async fn react(
        &self,
        connection: &mut PgConnection,
        room_id: i64,
        (emoji, on): (&Arc<str>, bool),
    ) -> Result<(), Error> {
        let statement = if on {
            "INSERT INTO reactions (room_id, seq, place, emoji, account) \
             SELECT $1, $2, coalesce(max(place), 0) + 1, $3, $4 \
             FROM reactions WHERE room_id = $1 AND seq = $2"
        } else {
            "DELETE FROM reactions WHERE room_id = $1 AND seq = $2 AND emoji = $3 AND account = $4"
        };
        query(statement)
            .bind(room_id)
            .bind(seq_number(self.seq))
            .bind(emoji.as_bytes())
            .bind(self.by.as_str())
            .execute(connection)
            .await?;
        Ok(())
    }
}
