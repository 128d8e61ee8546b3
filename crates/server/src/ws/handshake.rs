//! The handshake: who may open a WebSocket.

use super::{
    door::{self, TurnedAway},
    lobby::Place,
    opening::Opening,
    origin,
    talk::Talk,
    worker::{Caller, Worker},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Payload},
};
use campanile_core::labels::Transport;

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
        Err(turned_away) => Ok(turned_away.answer(&worker, Transport::WebSocket)),
    }
}

async fn admit(
    request: &HttpRequest,
    worker: &Data<Worker>,
    opening: &Opening,
) -> Result<(Place, Caller, Talk), TurnedAway> {
    actix_http::ws::verify_handshake(request.head())?;
    check_origin(request, &worker.config.allowed_origins)?;
    let caller = Caller::of(request, worker, Transport::WebSocket);
    let place = door::enter(worker, &caller).await?;
    let mut talk = Talk::new(worker.clone(), opening.outbox.clone(), caller);
    if let Some(token) = door::bearer(request) {
        talk.recognise(token).await?;
    }
    Ok((place, caller, talk))
}

fn check_origin(request: &HttpRequest, allowed: &[String]) -> Result<(), TurnedAway> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    match origin.to_str() {
        Ok(origin) if origin::may_connect(origin, host, allowed) => Ok(()),
        _ => Err(TurnedAway::Origin),
    }
}
