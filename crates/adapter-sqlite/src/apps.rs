//! Applications that operators have made.

use crate::{
    SqliteStore,
    fault::fault,
    rows::Columns,
    writer::{Change, Ledger},
};
use async_trait::async_trait;
use campanile_core::{
    application::{
        AppKey, AppRow, AppRowError, AppSecret, Application, Applications, SenselessApp,
    },
    channel::AppId,
    port::{
        AddAppKeyError, AppChange, AppStore, ChangeAppError, CreateAppError, Fault,
        RevokeAppKeyError,
    },
    time::Timestamp,
};
use sqlx::{Error, Row, SqliteConnection, query, query_scalar, sqlite::SqliteRow};

#[async_trait]
impl AppStore for SqliteStore {
    async fn create(&self, app: Application, kept_max: u64) -> Result<(), CreateAppError> {
        self.writer().change(Create { app, kept_max }).await?
    }

    async fn list(&self) -> Result<Applications, Fault> {
        let mut reader = self.reader().await?;
        read(&mut reader, None).await.map_err(fault)
    }

    async fn change(&self, id: &AppId, change: AppChange) -> Result<Application, ChangeAppError> {
        self.writer().change(Alter { id: id.clone(), change }).await?
    }

    async fn delete(&self, id: &AppId) -> Result<bool, Fault> {
        self.writer().change(Delete(id.clone())).await
    }

    async fn add_key(
        &self,
        id: &AppId,
        key: AppKey,
        keys_max: usize,
    ) -> Result<AppKey, AddAppKeyError> {
        self.writer().change(AddKey { id: id.clone(), key, keys_max }).await?
    }

    async fn revoke_key(
        &self,
        id: &AppId,
        key: &str,
        now: Timestamp,
    ) -> Result<(), RevokeAppKeyError> {
        self.writer().change(RevokeKey { id: id.clone(), key: key.to_owned(), now }).await?
    }
}

struct Create {
    app: Application,
    kept_max: u64,
}

#[async_trait]
impl Change for Create {
    type Answer = Result<(), CreateAppError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self { app, kept_max } = self;
        if is_there(ledger.connection(), &app.id).await? {
            return Ok(Err(CreateAppError::IdTaken));
        }
        for key in &app.keys {
            if is_key(ledger.connection(), &key.key).await? {
                return Ok(Err(CreateAppError::KeyTaken));
            }
        }
        let kept: i64 = query_scalar("SELECT count(*) FROM applications")
            .fetch_one(ledger.connection())
            .await?;
        if kept.unsigned_abs() >= *kept_max {
            return Ok(Err(CreateAppError::TooMany));
        }
        query(
            "INSERT INTO applications (id, name, enabled, settings, made_at, changed_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(app.id.as_str().to_owned())
        .bind(app.name.as_str().to_owned())
        .bind(app.enabled)
        .bind(app.settings.clone())
        .bind(app.made_at.0)
        .bind(app.changed_at.0)
        .execute(ledger.connection())
        .await?;
        for key in &app.keys {
            insert_key(ledger.connection(), &app.id, key).await?;
        }
        Ok(Ok(()))
    }
}

struct Alter {
    id: AppId,
    change: AppChange,
}

#[async_trait]
impl Change for Alter {
    type Answer = Result<Application, ChangeAppError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self { id, change } = self;
        let changed = query(
            "UPDATE applications SET name = coalesce(?2, name), enabled = coalesce(?3, enabled), \
             settings = coalesce(?4, settings), changed_at = ?5 \
             WHERE id = ?1 AND settings = coalesce(?6, settings)",
        )
        .bind(id.as_str().to_owned())
        .bind(change.name.as_ref().map(|name| name.as_str().to_owned()))
        .bind(change.enabled)
        .bind(change.settings.clone())
        .bind(change.at.0)
        .bind(change.settings_before.clone())
        .execute(ledger.connection())
        .await?;
        let app = read(ledger.connection(), Some(id)).await?.all.pop();
        Ok(match app {
            None => Err(ChangeAppError::NotFound),
            Some(_) if changed.rows_affected() == 0 => Err(ChangeAppError::Stale),
            Some(app) => Ok(app),
        })
    }
}

struct Delete(AppId);

#[async_trait]
impl Change for Delete {
    type Answer = bool;

    async fn make(&self, ledger: &mut Ledger) -> Result<bool, Error> {
        let deleted = query("DELETE FROM applications WHERE id = ?1")
            .bind(self.0.as_str().to_owned())
            .execute(ledger.connection())
            .await?;
        Ok(deleted.rows_affected() > 0)
    }
}

