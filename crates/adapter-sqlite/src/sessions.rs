//! Sessions.

use crate::{
    SqliteStore,
    fault::fault,
    heads,
    rows::{Columns, senseless},
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, SessionStore},
    time::Timestamp,
    user::{Session, TokenHash},
};
use sqlx::{Error, query, query_scalar, sqlite::SqliteRow};

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
        Ok(!ended.is_empty())
    }

    async fn end_all(&self, user: &UserName) -> Result<Vec<TokenHash>, Fault> {
        self.writer().change(End::User(user.clone())).await
    }

    async fn ended(&self, tokens: &[TokenHash], now: Timestamp) -> Result<Vec<bool>, Fault> {
        let mut reader = self.reader().await?;
        heads::ended(&mut reader, tokens, now).await.map_err(fault)
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Fault> {
        let ended = self.writer().change(End::Expired(now)).await?;
        Ok(ended.len() as u64)
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
    type Answer = Vec<TokenHash>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Vec<TokenHash>, Error> {
        let delete = match self {
            Self::Token(token) => {
                query_scalar("DELETE FROM sessions WHERE token = ?1 RETURNING token")
                    .bind(token.0.to_vec())
            }
            Self::User(user) => {
                query_scalar("DELETE FROM sessions WHERE user = ?1 RETURNING token")
                    .bind(user.as_str().to_owned())
            }
            Self::Expired(now) => {
                query_scalar("DELETE FROM sessions WHERE expires_at <= ?1 RETURNING token")
                    .bind(now.0)
            }
        };
        let ended: Vec<Vec<u8>> = delete.fetch_all(ledger.connection()).await?;
        let token = |bytes: Vec<u8>| bytes.try_into().map(TokenHash);
        let tokens = ended.into_iter().map(token).collect::<Result<_, _>>();
        tokens.map_err(|_| senseless("a token has 32 bytes"))
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
