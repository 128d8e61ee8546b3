//! Reading everything, as it was at one moment.

use super::{
    bind, read,
    tables::{Table, table},
};
use crate::{
    Config, OpenError,
    fault::fault,
    open::{Sharing, failed, prepare_file},
    rows::{limit_number, senseless},
    schema,
};
use async_trait::async_trait;
use campanile_core::{
    port::{Batch, Export, Fault},
    transfer::{Cursor, Part, Record, Value},
};
use sqlx::{Connection, Error, SqliteConnection, query, query_scalar, raw_sql, sqlite::SqliteRow};
use std::fs::{self, File};

/// Everything in a file. It is read within one transaction.
#[derive(Debug)]
pub struct SqliteExport {
    connection: SqliteConnection,
    /// Held, not read: keeps servers out.
    _lock: Option<File>,
}

impl Config {
    /// Opens the file to read everything that is in it. Other processes are kept out until the
    /// export is closed, so that nothing is written that is not read.
    pub async fn export(self) -> Result<SqliteExport, OpenError> {
        self.export_with(Sharing::Alone).await
    }

    /// The same beside a server that has it open; it may be there or not. What it writes from now
    /// on is not read.
    pub async fn export_beside(self) -> Result<SqliteExport, OpenError> {
        self.export_with(Sharing::Beside).await
    }

    async fn export_with(self, sharing: Sharing) -> Result<SqliteExport, OpenError> {
        let is_there = fs::metadata(&self.path).is_ok_and(|file| file.is_file() && file.len() > 0);
        if !is_there {
            return Err(OpenError::Missing { path: self.path });
        }
        let lock = prepare_file(&self.path, sharing)?;
        let mut connection = self.connect().await?;
        schema::migrate(&mut connection, &self.path, lock.is_some()).await?;
        connection.close().await.map_err(|error| failed(&self.path, error))?;
        let options = self.options().read_only(true);
        let begun = async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            // The moment is that of what is first read.
            raw_sql("BEGIN; SELECT beats FROM pulse").execute(&mut connection).await?;
            Ok(connection)
        };
        let connection = begun.await.map_err(|error| failed(&self.path, error))?;
        // A guest does not keep a server from starting.
        let lock = lock.filter(|_| sharing == Sharing::Alone);
        Ok(SqliteExport { connection, _lock: lock })
    }
}

#[async_trait]
impl Export for SqliteExport {
    async fn count(&mut self, part: Part) -> Result<u64, Fault> {
        let count: i64 =
            query_scalar(table(part).count).fetch_one(&mut self.connection).await.map_err(fault)?;
        Ok(count.unsigned_abs())
    }

    async fn read(
        &mut self,
        part: Part,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Batch, Fault> {
        let table = table(part);
        let place = after.map_or_else(|| Ok(table.start()), Cursor::values);
        let place = place.map_err(|error| fault(senseless(error)))?;
        let select = place.iter().fold(query(table.select), bind);
        let select = select.bind(limit_number(limit));
        let found = select.fetch_all(&mut self.connection).await.map_err(fault)?;
        batch(part, &table, &found).map_err(fault)
    }

    async fn close(self: Box<Self>) {
        // Nothing was written, so nothing can be lost.
        let _closed = self.connection.close().await;
    }
}

fn batch(part: Part, table: &Table, found: &[SqliteRow]) -> Result<Batch, Error> {
    let columns = part.columns();
    let record = |row: &SqliteRow| {
        let values = columns.iter().enumerate();
        values.map(|(index, column)| read(row, index, column.kind)).collect()
    };
    let place = |row: &SqliteRow| {
        let values = table.place.iter().enumerate();
        let values = values.map(|(index, kind)| read(row, columns.len() + index, *kind));
        values.collect::<Result<Vec<Value>, Error>>().map(|values| Cursor::of(&values))
    };
    Ok(Batch {
        records: found.iter().map(record).collect::<Result<Vec<Record>, Error>>()?,
        end: found.last().map(place).transpose()?,
    })
}
