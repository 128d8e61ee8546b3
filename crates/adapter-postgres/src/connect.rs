//! Connecting for the first time: the database, its schema; and why it may fail.

use crate::{
    Config, Pooler, PostgresStore, apps,
    connector::{Connector, is_direct, is_pooler, is_refusal},
    fault,
    metrics::Measured,
    pool::Pool,
    schema::{self, Standing},
    transfer,
    upkeep::Upkeep,
    weeks::Weeks,
    work::Worker,
    writer::Writers,
};
use campanile_core::{application::Applications, port::FaultKind};
use campanile_metrics::Registry;
use sqlx::{Connection, Error, PgConnection};

/// What a database is like that nobody has opened as a store.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Where it is, without its password.
    pub place: String,
    /// The version of the schema that it has, 0 when it is empty.
    pub version: u32,
    /// The applications in it, where the schema is this version's.
    pub apps: Option<Applications>,
}

/// Why the store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL is none.
    #[error("not the url of a database: {0}")]
    Url(#[source] Error),
    /// The database is not there, or does not answer.
    #[error("cannot reach the database at {place}: {source}")]
    Unreachable {
        /// Where it was looked for.
        place: String,
        /// Why.
        source: Error,
    },
    /// The database does not let this user in, or not do what is needed.
    #[error("the database at {place} refuses this user: {source}")]
    Refused {
        /// Where.
        place: String,
        /// Why.
        source: Error,
    },
    /// It has tables of something else.
    #[error("the database at {place} is not one of this program: it has other tables")]
    Foreign {
        /// Where.
        place: String,
    },
    /// A newer version of this program has changed its schema.
    #[error(
        "the database at {place} has schema {found}, and this version knows schemas up to {known}: \
         start the newer version"
    )]
    NewerSchema {
        /// Where.
        place: String,
        /// The schema it has.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
    /// There is no store to read from.
    #[error("there is no store in the database at {place}")]
    Missing {
        /// Where it was looked for.
        place: String,
    },
    /// Servers use it, and what is to be done needs it alone.
    #[error("the database at {place} is in use by a server ({servers} connections)")]
    InUse {
        /// Where.
        place: String,
        /// Their connections.
        servers: i64,
    },
    /// It is being filled from another store, and that was not finished.
    #[error("the database at {place} is being filled from {source_name}, and that is not finished")]
    Unfinished {
        /// Where.
        place: String,
        /// From where.
        source_name: String,
    },
    /// It can only be read: it is a replica of another.
    #[error("the database at {place} can only be read: connect to the primary")]
    ReadOnly {
        /// Where.
        place: String,
    },
    /// Anything else.
    #[error("cannot use the database at {place}: {source}")]
    Failed {
        /// Where.
        place: String,
        /// Why.
        source: Error,
    },
}

impl Config {
    /// Connects, and brings the schema up to date; of several nodes that start at once, one does
    /// and the others wait. Must be called within a tokio runtime, which from then on runs the
    /// writers.
    pub async fn connect(self, registry: &Registry) -> Result<PostgresStore, OpenError> {
        let measured = Measured::register(registry);
        let (connector, mut connection) = self.prepare(&measured).await?;
        let place = connector.place();
        let unfinished = transfer::unfinished(&mut connection).await;
        let unfinished = unfinished.map_err(|error| OpenError::of(error, place.clone()))?;
        // It was made before anything was known of what is behind the URL.
        let _closed = connection.close().await;
        if let Some(source_name) = unfinished {
            return Err(OpenError::Unfinished { place, source_name });
        }
        measured.set_up(true);
        let worker = self.worker(connector, measured, registry);
        let weeks = Weeks::new(worker.clone());
        let writers = Writers::spawn(&self, &worker, &weeks);
        let upkeep = Upkeep::spawn(worker.clone(), weeks, self.idempotency_window);
        Ok(PostgresStore::new(worker, writers, upkeep, self.reactions_per_message_max))
    }

