//! Statements over many rows, each in a few fixed sizes.
//!
//! A call of the driver costs far more than a row, so rows go in by the hundred; and each size is
//! another statement to prepare, so there are few. Rows of a size that are not bound are null,
//! and the statement is written to pass over them.

use sqlx::{
    AssertSqlSafe, Sqlite,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnection, SqliteRow},
};
use std::sync::Arc;

/// The sizes, in rows.
const SIZES: [usize; 4] = [1, 8, 64, ROWS_MAX];

/// Rows that the largest size takes.
const ROWS_MAX: usize = 256;

/// One statement over many rows. Make it once, in a static.
pub(crate) struct Shapes {
    sizes: [Arc<str>; SIZES.len()],
}

pub(crate) type Bindable = Query<'static, Sqlite, SqliteArguments>;

impl Shapes {
    /// `template` has `ROWS` where the rows go, and a row is `columns` parameters.
    pub(crate) fn new(template: &'static str, columns: usize) -> Self {
        let row = format!("({})", ["?"].repeat(columns).join(","));
        let sized = |rows: usize| {
            let rows = [row.as_str()].repeat(rows).join(",");
            template.replace("ROWS", &format!("(VALUES {rows})")).into()
        };
        Self { sizes: SIZES.map(sized) }
    }

    /// Runs it over all rows, and gives what it selects.
    pub(crate) async fn fetch<R>(
        &self,
        connection: &mut SqliteConnection,
        rows: &[R],
        bind: impl Fn(Bindable, &R) -> Bindable,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut found = Vec::new();
        for query in self.queries(rows, bind) {
            let mut part = query.fetch_all(&mut *connection).await?;
            found.append(&mut part);
        }
        Ok(found)
    }

    /// Runs it over all rows; how many it changed.
    pub(crate) async fn execute<R>(
        &self,
        connection: &mut SqliteConnection,
        rows: &[R],
        bind: impl Fn(Bindable, &R) -> Bindable,
    ) -> Result<u64, sqlx::Error> {
        let mut changed = 0;
        for query in self.queries(rows, bind) {
            changed += query.execute(&mut *connection).await?.rows_affected();
        }
        Ok(changed)
    }

    fn queries<R>(&self, rows: &[R], bind: impl Fn(Bindable, &R) -> Bindable) -> Vec<Bindable> {
        let query = |rows: &[R]| {
            let fits = |size: &usize| *size >= rows.len();
            let size = SIZES.iter().position(fits);
            let sql = self.sizes[size.expect("a chunk fits the largest size")].clone();
            rows.iter().fold(sqlx::query(AssertSqlSafe(sql)), &bind)
        };
        rows.chunks(ROWS_MAX).map(query).collect()
    }
}
