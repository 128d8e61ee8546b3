//! An event: what happened, and who is to hear of it.

use crate::{
    channel::{AppId, Channel, ChannelEvent, ChannelKind},
    fanout::Survey,
    message::{Amendment, Message, Sequence},
    name::{RoomName, UserName},
    port::{ConnectionId, NodeId},
    room::{Role, RoomKind},
    time::{Moment, Timestamp},
    user::{Presence, TokenHash},
};
use campanile_metrics::TraceId;
use std::sync::Arc;

/// What happened. Everything a client hears without having asked is one of these.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A message was stored. These, and only these, carry a sequence number and are never skipped.
    Message(Arc<Message>),
    /// A stored message was changed.
    Amended {
        /// Where.
        room: RoomName,
        /// Which.
        seq: Sequence,
        /// How.
        amendment: Amendment,
        /// By whom.
        by: UserName,
        /// When.
        at: Timestamp,
    },
    /// A member writes, or stopped. Ephemeral.
    Typing {
        /// Where.
        room: RoomName,
        /// Who.
        user: UserName,
        /// Whether.
        on: bool,
    },
    /// A member has read up to here.
    Read {
        /// Where.
        room: RoomName,
        /// Who.
        user: UserName,
        /// Up to which message.
        seq: Sequence,
    },
    /// A user came, went, or changed status. Ephemeral.
    Presence(Presence),
    /// A user became a member, or has another role now.
    Joined {
        /// Where.
        room: RoomName,
        /// Who.
        user: UserName,
        /// As what.
        role: Role,
    },
    /// A user is a member no longer.
    Left {
        /// Where.
        room: RoomName,
        /// Who.
        user: UserName,
        /// Why.
        reason: LeaveReason,
    },
    /// What the client knows of the room is not to be relied on: read it again.
    Resync {
        /// Where.
        room: RoomName,
        /// Why.
        reason: ResyncReason,
    },
    /// This server is about to close the connection; another is ready.
    Draining {
        /// In how many milliseconds.
        after_ms: u64,
    },
    /// Something happened in a channel.
    Channel(Channel, ChannelEvent),
}

/// Why somebody is a member no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveReason {
    /// Went.
    Left,
    /// Was removed by an owner.
    Removed,
    /// The room was deleted.
    RoomDeleted,
}

/// Why a client must read a room again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResyncReason {
    /// Messages between the last one sent and the next could not be had.
    Gap,
    /// The room's history was reset.
    Epoch,
}

/// Who is to hear of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Audience {
    /// Who listens to this room.
    Room(RoomName, RoomKind),
    /// Who listens to any of these rooms; each hears it once.
    Rooms(Vec<RoomName>),
    /// Every connection of this user.
    User(UserName),
    /// Every connection.
    Everyone,
    /// Who is subscribed to this channel, but for one.
    Channel(Channel, ChannelKind, Option<ConnectionId>),
}

/// What travels between nodes and to the worker threads.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// Tell the audience of the event.
    Tell(Audience, Event),
    /// A user is no longer a member: its connections stop listening to the room. The audience
    /// hears the [`Event::Left`] that comes with it.
    Unsubscribe {
        /// From where.
        room: RoomName,
        /// Who; everyone when the room is gone.
        user: Option<UserName>,
    },
    /// Sessions have ended: their connections close.
    EndSessions(EndedSessions, EndReason),
    /// A user of an application is to go: its connections close.
    EndUser(AppId, Arc<str>),
    /// Applications were changed in the store: each node looks there.
    AppsChanged,
    /// A node asks all others.
    Ask(Ask),
    /// A node answers the one that asked; the others pass it over.
    Answer(Answer),
}

/// What must stay in order: signals about the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic<'a> {
    /// A room.
    Room(&'a RoomName),
    /// A user.
    User(&'a UserName),
    /// A channel.
    Channel(&'a Channel),
    /// All connections, or the nodes themselves.
    Cluster,
}

/// A question of one node to all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Which question of this node.
    pub id: u64,
    /// Who asks.
    pub from: NodeId,
    /// What.
    pub question: Question,
}

/// What nodes ask one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// What connections and rooms it has.
    Survey {
        /// Connections wanted.
        connections_max: usize,
        /// Rooms wanted, the busiest.
        rooms_max: usize,
    },
}

/// One node's answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// To which question.
    pub ask: u64,
    /// Of whom.
    pub to: NodeId,
    /// Who answers.
    pub from: NodeId,
    /// What it has.
    pub survey: Survey,
}

impl Signal {
    /// What it is about.
    pub fn topic(&self) -> Topic<'_> {
        match self {
            Self::Tell(Audience::Room(room, _), _) | Self::Unsubscribe { room, .. } => {
                Topic::Room(room)
            }
            Self::Tell(Audience::Channel(channel, ..), _) => Topic::Channel(channel),
            Self::Tell(Audience::User(user), _)
            | Self::Tell(Audience::Rooms(_), Event::Presence(Presence { user, .. }))
            | Self::EndSessions(EndedSessions::User(user), _) => Topic::User(user),
            Self::Tell(Audience::Rooms(_) | Audience::Everyone, _)
            | Self::EndSessions(EndedSessions::Token(_), _)
            | Self::EndUser(..)
            | Self::AppsChanged
            | Self::Ask(_)
            | Self::Answer(_) => Topic::Cluster,
        }
    }
}

/// Which sessions have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndedSessions {
    /// All of this user.
    User(UserName),
    /// The one of this token.
    Token(TokenHash),
}

/// Why sessions have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The user logged out.
    LoggedOut,
    /// The user has a new password.
    PasswordChanged,
    /// The user was banned.
    Banned,
}

/// A signal on its way, with what is measured about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope {
    /// What it says.
    pub signal: Arc<Signal>,
    /// When a node received it from its client: where delivery latency starts.
    pub accepted: Accepted,
    /// Whether it came from another node.
    pub remote: bool,
}

/// When something was received from its client, and in which trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// When.
    pub at: Moment,
    /// In which trace, where that is known: on the node that received it.
    pub trace: Option<TraceId>,
}

impl From<Moment> for Accepted {
    fn from(at: Moment) -> Self {
        Self { at, trace: None }
    }
}
