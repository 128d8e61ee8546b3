//! Subscriptions to pushes.

use crate::{
    PostgresStore,
    metrics::Statement,
    rows::{Columns, senseless},
    work::Work,
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, PushStore},
    push::{PushEndpoint, PushSubscription},
    time::Timestamp,
    user::TokenHash,
};
use sqlx::{Error, PgConnection, postgres::PgRow, query, query_scalar};

#[async_trait]
impl PushStore for PostgresStore {
    async fn put(
        &self,
        token: TokenHash,
        subscription: PushSubscription,
        now: Timestamp,
        each_max: u64,
    ) -> Result<bool, Fault> {
        self.worker().change(Put { token, subscription, now, each_max }).await
    }

    async fn remove(&self, user: &UserName, endpoint: &PushEndpoint) -> Result<bool, Fault> {
        self.worker().change(Remove { user, endpoint }).await
    }

    async fn of(&self, user: &UserName, now: Timestamp) -> Result<Vec<PushSubscription>, Fault> {
        self.worker().read(Of { user, now }).await
    }

    async fn count(&self) -> Result<u64, Fault> {
        self.worker().read(Count).await
    }
}

struct Put {
    token: TokenHash,
    subscription: PushSubscription,
    now: Timestamp,
    each_max: u64,
}

#[async_trait]
impl Work for Put {
    type Answer = bool;
    const STATEMENT: Statement = Statement::PushPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let Self { token, subscription, now, each_max } = self;
        // Its session stays until this ends, and of one user's one is put at a time.
        let account: Option<String> = query_scalar(
            "SELECT a.name FROM sessions s JOIN accounts a ON a.name = s.account \
             WHERE s.token = $1 AND s.expires_at > $2 FOR NO KEY UPDATE OF a FOR KEY SHARE OF s",
        )
        .bind(token.0.as_slice())
        .bind(now.0)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(account) = account else {
            return Ok(false);
        };
        query(
            "INSERT INTO push_subscriptions (endpoint, token, p256dh, auth, put_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (endpoint) DO UPDATE SET \
             token = excluded.token, p256dh = excluded.p256dh, auth = excluded.auth, \
             put_at = excluded.put_at",
        )
        .bind(subscription.endpoint.as_str())
        .bind(token.0.as_slice())
        .bind(subscription.p256dh.as_slice())
        .bind(subscription.auth.as_slice())
        .bind(now.0)
        .execute(&mut *connection)
        .await?;
        // The one that was put stays, whatever the clock says of it.
        query(
            "DELETE FROM push_subscriptions WHERE endpoint IN (SELECT p.endpoint \
             FROM push_subscriptions p JOIN sessions s ON s.token = p.token \
             WHERE s.account = $1 \
             ORDER BY p.endpoint = $2 DESC, p.put_at DESC, p.endpoint DESC OFFSET $3)",
        )
        .bind(account)
        .bind(subscription.endpoint.as_str())
        .bind(i64::try_from(*each_max).unwrap_or(i64::MAX))
        .execute(connection)
        .await?;
        Ok(true)
    }
}

struct Remove<'a> {
    user: &'a UserName,
    endpoint: &'a PushEndpoint,
}

#[async_trait]
impl Work for Remove<'_> {
    type Answer = bool;
    const STATEMENT: Statement = Statement::PushPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        let deleted = query(
            "DELETE FROM push_subscriptions WHERE endpoint = $1 \
             AND token IN (SELECT token FROM sessions WHERE account = $2)",
        )
        .bind(self.endpoint.as_str())
        .bind(self.user.as_str())
        .execute(connection)
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

struct Of<'a> {
    user: &'a UserName,
    now: Timestamp,
}

#[async_trait]
impl Work for Of<'_> {
    type Answer = Vec<PushSubscription>;
    const STATEMENT: Statement = Statement::PushGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let found = query(
            "SELECT p.endpoint, p.p256dh, p.auth \
             FROM sessions s JOIN push_subscriptions p ON p.token = s.token \
             WHERE s.account = $1 AND s.expires_at > $2 ORDER BY p.put_at, p.endpoint",
        )
        .bind(self.user.as_str())
        .bind(self.now.0)
        .fetch_all(connection)
        .await?;
        found.iter().map(subscription).collect()
    }
}

struct Count;

#[async_trait]
impl Work for Count {
    type Answer = u64;
    const STATEMENT: Statement = Statement::PushGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<u64, Error> {
        let count: i64 =
            query_scalar("SELECT count(*) FROM push_subscriptions").fetch_one(connection).await?;
        Ok(count.unsigned_abs())
    }
}

fn subscription(row: &PgRow) -> Result<PushSubscription, Error> {
    let mut columns = Columns::of(row);
    Ok(PushSubscription {
        endpoint: PushEndpoint::parse(columns.take()?).map_err(senseless)?,
        p256dh: columns.take::<&[u8]>()?.try_into().map_err(senseless)?,
        auth: columns.take::<&[u8]>()?.try_into().map_err(senseless)?,
    })
}
