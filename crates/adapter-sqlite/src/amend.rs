//! Changing messages: edits, deletions, reactions.

use crate::{
    messages::{Place, read},
    rows::{Columns, role, seq_number},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    message::{Amendment, Message, Sequence},
    name::{RoomName, UserName},
    port::{AmendError, check_amendment},
    room::Role,
    time::Timestamp,
};
use sqlx::{Error, SqliteConnection, query};
use std::sync::Arc;

/// Changes a message.
pub(crate) struct Amend {
    pub(crate) room: RoomName,
    pub(crate) seq: Sequence,
    pub(crate) by: UserName,
    pub(crate) amendment: Amendment,
    pub(crate) now: Timestamp,
}

#[async_trait]
impl Change for Amend {
    type Answer = Result<bool, AmendError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT r.id, r.epoch, m.role FROM rooms r \
             LEFT JOIN members m ON m.room_id = r.id AND m.user = ?2 WHERE r.name = ?1",
        )
        .bind(self.room.as_str().to_owned())
        .bind(self.by.as_str().to_owned())
        .fetch_optional(ledger.connection())
        .await?;
        let Some(found) = found else {
            return Ok(Err(AmendError::UnknownRoom));
        };
        let mut columns = Columns::from(&found, 0);
        let (room_id, epoch) = (columns.take()?, columns.epoch()?);
        let role: Option<Role> = columns.take::<Option<i64>>()?.map(role).transpose()?;
        if role.is_none() {
            return Ok(Err(AmendError::Forbidden));
        }
        let place = Place { room: &self.room, room_id, epoch, seq: self.seq };
        let Some(message) = read(ledger.connection(), place).await? else {
            return Ok(Err(AmendError::UnknownMessage));
        };
        if let Err(error) = check_amendment(&message, &self.by, role, &self.amendment) {
            return Ok(Err(error));
        }
        self.apply(ledger, room_id, &message).await
    }
}

impl Amend {
    async fn apply(
        &self,
        ledger: &mut Ledger,
        room_id: i64,
        message: &Message,
    ) -> Result<Result<bool, AmendError>, Error> {
        match &self.amendment {
            Amendment::Edit { body } if message.body == *body => return Ok(Ok(false)),
            Amendment::Edit { body } => {
                query(
                    "UPDATE messages SET body = ?3, edited_at = ?4 WHERE room_id = ?1 AND seq = ?2",
                )
                .bind(room_id)
                .bind(seq_number(self.seq))
                .bind(body.clone())
                .bind(self.now.0)
                .execute(ledger.connection())
                .await?;
            }
            Amendment::Delete if message.deleted => return Ok(Ok(false)),
            Amendment::Delete => self.delete(ledger.connection(), room_id).await?,
            Amendment::React { emoji, on } => {
                let kind = |emoji: &Arc<str>| {
                    let kinds = message.reactions.iter();
                    kinds.into_iter().find(|kind| kind.emoji == *emoji)
                };
                let known = kind(emoji).is_some_and(|kind| kind.users.contains(&self.by));
                if known == *on {
                    return Ok(Ok(false));
                }
                let full = message.reactions.len() >= ledger.reactions_per_message_max();
                if *on && full && kind(emoji).is_none() {
                    return Ok(Err(AmendError::TooManyReactions));
                }
                self.react(ledger.connection(), room_id, (emoji, *on)).await?;
            }
        }
        query("UPDATE rooms SET amended_at = max(coalesce(amended_at, ?2), ?2) WHERE id = ?1")
            .bind(room_id)
            .bind(self.now.0)
            .execute(ledger.connection())
            .await?;
        Ok(Ok(true))
    }

    async fn delete(&self, connection: &mut SqliteConnection, room_id: i64) -> Result<(), Error> {
        for statement in [
            "UPDATE messages SET body = '', deleted = 1 WHERE room_id = ?1 AND seq = ?2",
            "DELETE FROM reactions WHERE room_id = ?1 AND seq = ?2",
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
        connection: &mut SqliteConnection,
        room_id: i64,
        (emoji, on): (&Arc<str>, bool),
    ) -> Result<(), Error> {
        let statement = if on {
            "INSERT INTO reactions (room_id, seq, place, emoji, user) \
             SELECT ?1, ?2, coalesce(max(place), 0) + 1, ?3, ?4 \
             FROM reactions WHERE room_id = ?1 AND seq = ?2"
        } else {
            "DELETE FROM reactions WHERE room_id = ?1 AND seq = ?2 AND emoji = ?3 AND user = ?4"
        };
        query(statement)
            .bind(room_id)
            .bind(seq_number(self.seq))
            .bind(emoji.clone())
            .bind(self.by.as_str().to_owned())
            .execute(connection)
            .await?;
        Ok(())
    }
}
