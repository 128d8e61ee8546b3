//! Channels: what the applications of a server publish to, and who hears it.
//!
//! A channel keeps nothing but its subscribers and, where its name says so, the last event. It
//! exists from its first subscriber to its last. What its name means is the business of the
//! protocol that speaks of it.

use crate::time::Timestamp;
use std::{fmt, sync::Arc};

/// Longest identity of an application, in bytes.
pub const APP_ID_BYTES_MAX: usize = 64;

/// The identity of an application.
///
/// The text is shared, so a clone costs one counter.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(Arc<str>);

/// Why a text is no identity of an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the id of an application has 1 to {APP_ID_BYTES_MAX} letters, digits, underscores and hyphens"
)]
pub struct AppIdError;

impl AppId {
    /// Takes a text of the shape `[A-Za-z0-9_-]{1,64}`.
    pub fn parse(text: &str) -> Result<Self, AppIdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let long = text.is_empty() || text.len() > APP_ID_BYTES_MAX;
        if long || !text.bytes().all(allowed) { Err(AppIdError) } else { Ok(Self(text.into())) }
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", &self.0)
    }
}

/// A channel of an application. A clone costs one counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(Arc<Named>);

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Named {
    app: AppId,
    name: Box<str>,
}

/// What the names of channels begin with whose members are users that have signed in.
const SIGNED_IN: &str = "#signed-in-";

impl Channel {
    /// The channel of this name, whose shape the caller has checked.
    pub fn new(app: &AppId, name: &str) -> Self {
        Self(Arc::new(Named { app: app.clone(), name: name.into() }))
    }

    /// The channel whose only member is a user, while a connection has signed in as this user. It is
    /// the chat's own: no client subscribes to it, nobody publishes to it, and it is not listed.
    pub fn of_signed_in(app: &AppId, user: &str) -> Self {
        Self::new(app, &format!("{SIGNED_IN}{user}"))
    }

    /// Whether it is one of those.
    pub fn is_of_signed_in(&self) -> bool {
        self.name().starts_with(SIGNED_IN)
    }

    /// Whose it is.
    pub fn app(&self) -> &AppId {
        &self.0.app
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }
}

/// Who may subscribe to a channel, and what its subscribers know of one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// Anyone may.
    Public,
    /// Whom the application lets.
    Private,
    /// The same, and what is published is sealed: the server cannot read it.
    Encrypted,
    /// Whom the application lets, by name: subscribers hear who else is there.
    Presence,
    /// The connections of one user: nobody is told how many they are.
    Own,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::Public, Self::Private, Self::Encrypted, Self::Presence, Self::Own];
}

/// A member of a presence channel.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChannelMember {
    /// Who, by the application's own identity.
    pub user: Arc<str>,
    /// What the application says of the user, in the form in which it is passed on.
    pub info: Option<Arc<str>>,
}

/// What was published to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The name of the event.
    pub event: Arc<str>,
    /// What it carries.
    pub data: Data,
    /// The member that said it, where a subscriber of a presence channel did.
    pub user: Option<Arc<str>>,
}

/// What an event carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Nothing.
    Nothing,
    /// A text, which the protocol quotes.
    Text(Arc<str>),
    /// A value in the form in which it is passed on.
    Raw(Arc<str>),
}

impl Data {
    /// Its length in bytes.
    pub fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Text(data) | Self::Raw(data) => data.len(),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Which change of a channel's members: a later one has a higher number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u64);

/// Which of the events that a channel has kept: a later one has a higher number. 0 for what it does
/// not keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edition(pub u64);

/// What happened in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// Something was published.
    Published(Published, Edition),
    /// A user has become a member: its first connection subscribed.
    MemberAdded(ChannelMember, Version),
    /// A user is a member no longer: its last connection has left.
    MemberRemoved(Arc<str>, Version),
    /// There are so many subscriptions now.
    Counted(u64),
}

/// The last event of a channel that keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What was published.
    pub published: Published,
    /// Until when it is kept.
    pub until: Timestamp,
    /// Which one it is.
    pub edition: Edition,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_has_a_narrow_name() {
        assert!(AppId::parse("1001").is_ok());
        assert!(AppId::parse("My_app-2").is_ok());
        for bad in ["", "a b", "a/b", "ä", &"a".repeat(65)] {
            assert_eq!(AppId::parse(bad), Err(AppIdError), "{bad:?}");
        }
    }
}
