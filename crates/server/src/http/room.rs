//! Rooms: making, finding, changing and deleting them.

use super::{
    asked::{Caller, Sent},
    edge::Edge,
    numbers,
    session::counterpart,
    shapes::{
        DirectRoom, Member, NamedRoom, NewRoom, Room, RoomAnswer, RoomChange, RoomList,
        RoomWithMembers,
    },
};
use crate::{limits::PAGE_MAX, logs::events, reply::Refused};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path, Query},
};
use campanile_core::{
    name::{RoomName, UserName},
    port,
    room::{self, RoomKind},
};
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;

/// Rooms in one page, unless another number is asked for.
const PAGE: u64 = 100;

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Listing {
    /// The rooms after the one of this name.
    #[param(pattern = "^[a-z0-9._-]{1,64}$", nullable = false)]
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 200, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    limit: Option<u64>,
}

/// Makes a public or private room, or opens the direct room with somebody.
#[utoipa::path(
    post, path = "/api/v1/rooms", tag = "rooms", operation_id = "createRoom",
    request_body = NewRoom,
    responses(
        (status = 200, description = "The direct room was there.", body = RoomAnswer),
        (status = 201, description = "It is made.", body = RoomAnswer),
        (status = 404, description = "There is no such user."),
        (status = 409, description = "There is a room of this name."),
    ),
)]
pub(super) async fn create(
    edge: Data<Edge>,
    caller: Caller,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    match sent.json().await? {
        NewRoom::Named(NamedRoom { name, kind }) => {
            let name = RoomName::parse_chosen(&name)?;
            let room = edge.chat.create_room(&caller.user, name, kind.into()).await?;
            events::RoomMade { room: &room.name }.emit();
            answer(&edge, StatusCode::CREATED, &caller.user, &room).await
        }
        NewRoom::Direct(DirectRoom { with, .. }) => {
            let with = UserName::parse(&with)?;
            let (room, is_new) = edge.chat.open_direct(&caller.user, &with).await?;
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            answer(&edge, status, &caller.user, &room).await
        }
    }
}

/// Public rooms and the asker's own, by name.
#[utoipa::path(
    get, path = "/api/v1/rooms", tag = "rooms", operation_id = "listRooms",
    params(Listing),
    responses(
        (status = 200, description = "Rooms.", body = RoomList),
    ),
)]
pub(super) async fn list(
    edge: Data<Edge>,
    caller: Caller,
    listing: Query<Listing>,
) -> Result<HttpResponse, Refused> {
    let after = listing.after.as_deref().map(RoomName::parse).transpose()?;
    let limit = numbers::up_to(PAGE_MAX, "limit", listing.limit.unwrap_or(PAGE))?;
    let mut rooms = edge.chat.rooms(&caller.user, after.as_ref(), limit + 1).await?;
    let has_more = rooms.len() > limit;
    rooms.truncate(limit);
    let rooms = rooms.iter().map(Room::from).collect();
    Ok(HttpResponse::Ok().json(RoomList { rooms, has_more }))
}

/// One room, with its members.
#[utoipa::path(
    get, path = "/api/v1/rooms/{room}", tag = "rooms", operation_id = "showRoom",
    params(("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$")),
    responses(
        (status = 200, description = "The room.", body = RoomWithMembers),
        (status = 404, description = "There is no such room, or none to be seen."),
    ),
)]
pub(super) async fn show(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    let name = RoomName::parse(&path)?;
    let room = edge.chat.room(&caller.user, &name).await?;
    let listed_max = edge.chat.limits().members_listed_max;
    let members = edge.chat.members(&caller.user, &name, None, listed_max).await?;
    let member_list = members.iter().map(Member::from).collect();
    let room = seen(&edge, &caller.user, &room).await?;
    Ok(HttpResponse::Ok().json(RoomWithMembers { room, member_list }))
}

/// Says what a room is about, or how long its messages are kept. Owners only.
#[utoipa::path(
    patch, path = "/api/v1/rooms/{room}", tag = "rooms", operation_id = "changeRoom",
    params(("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$")),
    request_body = RoomChange,
    responses(
        (status = 200, description = "It is changed.", body = RoomAnswer),
        (status = 403, description = "The asker is no owner."),
        (status = 404, description = "There is no such room, or none to be seen."),
    ),
)]
pub(super) async fn change(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<String>,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let name = RoomName::parse(&path)?;
    let RoomChange { topic, retention_seconds } = sent.json().await?;
    let retention = retention_seconds.map(|seconds| seconds.map(Duration::from_secs));
    let change = port::RoomChange { topic, retention };
    let room = edge.chat.change_room(&caller.user, &name, change).await?;
    if let Some(seconds) = retention_seconds {
        events::RetentionChanged { room: &name, seconds }.emit();
    }
    answer(&edge, StatusCode::OK, &caller.user, &room).await
}

/// Deletes a room with everything in it. Owners only.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{room}", tag = "rooms", operation_id = "deleteRoom",
    params(("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 403, description = "The asker is no owner."),
        (status = 404, description = "There is no such room, or none to be seen."),
    ),
)]
pub(super) async fn delete(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    let name = RoomName::parse(&path)?;
    edge.chat.delete_room(&caller.user, &name).await?;
    events::RoomDeleted { room: &name }.emit();
    Ok(HttpResponse::NoContent().finish())
}

async fn answer(
    edge: &Edge,
    status: StatusCode,
    asker: &UserName,
    room: &room::Room,
) -> Result<HttpResponse, Refused> {
    let room = seen(edge, asker, room).await?;
    Ok(HttpResponse::build(status).json(RoomAnswer { room }))
}

/// The room as the asker sees it.
async fn seen(edge: &Edge, asker: &UserName, room: &room::Room) -> Result<Room, Refused> {
    let shown = Room::from(room);
    Ok(match room.kind {
        RoomKind::Direct => shown.with(counterpart(edge, asker, room).await?),
        RoomKind::Public | RoomKind::Private => shown,
    })
}
