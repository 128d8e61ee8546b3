//! What goes wrong with Redis: what it means for the caller, for the count and for the log.

use campanile_core::{
    instrumented::{BusFault, StorageFault},
    port::{BusError, Fault, FaultKind},
};
use campanile_metrics::{Label, labels};
use redis::{ErrorKind, RedisError, ServerErrorKind};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How often one kind of trouble is told in the log.
const TELLING: Duration = Duration::from_secs(10);

labels! {
    /// Why Redis did not do as it was asked.
    pub enum TroubleKind("reason") {
        /// It did not answer in time.
        Timeout = "timeout",
        /// It cannot be reached, or the connection broke.
        Connection = "connection",
        /// It does not let this node in, or not do this.
        Auth = "auth",
        /// Its memory is full.
        Memory = "memory",
        /// It only reads: a replica was taken for a master.
        ReadOnly = "read_only",
        /// It still reads its data from disk.
        Loading = "loading",
        /// The cluster has no master for a part of the keys.
        ClusterDown = "cluster_down",
        /// It answered something that makes no sense.
        Corrupt = "corrupt",
        /// Anything else.
        Other = "other",
    }
}

/// Why a call of Redis failed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{told}")]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    /// The script is not there yet.
    pub(crate) no_script: bool,
    told: String,
}

impl Trouble {
    pub(crate) fn new(kind: TroubleKind, told: impl Into<String>) -> Self {
        Self { kind, no_script: false, told: told.into() }
    }

    pub(crate) fn away() -> Self {
        Self::new(TroubleKind::Connection, "redis is away")
    }

    pub(crate) fn timeout(after: Duration) -> Self {
        Self::new(TroubleKind::Timeout, format!("redis did not answer within {after:?}"))
    }

    pub(crate) fn corrupt() -> Self {
        Self::new(TroubleKind::Corrupt, "it answered something that makes no sense")
    }

    /// Whether the connection is of no more use.
    pub(crate) fn is_lost(&self) -> bool {
        use TroubleKind::{Connection, Loading, ReadOnly, Timeout};
        matches!(self.kind, Timeout | Connection | ReadOnly | Loading)
    }

    /// Whether the same may do later.
    pub(crate) fn may_pass(&self) -> bool {
        self.is_lost() || self.kind == TroubleKind::ClusterDown
    }
}

impl From<RedisError> for Trouble {
    fn from(error: RedisError) -> Self {
        let no_script = error.kind() == ErrorKind::Server(ServerErrorKind::NoScript);
        Self { kind: kind(&error), no_script, told: error.to_string() }
    }
}

fn kind(error: &RedisError) -> TroubleKind {
    match error.kind() {
        _ if error.is_timeout() => TroubleKind::Timeout,
        ErrorKind::AuthenticationFailed => TroubleKind::Auth,
        ErrorKind::Server(kind) => server_kind(kind, &error.to_string()),
        ErrorKind::Extension => kind_of_text(&error.to_string()),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => TroubleKind::Corrupt,
        // The driver of a cluster tells of a refusal as of a failed connection.
        ErrorKind::Io
        | ErrorKind::ClusterConnectionNotFound
        | ErrorKind::MasterNameNotFoundBySentinel => match kind_of_text(&error.to_string()) {
            TroubleKind::Auth => TroubleKind::Auth,
            _ => TroubleKind::Connection,
        },
        _ => TroubleKind::Other,
    }
}

fn server_kind(kind: ServerErrorKind, text: &str) -> TroubleKind {
    match kind {
        ServerErrorKind::BusyLoading => TroubleKind::Loading,
        ServerErrorKind::ReadOnly => TroubleKind::ReadOnly,
        ServerErrorKind::NoPerm => TroubleKind::Auth,
        ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown | ServerErrorKind::TryAgain => {
            TroubleKind::ClusterDown
        }
        _ => kind_of_text(text),
    }
}

/// What a script met is told in the text, behind an error code of its own.
fn kind_of_text(text: &str) -> TroubleKind {
    const TOLD: &[(&str, TroubleKind)] = &[
        ("OOM", TroubleKind::Memory),
        ("NOAUTH", TroubleKind::Auth),
        ("WRONGPASS", TroubleKind::Auth),
        ("NOPERM", TroubleKind::Auth),
        ("READONLY", TroubleKind::ReadOnly),
        ("LOADING", TroubleKind::Loading),
        ("MASTERDOWN", TroubleKind::ClusterDown),
        ("CLUSTERDOWN", TroubleKind::ClusterDown),
    ];
    let told = TOLD.iter().find(|(word, _)| text.contains(word));
    told.map_or(TroubleKind::Other, |(_, kind)| *kind)
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        let kind = match trouble.kind {
            TroubleKind::Timeout => FaultKind::Timeout,
            TroubleKind::Connection
            | TroubleKind::ReadOnly
            | TroubleKind::Loading
            | TroubleKind::ClusterDown => FaultKind::Connection,
            TroubleKind::Corrupt => FaultKind::Corrupt,
            TroubleKind::Auth | TroubleKind::Memory | TroubleKind::Other => FaultKind::Other,
        };
        Self::new(kind, trouble)
    }
}

impl From<Trouble> for BusError {
    fn from(trouble: Trouble) -> Self {
        match trouble.kind {
            TroubleKind::Timeout => Self::Timeout,
            TroubleKind::Auth => Self::Refused(trouble.into()),
            _ => Self::Unreachable(trouble.into()),
        }
    }
}

impl From<&Trouble> for BusFault {
    fn from(trouble: &Trouble) -> Self {
        match trouble.kind {
            TroubleKind::Timeout => Self::Timeout,
            TroubleKind::Auth => Self::Auth,
            _ => Self::Connection,
        }
    }
}

impl From<&Trouble> for StorageFault {
    fn from(trouble: &Trouble) -> Self {
        match trouble.kind {
            TroubleKind::Timeout => Self::Timeout,
            TroubleKind::Connection
            | TroubleKind::ReadOnly
            | TroubleKind::Loading
            | TroubleKind::ClusterDown => Self::Connection,
            TroubleKind::Corrupt => Self::Corrupt,
            TroubleKind::Auth | TroubleKind::Memory | TroubleKind::Other => Self::Other,
        }
    }
}

/// Tells the log of each kind of trouble now and then, and not a thousand times.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    told: Mutex<[Option<Instant>; TroubleKind::BOUND]>,
}

impl Complaints {
    pub(crate) fn tell(&self, trouble: &Trouble) {
        if !self.is_due(trouble.kind) {
            return;
        }
        let reason = match trouble.kind {
            TroubleKind::Timeout => "it does not answer in time",
            TroubleKind::Connection => "it cannot be reached",
            TroubleKind::Auth => "it refuses this node: check user, password and rights",
            TroubleKind::Memory => "its memory is full: raise maxmemory",
            TroubleKind::ReadOnly => "it only reads: it is a replica",
            TroubleKind::Loading => "it still reads its data from disk",
            TroubleKind::ClusterDown => "the cluster has no master for some keys",
            TroubleKind::Corrupt => "redis answered something that makes no sense",
            TroubleKind::Other => "it does not do as it is asked",
        };
        tracing::warn!(reason, error = %trouble, "redis is in trouble");
    }

    fn is_due(&self, kind: TroubleKind) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let last = &mut told[kind.index()];
        let due = last.is_none_or(|last| now.duration_since(last) >= TELLING);
        if due {
            *last = Some(now);
        }
        due
    }
}
