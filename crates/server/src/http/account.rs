//! Accounts: making one, and a new password.

use super::{
    asked::{Caller, Sent},
    edge::Edge,
    session::{LoginError, refused},
    shapes::{NewPassword, NewUser, UserAnswer},
};
use crate::{
    config::Registration,
    logs::{events, here},
    password::{Checked, PasswordError},
    reply::Refused,
    token,
};
use actix_web::{HttpResponse, web::Data};
use campanile_core::{
    chat::Limited,
    invite::InviteHash,
    name::UserName,
    port::{AccountChange, CreateAccountError, Limiter, LimiterContext, NewAccount},
};

impl From<PasswordError> for Refused {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Self::unavailable(error.to_string()),
            PasswordError::Length => Self::bad_request(error.to_string()),
        }
    }
}

/// Makes an account.
///
/// The first account of a new server is an operator's. Where `server.registration` is `invite`, it
/// takes the code of an invitation.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "accounts", operation_id = "createUser",
    request_body = NewUser, security(()),
    responses(
        (status = 201, description = "It is made.", body = UserAnswer),
        (status = 403, description = "Accounts are made by operators here, or by whoever is invited."),
        (status = 409, description = "The name is taken."),
    ),
)]
pub(super) async fn create(edge: Data<Edge>, sent: Sent) -> Result<HttpResponse, Refused> {
    let registration = edge.settings.registration;
    if registration == Registration::Closed {
        return Err(Refused::forbidden("accounts are made by operators here"));
    }
    let NewUser { name, password, invite } = sent.json().await?;
    let name = UserName::parse(&name)?;
    let invite = match registration {
        Registration::Invite => Some(invited(&edge, invite).await?),
        _ => None,
    };
    let password = edge.passwords.hash(password).await?;
    let created_at = edge.chat.clock().now();
    let account = NewAccount { name, password, operator: false, created_at, invite };
    let account = edge.chat.register(account).await?;
    here::is_for(&account.name);
    events::AccountMade { operator: account.operator }.emit();
    Ok(HttpResponse::Created().json(UserAnswer { user: (&account).into() }))
}

/// The invitation of a code that lets somebody in; asked before the password is hashed, which takes
/// long.
async fn invited(edge: &Edge, code: Option<String>) -> Result<InviteHash, Refused> {
    let code = code.ok_or_else(|| Refused::forbidden("accounts are made by invitation here"))?;
    let hash = token::invite_hash(&code);
    match edge.chat.is_invited(hash).await? {
        true => Ok(hash),
        false => Err(CreateAccountError::NotInvited.into()),
    }
}

/// Gives the asker a new password.
///
/// It ends all sessions of the asker, this one too.
#[utoipa::path(
    put, path = "/api/v1/me/password", tag = "accounts", operation_id = "changePassword",
    request_body = NewPassword,
    responses(
        (status = 204, description = "It is changed."),
        (status = 403, description = "The old password is another one."),
    ),
)]
pub(super) async fn change_password(
    edge: Data<Edge>,
    caller: Caller,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let NewPassword { old, new } = sent.json().await?;
    crate::password::check_length(&new)?;
    if let Err(error) = prove_again(&edge, &caller.user, old).await {
        refused(&edge, &error);
        return Err(match error {
            LoginError::Wrong => Refused::forbidden("the old password is another one"),
            other => other.into(),
        });
    }
    let password = AccountChange::Password(edge.passwords.hash(new).await?);
    edge.chat.change_account(&caller.user, password).await?;
    events::PasswordChanged {}.emit();
    Ok(HttpResponse::NoContent().finish())
}

/// Whether the user knows the password of the account.
async fn prove_again(edge: &Edge, user: &UserName, password: String) -> Result<(), LoginError> {
    limit_guesses(edge, user).await?;
    let known = edge.chat.account(user).await?.map(|account| account.password);
    match edge.passwords.check(password, known).await? {
        Checked::Wrong => Err(LoginError::Wrong),
        Checked::Right { .. } => Ok(()),
    }
}

/// Lets only so many passwords be tried on one account.
pub(super) async fn limit_guesses(edge: &Edge, user: &UserName) -> Result<(), Limited> {
    let by_account = (Limiter::Auth, LimiterContext::User);
    edge.chat.pass(by_account, user.as_str(), |rates| rates.logins_per_user).await
}
