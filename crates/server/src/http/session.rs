//! Sessions: logging in and out, and who one is.

use super::{
    account::limit_guesses,
    asked::{Caller, Sent},
    edge::Edge,
    shapes::{Credentials, LoginAnswer, MeAnswer, Room},
};
use crate::{
    logs::{events, here},
    password::{Checked, PasswordError},
    reply::Refused,
    token,
    ws::stamp,
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use campanile_core::{
    chat::Limited,
    labels::{AuthRefusal, Mechanism},
    name::UserName,
    port::{AccountChange, Fault, Limiter, LimiterContext},
    room::{self, RoomKind},
    user::Account,
};

/// Why a password was refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error("{0}")]
    Malformed(Refused),
    #[error("there is no such user, or the password is another one")]
    Unknown,
    #[error("there is no such user, or the password is another one")]
    Wrong,
    #[error("this account is banned")]
    Banned,
    #[error(transparent)]
    Limited(#[from] Limited),
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Logs in.
#[utoipa::path(
    post, path = "/api/v1/login", tag = "sessions", operation_id = "logIn",
    request_body = Credentials, security(()),
    responses(
        (status = 200, description = "A session is open.", body = LoginAnswer),
        (status = 401, description = "No such user, or another password."),
        (status = 403, description = "The account is banned."),
    ),
)]
pub(super) async fn log_in(
    edge: Data<Edge>,
    request: HttpRequest,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let started = edge.chat.clock().moment();
    let address = edge.settings.proxies.client(&request).to_string();
    let proved = prove(&edge, &address, sent).await;
    let metrics = &edge.chat.metrics().auth;
    metrics.duration.observe(edge.chat.clock().moment().since(started), Mechanism::Plain);
    let opened = match proved {
        Ok(account) => open(&edge, &account).await.map_err(LoginError::Fault),
        Err(error) => Err(error),
    };
    match opened {
        Ok(answer) => {
            metrics.successes.increment(Mechanism::Plain);
            events::LoggedIn {}.emit();
            Ok(HttpResponse::Ok().json(answer))
        }
        Err(error) => {
            refused(&edge, &error);
            Err(error.into())
        }
    }
}

/// Counts and tells that a password was refused.
pub(super) fn refused(edge: &Edge, error: &LoginError) {
    let (mechanism, reason) = (Mechanism::Plain, AuthRefusal::from(error));
    edge.chat.metrics().auth.failures.increment(mechanism, reason);
    events::AuthenticationFailed { mechanism, reason }.emit();
}

/// Logs out: ends the session, and its connections.
#[utoipa::path(
    post, path = "/api/v1/logout", tag = "sessions", operation_id = "logOut",
    responses(
        (status = 204, description = "The session is over."),
    ),
)]
pub(super) async fn log_out(edge: Data<Edge>, caller: Caller) -> Result<HttpResponse, Refused> {
    edge.chat.log_out(caller.token).await?;
    events::LoggedOut {}.emit();
    Ok(HttpResponse::NoContent().finish())
}

/// Who asks, with every room of theirs.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "sessions", operation_id = "me",
    responses(
        (status = 200, description = "The asker.", body = MeAnswer),
    ),
)]
pub(super) async fn me(edge: Data<Edge>, caller: Caller) -> Result<HttpResponse, Refused> {
    let account = edge.chat.account(&caller.user).await?;
    let account = account.ok_or_else(|| Refused::unauthenticated("the account is gone"))?;
    let mut rooms = Vec::new();
    for (room, member) in edge.chat.rooms_of(&caller.user).await? {
        let shown = Room::of_member(&room, &member);
        rooms.push(match room.kind {
            RoomKind::Direct => shown.with(counterpart(&edge, &caller.user, &room).await?),
            RoomKind::Public | RoomKind::Private => shown,
        });
    }
    Ok(HttpResponse::Ok().json(MeAnswer { user: (&account).into(), rooms }))
}

/// The other one in a direct room; the asker alone in a room with nobody else.
pub(super) async fn counterpart(
    edge: &Edge,
    asker: &UserName,
    room: &room::Room,
) -> Result<String, Fault> {
    let members = edge.chat.ports().members.members(&room.name, None, 2).await?;
    let other = members.into_iter().map(|member| member.user).find(|user| user != asker);
    Ok(other.unwrap_or_else(|| asker.clone()).to_string())
}

/// The account of whoever proves to own it.
async fn prove(edge: &Edge, address: &str, sent: Sent) -> Result<Account, LoginError> {
    let sent = sent.json::<Credentials>().await;
    let Credentials { name, password } = sent.map_err(LoginError::Malformed)?;
    let name = UserName::parse(&name).map_err(|error| LoginError::Malformed(error.into()))?;
    let by_address = (Limiter::Auth, LimiterContext::Ip);
    edge.chat.pass(by_address, address, |rates| rates.logins_per_address).await?;
    limit_guesses(edge, &name).await?;
    let account = edge.chat.account(&name).await?;
    let known = account.as_ref().map(|account| account.password.clone());
    let checked = edge.passwords.check(password, known).await?;
    let account = account.ok_or(LoginError::Unknown)?;
    here::is_for(&account.name);
    match checked {
        Checked::Wrong => Err(LoginError::Wrong),
        Checked::Right { .. } if account.banned => Err(LoginError::Banned),
        Checked::Right { stronger: None } => Ok(account),
        Checked::Right { stronger: Some(stronger) } => {
            let change = AccountChange::Password(stronger);
            // The port, not the chat: the same password hashed anew ends no session.
            edge.chat.ports().accounts.change(&account.name, change).await?;
            Ok(account)
        }
    }
}

async fn open(edge: &Edge, account: &Account) -> Result<LoginAnswer, Fault> {
    let token = token::new();
    let lifetime = edge.settings.token_lifetime;
    let session = edge.chat.open_session(account, token::hash(&token), lifetime).await?;
    let expires_at = stamp(session.expires_at);
    let user = account.into();
    Ok(LoginAnswer { token, expires_at, user })
}

impl From<&LoginError> for AuthRefusal {
    fn from(error: &LoginError) -> Self {
        match error {
            LoginError::Malformed(_) => Self::Malformed,
            LoginError::Unknown => Self::UnknownUser,
            LoginError::Wrong => Self::BadCredentials,
            LoginError::Banned => Self::Disabled,
            LoginError::Limited(_) => Self::RateLimited,
            LoginError::Password(PasswordError::Length) => Self::Malformed,
            LoginError::Password(PasswordError::Busy) | LoginError::Fault(_) => Self::BackendError,
        }
    }
}

impl From<LoginError> for Refused {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Malformed(refused) => refused,
            LoginError::Unknown | LoginError::Wrong => Self::unauthenticated(error.to_string()),
            LoginError::Banned => Self::forbidden(error.to_string()),
            LoginError::Limited(limited) => limited.into(),
            LoginError::Password(error) => error.into(),
            LoginError::Fault(fault) => fault.into(),
        }
    }
}