struct AddKey {
    id: AppId,
    key: AppKey,
    keys_max: usize,
}

#[async_trait]
impl Change for AddKey {
    type Answer = Result<AppKey, AddAppKeyError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self { id, key, keys_max } = self;
        if !is_there(ledger.connection(), id).await? {
            return Ok(Err(AddAppKeyError::NotFound));
        }
        if is_key(ledger.connection(), &key.key).await? {
            return Ok(Err(AddAppKeyError::KeyTaken));
        }
        if count_keys(ledger.connection(), id).await? >= *keys_max as u64 {
            return Ok(Err(AddAppKeyError::TooMany));
        }
        let key =
            AppKey { made_at: newest(ledger.connection(), id, key.made_at).await?, ..key.clone() };
        insert_key(ledger.connection(), id, &key).await?;
        touch(ledger.connection(), id, key.made_at).await?;
        Ok(Ok(key))
    }
}

struct RevokeKey {
    id: AppId,
    key: String,
    now: Timestamp,
}

#[async_trait]
impl Change for RevokeKey {
    type Answer = Result<(), RevokeAppKeyError>;

    async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
        let Self { id, key, now } = self;
        let found = query("SELECT 1 FROM application_keys WHERE app = ?1 AND key = ?2")
            .bind(id.as_str().to_owned())
            .bind(key.clone())
            .fetch_optional(ledger.connection())
            .await?;
        if found.is_none() {
            return Ok(Err(RevokeAppKeyError::NotFound));
        }
        if count_keys(ledger.connection(), id).await? == 1 {
            return Ok(Err(RevokeAppKeyError::Last));
        }
        query("DELETE FROM application_keys WHERE key = ?1")
            .bind(key.clone())
            .execute(ledger.connection())
            .await?;
        touch(ledger.connection(), id, *now).await?;
        Ok(Ok(()))
    }
}

async fn is_there(connection: &mut SqliteConnection, id: &AppId) -> Result<bool, Error> {
    let found = query("SELECT 1 FROM applications WHERE id = ?1")
        .bind(id.as_str().to_owned())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn is_key(connection: &mut SqliteConnection, key: &str) -> Result<bool, Error> {
    let found = query("SELECT 1 FROM application_keys WHERE key = ?1")
        .bind(key.to_owned())
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

async fn count_keys(connection: &mut SqliteConnection, id: &AppId) -> Result<u64, Error> {
    let count: i64 = query_scalar("SELECT count(*) FROM application_keys WHERE app = ?1")
        .bind(id.as_str().to_owned())
        .fetch_one(connection)
        .await?;
    Ok(count.unsigned_abs())
}

/// The time of a key that is newer than all others of its application.
async fn newest(
    connection: &mut SqliteConnection,
    id: &AppId,
    now: Timestamp,
) -> Result<Timestamp, Error> {
    let last: Option<i64> =
        query_scalar("SELECT max(made_at) FROM application_keys WHERE app = ?1")
            .bind(id.as_str().to_owned())
            .fetch_one(connection)
            .await?;
    Ok(last.map_or(now, |last| now.max(Timestamp(last.saturating_add(1)))))
}

async fn insert_key(
    connection: &mut SqliteConnection,
    id: &AppId,
    key: &AppKey,
) -> Result<(), Error> {
    query("INSERT INTO application_keys (key, app, secret, made_at) VALUES (?1, ?2, ?3, ?4)")
        .bind(key.key.clone())
        .bind(id.as_str().to_owned())
        .bind(key.secret.0.clone())
        .bind(key.made_at.0)
        .execute(connection)
        .await?;
    Ok(())
}

async fn touch(connection: &mut SqliteConnection, id: &AppId, now: Timestamp) -> Result<(), Error> {
    query("UPDATE applications SET changed_at = ?2 WHERE id = ?1")
        .bind(id.as_str().to_owned())
        .bind(now.0)
        .execute(connection)
        .await?;
    Ok(())
}

/// The applications, or the one of this id.
async fn read(
    connection: &mut SqliteConnection,
    id: Option<&AppId>,
) -> Result<Applications, Error> {
    let rows = query(
        "SELECT a.id, a.name, a.enabled, a.settings, a.made_at, a.changed_at, \
         k.key, k.secret, k.made_at \
         FROM applications a LEFT JOIN application_keys k ON k.app = a.id \
         WHERE ?1 IS NULL OR a.id = ?1 ORDER BY a.id, k.made_at, k.key",
    )
    .bind(id.map(|id| id.as_str().to_owned()))
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

fn app_row(row: &SqliteRow) -> Result<AppRow, Error> {
    let mut columns = Columns::from(row, 0);
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
