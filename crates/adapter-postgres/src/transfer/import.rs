//! Filling a database from another store.

use super::{Bindable, messages::Messages, open, tables::insert};
use crate::{
    connector::Connector,
    fault::fault,
    rows::{Columns, senseless},
};
use async_trait::async_trait;
use campanile_core::{
    port::{BeginError, Fault, FaultKind, Import, Progress},
    transfer::{Cursor, Kind, Part, Record, Value},
};
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, query, query_scalar, raw_sql};

/// A database that is being filled.
#[derive(Debug)]
pub struct PostgresImport {
    connector: Connector,
    connection: PgConnection,
    messages: Messages,
}

/// What became of records.
#[derive(PartialEq, Eq)]
enum Written {
    /// They are there.
    All,
    /// Some belong to nothing that is there, so none are.
    Stray,
    /// Something else is noted as what was moved, so none are.
    Elsewhere,
}

impl PostgresImport {
    pub(super) fn new(connector: Connector, connection: PgConnection) -> Self {
        Self { connector, connection, messages: Messages::default() }
    }

    async fn commit(&mut self) -> Result<(), Error> {
        raw_sql(self.connector.commit).execute(&mut self.connection).await?;
        Ok(())
    }

    async fn roll_back(&mut self) {
        self.messages.forget();
        // A connection that cannot undo it ends, and that undoes it too.
        let _ended = raw_sql(self.connector.rollback).execute(&mut self.connection).await;
    }

    async fn try_begin(&mut self, source: &str) -> Result<Progress, BeginError> {
        open::begin(&mut self.connection, "BEGIN").await.map_err(fault)?;
        // Of two that begin at once one waits for the other.
        let lock = "LOCK TABLE transfer IN SHARE ROW EXCLUSIVE MODE";
        raw_sql(lock).execute(&mut self.connection).await.map_err(fault)?;
        let begun = match known(&mut self.connection).await.map_err(fault)? {
            Some((known, progress)) if known == source => progress,
            Some((known, _)) => return Err(BeginError::Another(known)),
            None => begin_anew(&mut self.connection, source).await?,
        };
        self.commit().await.map_err(fault)?;
        Ok(begun)
    }

    async fn try_write(
        &mut self,
        from: &Progress,
        records: &[Record],
        to: &Progress,
    ) -> Result<Written, Error> {
        open::begin(&mut self.connection, "BEGIN").await?;
        if !note(&mut self.connection, from, to).await? {
            return Ok(Written::Elsewhere);
        }
        let written = match from.part {
            Some(part) if !records.is_empty() => self.insert(part, records).await?,
            _ => 0,
        };
        if written != records.len() as u64 {
            return Ok(Written::Stray);
        }
        self.commit().await?;
        Ok(Written::All)
    }

    /// Writes records; how many had a place.
    async fn insert(&mut self, part: Part, records: &[Record]) -> Result<u64, Error> {
        let weeks = match part {
            Part::Messages => Some(self.messages.place(&mut self.connection, records).await?),
            _ => None,
        };
        let columns = part.columns().iter().enumerate();
        let insert = columns.fold(query(insert(part)), |insert, (index, column)| {
            bind_column(insert, records, index, column.kind)
        });
        let insert = weeks.into_iter().fold(insert, Bindable::bind);
        Ok(insert.execute(&mut self.connection).await?.rows_affected())
    }
}

#[async_trait]
impl Import for PostgresImport {
    async fn begin(&mut self, source: &str) -> Result<Progress, BeginError> {
        let begun = self.try_begin(source).await;
        if begun.is_err() {
            self.roll_back().await;
        }
        begun
    }

