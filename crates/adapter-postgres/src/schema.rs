//! The schema: which version a database has, and how it becomes the newest.

use sqlx::{Connection, Error, PgConnection, query, query_scalar, raw_sql};

/// What makes version 1 of nothing, 2 of 1, and so on. What was released is never changed.
const MIGRATIONS: [&str; 9] = [
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_jobs.sql"),
    include_str!("../migrations/0003_prekeys.sql"),
    include_str!("../migrations/0004_endings.sql"),
    include_str!("../migrations/0005_transfer.sql"),
    include_str!("../migrations/0006_retention.sql"),
    include_str!("../migrations/0007_invites.sql"),
    include_str!("../migrations/0008_pushes.sql"),
    include_str!("../migrations/0009_applications.sql"),
];

/// The version that this program makes.
pub(crate) const NEWEST: u32 = MIGRATIONS.len() as u32;

/// Held while the schema is changed, so that of several nodes one does: "CAMP".
const LOCK: i64 = 0x4341_4d50;

/// How a database stands to this version.
pub(crate) enum Standing {
    /// It has the newest schema now.
    UpToDate(u32),
    /// It has tables of something else.
    Foreign,
    /// It cannot be written.
    ReadOnly,
    /// A newer version was here.
    Newer { found: u32, known: u32 },
}

/// Brings the database to the newest version, all in one transaction. Statements leave no name
/// behind, since the connection may be lent.
pub(crate) async fn migrate(connection: &mut PgConnection) -> Result<Standing, Error> {
    let known = NEWEST;
    let mut transaction = connection.begin().await?;
    if is_read_only(&mut transaction).await? {
        return Ok(Standing::ReadOnly);
    }
    // Others may have more to do than one statement may usually take.
    raw_sql("SET LOCAL statement_timeout = '60s'").execute(&mut *transaction).await?;
    query("SELECT pg_advisory_xact_lock($1)")
        .persistent(false)
        .bind(LOCK)
        .execute(&mut *transaction)
        .await?;
    let Some(found) = version(&mut transaction).await? else {
        return Ok(Standing::Foreign);
    };
    if found > known {
        return Ok(Standing::Newer { found, known });
    }
    for sql in MIGRATIONS.into_iter().skip(found as usize) {
        raw_sql(sql).execute(&mut *transaction).await?;
    }
    if found < known {
        query("UPDATE campanile SET version = $1")
            .persistent(false)
            .bind(known as i32)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(Standing::UpToDate(known))
}

/// How the database stands, and nothing is changed: it counts as up to date with the schema that
/// it has, 0 for none, since starting brings it there.
pub(crate) async fn look(connection: &mut PgConnection) -> Result<Standing, Error> {
    let known = NEWEST;
    let mut transaction = connection.begin().await?;
    let read_only = is_read_only(&mut transaction).await?;
    let found = version(&mut transaction).await?;
    transaction.rollback().await?;
    Ok(match found {
        _ if read_only => Standing::ReadOnly,
        None => Standing::Foreign,
        Some(found) if found > known => Standing::Newer { found, known },
        Some(found) => Standing::UpToDate(found),
    })
}

async fn is_read_only(connection: &mut PgConnection) -> Result<bool, Error> {
    query_scalar("SELECT current_setting('transaction_read_only')::boolean")
        .persistent(false)
        .fetch_one(connection)
        .await
}

/// Whether there is anything, of this program or of another.
pub(crate) async fn is_there(connection: &mut PgConnection) -> Result<bool, Error> {
    Ok(version(connection).await? != Some(0))
}

/// The version of a database, 0 for an empty one; `None` for one of something else.
async fn version(connection: &mut PgConnection) -> Result<Option<u32>, Error> {
    let tables: Vec<String> =
        query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
            .persistent(false)
            .fetch_all(&mut *connection)
            .await?;
    if tables.is_empty() {
        return Ok(Some(0));
    }
    if !tables.iter().any(|table| table == "campanile") {
        return Ok(None);
    }
    let version: i32 = query_scalar("SELECT version FROM campanile")
        .persistent(false)
        .fetch_one(connection)
        .await?;
    Ok(u32::try_from(version).ok())
}
