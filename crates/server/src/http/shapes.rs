//! The objects of the REST interface, as they are read and written.

use crate::ws::stamp;
use campanile_core as core;
use campanile_protocol::{Message, Stamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "ada")]
    pub(super) name: String,
    #[schema(min_length = 8, max_length = 256, example = "correct horse battery staple")]
    pub(super) password: String,
}

/// A new password, and the one so far.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    #[schema(max_length = 256)]
    pub(super) old: String,
    #[schema(min_length = 8, max_length = 256)]
    pub(super) new: String,
}

/// A user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$")]
    name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
    /// Whether the user is an operator.
    operator: bool,
}

/// An answer about a user.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserAnswer {
    pub(super) user: User,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginAnswer {
    /// To be sent as a Bearer with every request.
    #[schema(pattern = "^[A-Za-z0-9_-]{43}$")]
    pub(super) token: String,
    #[schema(value_type = String, format = DateTime)]
    pub(super) expires_at: Stamp,
    pub(super) user: User,
}

/// Who asks, with every room of theirs.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MeAnswer {
    pub(super) user: User,
    pub(super) rooms: Vec<Room>,
}

/// Who may find and enter a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RoomKind {
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
pub(super) enum Role {
    /// Invites, removes, changes and deletes.
    Owner,
    /// Speaks.
    Member,
}

/// Whether a user is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
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
pub(super) struct Room {
    #[schema(pattern = "^[a-z0-9._-]{1,64}$")]
    name: String,
    kind: RoomKind,
    /// What it is about; empty for none.
    topic: String,
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
pub(super) struct RoomAnswer {
    pub(super) room: Room,
}

/// A room with its members, as many as are listed at once.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomWithMembers {
    pub(super) room: Room,
    pub(super) member_list: Vec<Member>,
}

/// Rooms by name.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomList {
    pub(super) rooms: Vec<Room>,
    /// Whether there are more after the last of these.
    pub(super) has_more: bool,
}

/// A public or private room to be made.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedRoom {
    #[schema(pattern = r"^(?!dm\.)[a-z0-9._-]{1,64}$", example = "lobby")]
    pub(super) name: String,
    pub(super) kind: NamedKind,
}

/// The kind of a room with a name of its own.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum NamedKind {
    Public,
    Private,
}

/// A direct room to be opened.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DirectRoom {
    kind: DirectKind,
    #[schema(pattern = "^[a-z0-9._-]{1,64}$", example = "ada")]
    pub(super) with: String,
}

/// The kind of a room between two.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum DirectKind {
    Direct,
}

/// A room to be made: a public or private one by name, or the direct one with somebody.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum NewRoom {
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

/// What is to be changed of a room.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomChange {
    /// What it is about, at most 1024 bytes of UTF-8; empty for nothing.
    #[schema(max_length = 1024)]
    pub(super) topic: String,
}

/// What a member is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMember {
    /// Left out: a member for somebody new, and no change for a member.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(super) role: Option<Role>,
}

/// A member of a room.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Member {
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
pub(super) struct MemberAnswer {
    pub(super) member: Member,
}

/// A message to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    /// At most 16384 bytes of UTF-8, and not only white space.
    #[schema(min_length = 1, max_length = 16384, pattern = r"[!-~]", example = "Good morning.")]
    pub(super) body: String,
    /// The `seq` of the message it answers, in the same room.
    #[serde(default, deserialize_with = "super::numbers::in_json")]
    #[schema(minimum = 1, maximum = 9007199254740991_i64, nullable = false)]
    pub(super) reply_to: Option<u64>,
}

/// What became of a sent message: it is in the store.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SentMessage {
    /// Its place in the room.
    #[schema(minimum = 1)]
    pub(super) seq: u64,
    pub(super) message_id: String,
    #[schema(value_type = String, format = DateTime)]
    pub(super) at: Stamp,
    /// Whether the idempotency key had been used: this is the first message then.
    pub(super) duplicate: bool,
}

/// A page of a room's messages.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryAnswer {
    /// Ascending by `seq`.
    #[schema(value_type = Vec<StoredMessage>)]
    pub(super) messages: Vec<Message>,
    /// Whether there is more beyond the page, in the direction asked for.
    pub(super) has_more: bool,
    /// Which history the numbers belong to.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    pub(super) epoch: String,
    /// The room's last message; 0 before the first.
    #[schema(minimum = 0)]
    pub(super) last_seq: u64,
}

/// A stored message.
///
/// It describes the protocol's message to readers of the API.
#[derive(Serialize, ToSchema)]
#[schema(as = Message)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredMessage {
    room: String,
    #[schema(minimum = 1)]
    seq: u64,
    message_id: String,
    from: String,
    /// Empty once deleted.
    body: String,
    #[schema(format = DateTime)]
    at: String,
    /// The sender's idempotency key.
    #[schema(nullable = false)]
    key: Option<String>,
    /// The `seq` of the message it answers.
    #[schema(minimum = 1, nullable = false)]
    reply_to: Option<u64>,
    #[schema(format = DateTime, nullable = false)]
    edited_at: Option<String>,
    /// Whether it was deleted: its place stays.
    #[schema(nullable = false)]
    deleted: Option<bool>,
    #[schema(nullable = false)]
    reactions: Option<Vec<Reaction>>,
}

/// One kind of reaction to a message.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reaction {
    emoji: String,
    users: Vec<String>,
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

impl From<&core::room::Room> for Room {
    fn from(room: &core::room::Room) -> Self {
        Self {
            name: room.name.to_string(),
            kind: room.kind.into(),
            topic: room.topic.clone(),
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
    pub(super) fn of_member(room: &core::room::Room, member: &core::room::Member) -> Self {
        Self {
            role: Some(member.role.into()),
            read_seq: Some(member.read_seq.0),
            ..Self::from(room)
        }
    }

    /// A direct room, with whom.
    pub(super) fn with(mut self, other: String) -> Self {
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
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
