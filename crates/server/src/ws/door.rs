//! The door: who may be connected, over whatever, and who is turned away with which answer.

use super::{
    lobby::Place,
    worker::{Caller, Worker},
};
use crate::{
    logs::{events, here},
    metrics::{ConnectionErrorType, ConnectionRejection},
    reply::{self, Refused},
};
use actix_http::ws::HandshakeError;
use actix_web::{HttpRequest, HttpResponse, ResponseError, http::header};
use campanile_core::{
    chat::Limited,
    labels::Transport,
    port::{ConnectionId, Limiter, LimiterContext},
};
use campanile_protocol::ErrorCode;
use std::{net::IpAddr, time::Duration};

/// When to come back to a node that is stopping or full: another is ready, or soon this one.
pub(crate) const COME_BACK: Duration = Duration::from_secs(2);

/// Why somebody was turned away.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TurnedAway {
    #[error(transparent)]
    NoHandshake(#[from] HandshakeError),
    #[error("this server is stopping")]
    Draining,
    #[error("this server has as many connections as it takes")]
    Full,
    #[error("pages of this origin may not connect")]
    Origin,
    #[error("this server takes no more connections at once")]
    Busy(Limited),
    #[error("too many connections from this address")]
    Eager(Limited),
    #[error("{0}")]
    Refused(Refused),
}

impl From<Refused> for TurnedAway {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl TurnedAway {
    /// Counts it, and says so.
    pub(crate) fn answer(self, worker: &Worker, transport: Transport) -> HttpResponse {
        let metrics = &worker.metrics;
        let reason = self.reason();
        metrics.rejected.increment(transport, reason);
        events::ConnectionRejected { transport, reason }.emit();
        match self {
            Self::NoHandshake(error) => {
                let native = worker.chat.metrics().native;
                metrics.errors.increment(native, ConnectionErrorType::Handshake);
                error.error_response()
            }
            Self::Refused(refused) => refused.error_response(),
            other => {
                let (code, retry_after) = other.code();
                reply::problem(code, &other.to_string(), retry_after)
            }
        }
    }

    fn reason(&self) -> ConnectionRejection {
        match self {
            Self::NoHandshake(_) => ConnectionRejection::Other,
            Self::Draining => ConnectionRejection::Draining,
            Self::Full | Self::Busy(_) => ConnectionRejection::Limit,
            Self::Origin => ConnectionRejection::Origin,
            Self::Eager(_) => ConnectionRejection::Quota,
            Self::Refused(refused) => match refused.refusal().code {
                ErrorCode::RateLimited => ConnectionRejection::Quota,
                ErrorCode::Unauthenticated => ConnectionRejection::Auth,
                _ => ConnectionRejection::Other,
            },
        }
    }

    fn code(&self) -> (ErrorCode, Option<Duration>) {
        match self {
            Self::NoHandshake(_) | Self::Refused(_) => (ErrorCode::BadRequest, None),
            Self::Draining | Self::Full => (ErrorCode::Unavailable, Some(COME_BACK)),
            Self::Busy(limited) => (ErrorCode::Unavailable, Some(limited.retry_after)),
            Self::Eager(limited) => (ErrorCode::RateLimited, Some(limited.retry_after)),
            Self::Origin => (ErrorCode::Forbidden, None),
        }
    }
}

impl Caller {
    /// Whoever sent this request.
    pub(crate) fn of(request: &HttpRequest, worker: &Worker, transport: Transport) -> Self {
        let connection = ConnectionId(rand::random());
        here::is_over(connection);
        let address = worker.proxies.client(request);
        Self { connection, transport, address, arrived: worker.chat.clock().moment() }
    }
}

/// A place for a caller, where there is one.
pub(crate) async fn enter(worker: &Worker, caller: &Caller) -> Result<Place, TurnedAway> {
    if worker.lobby.is_draining() {
        return Err(TurnedAway::Draining);
    }
    check_rates(worker, caller.address).await?;
    worker.lobby.enter(caller.transport).ok_or(TurnedAway::Full)
}

/// The token that a request brings.
pub(crate) fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn check_rates(worker: &Worker, address: IpAddr) -> Result<(), TurnedAway> {
    let chat = &worker.chat;
    let by_address = (Limiter::Connection, LimiterContext::Ip);
    let key = address.to_string();
    let passed = chat.pass(by_address, &key, |rates| rates.connections_per_address).await;
    passed.map_err(told).map_err(TurnedAway::Eager)?;
    let by_node = (Limiter::Connection, LimiterContext::Global);
    let passed = chat.pass(by_node, "node", |rates| rates.connections_per_node).await;
    passed.map_err(told).map_err(TurnedAway::Busy)
}

fn told(limited: Limited) -> Limited {
    events::RateLimitHit::from(&limited).emit();
    limited
}
