//! What an error of the driver means to the port.

use campanile_core::port::{Fault, FaultKind};
use sqlx::Error;
use std::sync::Arc;

/// The result codes of SQLite that make a difference here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Busy,
    Locked,
    Corrupt,
    Constraint,
    NotADatabase,
    Other,
}

/// The port's error for one caller.
pub(crate) fn fault(error: Error) -> Fault {
    shared_fault(Arc::new(error))
}

/// The port's error for one of many callers whose changes failed together.
pub(crate) fn shared_fault(error: Arc<Error>) -> Fault {
    Fault::new(kind(&error), error)
}

/// What SQLite itself says, if it is what failed.
pub(crate) fn code(error: &Error) -> Option<Code> {
    let code = error.as_database_error()?.code()?;
    // The low byte is the primary code, the rest says more than is needed here.
    Some(match code.parse::<i32>().ok()? & 0xff {
        5 => Code::Busy,
        6 => Code::Locked,
        11 => Code::Corrupt,
        19 => Code::Constraint,
        26 => Code::NotADatabase,
        _ => Code::Other,
    })
}

/// What of a batch an error concerns, as far as it can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One change, which broke a rule or read something senseless. The store is well.
    Change,
    /// Part of the file. Others may be spared.
    Part,
    /// The store: a full disk, a lock, a lost connection.
    Store,
}

/// What of a batch an error concerns.
pub(crate) fn scope(error: &Error) -> Scope {
    match (code(error), kind(error)) {
        (Some(Code::Corrupt), _) => Scope::Part,
        (_, FaultKind::Constraint) | (None, FaultKind::Corrupt) => Scope::Change,
        _ => Scope::Store,
    }
}

fn kind(error: &Error) -> FaultKind {
    match (code(error), error) {
        (Some(Code::Busy | Code::Locked), _) => FaultKind::Serialization,
        (Some(Code::Corrupt | Code::NotADatabase), _) => FaultKind::Corrupt,
        (Some(Code::Constraint), _) => FaultKind::Constraint,
        (Some(Code::Other), _) => FaultKind::Other,
        (None, Error::PoolTimedOut) => FaultKind::PoolExhausted,
        (None, Error::PoolClosed | Error::WorkerCrashed | Error::Io(_)) => FaultKind::Connection,
        (
            None,
            Error::Decode(_)
            | Error::ColumnDecode { .. }
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnNotFound(_),
        ) => FaultKind::Corrupt,
        (None, _) => FaultKind::Other,
    }
}
