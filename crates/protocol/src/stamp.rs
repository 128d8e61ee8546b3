//! The two scalars with a shape of their own: a point in time, and a history's epoch.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr};
use time::{OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem, macros};

const FORMAT: &[BorrowedFormatItem<'static>] = macros::format_description!(
    "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
);

/// The years that the four digits of RFC 3339 can say, in milliseconds since 1970.
const MILLIS_MIN: i64 = -62_167_219_200_000;
const MILLIS_MAX: i64 = 253_402_300_799_999;

/// A point in time: milliseconds since 1970, on the wire RFC 3339 in UTC with milliseconds,
/// `2026-11-21T10:00:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(i64);

impl Stamp {
    /// The time this many milliseconds after 1970, within the years 0 to 9999: the nearest of
    /// them otherwise.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(MILLIS_MIN, MILLIS_MAX))
    }

    /// Milliseconds since 1970.
    pub fn millis(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .expect("a stamp is within the years 0 to 9999");
        formatter.write_str(&time.format(&FORMAT).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Stamp {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let time = PrimitiveDateTime::parse(text, &FORMAT).map_err(|_| ShapeError::Stamp)?;
        let nanos = time.assume_utc().unix_timestamp_nanos();
        Ok(Self(i64::try_from(nanos / 1_000_000).expect("four digits of years fit")))
    }
}

/// Which history a room's sequence numbers belong to; on the wire 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", self.0)
    }
}

impl FromStr for Epoch {
    type Err = ShapeError;

    fn from_str(text: &str) -> Result<Self, ShapeError> {
        let digits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 16 || !text.bytes().all(digits) {
            return Err(ShapeError::Epoch);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| ShapeError::Epoch)
    }
}

/// Why a text is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Not a time.
    #[error("a time is written like 2026-11-21T10:00:00.000Z")]
    Stamp,
    /// Not an epoch.
    #[error("an epoch is 16 digits of 0-9 and a-f")]
    Epoch,
}

macro_rules! as_text {
    ($name:ty) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

as_text!(Stamp);
as_text!(Epoch);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_written_with_milliseconds() {
        assert_eq!(Stamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Stamp::from_millis(1_795_255_200_007).to_string(), "2026-11-21T10:00:00.007Z");
        assert_eq!(Stamp::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00.000Z");
        assert_eq!(Stamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_stamp_is_read_as_it_is_written() {
        assert_eq!("2026-11-21T10:00:00.007Z".parse(), Ok(Stamp::from_millis(1_795_255_200_007)));
        for bad in ["", "2026-11-21", "2026-11-21T10:00:00Z", "2026-13-21T10:00:00.000Z"] {
            assert_eq!(bad.parse::<Stamp>(), Err(ShapeError::Stamp), "{bad:?}");
        }
    }

    #[test]
    fn an_epoch_has_sixteen_digits() {
        assert_eq!(Epoch(0xab).to_string(), "00000000000000ab");
        assert_eq!("00000000000000ab".parse(), Ok(Epoch(0xab)));
        for bad in ["", "ab", "00000000000000AB", "+0000000000000ab", "00000000000000abc"] {
            assert_eq!(bad.parse::<Epoch>(), Err(ShapeError::Epoch), "{bad:?}");
        }
    }
}
