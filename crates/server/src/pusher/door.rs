//! The door: who may open a connection of an application.
//!
//! Whoever may not is let in all the same, told why, and closed with a code, as clients that are
//! turned away without one come back every second for ever.

use super::{convert, frames, socket::Socket};
use crate::{
    apps::App,
    logs::events,
    metrics::ConnectionRejection,
    ws::{self, Caller, CountedApp, FrameLimits, Opening, Patience, Pinging, TurnedAway, Worker},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Bytes, BytesMut, Data, Payload},
};
use campanile_core::{
    connection::AppGreeting,
    fanout::{Class, Outbox},
    labels::{CloseReason, Transport},
};
use campanile_pusher::{CloseCode, Hello, ServerFrame};
use std::{rc::Rc, sync::Arc, time::Duration};

/// How long a connection may be there, for one that lasts as long as it answers.
const FOR_EVER: Duration = Duration::from_secs(u32::MAX as u64);

/// `GET /app/{key}`, under any path: becomes a connection of the application with this key.
pub async fn upgrade(
    request: HttpRequest,
    payload: Payload,
    worker: Data<Worker>,
) -> actix_web::Result<HttpResponse> {
    if let Err(error) = actix_http::ws::verify_handshake(request.head()) {
        return Ok(TurnedAway::from(error).answer(&worker, Transport::WebSocket));
    }
    let caller = Caller::of(&request, &worker, Transport::WebSocket);
    let place = match ws::enter(&worker, &caller).await {
        Ok(place) => place,
        Err(turned_away) => return Ok(turned_away.answer(&worker, Transport::WebSocket)),
    };
    let asked = (worker.proxies.is_secure(&request, worker.config.is_tls), request.query_string());
    let admitted = admit(&worker, &request, asked);
    let counted = match &admitted {
        Ok(app) => CountedApp { label: app.label, id: Some(app.id.clone()) },
        // Of no application that is known, or of one that is not served so.
        Err(_) => CountedApp::native(worker.chat.metrics().native),
    };
    let outbox = worker.shard.outbox_for(counted.label, Transport::WebSocket);
    let opening =
        Opening { outbox: outbox.clone(), app: counted, closing_code, ..worker.opening() };
    let greeted = admitted.and_then(|app| {
        let key = request.match_info().get("key").unwrap_or_default();
        greet(&worker, (app, key), &caller, outbox.clone())
    });
    let (socket, code) = match greeted {
        Ok(socket) => (socket, None),
        Err(code) => {
            reject(&worker, code);
            outbox.push(error_of(code), Class::Answer);
            outbox.end(CloseReason::Policy);
            (Socket::refused(worker.clone(), outbox), Some(code.number()))
        }
    };
    let opening = Opening { goodbye: code, ..opening.of(socket.app()) };
    opening.open_in(place, (&request, payload), (caller.connection.0, socket)).await
}

fn admit(
    worker: &Worker,
    request: &HttpRequest,
    (is_secure, query): (bool, &str),
) -> Result<Arc<App>, CloseCode> {
    let key = request.match_info().get("key").unwrap_or_default();
    let app = worker.apps.by_key(key).ok_or(CloseCode::NoSuchApp)?;
    if !app.enabled {
        return Err(CloseCode::AppDisabled);
    }
    Hello::parse(query)?;
    if app.tls_only && !is_secure {
        return Err(CloseCode::TlsOnly);
    }
    // Programs that are no browsers send none.
    if let Some(origin) = request.headers().get(header::ORIGIN)
        && !lets_in(&app.origins, origin.as_bytes())
    {
        return Err(CloseCode::Unauthorised);
    }
    Ok(app)
}

/// Whether pages of this origin may connect: any, where none are named.
fn lets_in(origins: &[String], origin: &[u8]) -> bool {
    let is_it = |known: &String| known.as_bytes().eq_ignore_ascii_case(origin);
    origins.is_empty() || origins.iter().any(is_it)
}

