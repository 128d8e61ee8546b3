//! The handshake: who may open a connection, and who is turned away with which answer.

use super::{
    lobby::Place,
    opening::Opening,
    origin,
    talk::{Caller, Talk},
    worker::Worker,
};
use crate::{
    metrics::{ConnectionErrorType, ConnectionRejection},
    reply::{self, Refused},
};
use actix_http::ws::HandshakeError;
use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::header,
    web::{Data, Payload},
};
use campanile_core::{
    chat::Limited,
    labels::Transport,
    port::{ConnectionId, Limiter, LimiterContext},
};
use campanile_protocol::ErrorCode;
use std::{net::IpAddr, time::Duration};

/// When to come back to a node that is stopping or full: another is ready, or soon this one.
const COME_BACK: Duration = Duration::from_secs(2);

/// `GET /ws`: becomes a connection of the native protocol, or says why not.
pub async fn upgrade(
    request: HttpRequest,
    payload: Payload,
    worker: Data<Worker>,
) -> actix_web::Result<HttpResponse> {
    let opening = worker.opening();
    match admit(&request, &worker, &opening).await {
        Ok((place, caller, talk)) => {
            let connection = (caller.connection.0, talk);
            opening.open_in(place, (&request, payload), connection).await
        }
        Err(turned_away) => Ok(turned_away.answer(&worker)),
    }
}

async fn admit(
    request: &HttpRequest,
    worker: &Data<Worker>,
    opening: &Opening,
) -> Result<(Place, Caller, Talk), TurnedAway> {
    actix_http::ws::verify_handshake(request.head())?;
    if worker.lobby.is_draining() {
        return Err(TurnedAway::Draining);
    }
    check_origin(request, &worker.config.allowed_origins)?;
    let caller = Caller {
        connection: ConnectionId(rand::random()),
        address: worker.proxies.client(request),
        arrived: worker.chat.clock().moment(),
    };
    check_rates(worker, caller.address).await?;
    let place = worker.lobby.enter().ok_or(TurnedAway::Full)?;
    let mut talk = Talk::new(worker.clone(), opening.outbox.clone(), caller);
    if let Some(token) = bearer(request) {
        talk.recognise(token).await.map_err(TurnedAway::Unknown)?;
    }
    Ok((place, caller, talk))
}

/// Why somebody was turned away.
#[derive(Debug, thiserror::Error)]
enum TurnedAway {
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
    #[error("the client is not let in")]
    Unknown(Refused),
}

impl TurnedAway {
    fn answer(self, worker: &Worker) -> HttpResponse {
        let metrics = &worker.metrics;
        metrics.rejected.increment(Transport::WebSocket, self.reason());
        match self {
            Self::NoHandshake(error) => {
                let native = worker.chat.metrics().native;
                metrics.errors.increment(native, ConnectionErrorType::Handshake);
                error.error_response()
            }
            Self::Unknown(refused) => refused.error_response(),
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
            Self::Unknown(refused) => match refused.refusal().code {
                ErrorCode::RateLimited => ConnectionRejection::Quota,
                ErrorCode::Unauthenticated => ConnectionRejection::Auth,
                _ => ConnectionRejection::Other,
            },
        }
    }

    fn code(&self) -> (ErrorCode, Option<Duration>) {
        match self {
            Self::NoHandshake(_) | Self::Unknown(_) => (ErrorCode::BadRequest, None),
            Self::Draining | Self::Full => (ErrorCode::Unavailable, Some(COME_BACK)),
            Self::Busy(limited) => (ErrorCode::Unavailable, Some(limited.retry_after)),
            Self::Eager(limited) => (ErrorCode::RateLimited, Some(limited.retry_after)),
            Self::Origin => (ErrorCode::Forbidden, None),
        }
    }
}

fn check_origin(request: &HttpRequest, allowed: &[String]) -> Result<(), TurnedAway> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match origin.to_str() {
        Ok(origin) if origin::may_connect(origin, host, allowed) => Ok(()),
        _ => Err(TurnedAway::Origin),
    }
}

async fn check_rates(worker: &Worker, address: IpAddr) -> Result<(), TurnedAway> {
    let chat = &worker.chat;
    let by_address = (Limiter::Connection, LimiterContext::Ip);
    let key = address.to_string();
    let passed = chat.pass(by_address, &key, |rates| rates.connections_per_address).await;
    passed.map_err(TurnedAway::Eager)?;
    let by_node = (Limiter::Connection, LimiterContext::Global);
    let passed = chat.pass(by_node, "node", |rates| rates.connections_per_node).await;
    passed.map_err(TurnedAway::Busy)
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
