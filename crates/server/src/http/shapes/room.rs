//! Rooms and their members, as they are read and written.

use crate::{http::numbers, ws::stamp};
use campanile_core as core;
use campanile_protocol::Stamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who may find and enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum RoomKind {
    /// Listed for everyone; anyone may join.
    Public,
    /// Seen by members only; owners invite.
    Private,
    /// Between two users.
    Direct,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Role {
    /// Invites, removes, changes and deletes.
    Owner,
    /// Speaks.
    Member,
}

/// Whether a user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Status {
    /// Connected and reachable.
    Available,
    /// Connected, not looking.
    Away,
    /// Connected, not to be disturbed.
    Dnd,
    /// Not connected, or hiding.
    Unavailable,
}

/// A room.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Room {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$")]
    name: String,
    kind: RoomKind,
    /// What it is about; empty for none.
    topic: String,
    /// Seconds for which its messages are kept; left out where the server's setting holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, nullable = false)]
    retention_seconds: Option<u64>,
    /// How many members it has.
    #[schema(minimum = 0)]
    members: u64,
    /// The sequence number of its last message; 0 before the first.
    #[schema(minimum = 0)]
    last_seq: u64,
    /// Which history the numbers belong to.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    epoch: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
    /// The asker's role, where the asker is a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    role: Option<Role>,
    /// The last message that the asker has read, where the asker is a member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, nullable = false)]
    read_seq: Option<u64>,
    /// The other user of a direct room; the asker in a room with nobody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    with: Option<String>,
}

/// An answer about a room.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RoomAnswer {
    pub(in crate::http) room: Room,
}

/// A room with its members, as many as are listed at once.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RoomWithMembers {
    pub(in crate::http) room: Room,
    pub(in crate::http) member_list: Vec<Member>,
}

/// Rooms by name.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RoomList {
    pub(in crate::http) rooms: Vec<Room>,
    /// Whether there are more after the last of these.
    pub(in crate::http) has_more: bool,
}

/// A public or private room to be made.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NamedRoom {
    #[schema(pattern = r"^(?!dm\.)[a-z0-9._-]{1,64}$", example = "lobby")]
    pub(in crate::http) name: String,
    pub(in crate::http) kind: NamedKind,
}

/// The kind of a room with a name of its own.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum NamedKind {
    Public,
    Private,
}

/// A direct room to be opened.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DirectRoom {
    kind: DirectKind,
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "ada")]
    pub(in crate::http) with: String,
}

/// The kind of a room between two.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum DirectKind {
    Direct,
}

/// A room to be made: a public or private one by name, or the direct one with somebody.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum NewRoom {
    Named(NamedRoom),
    Direct(DirectRoom),
}

impl<'de> Deserialize<'de> for NewRoom {
    /// Tried by kind, so that what is said about a mistake is about that kind.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let read = if value["kind"] == "direct" {
            serde_json::from_value(value).map(Self::Direct)
        } else {
            serde_json::from_value(value).map(Self::Named)
        };
        read.map_err(serde::de::Error::custom)
    }
}

/// What is to be changed of a room; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RoomChange {
    /// What it is about, at most 1024 bytes of UTF-8; empty for nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(max_length = 1024, nullable = false)]
    pub(in crate::http) topic: Option<String>,
    /// Seconds for which its messages are kept, whatever the server's setting is; null for the
    /// server's setting.
    #[serde(default, deserialize_with = "numbers::or_null_in_json")]
    #[schema(value_type = Option<u64>, minimum = 1, maximum = 3_155_760_000_u64)]
    pub(in crate::http) retention_seconds: Option<Option<u64>>,
}

/// What a member is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewMember {
    /// Left out: a member for somebody new, and no change for a member.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(in crate::http) role: Option<Role>,
}

/// A member of a room.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Member {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$")]
    user: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<Status>,
    /// When the user's last connection ended; left out before the first did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    last_seen: Option<Stamp>,
    /// The last message this member has read; 0 for none.
    #[schema(minimum = 0)]
    read_seq: u64,
}

/// An answer about a member.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct MemberAnswer {
    pub(in crate::http) member: Member,
}

impl From<&core::room::Room> for Room {
    fn from(room: &core::room::Room) -> Self {
        Self {
            name: room.name.to_string(),
            kind: room.kind.into(),
            topic: room.topic.clone(),
            retention_seconds: room.retention.map(|kept| kept.as_secs()),
            members: room.members,
            last_seq: room.last_seq.0,
            epoch: room.epoch.to_string(),
            created_at: stamp(room.created_at),
            role: None,
            read_seq: None,
            with: None,
        }
    }
}

impl Room {
    /// A room as one of its members sees it.
    pub(in crate::http) fn of_member(room: &core::room::Room, member: &core::room::Member) -> Self {
        Self {
            role: Some(member.role.into()),
            read_seq: Some(member.read_seq.0),
            ..Self::from(room)
        }
    }

    /// A direct room, with whom.
    pub(in crate::http) fn with(mut self, other: String) -> Self {
        self.with = Some(other);
        self
    }
}

impl From<&core::room::Member> for Member {
    fn from(member: &core::room::Member) -> Self {
        Self {
            user: member.user.to_string(),
            role: member.role.into(),
            status: None,
            last_seen: member.last_seen.map(stamp),
            read_seq: member.read_seq.0,
        }
    }
}

impl From<&(core::room::Member, core::user::Status)> for Member {
    fn from((member, status): &(core::room::Member, core::user::Status)) -> Self {
        Self { status: Some((*status).into()), ..Self::from(member) }
    }
}

impl From<core::room::RoomKind> for RoomKind {
    fn from(kind: core::room::RoomKind) -> Self {
        match kind {
            core::room::RoomKind::Public => Self::Public,
            core::room::RoomKind::Private => Self::Private,
            core::room::RoomKind::Direct => Self::Direct,
        }
    }
}

impl From<NamedKind> for core::room::RoomKind {
    fn from(kind: NamedKind) -> Self {
        match kind {
            NamedKind::Public => Self::Public,
            NamedKind::Private => Self::Private,
        }
    }
}

impl From<core::room::Role> for Role {
    fn from(role: core::room::Role) -> Self {
        match role {
            core::room::Role::Owner => Self::Owner,
            core::room::Role::Member => Self::Member,
        }
    }
}

impl From<Role> for core::room::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Member => Self::Member,
        }
    }
}

impl From<core::user::Status> for Status {
    fn from(status: core::user::Status) -> Self {
        match status {
            core::user::Status::Available => Self::Available,
            core::user::Status::Away => Self::Away,
            core::user::Status::DoNotDisturb => Self::Dnd,
            core::user::Status::Unavailable => Self::Unavailable,
        }
    }
}

/// A field that may be left out but not be null.
pub(super) fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
