//! Reading everything, as it was at one moment.

use super::{
    bind, open, read,
    tables::{Table, table},
};
use crate::{
    fault::fault,
    rows::{limit_number, senseless},
};
use async_trait::async_trait;
use campanile_core::{
    port::{Batch, Export, Fault},
    transfer::{Cursor, Part, Record, Value},
};
use sqlx::{Connection, Error, PgConnection, postgres::PgRow, query, query_scalar, raw_sql};

/// Everything in a database. It is read within one transaction.
#[derive(Debug)]
pub struct PostgresExport {
    connection: PgConnection,
}

impl PostgresExport {
    pub(super) async fn begin(mut connection: PgConnection) -> Result<Self, Error> {
        open::begin(&mut connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        // The moment is that of what is first read.
        raw_sql("SELECT version FROM campanile").execute(&mut connection).await?;
        Ok(Self { connection })
    }
}

#[async_trait]
impl Export for PostgresExport {
    async fn count(&mut self, part: Part) -> Result<u64, Fault> {
        let count: i64 = query_scalar(table(part).count)
            .persistent(false)
            .fetch_one(&mut self.connection)
            .await
            .map_err(fault)?;
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

    async fn close(mut self: Box<Self>) {
        // Nothing was written, so nothing can be lost. A pooler lends the connection on.
        let _ended = raw_sql("ROLLBACK; DEALLOCATE ALL").execute(&mut self.connection).await;
        let _closed = self.connection.close().await;
    }
}

fn batch(part: Part, table: &Table, found: &[PgRow]) -> Result<Batch, Error> {
    let columns = part.columns();
    let record = |row: &PgRow| {
        let values = columns.iter().enumerate();
        values.map(|(index, column)| read(row, index, column.kind)).collect()
    };
    let place = |row: &PgRow| {
        let values = table.place.iter().enumerate();
        let values = values.map(|(index, kind)| read(row, columns.len() + index, *kind));
        values.collect::<Result<Vec<Value>, Error>>().map(|values| Cursor::of(&values))
    };
    Ok(Batch {
        records: found.iter().map(record).collect::<Result<Vec<Record>, Error>>()?,
        end: found.last().map(place).transpose()?,
    })
}
