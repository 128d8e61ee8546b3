//! Applications that operators have made.

use crate::{PostgresStore, metrics::Statement, rows::Columns, work::Work};
use async_trait::async_trait;
use campanile_core::{
    application::{
        AppKey, AppName, AppRow, AppRowError, AppSecret, Application, Applications, SenselessApp,
    },
    channel::AppId,
    port::{
        AddAppKeyError, AppChange, AppStore, ChangeAppError, CreateAppError, Fault,
        RevokeAppKeyError,
    },
    time::Timestamp,
};
use sqlx::{Error, PgConnection, Row, postgres::PgRow, query, query_scalar};

/// Held while applications or their keys change, so that what was counted stays so.
const LOCK: i64 = 0x4341_4d41;

#[async_trait]
impl AppStore for PostgresStore {
    async fn create(&self, app: Application, kept_max: u64) -> Result<(), CreateAppError> {
        self.worker().change(Create { app, kept_max }).await?
    }

    async fn list(&self) -> Result<Applications, Fault> {
        self.worker().read(List).await
    }

    async fn change(&self, id: &AppId, change: AppChange) -> Result<Application, ChangeAppError> {
        self.worker().change(Alter { id, change }).await?
    }

    async fn delete(&self, id: &AppId) -> Result<bool, Fault> {
        self.worker().change(Delete(id)).await
    }

    async fn add_key(
        &self,
        id: &AppId,
        key: AppKey,
        keys_max: usize,
    ) -> Result<AppKey, AddAppKeyError> {
        self.worker().change(AddKey { id, key, keys_max }).await?
    }

    async fn revoke_key(
        &self,
        id: &AppId,
        key: &str,
        now: Timestamp,
    ) -> Result<(), RevokeAppKeyError> {
        self.worker().change(RevokeKey { id, key, now }).await?
    }
}

struct Create {
    app: Application,
    kept_max: u64,
}

#[async_trait]
impl Work for Create {
    type Answer = Result<(), CreateAppError>;
    const STATEMENT: Statement = Statement::AppPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { app, kept_max } = self;
        lock(connection).await?;
        if is_there(connection, &app.id).await? {
            return Ok(Err(CreateAppError::IdTaken));
        }
        for key in &app.keys {
            if is_key(connection, &key.key).await? {
                return Ok(Err(CreateAppError::KeyTaken));
            }
        }
        let kept: i64 =
            query_scalar("SELECT count(*) FROM applications").fetch_one(&mut *connection).await?;
        if kept.unsigned_abs() >= *kept_max {
            return Ok(Err(CreateAppError::TooMany));
        }
        query(
            "INSERT INTO applications (id, name, enabled, settings, made_at, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(app.id.as_str())
        .bind(app.name.as_str())
        .bind(app.enabled)
        .bind(&app.settings)
        .bind(app.made_at.0)
        .bind(app.changed_at.0)
        .execute(&mut *connection)
        .await?;
        for key in &app.keys {
            insert_key(connection, &app.id, key).await?;
        }
        Ok(Ok(()))
    }
}

struct List;

#[async_trait]
impl Work for List {
    type Answer = Applications;
    const STATEMENT: Statement = Statement::AppGet;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        read(connection, None).await
    }
}

struct Alter<'a> {
    id: &'a AppId,
    change: AppChange,
}

#[async_trait]
impl Work for Alter<'_> {
    type Answer = Result<Application, ChangeAppError>;
    const STATEMENT: Statement = Statement::AppPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { id, change } = self;
        let changed = query(
            "UPDATE applications SET name = coalesce($2, name), enabled = coalesce($3, enabled), \
             settings = coalesce($4, settings), changed_at = $5 \
             WHERE id = $1 AND settings = coalesce($6, settings)",
        )
        .bind(id.as_str())
        .bind(change.name.as_ref().map(AppName::as_str))
        .bind(change.enabled)
        .bind(change.settings.as_deref())
        .bind(change.at.0)
        .bind(change.settings_before.as_deref())
        .execute(&mut *connection)
        .await?;
        let app = read(connection, Some(id)).await?.all.pop();
        Ok(match app {
            None => Err(ChangeAppError::NotFound),
            Some(_) if changed.rows_affected() == 0 => Err(ChangeAppError::Stale),
            Some(app) => Ok(app),
        })
    }
}

struct Delete<'a>(&'a AppId);

#[async_trait]
impl Work for Delete<'_> {
    type Answer = bool;
    const STATEMENT: Statement = Statement::AppPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<bool, Error> {
        lock(connection).await?;
        let deleted = query("DELETE FROM applications WHERE id = $1")
            .bind(self.0.as_str())
            .execute(connection)
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

struct AddKey<'a> {
    id: &'a AppId,
    key: AppKey,
    keys_max: usize,
}

