//! Opening a stream: who asks, for which rooms, and what was missed of them.

use super::{
    MEDIA_TYPE,
    body::EventBody,
    frame,
    stream::{Heartbeats, Stream},
    wanted::Wanted,
};
use crate::{
    logs::here,
    reply::Refused,
    ws::{self, COME_BACK, Caller, CountedApp, Meter, Recognised, TurnedAway, Wire, Worker},
};
use actix_web::{
    HttpRequest, HttpResponse,
    body::BoxBody,
    http::header,
    web::{Bytes, Data},
};
use bytes::BytesMut;
use campanile_core::{
    connection::{Connection, Joining},
    fanout::Class,
    labels::Transport,
    message::Epoch,
};
use campanile_protocol::{Event, Position, Resync, ResyncReason, write_position};
use std::rc::Rc;

/// Tells what happens in rooms, as it happens.
///
/// An event's data is the JSON that the WebSocket tells, and its name is the `op` of it. The id of a
/// message says what the client has of every room of the stream. A client that comes back with it as
/// `Last-Event-ID` hears first what it missed; of a room of which it missed too much it hears
/// `resync`, and reads it again. A comment comes every now and then so that the line is not taken
/// for dead.
#[utoipa::path(
    get, path = "/sse", tag = "events", operation_id = "events",
    params(
        ("room" = Vec<String>, Query, description = "Which rooms: once for each, at most 32."),
        ("Last-Event-ID" = Option<String>, Header,
            description = "The id of the last event that the client has heard."),
    ),
    responses(
        (status = 200, description = "Events, until the session or the server ends, or the client \
            does not keep up.", body = String, content_type = "text/event-stream"),
        (status = 404, description = "No such room, or none that the asker may know of."),
        (status = 409, description = "A room is full."),
    ),
)]
pub async fn subscribe(request: HttpRequest, worker: Data<Worker>) -> HttpResponse {
    match open(&request, &worker).await {
        Ok(response) => response,
        Err(turned_away) => turned_away.answer(&worker, Transport::Sse),
    }
}

async fn open(request: &HttpRequest, worker: &Worker) -> Result<HttpResponse, TurnedAway> {
    let caller = Caller::of(request, worker, Transport::Sse);
    let place = ws::enter(worker, &caller).await?;
    let token = ws::bearer(request).ok_or_else(|| Refused::unauthenticated("say who asks"))?;
    let wanted = Wanted::of(request)?;
    let outbox = worker.shard.outbox(Transport::Sse);
    let recognised = worker.recognise(token, &caller, outbox.clone()).await?;
    let Recognised { connection, until, .. } = recognised;
    outbox.push(greeting(), Class::Answer);
    // As much as the answer to a join takes at most, so that no client is cut for having asked.
    listen(&connection, &wanted, worker.chat.limits().outbox_bytes_max / 2).await?;
    let wire = Rc::new(Wire::default());
    let label = worker.chat.metrics().native;
    let native = (CountedApp::native(label), Transport::Sse);
    let stream = Stream {
        number: caller.connection.0,
        connection,
        wire: wire.clone(),
        until,
        heartbeats: Heartbeats::every(worker.config.patience.ping_interval),
        closing: worker.config.patience.closing,
        drain: worker.lobby.drain_watch(),
        meter: Meter::open(worker.metrics.clone(), native, worker.chat.ports().clock.clone()),
        place: place.opened(label),
    };
    actix_web::rt::spawn(here::carry(stream.run()));
    let sent = worker.traffic.sent(Transport::Sse);
    let body = EventBody::new(outbox, wire, sent, &wanted.last);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // For proxies that would gather events before they pass them on.
        .insert_header(("X-Accel-Buffering", "no"))
        .force_close()
        .body(BoxBody::new(body)))
}

/// Enters the rooms, and tells what was missed of them. What happens meanwhile follows.
async fn listen(connection: &Connection, wanted: &Wanted, bytes_max: usize) -> Result<(), Refused> {
    let (mut entered, mut bytes_left) = (Vec::with_capacity(wanted.rooms.len()), bytes_max);
    for room in &wanted.rooms {
        let since = wanted.since(room);
        let mut joining = connection.join(room, since).await?;
        let frames = missed(&mut joining, since.map(|(epoch, _)| epoch), &mut bytes_left);
        entered.push((joining, frames));
    }
    for (joining, frames) in entered {
        for frame in frames {
            connection.outbox().push(frame, Class::Answer);
        }
        joining.release();
    }
    Ok(())
}

/// What a client is told of a room first: what it missed, or that it is too much, and where it is
/// then. Messages of one room at a time are in memory.
fn missed(joining: &mut Joining, epoch: Option<Epoch>, bytes_left: &mut usize) -> Vec<Bytes> {
    let messages = std::mem::take(&mut joining.messages).into_iter();
    let mut frames: Vec<_> =
        messages.map(|message| frame(Event::Message(ws::message(&message)))).collect();
    let bytes: usize = frames.iter().map(Bytes::len).sum();
    match bytes_left.checked_sub(bytes).filter(|_| !joining.truncated) {
        Some(left) => *bytes_left = left,
        None => {
            let is_other = epoch.is_some_and(|epoch| epoch != joining.epoch());
            let reason = if is_other { ResyncReason::Epoch } else { ResyncReason::Gap };
            let room = joining.room.name.to_string();
            frames = vec![frame(Event::Resync(Resync { room, reason }))];
        }
    }
    let mut position = BytesMut::new();
    write_position(
        &Position {
            room: joining.room.name.to_string(),
            epoch: ws::epoch(joining.epoch()),
            seq: joining.last_seq().0,
        },
        &mut position,
    );
    frames.push(position.freeze());
    frames
}

/// Says when to come back once the stream has ended.
fn greeting() -> Bytes {
    format!("retry: {}\n\n", COME_BACK.as_millis()).into()
}
