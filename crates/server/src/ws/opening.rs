//! Opening a connection: the handshake's answer, and the session behind it.

use super::{
    body::FanBody,
    closing::ClosingCode,
    direct::Direct,
    frame_guard::{FrameGuard, FrameLimits},
    lobby::{Lobby, Place},
    meter::{CountedApp, Meter},
    session::{Answerer, Pings, Session, Standing},
    stream::Bypass,
    timers::{Patience, Timers},
    traffic::Traffic,
    wire::{Goodbye, Wire},
};
use crate::{logs::here, metrics::ConnectionMetrics};
use actix_http::BoxedPayloadStream;
use actix_web::{FromRequest, HttpRequest, HttpResponse, body::BoxBody, dev, web::Payload};
use campanile_core::{fanout::Outbox, labels::Transport, port::Clock};
use campanile_protocol::SUBPROTOCOL;
use std::{rc::Rc, sync::Arc};
use tokio::time::Instant;

/// What a connection is opened with, whatever is said over it.
pub struct Opening {
    /// Where its frames wait.
    pub outbox: Rc<Outbox>,
    /// Bytes that wait there from which on nothing more is read; more than 0.
    pub unread_bytes_max: usize,
    /// Where it is counted, and told that the node stops.
    pub lobby: Arc<Lobby>,
    /// How much the client may send at once.
    pub frames: FrameLimits,
    /// How long things may take.
    pub patience: Patience,
    /// What is counted.
    pub metrics: Arc<ConnectionMetrics>,
    /// Where bytes are counted.
    pub traffic: Traffic,
    /// The application it is counted for.
    pub app: CountedApp,
    /// What the closing frame says of a reason for the end.
    pub closing_code: ClosingCode,
    /// What the closing frame says whatever the reason, where that is known before.
    pub goodbye: Option<u16>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Opening {
    /// Answers a WebSocket handshake and runs the connection on this worker thread.
    pub async fn open(
        self,
        request: &HttpRequest,
        payload: Payload,
        answerer: impl Answerer,
    ) -> actix_web::Result<HttpResponse> {
        match self.lobby.enter(Transport::WebSocket) {
            Some(place) => {
                self.open_in(place, (request, payload), (rand::random(), answerer)).await
            }
            None => Ok(HttpResponse::ServiceUnavailable().finish()),
        }
    }

    /// The same for a connection that has its place and number.
    pub(crate) async fn open_in(
        self,
        place: Place,
        (request, payload): (&HttpRequest, Payload),
        (number, answerer): (u64, impl Answerer),
    ) -> actix_web::Result<HttpResponse> {
        let received = self.traffic.received(Transport::WebSocket);
        let sent = self.traffic.sent(Transport::WebSocket);
        let guard = FrameGuard::new(payload.into_inner(), self.frames, received);
        let guarded: BoxedPayloadStream = Box::pin(guard);
        // The library takes a payload only, and a payload is only made by its extractor.
        let payload = Payload::from_request(request, &mut dev::Payload::from(guarded)).await?;
        let handled = actix_ws::handle_with_protocols(request, payload, &[SUBPROTOCOL]);
        let (mut response, _library_session, frames) = handled?;
        // Else frames leave in chunks when the handshake came so, which no client undoes.
        response.head_mut().no_chunking(true);
        let frame_bytes_max = bytes(self.frames.frame_bytes_max);
        let frames = frames
            .max_frame_size(frame_bytes_max)
            .aggregate_continuations()
            .max_continuation_size(bytes(self.frames.message_bytes_max));
        let label = self.app.label;
        let mut timers = Timers::new(self.patience, Instant::now());
        if let Standing::Known { until } = answerer.standing() {
            timers.known(until);
        }
        let wire = Rc::new(Wire::default());
        if let Some(code) = self.goodbye {
            wire.set_goodbye(Goodbye::Code(code));
        }
        let session = Session {
            number,
            answerer,
            outbox: self.outbox.clone(),
            wire: wire.clone(),
            frames,
            timers,
            patience: self.patience,
            unread_bytes_max: self.unread_bytes_max,
            clock: self.clock.clone(),
            drain: self.lobby.drain_watch(),
            pings: Pings::default(),
            meter: Meter::open(self.metrics, (self.app, Transport::WebSocket), self.clock),
            place: place.opened(label),
        };
        actix_web::rt::spawn(here::carry(session.run()));
        let outbox = self.outbox;
        let bypass = request.conn_data::<Bypass>().cloned();
        if let Some(bypass) = bypass.clone() {
            let direct = Direct { bypass, wire: wire.clone(), sent: sent.clone() };
            outbox.set_direct_writer(Box::new(direct));
        }
        Ok(response.map_body(|_, library| {
            let body = FanBody::new(outbox, (wire, self.closing_code), sent, (library, bypass));
            BoxBody::new(body)
        }))
    }
}

fn bytes(max: u64) -> usize {
    usize::try_from(max).unwrap_or(usize::MAX)
}
