//! Under which names metrics are shown.

use std::borrow::Cow;

/// How the name of a declaration becomes the name in an exposition.
///
/// Every name passes here and nowhere else; profiles that speak the names of other systems
/// would be further variants of this type.
#[derive(Clone, Debug)]
pub struct Naming {
    // A name can begin with it; empty for none.
    prefix: String,
}

/// A prefix that no name can begin with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metrics prefix {given:?} is not of a-z, A-Z, 0-9 and _, or begins with a digit")]
pub struct PrefixError {
    /// The prefix.
    pub given: String,
}

impl Naming {
    /// What declared names begin with.
    pub const DECLARED_PREFIX: &'static str = "chat_";

    /// Names as they are declared.
    pub fn declared() -> Self {
        Self { prefix: Self::DECLARED_PREFIX.to_owned() }
    }

    /// Names that begin with `prefix` instead of [`Self::DECLARED_PREFIX`].
    pub fn with_prefix(prefix: &str) -> Result<Self, PrefixError> {
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if !prefix.chars().all(plain) || prefix.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(PrefixError { given: prefix.to_owned() });
        }
        Ok(Self { prefix: prefix.to_owned() })
    }

    /// The name to show. Names that are not ours, and the standard ones of the process,
    /// stay as they are.
    pub fn shown<'a>(&self, name: &'a str) -> Cow<'a, str> {
        match name.strip_prefix(Self::DECLARED_PREFIX) {
            Some(rest) if self.prefix != Self::DECLARED_PREFIX => {
                Cow::Owned(format!("{}{rest}", self.prefix))
            }
            _ => Cow::Borrowed(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_swapped_on_our_names_only() {
        let naming = Naming::with_prefix("talk_").expect("a fine prefix");
        assert_eq!(naming.shown("chat_rooms_active"), "talk_rooms_active");
        assert_eq!(naming.shown("process_open_fds"), "process_open_fds");
        assert_eq!(naming.shown("their_chat_total"), "their_chat_total");
        let bare = Naming::with_prefix("").expect("no prefix");
        assert_eq!(bare.shown("chat_rooms_active"), "rooms_active");
        assert_eq!(Naming::declared().shown("chat_rooms_active"), "chat_rooms_active");
    }

    #[test]
    fn a_prefix_that_no_name_can_begin_with_is_refused() {
        for given in ["9chat_", "chat-", "chat ", "é_", "a{"] {
            assert!(Naming::with_prefix(given).is_err(), "{given}");
        }
    }
}
