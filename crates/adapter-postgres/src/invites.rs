//! Invitations.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{Columns, limit_number, senseless},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    invite::{Invite, InviteHash},
    name::UserName,
    port::{Fault, InviteStore, PutInviteError},
    time::Timestamp,
};
use sqlx::{Error, PgConnection, postgres::PgRow, query, query_scalar};

/// Held while an invitation is put, so that together no more are kept than may be.
const LOCK: i64 = 0x4341_4d49;

#[async_trait]
impl InviteStore for PostgresStore {
    async fn put(&self, invite: Invite, kept_max: u64) -> Result<(), PutInviteError> {
        self.worker().change(Put { invite, kept_max }).await?
    }

    async fn list(&self, now: Timestamp, limit: usize) -> Result<Vec<Invite>, Fault> {
        self.worker().read(List { now, limit }).await
    }

    async fn find(&self, hash: InviteHash, now: Timestamp) -> Result<Option<Invite>, Fault> {
        self.worker().read(Find { hash, now }).await
    }

    async fn revoke(&self, hash: InviteHash) -> Result<bool, Fault> {
        self.worker().change(Revoke(hash)).await
    }
}

struct Put {
    invite: Invite,
    kept_max: u64,
}

#[async_trait]
impl Work for Put {
    type Answer = Result<(), PutInviteError>;
    const STATEMENT: Statement = Statement::InvitePut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { invite, kept_max } = self;
        query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *connection).await?;
        query("DELETE FROM invites WHERE expires_at <= $1")
            .bind(invite.made_at.0)
            .execute(&mut *connection)
            .await?;
        let others: i64 = query_scalar("SELECT count(*) FROM invites WHERE hash <> $1")
            .bind(&invite.hash.0[..])
            .fetch_one(&mut *connection)
            .await?;
        if others.unsigned_abs() >= *kept_max {
            return Ok(Err(PutInviteError::TooMany));
        }
        query(
            "INSERT INTO invites (hash, made_by, made_at, expires_at, uses_left) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (hash) DO UPDATE SET \
             made_by = excluded.made_by, made_at = excluded.made_at, \
             expires_at = excluded.expires_at, uses_left = excluded.uses_left",
        )
        .bind(&invite.hash.0[..])
        .bind(invite.made_by.as_ref().map(UserName::as_str))
        .bind(invite.made_at.0)
        .bind(invite.expires_at.0)
        .bind(i64::from(invite.uses_left))
        .execute(connection)
        .await?;
        Ok(Ok(()))
    }
}

struct List {
    now: Timestamp,
    limit: usize,
}

#[async_trait]
impl Work for List {
    type Answer = Vec<Invite>;
    const STATEMENT: Statement = Statement::InviteGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<Invite>, Error> {
        let found = query(
            "SELECT hash, made_by, made_at, expires_at, uses_left FROM invites \
             WHERE expires_at > $1 ORDER BY made_at DESC, hash LIMIT $2",
        )
        .bind(self.now.0)
        .bind(limit_number(self.limit))
        .fetch_all(connection)
        .await?;
        found.iter().map(invite).collect()
    }
}

struct Find {
    hash: InviteHash,
    now: Timestamp,
}

#[async_trait]
impl Work for Find {
    type Answer = Option<Invite>;
    const STATEMENT: Statement = Statement::InviteGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Option<Invite>, Error> {
        let found = query(
            "SELECT hash, made_by, made_at, expires_at, uses_left FROM invites \
             WHERE hash = $1 AND expires_at > $2",
        )
        .bind(&self.hash.0[..])
        .bind(self.now.0)
        .fetch_optional(connection)
        .await?;
        found.as_ref().map(invite).transpose()
    }
}

struct Revoke(InviteHash);

#[async_trait]
impl Work for Revoke {
    type Answer = bool;
    const STATEMENT: Statement = Statement::InvitePut;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let deleted = query("DELETE FROM invites WHERE hash = $1")
            .bind(&self.0.0[..])
            .execute(connection)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

/// Whether an invitation lets somebody in at `now`. Nobody else uses it before the transaction
/// ends.
pub(crate) async fn lets_in(
    connection: &mut PgConnection,
    hash: InviteHash,
    now: Timestamp,
) -> Result<bool, Error> {
    let found = query("SELECT 1 FROM invites WHERE hash = $1 AND expires_at > $2 FOR UPDATE")
        .bind(&hash.0[..])
        .bind(now.0)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// Takes one use of an invitation, and with the last the invitation.
pub(crate) async fn take_use(connection: &mut PgConnection, hash: InviteHash) -> Result<(), Error> {
    query("UPDATE invites SET uses_left = uses_left - 1 WHERE hash = $1")
        .bind(&hash.0[..])
        .execute(&mut *connection)
        .await?;
    query("DELETE FROM invites WHERE hash = $1 AND uses_left <= 0")
        .bind(&hash.0[..])
        .execute(connection)
        .await?;
    Ok(())
}

fn invite(row: &PgRow) -> Result<Invite, Error> {
    let mut columns = Columns::of(row);
    let hash = columns.take::<&[u8]>()?.try_into();
    Ok(Invite {
        hash: hash.map(InviteHash).map_err(senseless)?,
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