fn greet(
    worker: &Data<Worker>,
    (app, key): (Arc<App>, &str),
    caller: &Caller,
    outbox: Rc<Outbox>,
) -> Result<Socket, CloseCode> {
    let greeting = AppGreeting {
        connection: caller.connection,
        app: app.id.clone(),
        label: app.label,
        protocol: worker.channels,
        connections_max: app.connections_max,
        counts: app.subscription_counts,
    };
    let connected = worker.shard.connect_for(greeting, outbox.clone());
    let connection = connected.map_err(|_full| CloseCode::OverQuota)?;
    let socket_id = convert::socket_id(caller.connection);
    let activity_timeout_seconds = app.limits.activity_timeout_seconds;
    let established = ServerFrame::ConnectionEstablished { socket_id, activity_timeout_seconds };
    outbox.push(frames::text(&established), Class::Answer);
    let took = worker.chat.clock().moment().since(caller.arrived);
    worker.metrics.handshake_duration.observe(took, Transport::WebSocket);
    let tenancy = app.leases.get(key).map(|lease| lease.tenancy());
    let tenancy = tenancy.ok_or(CloseCode::NoSuchApp)?;
    Ok(Socket::new(worker.clone(), (app, tenancy), (socket_id, connection)))
}

impl Opening {
    /// With the patience that the application has.
    fn of(self, app: Option<&App>) -> Self {
        let Some(App { limits, .. }) = app else { return self };
        let frame_bytes_max = self.frames.frame_bytes_max.min(limits.frame_bytes_max as u64);
        let message_bytes_max = frame_bytes_max;
        let frames = FrameLimits { frame_bytes_max, message_bytes_max, ..self.frames };
        let patience = Patience {
            authentication: limits.authorisation_timeout,
            ping_interval: Duration::from_secs(limits.activity_timeout_seconds.get().into()),
            pinging: Pinging::WhenSilent,
            ping: limits.pong_timeout,
            idle: if limits.silence_max.is_zero() { FOR_EVER } else { limits.silence_max },
            ..self.patience
        };
        Self { frames, patience, ..self }
    }
}

/// Counts a connection that is turned away, and says so.
fn reject(worker: &Worker, code: CloseCode) {
    let reason = match code {
        CloseCode::OverQuota => ConnectionRejection::Quota,
        CloseCode::NoSuchApp | CloseCode::AppDisabled => ConnectionRejection::Auth,
        CloseCode::Unauthorised => ConnectionRejection::Origin,
        _ => ConnectionRejection::Other,
    };
    worker.metrics.rejected.increment(Transport::WebSocket, reason);
    events::ConnectionRejected { transport: Transport::WebSocket, reason }.emit();
}

pub(super) fn error_of(code: CloseCode) -> Bytes {
    ws::text_frame(|into: &mut BytesMut| {
        // The closing frame itself is written when the outbox has ended.
        let _closed_with = code.announce(into);
    })
}

/// What the closing frame says of a reason for the end. Clients come back at once from one code,
/// later from another, and never from a third.
pub(super) fn closing_code(reason: CloseReason) -> u16 {
    match reason {
        CloseReason::ClientClose => 1000,
        CloseReason::ProtocolError => 1002,
        CloseReason::ServerShutdown => CloseCode::ReconnectNow.number(),
        CloseReason::PingTimeout => CloseCode::NoPong.number(),
        CloseReason::IdleTimeout => CloseCode::Silent.number(),
        CloseReason::AuthExpired | CloseReason::Policy => CloseCode::Unauthorised.number(),
        CloseReason::SlowConsumer | CloseReason::NetworkError | CloseReason::Other => {
            CloseCode::OverCapacity.number()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_of_the_server_keeps_clients_away_that_may_come_back() {
        let back = [
            CloseReason::ServerShutdown,
            CloseReason::PingTimeout,
            CloseReason::IdleTimeout,
            CloseReason::SlowConsumer,
            CloseReason::NetworkError,
            CloseReason::Other,
        ];
        for reason in back {
            assert!((4100..4300).contains(&closing_code(reason)), "{reason:?}");
        }
        assert_eq!(closing_code(CloseReason::Policy), 4009);
    }
}
