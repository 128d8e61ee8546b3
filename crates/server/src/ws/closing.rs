//! Why a connection ends, and what its closing frame says of it.

use super::frame_guard::Violation;
use actix_ws::ProtocolError;
use campanile_core::labels::CloseReason;
use campanile_protocol::CloseCode;
use std::io;

/// What a protocol's closing frame says of a reason for the end.
pub type ClosingCode = fn(CloseReason) -> u16;

/// The code of the closing frame for a reason, in the native protocol.
pub fn closing_code(reason: CloseReason) -> u16 {
    let code = match reason {
        CloseReason::ClientClose => CloseCode::Normal,
        CloseReason::ServerShutdown => CloseCode::GoingAway,
        CloseReason::ProtocolError => CloseCode::ProtocolError,
        CloseReason::PingTimeout
        | CloseReason::IdleTimeout
        | CloseReason::AuthExpired
        | CloseReason::Policy => CloseCode::Policy,
        CloseReason::SlowConsumer => CloseCode::TryAgainLater,
        // Written for completeness: the network is gone, or the server gave up without a reason.
        CloseReason::NetworkError | CloseReason::Other => CloseCode::GoingAway,
    };
    code.number()
}

/// What the inbound stream's error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamEnd {
    /// The peer broke the protocol: closed with this code.
    Broken(CloseCode),
    /// The network connection is gone, without a closing frame.
    Lost,
}

/// Reads an error of the inbound stream.
pub(super) fn stream_end(error: &ProtocolError) -> StreamEnd {
    let ProtocolError::Io(error) = error else {
        return StreamEnd::Broken(match error {
            ProtocolError::Overflow => CloseCode::TooLarge,
            _ => CloseCode::ProtocolError,
        });
    };
    match Violation::behind(error) {
        Some(Violation::TooLarge) => StreamEnd::Broken(CloseCode::TooLarge),
        Some(Violation::ReservedBit) => StreamEnd::Broken(CloseCode::ProtocolError),
        // The library reports text that is not UTF-8 so, and the guard has refused all else that
        // it would report in the same way.
        None if error.kind() == io::ErrorKind::InvalidData => StreamEnd::Broken(CloseCode::NotUtf8),
        None => StreamEnd::Lost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::error::PayloadError;

    #[test]
    fn a_violation_keeps_its_code() {
        let overflow = PayloadError::Io(io::Error::other(Violation::TooLarge));
        let error = ProtocolError::Io(io::Error::other(overflow));
        assert_eq!(stream_end(&error), StreamEnd::Broken(CloseCode::TooLarge));
        let utf8 = io::Error::new(io::ErrorKind::InvalidData, "not UTF-8");
        assert_eq!(stream_end(&ProtocolError::Io(utf8)), StreamEnd::Broken(CloseCode::NotUtf8));
        let bad = ProtocolError::UnmaskedFrame;
        assert_eq!(stream_end(&bad), StreamEnd::Broken(CloseCode::ProtocolError));
        let lost = io::Error::other(PayloadError::Incomplete(None));
        assert_eq!(stream_end(&ProtocolError::Io(lost)), StreamEnd::Lost);
    }
}
