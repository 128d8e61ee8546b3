//! Whole numbers, in every way that JSON and queries write them: `7` and `7.0` are the same.

use crate::reply::Refused;
use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected},
};

/// Greatest number that every reader of JSON understands.
pub(super) const WHOLE_MAX: u64 = 9_007_199_254_740_991;

/// How many of a list are asked for: one at least, and no more than `max`.
pub(super) fn up_to(max: u64, name: &str, asked: u64) -> Result<usize, Refused> {
    if asked == 0 || asked > max {
        return Err(Refused::bad_request(format!("`{name}` is 1 to {max}")));
    }
    Ok(asked as usize)
}

/// A whole number in JSON, which may be left out but not be null.
pub(super) fn in_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_u64().or_else(|| number.as_f64().and_then(whole));
    let whole = whole.filter(|whole| *whole <= WHOLE_MAX);
    whole.map(Some).ok_or_else(|| wrong(&number.to_string()))
}

/// A whole number in JSON, which may be null and may be left out: these are two things.
pub(super) fn or_null_in_json<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<u64>>, D::Error> {
    struct Whole(Option<u64>);
    impl<'de> Deserialize<'de> for Whole {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            in_json(deserializer).map(Self)
        }
    }
    let whole = Option::<Whole>::deserialize(deserializer)?;
    Ok(Some(whole.and_then(|Whole(whole)| whole)))
}

/// A whole number of 32 bits in JSON.
pub(super) fn small_in_json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_u64().or_else(|| number.as_f64().and_then(whole));
    let small = whole.and_then(|whole| u32::try_from(whole).ok());
    small.ok_or_else(|| {
        let text = number.to_string();
        D::Error::invalid_value(Unexpected::Other(&text), &"a whole number from 0 to 4294967295")
    })
}

/// A whole number in a query.
pub(super) fn in_query<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.parse().ok().or_else(|| text.parse().ok().and_then(whole));
    let number = number.filter(|whole: &u64| *whole <= WHOLE_MAX);
    number.map(Some).ok_or_else(|| wrong(&text))
}

fn whole(number: f64) -> Option<u64> {
    let is_whole = number.fract() == 0.0 && (0.0..=WHOLE_MAX as f64).contains(&number);
    is_whole.then_some(number as u64)
}

fn wrong<E: Error>(text: &str) -> E {
    E::invalid_value(Unexpected::Other(text), &"a whole number from 0 to 9007199254740991")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Json(#[serde(deserialize_with = "in_json")] Option<u64>);

    #[test]
    fn a_whole_number_may_be_written_as_a_float() {
        for (text, number) in [("7", 7), ("7.0", 7), ("7e2", 700), ("0", 0)] {
            let read: Json = serde_json::from_str(text).expect("a number");
            assert_eq!(read, Json(Some(number)), "{text}");
        }
        for text in ["7.5", "-1", "1e300", "9007199254740992", "null", "\"7\"", "[]"] {
            assert!(serde_json::from_str::<Json>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn null_is_not_the_same_as_left_out() {
        #[derive(Debug, PartialEq, Deserialize)]
        struct Change {
            #[serde(default, deserialize_with = "or_null_in_json")]
            number: Option<Option<u64>>,
        }
        for (text, number) in [
            ("{}", None),
            (r#"{"number": null}"#, Some(None)),
            (r#"{"number": 7.0}"#, Some(Some(7))),
        ] {
            let read: Change = serde_json::from_str(text).expect("a change");
            assert_eq!(read, Change { number }, "{text}");
        }
        assert!(serde_json::from_str::<Change>(r#"{"number": "7"}"#).is_err());
    }
}
