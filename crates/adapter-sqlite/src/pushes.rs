//! Subscriptions to pushes.

use crate::{
    SqliteStore,
    fault::fault,
    rows::senseless,
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{Fault, PushStore},
    push::{PushEndpoint, PushSubscription},
    time::Timestamp,
    user::TokenHash,
};
use sqlx::{Error, Row, query, query_scalar, sqlite::SqliteRow};

#[async_trait]
impl PushStore for SqliteStore {
    async fn put(
        &self,
        token: TokenHash,
        subscription: PushSubscription,
        now: Timestamp,
        each_max: u64,
    ) -> Result<bool, Fault> {
        self.writer().change(Put { token, subscription, now, each_max }).await
    }

    async fn remove(&self, user: &UserName, endpoint: &PushEndpoint) -> Result<bool, Fault> {
        let (user, endpoint) = (user.clone(), endpoint.clone());
        self.writer().change(Remove { user, endpoint }).await
    }

    async fn of(&self, user: &UserName, now: Timestamp) -> Result<Vec<PushSubscription>, Fault> {
        let mut reader = self.reader().await?;
        let found = query(
            "SELECT p.endpoint, p.p256dh, p.auth \
             FROM sessions s JOIN push_subscriptions p ON p.token = s.token \
             WHERE s.user = ?1 AND s.expires_at > ?2 ORDER BY p.put_at, p.endpoint",
        )
        .bind(user.as_str().to_owned())
        .bind(now.0)
        .fetch_all(&mut *reader)
        .await
        .map_err(fault)?;
        found.iter().map(subscription).collect::<Result<_, _>>().map_err(fault)
    }

    async fn count(&self) -> Result<u64, Fault> {
        let mut reader = self.reader().await?;
        let count: i64 = query_scalar("SELECT count(*) FROM push_subscriptions")
            .fetch_one(&mut *reader)
            .await
            .map_err(fault)?;
        Ok(count.unsigned_abs())
    }
}

struct Put {
    token: TokenHash,
    subscription: PushSubscription,
    now: Timestamp,
    each_max: u64,
}

#[async_trait]
impl Change for Put {
    type Answer = bool;

    async fn make(&self, ledger: &mut Ledger) -> Result<bool, Error> {
        let Self { token, subscription, now, each_max } = self;
        let put = query(
            "INSERT OR REPLACE INTO push_subscriptions (endpoint, token, p256dh, auth, put_at) \
             SELECT ?1, token, ?3, ?4, ?5 FROM sessions WHERE token = ?2 AND expires_at > ?5",
        )
        .bind(subscription.endpoint.as_str().to_owned())
        .bind(token.0.to_vec())
        .bind(subscription.p256dh.to_vec())
        .bind(subscription.auth.to_vec())
        .bind(now.0)
        .execute(ledger.connection())
        .await?;
        if put.rows_affected() == 0 {
            return Ok(false);
        }
        // The one that was put stays, whatever the clock says of it.
        query(
            "DELETE FROM push_subscriptions WHERE endpoint IN (SELECT p.endpoint \
             FROM push_subscriptions p JOIN sessions s ON s.token = p.token \
             WHERE s.user = (SELECT user FROM sessions WHERE token = ?1) \
             ORDER BY p.endpoint = ?2 DESC, p.put_at DESC, p.endpoint DESC LIMIT -1 OFFSET ?3)",
        )
        .bind(token.0.to_vec())
        .bind(subscription.endpoint.as_str().to_owned())
        .bind(i64::try_from(*each_max).unwrap_or(i64::MAX))
        .execute(ledger.connection())
        .await?;
        Ok(true)
    }
}

struct Remove {
    user: UserName,
    endpoint: PushEndpoint,
}

#[async_trait]
impl Change for Remove {
    type Answer = bool;

    async fn make(&self, ledger: &mut Ledger) -> Result<bool, Error> {
        let deleted = query(
            "DELETE FROM push_subscriptions WHERE endpoint = ?1 \
             AND token IN (SELECT token FROM sessions WHERE user = ?2)",
        )
        .bind(self.endpoint.as_str().to_owned())
        .bind(self.user.as_str().to_owned())
        .execute(ledger.connection())
        .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

fn subscription(row: &SqliteRow) -> Result<PushSubscription, Error> {
    let keys = "a browser's keys have 65 and 16 bytes";
    Ok(PushSubscription {
        endpoint: PushEndpoint::parse(row.try_get(0)?).map_err(senseless)?,
        p256dh: row.try_get::<Vec<u8>, _>(1)?.try_into().map_err(|_| senseless(keys))?,
        auth: row.try_get::<Vec<u8>, _>(2)?.try_into().map_err(|_| senseless(keys))?,
    })
}
