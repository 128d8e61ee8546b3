//! Opening: the file, its lock, its schema; and why it may fail.

use crate::{
    Config, SqliteStore,
    fault::{Code, code},
    metrics::Measured,
    reader::Reader,
    schema, transfer,
    writer::Writer,
};
use campanile_metrics::Registry;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Bytes of one page, the unit in which SQLite bounds the file.
const PAGE_BYTES: u64 = 4096;

/// Bytes that the write-ahead log keeps when it starts over.
const LOG_BYTES_KEPT: &str = "67108864";

/// Why the store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory is not there and cannot be made.
    #[error("cannot make the directory {}: {source}", path.display())]
    NoDirectory {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be made, read or written.
    #[error("cannot read and write {}: {source}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else, or is damaged.
    #[error("{} is not a database of this program, or is damaged", path.display())]
    Foreign {
        /// Which.
        path: PathBuf,
    },
    /// A newer version of this program has changed the file's schema.
    #[error("{} has schema {found}, and this version knows schemas up to {known}: start the newer version", path.display())]
    NewerSchema {
        /// Which.
        path: PathBuf,
        /// The schema it has.
        found: u32,
        /// The newest one known here.
        known: u32,
    },
    /// There is no store to read from.
    #[error("there is no store in {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It is being filled from another store, and that was not finished.
    #[error("{} is being filled from {source_name}, and that is not finished", path.display())]
    Unfinished {
        /// Which.
        path: PathBuf,
        /// From where.
        source_name: String,
    },
    /// Another process has it open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// Anything else.
    #[error("cannot open {}: {source}", path.display())]
    Failed {
        /// Which.
        path: PathBuf,
        /// Why.
        source: sqlx::Error,
    },
}

/// Whether another process may have the store open.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// No: it is kept out as long as this one runs.
    Alone,
    /// Yes: this one is a guest for a moment.
    Beside,
}

impl Config {
    /// Opens the store, makes it when there is none, and brings its schema up to date. Other
    /// processes are kept out until it is dropped. Must be called within a tokio runtime, which
    /// from then on runs the writer.
    pub async fn open(self, registry: &Registry) -> Result<SqliteStore, OpenError> {
        self.open_with(registry, Sharing::Alone).await
    }

    /// The same for a moment's administration beside a server that has it open; it may be there
    /// or not. The server sees what is changed.
    pub async fn open_beside(self, registry: &Registry) -> Result<SqliteStore, OpenError> {
        self.open_with(registry, Sharing::Beside).await
    }

    async fn open_with(
        self,
        registry: &Registry,
        sharing: Sharing,
    ) -> Result<SqliteStore, OpenError> {
        let lock = prepare_file(&self.path, sharing)?;
        let mut connection = self.connect().await?;
        let may_migrate = lock.is_some();
        let version = schema::migrate(&mut connection, &self.path, may_migrate).await?;
        let unfinished = transfer::unfinished(&mut connection).await;
        if let Some(source_name) = unfinished.map_err(|error| failed(&self.path, error))? {
            return Err(OpenError::Unfinished { path: self.path, source_name });
        }
        let measured = Measured::register(registry);
        measured.metrics.schema_version.set(version, measured.driver);
        let reader = Reader::open(&self, measured.clone());
        reader.add_collector(registry);
        let writer = Writer::spawn(self, connection, measured);
        Ok(SqliteStore::new(reader, writer, lock))
    }

    /// The writer's connection.
    pub(crate) async fn connect(&self) -> Result<SqliteConnection, OpenError> {
        let options = self
            .options()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            // The writer does it itself, after it has answered.
            .pragma("wal_autocheckpoint", "0")
            .pragma("journal_size_limit", LOG_BYTES_KEPT)
            .pragma("cache_size", "-16384")
            // A statement that can be undone by itself keeps the pages it changes aside.
            .pragma("temp_store", "MEMORY");
        let options = match self.bytes_max {
            Some(bytes) => options.pragma("max_page_count", (bytes / PAGE_BYTES).to_string()),
            None => options,
        };
        let connected = SqliteConnection::connect_with(&options).await;
        connected.map_err(|error| failed(&self.path, error))
    }

