//! Names of channels, and what they say about the channel.
//!
//! Pages "Channels", "Cache channels" and "User authentication".

use crate::{Limits, limits::is_longer};
use std::{borrow::Borrow, fmt, sync::Arc};

/// What a user's own channel is called, with the user's id behind it.
const SERVER_TO_USER: &str = "#server-to-user-";

/// A name that keeps the rules. Cloning it shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(Arc<str>);

impl ChannelName {
    /// Takes a name that keeps the rules: letters, digits and `_-=@,.;`, at least one and at most
    /// `channel_name_bytes_max` of them; or the channel of a user, `#server-to-user-{id}`.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, BadChannelName> {
        check(text, limits)?;
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who may enter, and whether the last event is kept.
    pub fn kind(&self) -> Kind {
        Kind::of(self.as_str())
    }

    /// Whose channel `#server-to-user-{id}` is. Only a socket that is signed in as this user may
    /// enter it, and no signature of a channel lets anyone in.
    pub fn user(&self) -> Option<&str> {
        self.0.strip_prefix(SERVER_TO_USER)
    }

    /// The channel of a user.
    pub fn of_user(user_id: &str, limits: &Limits) -> Result<Self, BadChannelName> {
        Self::parse(&format!("{SERVER_TO_USER}{user_id}"), limits)
    }
}

impl fmt::Display for ChannelName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl AsRef<str> for ChannelName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// Maps by name are asked with any text: what is no name is not in them.
impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

fn check(text: &str, limits: &Limits) -> Result<(), BadChannelName> {
    if let Some(user_id) = text.strip_prefix(SERVER_TO_USER) {
        let is_id = !user_id.is_empty()
            && !is_longer(user_id, limits.user_id_characters_max)
            && !user_id.contains(char::is_control);
        return if is_id { Ok(()) } else { Err(BadChannelName::UserId) };
    }
    match text.as_bytes() {
        [] => Err(BadChannelName::Empty),
        [b'#', ..] => Err(BadChannelName::Reserved),
        bytes if bytes.len() > limits.channel_name_bytes_max => {
            Err(BadChannelName::TooLong { bytes_max: limits.channel_name_bytes_max })
        }
        bytes if !bytes.iter().all(is_allowed) => Err(BadChannelName::Character),
        _ => Ok(()),
    }
}

fn is_allowed(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-=@,.;".contains(byte)
}

/// Why a text is no name of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadChannelName {
    /// There is nothing.
    #[error("the name of the channel is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("the name of the channel has more than {bytes_max} characters")]
    TooLong {
        /// The limit.
        bytes_max: usize,
    },
    /// A character that no name has.
    #[error("the name of the channel may hold letters, digits and _-=@,.; only")]
    Character,
    /// A `#` in front that is not the channel of a user.
    #[error("names of channels that begin with # are reserved")]
    Reserved,
    /// The channel of a user whose id is empty, too long or not printable.
    #[error("the name of the channel holds no id of a user")]
    UserId,
}

/// What the prefix of a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// Who may enter.
    pub access: Access,
    /// Whether a new subscriber is first given the last event.
    pub is_cache: bool,
}

/// Who may enter a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Everyone.
    Public,
    /// Whoever brings a signature.
    Private,
    /// Whoever brings a signature; the events cannot be read by the server.
    Encrypted,
    /// Whoever brings a signature and says who they are, which the others see.
    Presence,
    /// A user's own: the sockets that are signed in as the user.
    User,
}

/// Prefixes and what they say. The longest come first, as some begin with others.
const PREFIXES: [(&str, Kind); 7] = [
    ("private-encrypted-cache-", Kind { access: Access::Encrypted, is_cache: true }),
    ("private-encrypted-", Kind { access: Access::Encrypted, is_cache: false }),
    ("private-cache-", Kind { access: Access::Private, is_cache: true }),
    ("private-", Kind { access: Access::Private, is_cache: false }),
    ("presence-cache-", Kind { access: Access::Presence, is_cache: true }),
    ("presence-", Kind { access: Access::Presence, is_cache: false }),
    ("cache-", Kind { access: Access::Public, is_cache: true }),
];

impl Kind {
    /// What the name of a channel, or the beginning of one, says.
    pub fn of(name: &str) -> Self {
        if name.starts_with(SERVER_TO_USER) {
            return Self { access: Access::User, is_cache: false };
        }
        let known = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix));
        known.map_or(Self { access: Access::Public, is_cache: false }, |(_, kind)| *kind)
    }

    /// Whether one enters with a signature.
    pub fn needs_auth(self) -> bool {
        matches!(self.access, Access::Private | Access::Encrypted | Access::Presence)
    }

    /// Whether the members are told of each other.
    pub fn is_presence(self) -> bool {
        self.access == Access::Presence
    }

    /// Whether the server cannot read the events.
    pub fn is_encrypted(self) -> bool {
        self.access == Access::Encrypted
    }

    /// Whether clients may send events to each other here: on private and presence channels. On
    /// encrypted ones no client can, as they do not encrypt.
    pub fn takes_client_events(self) -> bool {
        matches!(self.access, Access::Private | Access::Presence)
    }

    /// Whether the subscribers are told their number: everywhere but where they see each other, or
    /// are one user.
    pub fn tells_subscription_count(self) -> bool {
        !matches!(self.access, Access::Presence | Access::User)
    }
}
