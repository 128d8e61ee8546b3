//! The parts of a store, and what a record of each has.

use self::Kind::{Bytes, Integer, Text};

/// A part of what a store holds. They are moved in this order, in which nothing comes before what
/// it belongs to.
///
/// What belongs to a room that was deleted is no part: nobody can reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Accounts.
    Accounts,
    /// Invitations, the expired ones among them.
    Invites,
    /// Sessions, the expired ones among them.
    Sessions,
    /// Subscriptions to pushes.
    PushSubscriptions,
    /// Rooms, with their epochs and the numbers of their first and last messages.
    Rooms,
    /// Members, with what they have read.
    Members,
    /// Messages, those of a room by rising number.
    Messages,
    /// Reactions, those to a message in the order in which they were made.
    Reactions,
    /// Idempotency keys.
    Keys,
    /// Uploads. Their bytes go with them.
    Uploads,
    /// What users publish for encrypted sessions, with the highest ids there ever were.
    KeyBundles,
    /// Prekeys that are used once and were not.
    Prekeys,
    /// Jobs, the given-up ones among them, in the order in which they were given.
    Jobs,
    /// Applications that operators have made.
    Applications,
    /// Their keys, with the secrets.
    ApplicationKeys,
}

/// One value of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What it is called.
    pub name: &'static str,
    /// What it holds, if it is there at all.
    pub kind: Kind,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number. Yes and no are 1 and 0; times are milliseconds since 1970.
    Integer,
    /// A text, which may hold any character.
    Text,
    /// Bytes.
    Bytes,
}

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name, kind }
}

const ACCOUNTS: &[Column] = &[
    column("name", Text),
    column("password", Text),
    column("operator", Integer),
    column("banned", Integer),
    column("created_at", Integer),
    column("last_seen", Integer),
];

const SESSIONS: &[Column] =
    &[column("token", Bytes), column("user", Text), column("expires_at", Integer)];

const INVITES: &[Column] = &[
    column("hash", Bytes),
    column("made_by", Text),
    column("made_at", Integer),
    column("expires_at", Integer),
    column("uses_left", Integer),
];

const PUSH_SUBSCRIPTIONS: &[Column] = &[
    column("endpoint", Text),
    column("token", Bytes),
    column("p256dh", Bytes),
    column("auth", Bytes),
    column("put_at", Integer),
];

/// Kind: 0 public, 1 private, 2 direct. Retention: milliseconds.
const ROOMS: &[Column] = &[
    column("name", Text),
    column("kind", Integer),
    column("topic", Text),
    column("epoch", Integer),
    column("created_at", Integer),
    column("members", Integer),
    column("first_seq", Integer),
    column("last_seq", Integer),
    column("amended_at", Integer),
    column("retention", Integer),
];

/// Role: 0 member, 1 owner.
const MEMBERS: &[Column] = &[
    column("room", Text),
    column("user", Text),
    column("role", Integer),
    column("joined_at", Integer),
    column("read_seq", Integer),
];

const MESSAGES: &[Column] = &[
    column("room", Text),
    column("seq", Integer),
    column("author", Text),
    column("body", Text),
    column("at", Integer),
    column("key", Text),
    column("reply_to", Integer),
    column("edited_at", Integer),
    column("deleted", Integer),
];

const REACTIONS: &[Column] = &[
    column("room", Text),
    column("seq", Integer),
    column("place", Integer),
    column("emoji", Text),
    column("user", Text),
];

const KEYS: &[Column] = &[
    column("room", Text),
    column("sender", Text),
    column("key", Text),
    column("seq", Integer),
    column("at", Integer),
];

const UPLOADS: &[Column] = &[
    column("id", Bytes),
    column("room", Text),
    column("user", Text),
    column("name", Text),
    column("media_type", Text),
    column("bytes", Integer),
    column("at", Integer),
];

const KEY_BUNDLES: &[Column] = &[
    column("user", Text),
    column("one_time_left", Integer),
    column("one_time_highest", Integer),
    column("kem_left", Integer),
    column("kem_highest", Integer),
    column("identity_key", Bytes),
    column("signed_id", Integer),
    column("signed_key", Bytes),
    column("signed_signature", Bytes),
    column("last_resort_id", Integer),
    column("last_resort_key", Bytes),
    column("last_resort_signature", Bytes),
];

/// Kind: 0 one-time, 1 kem.
const PREKEYS: &[Column] = &[
    column("user", Text),
    column("kind", Integer),
    column("id", Integer),
    column("key", Bytes),
    column("signature", Bytes),
];

const JOBS: &[Column] = &[
    column("queue", Text),
    column("payload", Bytes),
    column("given_at", Integer),
    column("due", Integer),
    column("attempts", Integer),
    column("error", Text),
];

const APPLICATIONS: &[Column] = &[
    column("id", Text),
    column("name", Text),
    column("enabled", Integer),
    column("settings", Text),
    column("made_at", Integer),
    column("changed_at", Integer),
];

const APPLICATION_KEYS: &[Column] =
    &[column("key", Text), column("app", Text), column("secret", Text), column("made_at", Integer)];

impl Part {
    /// Every part, in the order in which they are moved.
    pub const ALL: [Self; 15] = [
        Self::Accounts,
        Self::Invites,
        Self::Sessions,
        Self::PushSubscriptions,
        Self::Rooms,
        Self::Members,
        Self::Messages,
        Self::Reactions,
        Self::Keys,
        Self::Uploads,
        Self::KeyBundles,
        Self::Prekeys,
        Self::Jobs,
        Self::Applications,
        Self::ApplicationKeys,
    ];

    /// Its name, for people and in stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Invites => "invites",
            Self::Sessions => "sessions",
            Self::PushSubscriptions => "push_subscriptions",
            Self::Rooms => "rooms",
            Self::Members => "members",
            Self::Messages => "messages",
            Self::Reactions => "reactions",
            Self::Keys => "keys",
            Self::Uploads => "uploads",
            Self::KeyBundles => "key_bundles",
            Self::Prekeys => "prekeys",
            Self::Jobs => "jobs",
            Self::Applications => "applications",
            Self::ApplicationKeys => "application_keys",
        }
    }

    /// The part of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// The part after this one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }

    /// What a record of it has.
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Accounts => ACCOUNTS,
            Self::Invites => INVITES,
            Self::Sessions => SESSIONS,
            Self::PushSubscriptions => PUSH_SUBSCRIPTIONS,
            Self::Rooms => ROOMS,
            Self::Members => MEMBERS,
            Self::Messages => MESSAGES,
            Self::Reactions => REACTIONS,
            Self::Keys => KEYS,
            Self::Uploads => UPLOADS,
            Self::KeyBundles => KEY_BUNDLES,
            Self::Prekeys => PREKEYS,
            Self::Jobs => JOBS,
            Self::Applications => APPLICATIONS,
            Self::ApplicationKeys => APPLICATION_KEYS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_followed_by_the_next() {
        let mut all = vec![Part::ALL[0]];
        while let Some(next) = all[all.len() - 1].next() {
            all.push(next);
        }
        assert_eq!(all, Part::ALL);
        assert!(Part::ALL.iter().all(|part| Part::parse(part.name()) == Some(*part)));
    }
}