    pub(crate) fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .page_size(PAGE_BYTES as u32)
            .busy_timeout(self.busy_timeout)
            .thread_name(|index| format!("sqlite-{index}"))
            .disable_statement_logging()
    }
}

/// What an error while opening means.
pub(crate) fn failed(path: &Path, source: sqlx::Error) -> OpenError {
    let path = path.to_owned();
    match code(&source) {
        Some(Code::NotADatabase | Code::Corrupt) => OpenError::Foreign { path },
        Some(Code::Busy | Code::Locked) => OpenError::InUse { path },
        _ => OpenError::Failed { path, source },
    }
}

/// Makes what is missing, readable by its owner only, and locks it. No lock: another process has
/// it, and that is allowed.
pub(crate) fn prepare_file(path: &Path, sharing: Sharing) -> Result<Option<File>, OpenError> {
    let unwritable = |path: &Path| {
        let path = path.to_owned();
        |source| OpenError::Unwritable { path, source }
    };
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    if let Some(directory) = directory {
        std::fs::create_dir_all(directory).map_err(|source| {
            let path = directory.to_owned();
            OpenError::NoDirectory { path, source }
        })?;
    }
    open_or_make(path).map_err(unwritable(path))?;
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_path = PathBuf::from(lock_path);
    let lock = open_or_make(&lock_path).map_err(unwritable(&lock_path))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) if sharing == Sharing::Beside => Ok(None),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(unwritable(&lock_path)(error)),
    }
}

fn open_or_make(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::{Change, Ledger};
    use async_trait::async_trait;
    use sqlx::{Error, query, query_scalar};
    use tempfile::TempDir;

    const JOURNAL: &str = "PRAGMA journal_mode";
    const SYNCHRONOUS: &str = "PRAGMA synchronous";
    /// What the pragma says of `FULL`: every commit is synced before it is answered.
    const FULL: i64 = 2;

    /// Asks the connection that writes.
    struct Asked;

    #[async_trait]
    impl Change for Asked {
        type Answer = (String, i64);

        async fn make(&self, ledger: &mut Ledger) -> Result<Self::Answer, Error> {
            let journal = query_scalar(JOURNAL).fetch_one(&mut *ledger.connection()).await?;
            let synchronous = query_scalar(SYNCHRONOUS).fetch_one(ledger.connection()).await?;
            Ok((journal, synchronous))
        }
    }

    /// A change that the connection does not survive.
    struct Undone;

    #[async_trait]
    impl Change for Undone {
        type Answer = ();

        async fn make(&self, ledger: &mut Ledger) -> Result<(), Error> {
            // Without a transaction nothing can be rolled back, so the connection is given up.
            query("COMMIT").execute(ledger.connection()).await?;
            Err(Error::Protocol("broken on purpose".into()))
        }
    }

    async fn store() -> (TempDir, SqliteStore) {
        let directory = tempfile::tempdir().expect("a directory");
        let config = Config::new(directory.path().join("store.db"));
        let store = config.open(Registry::global()).await.expect("it opens");
        (directory, store)
    }

    #[tokio::test]
    async fn whoever_writes_writes_ahead_and_syncs_every_commit() {
        let (directory, store) = store().await;
        let durable = ("wal".to_owned(), FULL);
        assert_eq!(store.writer().change(Asked).await.expect("it works"), durable);
        store.writer().change(Undone).await.expect_err("it breaks");
        let again = store.writer().change(Asked).await.expect("it works again");
        assert_eq!(again, durable, "the connection that takes its place");
        let beside = Config::new(directory.path().join("store.db"));
        let beside = beside.open_beside(Registry::global()).await.expect("it opens");
        assert_eq!(beside.writer().change(Asked).await.expect("it works"), durable, "beside it");
        let mut reader = store.reader().await.expect("a connection");
        let journal: String = query_scalar(JOURNAL).fetch_one(&mut *reader).await.expect("read");
        assert_eq!(journal, "wal", "whoever reads");
    }
}
