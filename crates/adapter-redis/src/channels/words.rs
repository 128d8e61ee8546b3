//! What a node says to Redis of a channel, and what Redis answers.

use campanile_core::{
    channel::{ChannelMember, Version},
    port::ChannelChange,
};
use std::sync::Arc;

/// What a node says of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) count: u64,
    /// Which change of its members it was; 0 where it has none. Redis may know another one when an
    /// answer was lost, or Redis lost what it was told.
    pub(super) stamp: u64,
}

/// What no node ever says of a channel.
pub(super) const DOUBT: &str = "?";

/// What Redis is to be told of a channel.
#[derive(Debug)]
pub(super) struct Telling {
    pub(super) stamp: u64,
    pub(super) said: Said,
    /// What it should know of this node.
    pub(super) expected: String,
    pub(super) users: Vec<Word>,
}

/// What it is to be told of a user.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) verb: Verb,
    pub(super) member: ChannelMember,
    /// How many members there may be with it, where it was not let in yet.
    pub(super) members_max: Option<u64>,
}

/// What is to become of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    /// It is this node's.
    Note,
    /// The same, and nobody was told yet: an answer may have been lost.
    NoteAnew,
    /// It is this node's no longer.
    Forget,
    /// The same, and it is to be told though nobody has it.
    ForgetAnew,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Became {
    /// What it was.
    Same,
    Added,
    Removed,
    /// It is none, and was none.
    Missing,
    /// It is none, as the channel has as many members as it may have.
    Full,
}

/// What Redis answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) others: u64,
    pub(super) version: Version,
    /// Redis knew what it was expected to know, so it knows all of it now.
    pub(super) is_whole: bool,
    /// What became of each user, and what is known of it.
    pub(super) users: Vec<(Became, ChannelMember)>,
}

impl Said {
    /// As it is written.
    pub(super) fn text(self) -> String {
        match self {
            Self { count: 0, .. } => String::new(),
            Self { count, stamp: 0 } => count.to_string(),
            Self { count, stamp } => format!("{count};{stamp}"),
        }
    }

    /// How many subscriptions that are, as it was written.
    pub(super) fn read_count(text: &str) -> u64 {
        let count = text.split(';').next().unwrap_or_default();
        count.parse().unwrap_or(0)
    }
}

impl Telling {
    /// That this node has no subscription.
    pub(super) fn nothing() -> Self {
        Self { stamp: 0, said: Said::default(), expected: String::new(), users: Vec::new() }
    }
}

impl Word {
    pub(super) fn forget(user: &Arc<str>) -> Self {
        let member = ChannelMember { user: user.clone(), info: None };
        Self { verb: Verb::Forget, member, members_max: None }
    }
}

impl Answer {
    /// Whether somebody was not let in.
    pub(super) fn is_full(&self) -> bool {
        self.users.iter().any(|(became, _)| *became == Became::Full)
    }

    /// Adds to a change what became of the members.
    pub(super) fn add_to(&self, change: &mut ChannelChange) {
        change.version = self.version;
        for (became, member) in &self.users {
            match became {
                Became::Added => change.added.push(member.clone()),
                Became::Removed => change.removed.push(member.clone()),
                Became::Same | Became::Missing | Became::Full => {}
            }
        }
    }
}

impl Verb {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::NoteAnew => "note anew",
            Self::Forget => "forget",
            Self::ForgetAnew => "forget anew",
        }
    }
}

impl Became {
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        match text {
            b"same" => Some(Self::Same),
            b"added" => Some(Self::Added),
            b"removed" => Some(Self::Removed),
            b"missing" => Some(Self::Missing),
            b"full" => Some(Self::Full),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_and_junk_is_none() {
        for (said, text) in [
            (Said::default(), ""),
            (Said { count: 0, stamp: 7 }, ""),
            (Said { count: 12, stamp: 0 }, "12"),
            (Said { count: 12, stamp: 7 }, "12;7"),
        ] {
            assert_eq!(said.text(), text);
            assert_eq!(Said::read_count(text), said.count);
        }
        assert_eq!(Said::read_count("3;?"), 3);
        for junk in ["junk", ";", "-1", "1e3;7", "99999999999999999999"] {
            assert_eq!(Said::read_count(junk), 0, "{junk}");
        }
    }
}
