//! Invitations, as they are read and written.

use crate::{config, http::numbers, token, ws::stamp};
use campanile_core::invite as core;
use campanile_protocol::Stamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An invitation to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewInvite {
    /// How many accounts may be made with it; 1 when it is left out.
    #[serde(default, deserialize_with = "numbers::in_json")]
    #[schema(value_type = u64, minimum = 1, maximum = 1000, default = 1)]
    pub(in crate::http) uses: Option<u64>,
    /// Seconds for which it lets somebody in; a week when it is left out, at most a year.
    #[serde(default, deserialize_with = "numbers::in_json")]
    #[schema(value_type = u64, minimum = 1, maximum = 31_536_000, default = 604_800)]
    pub(in crate::http) lifetime_seconds: Option<u64>,
}

/// An invitation.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Invite {
    /// What it is known by; it does not tell the code.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    id: String,
    /// The operator who made it; left out for one made on the command line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    made_by: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    made_at: Stamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Stamp,
    #[schema(minimum = 1)]
    uses_left: u32,
}

/// A new invitation with its code.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct InviteAnswer {
    pub(in crate::http) invite: Invite,
    /// What whoever is invited gives with the name and the password. It is shown this once.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub(in crate::http) code: String,
}

/// The invitations that let somebody in.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct InviteList {
    /// The newest first.
    pub(in crate::http) invites: Vec<Invite>,
}

/// Who may make an account.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Registration {
    /// Anyone.
    Open,
    /// Nobody; operators make accounts.
    Closed,
    /// Whoever has the code of an invitation.
    Invite,
}

/// An answer about who may make an account.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RegistrationAnswer {
    pub(in crate::http) registration: Registration,
}

impl From<&core::Invite> for Invite {
    fn from(invite: &core::Invite) -> Self {
        Self {
            id: token::hex(&invite.hash.0),
            made_by: invite.made_by.as_ref().map(ToString::to_string),
            made_at: stamp(invite.made_at),
            expires_at: stamp(invite.expires_at),
            uses_left: invite.uses_left,
        }
    }
}

impl From<config::Registration> for Registration {
    fn from(registration: config::Registration) -> Self {
        match registration {
            config::Registration::Open => Self::Open,
            config::Registration::Closed => Self::Closed,
            config::Registration::Invite => Self::Invite,
        }
    }
}
