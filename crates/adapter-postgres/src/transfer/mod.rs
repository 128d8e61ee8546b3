//! Everything out of a store, and everything into one.

mod export;
mod import;
mod messages;
mod open;
mod tables;

pub use export::PostgresExport;
pub use import::PostgresImport;
pub(crate) use import::unfinished;

use campanile_core::transfer::{Kind, Value};
use sqlx::{
    Error, Postgres, Row,
    postgres::{PgArguments, PgRow},
    query::Query,
};

type Bindable<'q> = Query<'q, Postgres, PgArguments>;

/// Binds one value, a part of a place.
fn bind<'q>(query: Bindable<'q>, value: &'q Value) -> Bindable<'q> {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Integer(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
    }
}

/// Texts are kept as such or as bytes; either way they come as bytes.
fn read(row: &PgRow, index: usize, kind: Kind) -> Result<Value, Error> {
    let value = match kind {
        Kind::Integer => row.try_get::<Option<i64>, _>(index)?.map(Value::Integer),
        Kind::Bytes => row.try_get_unchecked::<Option<Vec<u8>>, _>(index)?.map(Value::Bytes),
        Kind::Text => {
            let bytes = row.try_get_unchecked::<Option<Vec<u8>>, _>(index)?;
            let text = bytes.map(String::from_utf8).transpose();
            text.map_err(|error| Error::Decode(error.into()))?.map(Value::Text)
        }
    };
    Ok(value.unwrap_or(Value::Null))
}
