//! Filling a file from another store.

use super::{bind, tables::insert};
use crate::{
    Config, OpenError,
    fault::fault,
    open::{Sharing, failed, prepare_file},
    rows::{Columns, senseless},
    schema,
};
use async_trait::async_trait;
use campanile_core::{
    port::{BeginError, Fault, FaultKind, Import, Progress},
    transfer::{Cursor, Part, Record},
};
use sqlx::{
    AssertSqlSafe, Connection, Error, SqliteConnection, Transaction, query, query_scalar, raw_sql,
};
use std::fs::File;

/// A file that is being filled.
#[derive(Debug)]
pub struct SqliteImport {
    connection: SqliteConnection,
    /// Held, not read: keeps servers out.
    _lock: Option<File>,
}

impl Config {
    /// Opens the file to fill it, and makes it when there is none. Other processes are kept out
    /// until the import is finished or dropped.
    pub async fn import(self) -> Result<SqliteImport, OpenError> {
        let lock = prepare_file(&self.path, Sharing::Alone)?;
        let mut connection = self.connect().await?;
        schema::migrate(&mut connection, &self.path, lock.is_some()).await?;
        // There is no writer that copies the log into the file.
        let copying = raw_sql("PRAGMA wal_autocheckpoint = 1000").execute(&mut connection).await;
        copying.map_err(|error| failed(&self.path, error))?;
        Ok(SqliteImport { connection, _lock: lock })
    }
}

#[async_trait]
impl Import for SqliteImport {
    async fn begin(&mut self, source: &str) -> Result<Progress, BeginError> {
        let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await.map_err(fault)?;
        let begun = match known(&mut transaction).await.map_err(fault)? {
            Some((known, progress)) if known == source => progress,
            Some((known, _)) => return Err(BeginError::Another(known)),
            None => begin_anew(&mut transaction, source).await?,
        };
        transaction.commit().await.map_err(fault)?;
        Ok(begun)
    }

    async fn write(
        &mut self,
        from: &Progress,
        records: &[Record],
        to: &Progress,
    ) -> Result<(), Fault> {
        let written = async {
            let mut transaction = self.connection.begin_with("BEGIN IMMEDIATE").await?;
            let noted = note(&mut transaction, from, to).await?;
            let written = match from.part {
                Some(part) => {
                    insert(part)
                        .execute(&mut transaction, records, |query, record| {
                            record.iter().fold(query, bind)
                        })
                        .await?
                }
                None => 0,
            };
            if !noted || written != records.len() as u64 {
                return Ok((noted, written));
            }
            transaction.commit().await?;
            Ok((noted, written))
        };
        match written.await.map_err(fault)? {
            (false, _) => Err(Fault::new(FaultKind::Other, "somebody else fills this store")),
            (true, written) if written != records.len() as u64 => {
                Err(fault(senseless("some records belong to nothing that is there")))
            }
            (true, _) => Ok(()),
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<(), Fault> {
        let finished = async {
            let found: String =
                query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut self.connection).await?;
            if found != "ok" {
                return Err(senseless(found));
            }
            query("UPDATE transfer SET finished = 1").execute(&mut self.connection).await?;
            query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_all(&mut self.connection).await?;
            self.connection.close().await
        };
        finished.await.map_err(fault)
    }
}

/// Where this file is being filled from, if that was not finished.
pub(crate) async fn unfinished(connection: &mut SqliteConnection) -> Result<Option<String>, Error> {
    query_scalar("SELECT source FROM transfer WHERE finished = 0").fetch_optional(connection).await
}

async fn known(
    transaction: &mut Transaction<'_, sqlx::Sqlite>,
) -> Result<Option<(String, Progress)>, Error> {
    let found = query("SELECT source, part, place, moved FROM transfer")
        .fetch_optional(&mut **transaction)
        .await?;
    let known = found.map(|row| {
        let mut columns = Columns::from(&row, 0);
        let source = columns.take()?;
        let part = match columns.take::<&str>()? {
            "" => None,
            name => Some(Part::parse(name).ok_or_else(|| senseless("there is no such part"))?),
        };
        let after = columns.take::<Option<Vec<u8>>>()?.map(Cursor);
        let moved = columns.take::<i64>()?.unsigned_abs();
        Ok((source, Progress { part, after, moved }))
    });
    known.transpose()
}

async fn begin_anew(
    transaction: &mut Transaction<'_, sqlx::Sqlite>,
    source: &str,
) -> Result<Progress, BeginError> {
    for part in Part::ALL {
        let is_there = format!("SELECT EXISTS (SELECT 1 FROM {})", part.name());
        let is_there: bool = query_scalar(AssertSqlSafe(is_there))
            .fetch_one(&mut **transaction)
            .await
            .map_err(fault)?;
        if is_there {
            return Err(BeginError::NotEmpty(part.name()));
        }
    }
    let start = Progress::START;
    query(
        "INSERT INTO transfer (only_row, source, part, place, moved, finished) \
         VALUES (1, ?1, ?2, NULL, 0, 0)",
    )
    .bind(source.to_owned())
    .bind(part_name(&start))
    .execute(&mut **transaction)
    .await
    .map_err(fault)?;
    Ok(start)
}

/// Notes the progress, if the one before is what is noted.
async fn note(
    transaction: &mut Transaction<'_, sqlx::Sqlite>,
    from: &Progress,
    to: &Progress,
) -> Result<bool, Error> {
    let noted = query(
        "UPDATE transfer SET part = ?1, place = ?2, moved = ?3 \
         WHERE part = ?4 AND place IS ?5 AND moved = ?6 AND finished = 0",
    )
    .bind(part_name(to))
    .bind(to.after.as_ref().map(|cursor| cursor.0.clone()))
    .bind(moved_number(to))
    .bind(part_name(from))
    .bind(from.after.as_ref().map(|cursor| cursor.0.clone()))
    .bind(moved_number(from))
    .execute(&mut **transaction)
    .await?;
    Ok(noted.rows_affected() == 1)
}

fn part_name(progress: &Progress) -> &'static str {
    progress.part.map_or("", Part::name)
}

fn moved_number(progress: &Progress) -> i64 {
    i64::try_from(progress.moved).unwrap_or(i64::MAX)
}