    async fn write(
        &mut self,
        from: &Progress,
        records: &[Record],
        to: &Progress,
    ) -> Result<(), Fault> {
        let written = self.try_write(from, records, to).await;
        if !matches!(written, Ok(Written::All)) {
            self.roll_back().await;
        }
        match written.map_err(fault)? {
            Written::All => Ok(()),
            Written::Stray => Err(fault(senseless("some records belong to nothing that is there"))),
            Written::Elsewhere => {
                Err(Fault::new(FaultKind::Other, "somebody else fills this store"))
            }
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<(), Fault> {
        let finished = async {
            open::begin(&mut self.connection, "BEGIN").await?;
            // Plans made for empty tables would be bad ones.
            raw_sql("ANALYZE").execute(&mut self.connection).await?;
            let finish = "UPDATE transfer SET finished = true";
            raw_sql(finish).execute(&mut self.connection).await?;
            self.commit().await?;
            self.connection.close().await
        };
        finished.await.map_err(fault)
    }
}

/// Where this database is being filled from, if that was not finished.
pub(crate) async fn unfinished(connection: &mut PgConnection) -> Result<Option<String>, Error> {
    query_scalar("SELECT source FROM transfer WHERE NOT finished")
        .persistent(false)
        .fetch_optional(connection)
        .await
}

/// Binds a column of all records as an array.
fn bind_column<'q>(
    query: Bindable<'q>,
    records: &'q [Record],
    index: usize,
    kind: Kind,
) -> Bindable<'q> {
    let values = records.iter().map(|record| record.get(index).unwrap_or(&Value::Null));
    match kind {
        Kind::Integer => {
            let number = |value: &Value| match value {
                Value::Integer(number) => Some(*number),
                _ => None,
            };
            query.bind(values.map(number).collect::<Vec<Option<i64>>>())
        }
        Kind::Text | Kind::Bytes => {
            let bytes = |value: &'q Value| match value {
                Value::Text(text) => Some(text.as_bytes()),
                Value::Bytes(bytes) => Some(bytes.as_slice()),
                _ => None,
            };
            query.bind(values.map(bytes).collect::<Vec<Option<&[u8]>>>())
        }
    }
}

async fn known(connection: &mut PgConnection) -> Result<Option<(String, Progress)>, Error> {
    let found =
        query("SELECT source, part, place, moved FROM transfer").fetch_optional(connection).await?;
    let known = found.map(|row| {
        let mut columns = Columns::of(&row);
        let source = columns.take()?;
        let part = match columns.take::<&str>()? {
            "" => None,
            name => Some(Part::parse(name).ok_or_else(|| senseless("there is no such part"))?),
        };
        let after = columns.take::<Option<Vec<u8>>>()?.map(Cursor);
        Ok((source, Progress { part, after, moved: columns.count()? }))
    });
    known.transpose()
}

async fn begin_anew(connection: &mut PgConnection, source: &str) -> Result<Progress, BeginError> {
    for name in Part::ALL.map(Part::name).into_iter().chain(["blobs"]) {
        let is_there = format!("SELECT EXISTS (SELECT 1 FROM {name})");
        let is_there: bool = query_scalar(AssertSqlSafe(is_there))
            .fetch_one(&mut *connection)
            .await
            .map_err(fault)?;
        if is_there {
            return Err(BeginError::NotEmpty(name));
        }
    }
    let start = Progress::START;
    query("INSERT INTO transfer (source, part, moved, finished) VALUES ($1, $2, 0, false)")
        .bind(source)
        .bind(part_name(&start))
        .execute(connection)
        .await
        .map_err(fault)?;
    Ok(start)
}

/// Notes the progress, if the one before is what is noted.
async fn note(
    connection: &mut PgConnection,
    from: &Progress,
    to: &Progress,
) -> Result<bool, Error> {
    let place = |progress: &Progress| progress.after.as_ref().map(|cursor| cursor.0.clone());
    let noted = query(
        "UPDATE transfer SET part = $1, place = $2, moved = $3 WHERE part = $4 \
         AND place IS NOT DISTINCT FROM $5 AND moved = $6 AND NOT finished",
    )
    .bind(part_name(to))
    .bind(place(to))
    .bind(moved_number(to))
    .bind(part_name(from))
    .bind(place(from))
    .bind(moved_number(from))
    .execute(connection)
    .await?;
    Ok(noted.rows_affected() == 1)
}

fn part_name(progress: &Progress) -> &'static str {
    progress.part.map_or("", Part::name)
}

fn moved_number(progress: &Progress) -> i64 {
    i64::try_from(progress.moved).unwrap_or(i64::MAX)
}
