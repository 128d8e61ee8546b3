//! Everything out of a store, and everything into one.

mod export;
mod import;
mod tables;

pub use export::SqliteExport;
pub use import::SqliteImport;
pub(crate) use import::unfinished;

use campanile_core::transfer::{Kind, Value};
use sqlx::{Error, Row, Sqlite, query::Query, sqlite::SqliteArguments, sqlite::SqliteRow};

fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    value: &Value,
) -> Query<'q, Sqlite, SqliteArguments> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.clone()),
        Value::Bytes(bytes) => query.bind(bytes.clone()),
    }
}

fn read(row: &SqliteRow, index: usize, kind: Kind) -> Result<Value, Error> {
    let value = match kind {
        Kind::Integer => row.try_get::<Option<i64>, _>(index)?.map(Value::Integer),
        Kind::Text => row.try_get::<Option<String>, _>(index)?.map(Value::Text),
        Kind::Bytes => row.try_get::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
    };
    Ok(value.unwrap_or(Value::Null))
}
