//! Who enters a presence channel: the `channel_data` of a subscription.
//!
//! Page "Authorizing users", section on presence channels.

use crate::{
    BadJson, Limits, User,
    json::{as_text, need, object},
    limits::is_longer,
};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A member of a presence channel.
#[derive(Clone, Debug)]
pub struct Member {
    /// Who it is. A number in the data is its decimal digits here.
    pub user_id: String,
    /// What the others are told of the member: any JSON, as it was signed. Hand it on, and do not
    /// read it: half a surrogate pair in it is no text of ours.
    pub user_info: Option<Box<RawValue>>,
}

impl Member {
    /// Reads the `channel_data` of a subscription. Check its signature first.
    pub fn parse(channel_data: &str, limits: &Limits) -> Result<Self, BadMember> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow)]
            user_id: Option<&'a RawValue>,
            #[serde(borrow)]
            user_info: Option<&'a RawValue>,
        }
        let fields: Fields<'_> = object(channel_data, limits.nesting_max)?;
        let user_id = user_id(need(fields.user_id, "user_id")?)?;
        if is_longer(&user_id, limits.user_id_characters_max) {
            return Err(BadMember::IdTooLong { characters_max: limits.user_id_characters_max });
        }
        let bytes_max = limits.user_info_bytes_max;
        if fields.user_info.is_some_and(|info| info.get().len() > bytes_max) {
            return Err(BadMember::InfoTooLong { bytes_max });
        }
        Ok(Self { user_id, user_info: fields.user_info.map(ToOwned::to_owned) })
    }

    /// The member that a user is who signed in and brings no `channel_data`.
    pub fn of_user(user: &User, limits: &Limits) -> Result<Self, BadMember> {
        let bytes_max = limits.user_info_bytes_max;
        if user.user_info.as_ref().is_some_and(|info| info.get().len() > bytes_max) {
            return Err(BadMember::InfoTooLong { bytes_max });
        }
        Ok(Self { user_id: user.id.clone(), user_info: user.user_info.clone() })
    }
}

/// Text, or a whole number, which is taken digit by digit: it may be larger than any of ours.
fn user_id(value: &RawValue) -> Result<String, BadMember> {
    let literal = value.get();
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(literal.to_owned());
    }
    let text = as_text(value).ok_or(BadJson::WrongType("user_id"))?;
    if text.is_empty() {
        return Err(BadJson::Missing("user_id").into());
    }
    Ok(text.into_owned())
}

/// Why data says no member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMember {
    /// There is no `channel_data`, and the socket is not signed in.
    #[error("channel_data is missing")]
    Missing,
    /// It is no JSON, no object, or has no `user_id`.
    #[error("channel_data: {0}")]
    Json(#[from] BadJson),
    /// The id is too long.
    #[error("user_id has more than {characters_max} characters")]
    IdTooLong {
        /// The limit.
        characters_max: usize,
    },
    /// What the others would be told is too long.
    #[error("user_info has more than {bytes_max} bytes")]
    InfoTooLong {
        /// The limit.
        bytes_max: usize,
    },
}