#[async_trait]
impl Work for AddKey<'_> {
    type Answer = Result<AppKey, AddAppKeyError>;
    const STATEMENT: Statement = Statement::AppPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { id, key, keys_max } = self;
        lock(connection).await?;
        if !is_there(connection, id).await? {
            return Ok(Err(AddAppKeyError::NotFound));
        }
        if is_key(connection, &key.key).await? {
            return Ok(Err(AddAppKeyError::KeyTaken));
        }
        if count_keys(connection, id).await? >= *keys_max as u64 {
            return Ok(Err(AddAppKeyError::TooMany));
        }
        let key = AppKey { made_at: newest(connection, id, key.made_at).await?, ..key.clone() };
        insert_key(connection, id, &key).await?;
        touch(connection, id, key.made_at).await?;
        Ok(Ok(key))
    }
}

struct RevokeKey<'a> {
    id: &'a AppId,
    key: &'a str,
    now: Timestamp,
}

#[async_trait]
impl Work for RevokeKey<'_> {
    type Answer = Result<(), RevokeAppKeyError>;
    const STATEMENT: Statement = Statement::AppPut;

    async fn run(&self, connection: &mut PgConnection) -> Result<Self::Answer, Error> {
        let Self { id, key, now } = self;
        lock(connection).await?;
        let found = query("SELECT 1 FROM application_keys WHERE app = $1 AND key = $2")
            .bind(id.as_str())
            .bind(key)
            .fetch_optional(&mut *connection)
            .await?;
        if found.is_none() {
            return Ok(Err(RevokeAppKeyError::NotFound));
        }
        if count_keys(connection, id).await? == 1 {
            return Ok(Err(RevokeAppKeyError::Last));
        }
        query("DELETE FROM application_keys WHERE key = $1")
            .bind(key)
            .execute(&mut *connection)
            .await?;
        touch(connection, id, *now).await?;
        Ok(Ok(()))
    }
}

async fn lock(connection: &mut PgConnection) -> Result<(), Error> {
    query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(connection).await?;
    Ok(())
}

async fn is_there(connection: &mut PgConnection, id: &AppId) -> Result<bool, Error> {
    let found = query("SELECT 1 FROM applications WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn is_key(connection: &mut PgConnection, key: &str) -> Result<bool, Error> {
    let found = query("SELECT 1 FROM application_keys WHERE key = $1")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn count_keys(connection: &mut PgConnection, id: &AppId) -> Result<u64, Error> {
    let count: i64 = query_scalar("SELECT count(*) FROM application_keys WHERE app = $1")
        .bind(id.as_str())
        .fetch_one(connection)
        .await?;
    Ok(count.unsigned_abs())
}

/// The time of a key that is newer than all others of its application.
async fn newest(
    connection: &mut PgConnection,
    id: &AppId,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    let last: Option<i64> =
        query_scalar("SELECT max(made_at) FROM application_keys WHERE app = $1")
            .bind(id.as_str())
            .fetch_one(connection)
            .await?;
    Ok(last.map_or(now, |last| now.max(Timestamp(last.saturating_add(1)))))
}

async fn insert_key(connection: &mut PgConnection, id: &AppId, key: &AppKey) -> Result<(), Error> {
    query("INSERT INTO application_keys (key, app, secret, made_at) VALUES ($1, $2, $3, $4)")
        .bind(&key.key)
        .bind(id.as_str())
        .bind(&key.secret.0)
        .bind(key.made_at.0)
        .execute(connection)
        .await?;
    Ok(())
}

async fn touch(connection: &mut PgConnection, id: &AppId, now: Timestamp) -> Result<(), Error> {
    query("UPDATE applications SET changed_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// The applications, or the one of this id.
pub(crate) async fn read(
    connection: &mut PgConnection,
    id: Option<&AppId>,
) -> Result<Applications, Error> {
    let rows = query(
        "SELECT a.id, a.name, a.enabled, a.settings, a.made_at, a.changed_at, \
         k.key, k.secret, k.made_at \
         FROM applications a LEFT JOIN application_keys k ON k.app = a.id \
         WHERE $1::text IS NULL OR a.id = $1 ORDER BY a.id, k.made_at, k.key",
    )
    .bind(id.map(AppId::as_str))
    .fetch_all(connection)
    .await?;
    Ok(Applications::gather(rows.iter().map(|row| {
        // One that cannot be read was written by no server: that is for people to put right.
        app_row(row).map_err(|error| SenselessApp {
            id: row.try_get(0).unwrap_or_default(),
            why: AppRowError::Column(error.to_string().into()),
        })
    })))
}

fn app_row(row: &PgRow) -> Result<AppRow, Error> {
    let mut columns = Columns::of(row);
    Ok(AppRow {
        id: columns.take()?,
        name: columns.take()?,
        enabled: columns.take()?,
        settings: columns.take()?,
        made_at: columns.time()?,
        changed_at: columns.time()?,
        key: match columns.take()? {
            None => None,
            Some(key) => {
                Some(AppKey { key, secret: AppSecret(columns.take()?), made_at: columns.time()? })
            }
        },
    })
}
