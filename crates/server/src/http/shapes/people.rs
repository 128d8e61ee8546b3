//! People, as they are read and written.

use super::{Room, room::present};
use crate::ws::stamp;
use campanile_core as core;
use campanile_protocol::Stamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Credentials {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "ada")]
    pub(in crate::http) name: String,
    #[schema(min_length = 8, max_length = 256, example = "correct horse battery staple")]
    pub(in crate::http) password: String,
}

/// An account to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewUser {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "ada")]
    pub(in crate::http) name: String,
    #[schema(min_length = 8, max_length = 256, example = "correct horse battery staple")]
    pub(in crate::http) password: String,
    /// The code of an invitation, where `server.registration` is `invite`; no other server looks
    /// at it.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(in crate::http) invite: Option<String>,
}

/// A new password, and the one so far.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewPassword {
    #[schema(max_length = 256)]
    pub(in crate::http) old: String,
    #[schema(min_length = 8, max_length = 256)]
    pub(in crate::http) new: String,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct User {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$")]
    pub(in crate::http) name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
    /// Whether the user is an operator.
    operator: bool,
}

/// An answer about a user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct UserAnswer {
    pub(in crate::http) user: User,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct LoginAnswer {
    /// To be sent as a Bearer with every request.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub(in crate::http) token: String,
    #[schema(value_type = String, format = DateTime)]
    pub(in crate::http) expires_at: Stamp,
    pub(in crate::http) user: User,
}

/// Who asks, with every room of theirs.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MeAnswer {
    pub(in crate::http) user: User,
    pub(in crate::http) rooms: Vec<Room>,
}

impl From<&core::user::Account> for User {
    fn from(account: &core::user::Account) -> Self {
        Self {
            name: account.name.to_string(),
            created_at: stamp(account.created_at),
            operator: account.operator,
        }
    }
}
