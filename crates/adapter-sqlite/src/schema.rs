//! The schema: which version a file has, and how it becomes the newest.

use crate::open::{OpenError, failed};
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, query_scalar, raw_sql};
use std::path::Path;

/// What makes version 1 of nothing, 2 of 1, and so on. What was released is never changed.
const MIGRATIONS: [&str; 9] = [
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_uploads.sql"),
    include_str!("../migrations/0003_many_nodes.sql"),
    include_str!("../migrations/0004_prekeys.sql"),
    include_str!("../migrations/0005_transfer.sql"),
    include_str!("../migrations/0006_retention.sql"),
    include_str!("../migrations/0007_invites.sql"),
    include_str!("../migrations/0008_pushes.sql"),
    include_str!("../migrations/0009_applications.sql"),
];

/// "CAMP", as the first migration writes it.
const APPLICATION_ID: i64 = 0x4341_4d50;

/// Brings the file to the newest version, and says which that is. Where `may_migrate` is false,
/// another process uses the file and would not understand.
pub(crate) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
    may_migrate: bool,
) -> Result<u32, OpenError> {
    let known = MIGRATIONS.len() as u32;
    let found = version(connection).await.map_err(|error| failed(path, error))?;
    let path = path.to_owned();
    match found {
        None => Err(OpenError::Foreign { path }),
        Some(found) if found > known => Err(OpenError::NewerSchema { path, found, known }),
        Some(found) if found < known && !may_migrate => Err(OpenError::InUse { path }),
        Some(found) => {
            for (index, sql) in MIGRATIONS.into_iter().enumerate().skip(found as usize) {
                apply(connection, sql, index as u32 + 1)
                    .await
                    .map_err(|error| failed(&path, error))?;
            }
            Ok(known)
        }
    }
}

/// The version of a file, 0 for an empty one; `None` for a database of something else.
async fn version(connection: &mut SqliteConnection) -> Result<Option<u32>, sqlx::Error> {
    let scalar = async |connection: &mut SqliteConnection, sql: &'static str| {
        query_scalar::<_, i64>(sql).fetch_one(connection).await
    };
    let tables = scalar(connection, "SELECT count(*) FROM sqlite_schema").await?;
    let application = scalar(connection, "PRAGMA application_id").await?;
    let version = scalar(connection, "PRAGMA user_version").await?;
    if tables > 0 && application != APPLICATION_ID {
        return Ok(None);
    }
    Ok(u32::try_from(version).ok())
}

async fn apply(
    connection: &mut SqliteConnection,
    sql: &'static str,
    version: u32,
) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    raw_sql(sql).execute(&mut *transaction).await?;
    let set_version = format!("PRAGMA user_version = {version}");
    raw_sql(AssertSqlSafe(set_version)).execute(&mut *transaction).await?;
    transaction.commit().await
}
