//! Accounts: making one, and a new password.

use super::{
    asked::{Caller, Sent},
    edge::Edge,
    shapes::{Credentials, NewPassword, UserAnswer},
};
use crate::{
    config::Registration,
    password::{Checked, PasswordError},
    reply::Refused,
};
use actix_web::{HttpResponse, web::Data};
use campanile_core::{
    chat::Limited,
    name::UserName,
    port::{AccountChange, Limiter, LimiterContext, NewAccount},
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
/// The first account of a new server is an operator's.
#[utoipa::path(
    post, path = "/api/v1/users", tag = "accounts", operation_id = "createUser",
    request_body = Credentials, security(()),
    responses(
        (status = 201, description = "It is made.", body = UserAnswer),
        (status = 403, description = "Accounts are made by operators here."),
        (status = 409, description = "The name is taken."),
    ),
)]
pub(super) async fn create(edge: Data<Edge>, sent: Sent) -> Result<HttpResponse, Refused> {
    if edge.settings.registration != Registration::Open {
        return Err(Refused::forbidden("accounts are made by operators here"));
    }
    let Credentials { name, password } = sent.json().await?;
    let name = UserName::parse(&name)?;
    let password = edge.passwords.hash(password).await?;
    let created_at = edge.chat.clock().now();
    let account = NewAccount { name, password, operator: false, created_at };
    let account = edge.chat.register(account).await?;
    tracing::info!(user = %account.name, operator = account.operator, "account made");
    Ok(HttpResponse::Created().json(UserAnswer { user: (&account).into() }))
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
    limit_guesses(&edge, &caller.user).await?;
    let account = edge.chat.account(&caller.user).await?;
    let known = account.map(|account| account.password);
    if edge.passwords.check(old, known).await? == Checked::Wrong {
        return Err(Refused::forbidden("the old password is another one"));
    }
    let password = AccountChange::Password(edge.passwords.hash(new).await?);
    edge.chat.change_account(&caller.user, password).await?;
    tracing::info!(user = %caller.user, "password changed");
    Ok(HttpResponse::NoContent().finish())
}

/// Lets only so many passwords be tried on one account.
pub(super) async fn limit_guesses(edge: &Edge, user: &UserName) -> Result<(), Limited> {
    let by_account = (Limiter::Auth, LimiterContext::User);
    edge.chat.pass(by_account, user.as_str(), |rates| rates.logins_per_user).await
}
