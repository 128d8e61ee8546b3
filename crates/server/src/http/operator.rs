//! What operators do: banning users.

use super::{asked::Operator, edge::Edge};
use crate::{logs::events, reply::Refused};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use campanile_core::{name::UserName, port::AccountChange};

/// Bans a user: ends all sessions, and lets nobody log in.
#[utoipa::path(
    put, path = "/api/v1/users/{user}/ban", tag = "operators", operation_id = "banUser",
    params(("user" = String, Path, description = "The user's name.", pattern = "^[a-z0-9._-]{1,64}$")),
    responses(
        (status = 204, description = "The user is banned."),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such user."),
        (status = 409, description = "Nobody bans themselves."),
    ),
)]
pub(super) async fn ban(
    edge: Data<Edge>,
    operator: Operator,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    let name = UserName::parse(&path)?;
    if name == operator.user {
        return Err(Refused::conflict("nobody bans themselves"));
    }
    set_banned(&edge, &name, true).await
}

/// Lets a banned user log in again.
#[utoipa::path(
    delete, path = "/api/v1/users/{user}/ban", tag = "operators", operation_id = "unbanUser",
    params(("user" = String, Path, description = "The user's name.", pattern = "^[a-z0-9._-]{1,64}$")),
    responses(
        (status = 204, description = "The user is banned no longer."),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such user."),
    ),
)]
pub(super) async fn unban(
    edge: Data<Edge>,
    _operator: Operator,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    set_banned(&edge, &UserName::parse(&path)?, false).await
}

async fn set_banned(edge: &Edge, name: &UserName, banned: bool) -> Result<HttpResponse, Refused> {
    let account = edge.chat.change_account(name, AccountChange::Banned(banned)).await?;
    let account = account.ok_or_else(|| Refused::not_found("there is no such user"))?;
    events::BanChanged { account: &account.name, banned }.emit();
    Ok(HttpResponse::NoContent().finish())
}
