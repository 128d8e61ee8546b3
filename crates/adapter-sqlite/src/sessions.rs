//! Sessions.

use crate::{
    SqliteStore,
    fault::fault,
    rows::Columns,
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, SessionStore},
    time::Timestamp,
    user::{Session, TokenHash},
};
use sqlx::{Error, query, sqlite::SqliteRow};

#[async_trait]
impl SessionStore for SqliteStore {
    async fn open(&self, session: Session) -> Result<(), Fault> {
        self.writer().change(Open(session)).await
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(
            "SELECT s.user, a.operator, s.expires_at \
             FROM sessions s JOIN accounts a ON a.name = s.user \
             WHERE s.token = ?1 AND s.expires_at > ?2 AND NOT a.banned",
        )
        .bind(token.0.to_vec())
        .bind(now.0)
        .fetch_optional(&mut *reader)
        .await
        .map_err(fault)?;
        let session = found.as_ref().map(|row| session(row, token));
        session.transpose().map_err(fault)
    }

    async fn end(&self, token: TokenHash) -> Result<bool, Fault> {
        let ended = self.writer().change(End::Token(token)).await?;
        Ok(ended > 0)
    }

    async fn end_all(&self, user: &UserName) -> Result<u64, Fault> {
        self.writer().change(End::User(user.clone())).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Fault> {
        self.writer().change(End::Expired(now)).await
    }
}

struct Open(Session);

#[async_trait]
impl Change for Open {
    type Answer = ();

    async fn make(&self, ledger: &mut Ledger) -> Result<(), Error> {
        let Self(session) = self;
        query("INSERT OR REPLACE INTO sessions (token, user, expires_at) VALUES (?1, ?2, ?3)")
            .bind(session.token.0.to_vec())
            .bind(session.user.as_str().to_owned())
            .bind(session.expires_at.0)
            .execute(ledger.connection())
            .await?;
        Ok(())
    }
}

enum End {
    Token(TokenHash),
    User(UserName),
    Expired(Timestamp),
}

#[async_trait]
impl Change for End {
    type Answer = u64;

    async fn make(&self, ledger: &mut Ledger) -> Result<u64, Error> {
        let delete = match self {
            Self::Token(token) => {
                query("DELETE FROM sessions WHERE token = ?1").bind(token.0.to_vec())
            }
            Self::User(user) => {
                query("DELETE FROM sessions WHERE user = ?1").bind(user.as_str().to_owned())
            }
            Self::Expired(now) => query("DELETE FROM sessions WHERE expires_at <= ?1").bind(now.0),
        };
        let ended = delete.execute(ledger.connection()).await?;
        Ok(ended.rows_affected())
    }
}

fn session(row: &SqliteRow, token: TokenHash) -> Result<Session, Error> {
    let mut columns = Columns::from(row, 0);
    Ok(Session {
        user: columns.user()?,
        token,
        operator: columns.take()?,
        expires_at: columns.time()?,
    })
}
