//! Opening a database to read everything, or to fill it.

use super::{PostgresExport, PostgresImport};
use crate::{Config, OpenError, PostgresBlobs, connector::Connector, metrics::Measured, schema};
use campanile_metrics::Registry;
use sqlx::{Connection, Error, PgConnection, query_scalar, raw_sql};
use std::time::Duration;

/// What connections that move a store are called, so that they are told from a server's.
const NAME: &str = "campanile-move";

/// How often it is looked whether servers are connected, and how long between: those that have
/// just ended are still to be seen for a moment.
const LOOKS: usize = 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

impl Config {
    /// Connects to read everything that is there. Servers that are connected are a refusal, so
    /// that nothing is written that is not read; behind a pooler they are not seen.
    pub async fn export(self, registry: &Registry) -> Result<PostgresExport, OpenError> {
        let (connector, mut connection, place) = self.enter(registry, Entry::Source).await?;
        let failed = |error| OpenError::of(error, place.clone());
        let servers = servers(&connector, &mut connection).await.map_err(failed)?;
        if servers > 0 {
            return Err(OpenError::InUse { place, servers });
        }
        PostgresExport::begin(connection).await.map_err(failed)
    }

    /// The same beside servers that are connected, or none. What they write from now on is not
    /// read.
    pub async fn export_beside(self, registry: &Registry) -> Result<PostgresExport, OpenError> {
        let (_, connection, place) = self.enter(registry, Entry::Source).await?;
        let begun = PostgresExport::begin(connection).await;
        begun.map_err(|error| OpenError::of(error, place))
    }

    /// Connects to fill it. Servers that are connected are a refusal.
    pub async fn import(self, registry: &Registry) -> Result<PostgresImport, OpenError> {
        let (connector, mut connection, place) = self.enter(registry, Entry::Target).await?;
        let servers = servers(&connector, &mut connection).await;
        match servers.map_err(|error| OpenError::of(error, place.clone()))? {
            0 => Ok(PostgresImport::new(connector, connection)),
            servers => Err(OpenError::InUse { place, servers }),
        }
    }

    /// The bytes of uploads, for whoever moves them.
    pub async fn blobs(mut self, registry: &Registry) -> Result<PostgresBlobs, OpenError> {
        NAME.clone_into(&mut self.application_name);
        let measured = Measured::register(registry);
        let (connector, connection) = self.prepare(&measured).await?;
        let _closed = connection.close().await;
        Ok(PostgresBlobs::new(self.worker(connector, measured, registry)))
    }

    async fn enter(
        mut self,
        registry: &Registry,
        entry: Entry,
    ) -> Result<(Connector, PgConnection, String), OpenError> {
        NAME.clone_into(&mut self.application_name);
        let measured = Measured::register(registry);
        if entry == Entry::Source {
            let (connector, mut connection) = self.reach(&measured).await?;
            let place = connector.place();
            let is_there = schema::is_there(&mut connection).await;
            if !is_there.map_err(|error| OpenError::of(error, place.clone()))? {
                return Err(OpenError::Missing { place });
            }
        }
        let (connector, connection) = self.prepare(&measured).await?;
        let _closed = connection.close().await;
        let place = connector.place();
        let connection = connector.connect().await;
        let connection = connection.map_err(|error| OpenError::of(error, place.clone()))?;
        Ok((connector, connection, place))
    }
}

/// What a database is to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Entry {
    Source,
    Target,
}

/// Connections of servers to this database. Through a pooler nobody can tell: those that it keeps
/// for later look as if they were in use.
async fn servers(connector: &Connector, connection: &mut PgConnection) -> Result<i64, Error> {
    if connector.lent {
        return Ok(0);
    }
    let mut servers = 0;
    for look in 0..LOOKS {
        if look > 0 {
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        servers = query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name LIKE 'campanile%' AND application_name <> $1",
        )
        .persistent(false)
        .bind(NAME)
        .fetch_one(&mut *connection)
        .await?;
        if servers == 0 {
            break;
        }
    }
    Ok(servers)
}

/// Begins a transaction that may take as long as it takes.
pub(super) async fn begin(connection: &mut PgConnection, how: &'static str) -> Result<(), Error> {
    raw_sql(how).execute(&mut *connection).await?;
    let patiently =
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
    raw_sql(patiently).execute(connection).await?;
    Ok(())
}