    /// Connects as is needed here, and brings the schema up to date.
    pub(crate) async fn prepare(
        &self,
        measured: &Measured,
    ) -> Result<(Connector, PgConnection), OpenError> {
        let (connector, mut connection) = self.reach(measured).await?;
        let place = connector.place();
        let standing = schema::migrate(&mut connection).await;
        let standing = standing.map_err(|error| OpenError::of(error, place.clone()))?;
        let version = standing.version(place)?;
        measured.pool.schema_version.set(version, measured.driver);
        Ok((connector, connection))
    }

    /// Connects as is needed here.
    pub(crate) async fn reach(
        &self,
        measured: &Measured,
    ) -> Result<(Connector, PgConnection), OpenError> {
        let direct = Connector::direct(self, measured.clone()).map_err(OpenError::Url)?;
        let place = direct.place();
        let chosen = self.choose(direct, measured).await;
        chosen.map_err(|error| OpenError::of(error, place))
    }

    /// What asks the database, over a pool.
    pub(crate) fn worker(
        &self,
        connector: Connector,
        measured: Measured,
        registry: &Registry,
    ) -> Worker {
        let pool = Pool::new(
            connector.clone(),
            self.connections_max,
            self.connection_wait_max,
            measured.clone(),
        );
        pool.add_collector(registry);
        Worker {
            pool,
            connector,
            measured,
            wait_max: self.statement_timeout,
            slow_after: self.slow_after,
        }
    }

    /// Whether [`Config::connect`] would do now, without changing anything.
    pub async fn look(self, registry: &Registry) -> Result<Looked, OpenError> {
        let measured = Measured::register(registry);
        let (connector, mut connection) = self.reach(&measured).await?;
        let place = connector.place();
        let failed = |error| OpenError::of(error, place.clone());
        let standing = schema::look(&mut connection).await.map_err(failed)?;
        let version = standing.version(place.clone())?;
        let apps = if version == schema::NEWEST {
            Some(apps::read(&mut connection, None).await.map_err(failed)?)
        } else {
            None
        };
        let _closed = connection.close().await;
        Ok(Looked { place, version, apps })
    }

    /// Finds out whether there is a pooler between.
    async fn choose(
        &self,
        direct: Connector,
        measured: &Measured,
    ) -> Result<(Connector, PgConnection), Error> {
        if self.pooler == Pooler::Present {
            return self.pooled(measured).await;
        }
        match direct.connect().await {
            Ok(mut connection) => {
                if self.pooler == Pooler::Absent || is_direct(&mut connection).await? {
                    return Ok((direct, connection));
                }
                self.pooled(measured).await
            }
            Err(error) if self.pooler == Pooler::Detect && is_pooler(&error) => {
                self.pooled(measured).await
            }
            Err(error) => Err(error),
        }
    }

    async fn pooled(&self, measured: &Measured) -> Result<(Connector, PgConnection), Error> {
        let pooled = Connector::pooled(self, measured.clone())?;
        let connection = pooled.connect().await?;
        Ok((pooled, connection))
    }
}

impl Standing {
    fn version(self, place: String) -> Result<u32, OpenError> {
        match self {
            Self::UpToDate(version) => Ok(version),
            Self::Foreign => Err(OpenError::Foreign { place }),
            Self::ReadOnly => Err(OpenError::ReadOnly { place }),
            Self::Newer { found, known } => Err(OpenError::NewerSchema { place, found, known }),
        }
    }
}

impl OpenError {
    pub(crate) fn of(source: Error, place: String) -> Self {
        if is_refusal(&source) {
            return Self::Refused { place, source };
        }
        if fault::sqlstate(&source).as_deref() == Some("25006") {
            return Self::ReadOnly { place };
        }
        match fault::kind(&source) {
            FaultKind::Connection | FaultKind::Timeout | FaultKind::PoolExhausted => {
                Self::Unreachable { place, source }
            }
            _ => Self::Failed { place, source },
        }
    }
}
