//! Sessions.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{Columns, in_places, senseless},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, SessionStore},
    time::Timestamp,
    user::{Session, TokenHash},
};
use sqlx::{Error, PgConnection, query, query_scalar};

#[async_trait]
impl SessionStore for PostgresStore {
    async fn open(&self, session: Session) -> Result<(), Fault> {
        self.worker().change(Open(session)).await
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, Fault> {
        self.worker().read(Find { token, now }).await
    }

    async fn end(&self, token: TokenHash) -> Result<bool, Fault> {
        Ok(!self.worker().change(End::Token(token)).await?.is_empty())
    }

    async fn end_all(&self, user: &UserName) -> Result<Vec<TokenHash>, Fault> {
        self.worker().change(End::User(user)).await
    }

    async fn ended(&self, tokens: &[TokenHash], now: Timestamp) -> Result<Vec<bool>, Fault> {
        self.worker().read(Ended { tokens, now }).await
    }

    async fn purge(&self, now: Timestamp) -> Result<u64, Fault> {
        Ok(self.worker().change(End::Expired(now)).await?.len() as u64)
    }
}

struct Open(Session);

#[async_trait]
impl Work for Open {
    type Answer = ();
    const STATEMENT: Statement = Statement::SessionPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        let Self(session) = self;
        query(
            "INSERT INTO sessions (token, account, expires_at) VALUES ($1, $2, $3) \
             ON CONFLICT (token) DO UPDATE \
             SET account = excluded.account, expires_at = excluded.expires_at",
        )
        .bind(session.token.0.as_slice())
        .bind(session.user.as_str())
        .bind(session.expires_at.0)
        .execute(connection)
        .await?;
        Ok(())
    }
}

struct Find {
    token: TokenHash,
    now: Timestamp,
}

#[async_trait]
impl Work for Find {
    type Answer = Option<Session>;
    const STATEMENT: Statement = Statement::SessionGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT s.account, a.operator, s.expires_at \
             FROM sessions s JOIN accounts a ON a.name = s.account \
             WHERE s.token = $1 AND s.expires_at > $2 AND NOT a.banned",
        )
        .bind(self.token.0.as_slice())
        .bind(self.now.0)
        .fetch_optional(connection)
        .await?;
        let session = found.map(|row| {
            let mut columns = Columns::of(&row);
            Ok(Session {
                user: columns.user()?,
                token: self.token,
                operator: columns.take()?,
                expires_at: columns.time()?,
            })
        });
        session.transpose()
    }
}

enum End<'a> {
    Token(TokenHash),
    User(&'a UserName),
    Expired(Timestamp),
}

#[async_trait]
impl Work for End<'_> {
    type Answer = Vec<TokenHash>;
    const STATEMENT: Statement = Statement::SessionDelete;

    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<TokenHash>, Error> {
        let delete = match self {
            Self::Token(token) => {
                query_scalar("DELETE FROM sessions WHERE token = $1 RETURNING token")
                    .bind(token.0.as_slice())
            }
            Self::User(user) => {
                query_scalar("DELETE FROM sessions WHERE account = $1 RETURNING token")
                    .bind(user.as_str())
            }
            Self::Expired(now) => {
                query_scalar("DELETE FROM sessions WHERE expires_at <= $1 RETURNING token")
                    .bind(now.0)
            }
        };
        let ended: Vec<Vec<u8>> = delete.fetch_all(&mut *connection).await?;
        // Expiry is known to everybody without a word.
        if !ended.is_empty() && !matches!(self, Self::Expired(_)) {
            query("UPDATE campanile SET endings = endings + 1").execute(connection).await?;
        }
        let token = |bytes: Vec<u8>| bytes.try_into().map(TokenHash);
        let tokens = ended.into_iter().map(token).collect::<Result<_, _>>();
        tokens.map_err(|_| senseless("a token has 32 bytes"))
    }
}

/// How often sessions were ended.
pub(crate) struct Endings;

#[async_trait]
impl Work for Endings {
    type Answer = i64;
    const STATEMENT: Statement = Statement::SessionGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<i64, Error> {
        query_scalar("SELECT endings FROM campanile").fetch_one(connection).await
    }
}

struct Ended<'a> {
    tokens: &'a [TokenHash],
    now: Timestamp,
}

#[async_trait]
impl Work for Ended<'_> {
    type Answer = Vec<bool>;
    const STATEMENT: Statement = Statement::SessionGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Vec<bool>, Error> {
        let tokens: Vec<&[u8]> = self.tokens.iter().map(|token| token.0.as_slice()).collect();
        let found = query(
            "SELECT t.place FROM UNNEST($1::bytea[]) WITH ORDINALITY t (token, place) \
             JOIN sessions s ON s.token = t.token JOIN accounts a ON a.name = s.account \
             WHERE s.expires_at > $2 AND NOT a.banned",
        )
        .bind(tokens)
        .bind(self.now.0)
        .fetch_all(connection)
        .await?;
        let alive = in_places(self.tokens.len(), &found, |_| Ok(()))?;
        Ok(alive.iter().map(Option::is_none).collect())
    }
}
