//! Invitations: operators make, list and revoke them.

use super::{
    asked::{Operator, Sent},
    edge::Edge,
    shapes::{InviteAnswer, InviteList, NewInvite, RegistrationAnswer},
};
use crate::{logs::events, reply::Refused, token};
use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use std::{ops::RangeInclusive, time::Duration};

/// How many accounts an invitation may be for.
const USES: RangeInclusive<u64> = 1..=1_000;

/// Seconds that an invitation may last: up to a year.
const LIFETIME: RangeInclusive<u64> = 1..=365 * 86_400;

/// Seconds that one lasts when nothing is said.
const WEEK: u64 = 7 * 86_400;

/// Says who may make an account.
#[utoipa::path(
    get, path = "/api/v1/registration", tag = "accounts", operation_id = "showRegistration",
    security(()),
    responses(
        (status = 200, description = "Who may.", body = RegistrationAnswer),
    ),
)]
pub(super) async fn registration(edge: Data<Edge>) -> HttpResponse {
    HttpResponse::Ok().json(RegistrationAnswer { registration: edge.settings.registration.into() })
}

/// Makes an invitation, and shows its code this once.
///
/// Codes are asked for where `server.registration` is `invite`.
#[utoipa::path(
    post, path = "/api/v1/invites", tag = "operators", operation_id = "createInvite",
    request_body = NewInvite,
    responses(
        (status = 201, description = "It is made.", body = InviteAnswer),
        (status = 403, description = "The asker is no operator."),
        (status = 409, description = "Too many invitations would be kept."),
    ),
)]
pub(super) async fn create(
    edge: Data<Edge>,
    operator: Operator,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let NewInvite { uses, lifetime_seconds } = sent.json().await?;
    let uses = within("uses", uses.unwrap_or(1), USES)?;
    let seconds = within("lifetime_seconds", lifetime_seconds.unwrap_or(WEEK), LIFETIME)?;
    let code = token::new();
    let (hash, lifetime) = (token::invite_hash(&code), Duration::from_secs(seconds));
    let invite = edge.chat.invite(&operator.user, hash, uses as u32, lifetime).await?;
    events::InvitationMade { uses, lifetime_seconds: seconds }.emit();
    Ok(HttpResponse::Created().json(InviteAnswer { invite: (&invite).into(), code }))
}

/// Lists the invitations that still let somebody in, the newest first.
#[utoipa::path(
    get, path = "/api/v1/invites", tag = "operators", operation_id = "listInvites",
    responses(
        (status = 200, description = "The invitations.", body = InviteList),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn list(edge: Data<Edge>, _operator: Operator) -> Result<HttpResponse, Refused> {
    let invites = edge.chat.invites().await?;
    Ok(HttpResponse::Ok().json(InviteList { invites: invites.iter().map(Into::into).collect() }))
}

/// Takes an invitation back. Accounts that were made with it stay.
#[utoipa::path(
    delete, path = "/api/v1/invites/{invite}", tag = "operators", operation_id = "revokeInvite",
    params(("invite" = String, Path, description = "The invitation's id.", pattern = "^[0-9a-f]{64}$")),
    responses(
        (status = 204, description = "It lets nobody in any more."),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such invitation."),
    ),
)]
pub(super) async fn revoke(
    edge: Data<Edge>,
    _operator: Operator,
    path: Path<String>,
) -> Result<HttpResponse, Refused> {
    let hash = token::parse_invite_hash(&path)
        .ok_or_else(|| Refused::bad_request("an invitation's id has 64 hexadecimal digits"))?;
    if !edge.chat.revoke_invite(hash).await? {
        return Err(Refused::not_found("there is no such invitation"));
    }
    events::InvitationRevoked {}.emit();
    Ok(HttpResponse::NoContent().finish())
}

fn within(what: &str, number: u64, range: RangeInclusive<u64>) -> Result<u64, Refused> {
    if range.contains(&number) {
        return Ok(number);
    }
    let (least, most) = (range.start(), range.end());
    Err(Refused::bad_request(format!("{what} is a number from {least} to {most}")))
}
