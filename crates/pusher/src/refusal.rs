//! What a client is told that asked for something it does not get, while its socket stays open.

use crate::{BadAuth, BadFrame, BadMember, BadUser, ChannelName, Limits};

/// A code that may stand in a `pusher:error` without the connection being closed. Everything from
/// 4000 to 4299 makes strict clients hang up, so those codes are another type,
/// [`CloseCode`](crate::CloseCode).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenCode {
    /// 4301: more client events than a connection may send. Said for nothing else.
    TooManyClientEvents,
    /// 4302: more users on the watchlist than are watched.
    WatchlistTooLong,
}

impl OpenCode {
    /// The number as it stands in the frame.
    pub fn number(self) -> u16 {
        match self {
            Self::TooManyClientEvents => 4301,
            Self::WatchlistTooLong => 4302,
        }
    }
}

/// Why something was refused. Its text goes to the client, and holds nothing that the client sent
/// but names of channels, which have no characters that could do harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal<'a> {
    /// The frame is none.
    #[error("{0}")]
    Frame(#[from] BadFrame),
    /// A binary frame.
    #[error("frames are text")]
    Binary,
    /// No valid signature for this channel and this socket.
    #[error("cannot subscribe to {channel}: {why}")]
    Auth {
        /// Where the client wanted to be.
        channel: &'a ChannelName,
        /// What is wrong.
        why: BadAuth,
    },
    /// The presence data says no user.
    #[error("cannot subscribe to {channel}: {why}")]
    Member {
        /// Where the client wanted to be.
        channel: &'a ChannelName,
        /// What is wrong.
        why: BadMember,
    },
    /// The presence channel has as many members as it may have.
    #[error("cannot subscribe to {channel}: it has {members_max} members")]
    ChannelFull {
        /// Where the client wanted to be.
        channel: &'a ChannelName,
        /// The limit.
        members_max: usize,
    },
    /// The socket is on the channel.
    #[error("already subscribed to {channel}")]
    AlreadySubscribed {
        /// Where the client is.
        channel: &'a ChannelName,
    },
    /// The socket is on as many channels as it may be on.
    #[error(
        "cannot subscribe to {channel}: this connection is on as many channels as it may be on"
    )]
    TooManyChannels {
        /// Where the client wanted to be.
        channel: &'a ChannelName,
    },
    /// The server cannot do it at the moment.
    #[error("cannot subscribe to {channel} at the moment: try again")]
    Unavailable {
        /// Where the client wanted to be.
        channel: &'a ChannelName,
    },
    /// The channel of a user that this socket is not signed in as.
    #[error("only a connection that is signed in as this user may subscribe to this channel")]
    NotThisUser,
    /// The signature of the sign-in is not valid.
    #[error("cannot sign in: {0}")]
    SignInAuth(BadAuth),
    /// The data of the sign-in says no user.
    #[error("cannot sign in: {0}")]
    SignIn(BadUser),
    /// The socket is signed in as someone else.
    #[error("cannot sign in: this connection is signed in as another user")]
    SignedInAsAnother,
    /// The watchlist was cut; the rest of it is watched.
    #[error("the watchlist has more than {users_max} users: those behind them are ignored")]
    WatchlistTooLong {
        /// The limit.
        users_max: usize,
    },
    /// The application does not let clients send events.
    #[error("client events are not enabled for this application")]
    ClientEventsOff,
    /// A kind of channel on which clients do not send events.
    #[error("client events are sent on private and presence channels only")]
    ClientEventsNotHere,
    /// The socket is not on the channel.
    #[error("client events are sent by subscribers of the channel only")]
    NotSubscribed,
    /// More client events than a connection may send in a second; this one is dropped.
    #[error("more than {per_second_max} client events in a second")]
    TooManyClientEvents {
        /// The limit.
        per_second_max: u32,
    },
    /// The application has as many messages today as it may have; this one is dropped.
    #[error("this application is over its quota: it has as many messages in a day as it may have")]
    OverQuota,
}

impl Refusal<'_> {
    /// The code that stands with it in the frame: for most, none.
    pub fn code(&self) -> Option<OpenCode> {
        match self {
            Self::TooManyClientEvents { .. } => Some(OpenCode::TooManyClientEvents),
            Self::WatchlistTooLong { .. } => Some(OpenCode::WatchlistTooLong),
            _ => None,
        }
    }

    /// That a watchlist was cut at the limit.
    pub fn watchlist_too_long(limits: &Limits) -> Self {
        Self::WatchlistTooLong { users_max: limits.watchlist_users_max }
    }

    /// That client events come faster than the limit.
    pub fn too_many_client_events(limits: &Limits) -> Self {
        Self::TooManyClientEvents { per_second_max: limits.client_events_per_second_max }
    }
}
