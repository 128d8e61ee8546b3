//! Invitations.

use crate::{
    SqliteStore,
    fault::fault,
    rows::{Columns, senseless},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    invite::{Invite, InviteHash},
    name::UserName,
    port::{Fault, InviteStore, PutInviteError},
    time::Timestamp,
};
use sqlx::{Error, SqliteConnection, query, query_scalar, sqlite::SqliteRow};

#[async_trait]
impl InviteStore for SqliteStore {
    async fn put(&self, invite: Invite, kept_max: u64) -> Result<(), PutInviteError> {
        self.writer().change(Put { invite, kept_max }).await?
    }

    async fn list(&self, now: Timestamp, limit: usize) -> Result<Vec<Invite>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(
            "SELECT hash, made_by, made_at, expires_at, uses_left FROM invites \
             WHERE expires_at > ?1 ORDER BY made_at DESC, hash LIMIT ?2",
        )
        .bind(now.0)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        found.iter().map(invite).collect::<Result<_, _>>().map_err(fault)
    }

    async fn find(&self, hash: InviteHash, now: Timestamp) -> Result<Option<Invite>, Fault> {
        let mut reader = self.reader().await?;
        find(&mut reader, hash, now).await.map_err(fault)
    }

    async fn revoke(&self, hash: InviteHash) -> Result<bool, Fault> {
        self.writer().change(Revoke(hash)).await
    }
}

struct Put {
    invite: Invite,
    kept_max: u64,
}

#[async_trait]
impl Change for Put {
    type Answer = Result<(), PutInviteError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self { invite, kept_max } = self;
        query("DELETE FROM invites WHERE expires_at <= ?1")
            .bind(invite.made_at.0)
            .execute(ledger.connection())
            .await?;
        let others: i64 = query_scalar("SELECT count(*) FROM invites WHERE hash <> ?1")
            .bind(invite.hash.0.to_vec())
            .fetch_one(ledger.connection())
            .await?;
        if others.unsigned_abs() >= *kept_max {
            return Ok(Err(PutInviteError::TooMany));
        }
        query(
            "INSERT OR REPLACE INTO invites (hash, made_by, made_at, expires_at, uses_left) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(invite.hash.0.to_vec())
        .bind(invite.made_by.as_ref().map(|name| name.as_str().to_owned()))
        .bind(invite.made_at.0)
        .bind(invite.expires_at.0)
        .bind(i64::from(invite.uses_left))
        .execute(ledger.connection())
        .await?;
        Ok(Ok(()))
    }
}

struct Revoke(InviteHash);

#[async_trait]
impl Change for Revoke {
    type Answer = bool;

    async fn make(&self, ledger: &mut Ledger) -> Result<bool, Error> {
        let deleted = query("DELETE FROM invites WHERE hash = ?1")
            .bind(self.0.0.to_vec())
            .execute(ledger.connection())
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// The invitation of this hash, if it lets somebody in at `now`.
pub(crate) async fn find(
    connection: &mut SqliteConnection,
    hash: InviteHash,
    now: Timestamp,
) -> Result<Option<Invite>, Error> {
    let found = query(
        "SELECT hash, made_by, made_at, expires_at, uses_left FROM invites \
         WHERE hash = ?1 AND expires_at > ?2",
    )
    .bind(hash.0.to_vec())
    .bind(now.0)
    .fetch_optional(connection)
    .await?;
    found.as_ref().map(invite).transpose()
}

/// Takes one use of an invitation, and with the last the invitation.
pub(crate) async fn take_use(
    connection: &mut SqliteConnection,
    hash: InviteHash,
) -> Result<(), Error> {
    query("UPDATE invites SET uses_left = uses_left - 1 WHERE hash = ?1")
        .bind(hash.0.to_vec())
        .execute(&mut *connection)
        .await?;
    query("DELETE FROM invites WHERE hash = ?1 AND uses_left <= 0")
        .bind(hash.0.to_vec())
        .execute(connection)
        .await?;
    Ok(())
}

fn invite(row: &SqliteRow) -> Result<Invite, Error> {
    let mut columns = Columns::from(row, 0);
    let hash = columns.take::<Vec<u8>>()?.try_into();
    Ok(Invite {
        hash: hash.map(InviteHash).map_err(|_| senseless("a hash has 32 bytes"))?,
        made_by: columns
            .take::<Option<&str>>()?
            .map(UserName::parse)
            .transpose()
            .map_err(senseless)?,
        made_at: columns.time()?,
        expires_at: columns.time()?,
        uses_left: u32::try_from(columns.take::<i64>()?).map_err(senseless)?,
    })
}
