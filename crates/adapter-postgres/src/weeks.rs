//! Weeks: the partitions of messages, made before they are needed.

use crate::{
    metrics::Statement,
    work::{Work, Worker},
};
use async_trait::async_trait;
use campanile_core::{port::Fault, time::Timestamp};
use sqlx::{AssertSqlSafe, Error, PgConnection, raw_sql};
use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

const WEEK_MILLIS: i64 = 7 * 24 * 3_600 * 1_000;

/// Held while partitions are made, so that of several nodes one does.
const LOCK: i64 = 0x4341_4d51;

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
    pub(crate) async fn ensure(&self, weeks: impl IntoIterator<Item = i32>) -> Result<(), Fault> {
        let unknown: Vec<i32> = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            weeks.into_iter().filter(|week| !known.contains(week)).collect()
        };
        for week in unknown {
            self.worker.change(Make(week)).await?;
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(week);
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
    let name = if week < 0 { format!("m{}", week.unsigned_abs()) } else { week.to_string() };
    let make = format!(
        "SELECT pg_advisory_xact_lock({LOCK}); \
         CREATE TABLE IF NOT EXISTS messages_{name} PARTITION OF messages \
         FOR VALUES FROM ({week}) TO ({})",
        i64::from(week) + 1
    );
    raw_sql(AssertSqlSafe(make)).execute(connection).await?;
    Ok(())
}
