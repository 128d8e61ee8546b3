//! What an error of the driver means to the port.

use crate::metrics::SqlstateClass;
use campanile_core::port::{Fault, FaultKind};
use sqlx::Error;
use std::{io, sync::Arc};

/// The port's error for one caller.
pub(crate) fn fault(error: Error) -> Fault {
    shared_fault(Arc::new(error))
}

/// The port's error for one of many callers whose changes failed together.
pub(crate) fn shared_fault(error: Arc<Error>) -> Fault {
    Fault::new(kind(&error), error)
}

/// The five characters with which PostgreSQL says what went wrong.
pub(crate) fn sqlstate(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// What kind of failure it is.
pub(crate) fn kind(error: &Error) -> FaultKind {
    let Some(state) = sqlstate(error) else {
        return driver_kind(error);
    };
    match (state.as_str(), &state[..state.len().min(2)]) {
        // A statement was cancelled, or a transaction was idle, for too long.
        ("57014" | "25P03", _) => FaultKind::Timeout,
        ("53300", _) => FaultKind::PoolExhausted,
        // It stops, starts, or has become one that cannot be written.
        ("57P01" | "57P02" | "57P03" | "57P05" | "25006", _) | (_, "08" | "28") => {
            FaultKind::Connection
        }
        ("55P03", _) | (_, "40") => FaultKind::Serialization,
        ("XX001" | "XX002", _) => FaultKind::Corrupt,
        (_, "22" | "23") => FaultKind::Constraint,
        _ => FaultKind::Other,
    }
}

/// Whether the connection on which this happened is of no use any more.
pub(crate) fn ends_connection(error: &Error) -> bool {
    match sqlstate(error) {
        Some(state) => {
            kind(error) == FaultKind::Connection
                || state == "25P03"
                // Statements prepared on another connection, or before the schema changed.
                || state == "26000"
                || state == "0A000"
        }
        None => !is_senseless(error),
    }
}

/// Whether nothing was done, and the same may be tried again at once.
pub(crate) fn may_try_again(error: &Error) -> bool {
    kind(error) == FaultKind::Serialization
        || matches!(sqlstate(error).as_deref(), Some("26000" | "0A000"))
        || misses_week(error)
}

/// Whether a message's week has no partition.
pub(crate) fn misses_week(error: &Error) -> bool {
    let database = error.as_database_error();
    database.is_some_and(|error| {
        error.code().as_deref() == Some("23514") && error.constraint().is_none()
    })
}

/// Whether one change of many may be to blame, and the others may do without it.
pub(crate) fn blames_one(error: &Error) -> bool {
    matches!(kind(error), FaultKind::Constraint | FaultKind::Corrupt)
}

/// The class of an error, where the database itself gave one.
pub(crate) fn class(error: &Error) -> Option<SqlstateClass> {
    let state = sqlstate(error)?;
    Some(match &state[..state.len().min(2)] {
        "08" => SqlstateClass::Connection,
        "22" => SqlstateClass::Data,
        "23" => SqlstateClass::Integrity,
        "25" => SqlstateClass::TransactionState,
        "28" => SqlstateClass::Authorization,
        "40" => SqlstateClass::Rollback,
        "42" => SqlstateClass::Access,
        "53" => SqlstateClass::Resources,
        "55" => SqlstateClass::Prerequisites,
        "57" => SqlstateClass::Intervention,
        "58" => SqlstateClass::System,
        "XX" => SqlstateClass::Internal,
        _ => SqlstateClass::Other,
    })
}

fn driver_kind(error: &Error) -> FaultKind {
    match error {
        Error::PoolTimedOut => FaultKind::PoolExhausted,
        Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => FaultKind::Timeout,
        error if is_senseless(error) => FaultKind::Corrupt,
        Error::PoolClosed | Error::Io(_) | Error::Tls(_) | Error::Protocol(_) => {
            FaultKind::Connection
        }
        _ => FaultKind::Other,
    }
}

/// What was read makes no sense.
fn is_senseless(error: &Error) -> bool {
    matches!(
        error,
        Error::Decode(_)
            | Error::ColumnDecode { .. }
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnNotFound(_)
            | Error::RowNotFound
    )
}
