//! Messages: sending one, and reading what was said.

use super::{
    asked::{Caller, Sent},
    edge::Edge,
    numbers,
    shapes::{HistoryAnswer, NewMessage, SentMessage},
};
use crate::{
    limits::PAGE_MAX,
    logs::here,
    reply::Refused,
    ws::{message, stamp},
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query},
};
use campanile_core::{
    chat::Source,
    labels::{MessageKind, Transport},
    message::{Draft, Sequence},
    name::RoomName,
    port::Page,
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::IntoParams;

/// Messages in one page, unless another number is asked for.
const PAGE: u64 = 50;

/// Which part of the history: the newest messages, unless something else is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// The messages next below this one.
    #[param(minimum = 0, maximum = 9007199254740991_i64, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    before: Option<u64>,
    /// The messages next above this one; left aside where `before` is given.
    #[param(minimum = 0, maximum = 9007199254740991_i64, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    after: Option<u64>,
    /// How many.
    #[param(minimum = 1, maximum = 200, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    limit: Option<u64>,
}

/// Sends a message. The answer comes only once it is in the store.
#[utoipa::path(
    post, path = "/api/v1/rooms/{room}/messages", tag = "messages", operation_id = "sendMessage",
    params(
        ("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$"),
        ("Idempotency-Key" = Option<String>, Header, description = "A key of the sender's: the same message sent again with it is stored once.", pattern = "^[!-~]{1,128}$"),
    ),
    request_body = NewMessage,
    responses(
        (status = 201, description = "It is stored.", body = SentMessage),
        (status = 403, description = "The asker is no member."),
        (status = 404, description = "There is no such room, or no such message to answer."),
    ),
)]
pub(super) async fn send(
    edge: Data<Edge>,
    caller: Caller,
    request: HttpRequest,
    path: Path<String>,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let room = RoomName::parse(&path)?;
    let key = idempotency_key(&request)?;
    let NewMessage { body, reply_to } = sent.json().await?;
    if reply_to == Some(0) {
        return Err(Refused::bad_request("`reply_to` is the number of a message"));
    }
    let draft = Draft {
        room,
        from: caller.user.clone(),
        body: body.into(),
        key,
        reply_to: reply_to.map(Sequence),
    };
    let source = Source { transport: Transport::LongPoll, trace: here::trace() };
    let appended = edge.chat.send(draft, source).await?;
    Ok(HttpResponse::Created().json(SentMessage {
        seq: appended.message.seq().0,
        message_id: appended.message.id.to_string(),
        at: stamp(appended.message.at),
        duplicate: appended.duplicate,
    }))
}

/// Reads a page of a room's messages.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}/messages", tag = "messages", operation_id = "history",
    params(
        ("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$"),
        Part,
    ),
    responses(
        (status = 200, description = "Messages, ascending.", body = HistoryAnswer),
        (status = 403, description = "The asker may not read it."),
        (status = 404, description = "There is no such room, or none to be seen."),
    ),
)]
pub(super) async fn history(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<String>,
    part: Query<Part>,
) -> Result<HttpResponse, Refused> {
    let room = RoomName::parse(&path)?;
    let limit = numbers::up_to(PAGE_MAX, "limit", part.limit.unwrap_or(PAGE))?;
    edge.chat.count_received(Transport::LongPoll, MessageKind::Control);
    let page = match (part.before, part.after) {
        (Some(seq), _) => Page::Before(Sequence(seq)),
        (None, Some(seq)) => Page::After(Sequence(seq)),
        (None, None) => Page::Newest,
    };
    let history = edge.chat.history(&caller.user, &room, page, limit).await?;
    Ok(HttpResponse::Ok().json(HistoryAnswer {
        messages: history.messages.iter().map(|one| message(one)).collect(),
        has_more: history.has_more,
        epoch: history.epoch.to_string(),
        last_seq: history.last_seq.0,
    }))
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<Arc<str>>, Refused> {
    let Some(value) = request.headers().get("Idempotency-Key") else { return Ok(None) };
    let is_plain = |text: &str| text.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    match value.to_str() {
        Ok(key) if is_plain(key) && !key.is_empty() => Ok(Some(key.into())),
        _ => Err(Refused::bad_request("an idempotency key is of visible ASCII characters")),
    }
}
