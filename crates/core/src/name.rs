//! Names of rooms and users: parsed once at the edge, trusted inside.

use std::{fmt, sync::Arc};

/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// What a direct room's name starts with; such names are made by the server only.
pub const DIRECT_PREFIX: &str = "dm.";

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty or longer than [`NAME_BYTES_MAX`].
    #[error("a name has 1 to {NAME_BYTES_MAX} characters")]
    Length,
    /// It has a character outside `[a-z0-9._-]`.
    #[error("a name has only the characters a-z, 0-9, dot, underscore and hyphen")]
    Character,
    /// It starts with `dm.`, which is kept for direct rooms.
    #[error("names that start with {DIRECT_PREFIX} are kept for direct rooms")]
    Reserved,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// The text is shared, so a clone costs one counter.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text of the shape `[a-z0-9._-]{1,64}`.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                check(text).map(|()| Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{:?}", &self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The name of a room.
    RoomName
}

name! {
    /// The name of a user.
    UserName
}

impl RoomName {
    /// A name that a person may give to a room: any but those kept for direct rooms.
    pub fn parse_chosen(text: &str) -> Result<Self, NameError> {
        if text.starts_with(DIRECT_PREFIX) {
            return Err(NameError::Reserved);
        }
        Self::parse(text)
    }
}

fn check(text: &str) -> Result<(), NameError> {
    if text.is_empty() || text.len() > NAME_BYTES_MAX {
        return Err(NameError::Length);
    }
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    if text.bytes().all(allowed) { Ok(()) } else { Err(NameError::Character) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_narrow_shape() {
        assert!(UserName::parse("ada.l-0_9").is_ok());
        assert_eq!(UserName::parse(""), Err(NameError::Length));
        assert_eq!(UserName::parse(&"a".repeat(65)), Err(NameError::Length));
        for bad in ["Ada", "a b", "ä", "a/b", "a\n"] {
            assert_eq!(UserName::parse(bad), Err(NameError::Character), "{bad:?}");
        }
    }

    #[test]
    fn names_of_direct_rooms_are_reserved() {
        assert_eq!(RoomName::parse_chosen("dm.x"), Err(NameError::Reserved));
        assert!(RoomName::parse("dm.x").is_ok());
    }
}
