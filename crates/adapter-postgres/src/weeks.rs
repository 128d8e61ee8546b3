//! Weeks: the partitions of messages, made before they are needed and dropped when retention has
//! emptied them.

use crate::{
    metrics::Statement,
    work::{Work, Worker},
};
use async_trait::async_trait;
use campanile_core::{port::Fault, time::Timestamp};
use sqlx::{AssertSqlSafe, Error, PgConnection, query_scalar, raw_sql};
use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

const WEEK_MILLIS: i64 = 7 * 24 * 3_600 * 1_000;

/// Held while partitions are made, so that of several nodes one does.
const LOCK: i64 = 0x4341_4d51;

/// How long dropping a partition waits for those who read.
const LOCK_WAIT_MILLIS: u32 = 200;

/// Makes partitions, and knows which there are.
#[derive(Clone, Debug)]
pub(crate) struct Weeks {
    worker: Worker,
    known: Arc<Mutex<HashSet<i32>>>,
}

/// The week of a time, counted from 1970.
pub(crate) fn week(at: Timestamp) -> i32 {
    i32::try_from(at.0.div_euclid(WEEK_MILLIS)).unwrap_or(i32::MAX)
}

impl Weeks {
    pub(crate) fn new(worker: Worker) -> Self {
        Self { worker, known: Arc::default() }
    }

    /// Makes sure that these weeks have partitions.
    pub(crate) async fn ensure(&self, weeks: &BTreeSet<i32>) -> Result<(), Fault> {
        let unknown: Vec<i32> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            weeks.iter().copied().filter(|week| !known.contains(week)).collect()
        };
        for week in unknown {
            self.worker.change(Make(week)).await?;
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(week);
        }
        Ok(())
    }

    /// Makes sure of it again for a message that has missed its partition: another node, whose
    /// clock is ahead, has dropped one that is known here.
    pub(crate) async fn ensure_again(&self, weeks: &BTreeSet<i32>) -> Result<(), Fault> {
        let missed = |week: &i32| weeks.contains(week);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|week| !missed(week));
        self.ensure(weeks).await
    }

    /// Drops the partitions of weeks before this one that are empty, one at a time.
    pub(crate) async fn drop_empty(&self, before: i32) -> Result<(), Fault> {
        while let Some(dropped) = self.worker.change(DropEmpty { before }).await? {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&dropped);
        }
        Ok(())
    }
}

struct Make(i32);

#[async_trait]
impl Work for Make {
    type Answer = ();
    const STATEMENT: Statement = Statement::Upkeep;

    async fn run(&self, connection: &mut PgConnection) -> Result<(), Error> {
        make(connection, self.0).await
    }
}

/// Makes the partition of a week, if there is none.
pub(crate) async fn make(connection: &mut PgConnection, week: i32) -> Result<(), Error> {
    let make = format!(
        "SELECT pg_advisory_xact_lock({LOCK}); \
         CREATE TABLE IF NOT EXISTS {} PARTITION OF messages FOR VALUES FROM ({week}) TO ({})",
        name(week),
        i64::from(week) + 1
    );
    raw_sql(AssertSqlSafe(make)).execute(connection).await?;
    Ok(())
}

/// Drops one empty partition; which week it had.
struct DropEmpty {
    before: i32,
}

#[async_trait]
impl Work for DropEmpty {
    type Answer = Option<i32>;
    const STATEMENT: Statement = Statement::Upkeep;

    async fn run(&self, connection: &mut PgConnection) -> Result<Option<i32>, Error> {
        let tables: Vec<String> = query_scalar(
            "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
             WHERE i.inhparent = 'messages'::regclass",
        )
        .fetch_all(&mut *connection)
        .await?;
        let weeks = tables.iter().filter_map(|table| parse(table));
        for week in weeks.filter(|week| *week < self.before) {
            let table = name(week);
            if !is_empty(&table, connection).await? {
                continue;
            }
            // Everybody waits while this waits, so not for long; the next hour comes.
            let lock = format!(
                "SET LOCAL lock_timeout = '{LOCK_WAIT_MILLIS}ms'; \
                 LOCK TABLE messages, {table} IN ACCESS EXCLUSIVE MODE"
            );
            raw_sql(AssertSqlSafe(lock)).execute(&mut *connection).await?;
            if is_empty(&table, connection).await? {
                let drop = format!("DROP TABLE {table}");
                raw_sql(AssertSqlSafe(drop)).execute(&mut *connection).await?;
                return Ok(Some(week));
            }
        }
        Ok(None)
    }
}

async fn is_empty(table: &str, connection: &mut PgConnection) -> Result<bool, Error> {
    let empty = format!("SELECT NOT EXISTS (SELECT 1 FROM {table})");
    query_scalar(AssertSqlSafe(empty)).fetch_one(connection).await
}

/// The table of a week.
fn name(week: i32) -> String {
    let sign = if week < 0 { "m" } else { "" };
    format!("messages_{sign}{}", week.unsigned_abs())
}

/// The week of a table.
fn parse(table: &str) -> Option<i32> {
    let week = table.strip_prefix("messages_")?;
    match week.strip_prefix('m') {
        Some(week) => week.parse::<i32>().ok().map(|week| -week),
        None => week.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_after_its_week() {
        for week in [0, 1, 2969, -3] {
            assert_eq!(parse(&name(week)), Some(week));
        }
        assert_eq!(parse("messages"), None);
        assert_eq!(parse("messages_of_somebody"), None);
    }
}
