//! Membership: joining, inviting, roles, leaving, removing.

use super::{
    asked::{Caller, Sent},
    edge::Edge,
    shapes::{MemberAnswer, NewMember},
};
use crate::reply::Refused;
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use campanile_core::{
    labels::{MessageKind, Transport},
    name::{RoomName, UserName},
};

/// Joins a public room, invites somebody, or gives a member a role.
#[utoipa::path(
    put, path = "/api/v1/rooms/{room}/members/{user}", tag = "rooms", operation_id = "putMember",
    params(
        ("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$"),
        ("user" = String, Path, description = "The user's name.", pattern = "^[a-z0-9._-]{1,64}$"),
    ),
    request_body = NewMember,
    responses(
        (status = 200, description = "A member, as asked for.", body = MemberAnswer),
        (status = 403, description = "The asker is no owner, or the room is a direct one."),
        (status = 404, description = "There is no such room or user."),
        (status = 409, description = "The room is full, or would be left without an owner."),
    ),
)]
pub(super) async fn put(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<(String, String)>,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let (room, user) = names(&path)?;
    let NewMember { role } = sent.json().await?;
    edge.chat.count_received(Transport::LongPoll, MessageKind::Control);
    let role = role.map(Into::into);
    let member = edge.chat.put_member(&caller.user, &room, &user, role).await?;
    Ok(HttpResponse::Ok().json(MemberAnswer { member: (&member).into() }))
}

/// Leaves a room, or removes somebody from it.
#[utoipa::path(
    delete, path = "/api/v1/rooms/{room}/members/{user}", tag = "rooms", operation_id = "removeMember",
    params(
        ("room" = String, Path, description = "The room's name.", pattern = "^[a-z0-9._-]{1,64}$"),
        ("user" = String, Path, description = "The user's name.", pattern = "^[a-z0-9._-]{1,64}$"),
    ),
    responses(
        (status = 204, description = "A member no longer."),
        (status = 403, description = "The asker is no owner, or the room is a direct one."),
        (status = 404, description = "There is no such room or member."),
        (status = 409, description = "The last owner cannot go while others stay."),
    ),
)]
pub(super) async fn remove(
    edge: Data<Edge>,
    caller: Caller,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Refused> {
    let (room, user) = names(&path)?;
    edge.chat.count_received(Transport::LongPoll, MessageKind::Control);
    edge.chat.remove_member(&caller.user, &room, &user).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn names((room, user): &(String, String)) -> Result<(RoomName, UserName), Refused> {
    Ok((RoomName::parse(room)?, UserName::parse(user)?))
}
