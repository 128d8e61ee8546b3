//! Who signs in: the `user_data` of a sign-in.
//!
//! Pages "User authentication" and "Watchlist events".

use crate::{
    BadJson, Limits,
    json::{Text, need, object, text},
    limits::is_longer,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A user who signed in.
#[derive(Clone, Debug)]
pub struct User {
    /// Who it is; never empty.
    pub id: String,
    /// What members of presence channels are told of the user: any JSON, as it was signed.
    pub user_info: Option<Box<RawValue>>,
    /// Whose coming and going the user is told, each at most `user_id_characters_max` long.
    pub watchlist: Vec<String>,
    /// The watchlist was longer, and was cut at `watchlist_users_max`.
    pub watchlist_is_cut: bool,
}

impl User {
    /// Reads the `user_data` of a sign-in. Check its signature first.
    pub fn parse(user_data: &str, limits: &Limits) -> Result<Self, BadUser> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow)]
            id: Option<&'a RawValue>,
            #[serde(borrow)]
            user_info: Option<&'a RawValue>,
            #[serde(borrow)]
            watchlist: Option<&'a RawValue>,
        }
        let fields: Fields<'_> = object(user_data, limits.nesting_max)?;
        let id = text(need(fields.id, "id")?, "id")?;
        if id.is_empty() {
            return Err(BadJson::Missing("id").into());
        }
        let mut watchlist = fields.watchlist.map_or(Ok(Vec::new()), watchlist)?;
        let watchlist_is_cut = watchlist.len() > limits.watchlist_users_max;
        watchlist.truncate(limits.watchlist_users_max);
        let characters_max = limits.user_id_characters_max;
        if watchlist.iter().chain([&id]).any(|id| is_longer(id, characters_max)) {
            return Err(BadUser::IdTooLong { characters_max });
        }
        Ok(Self {
            id: id.into_owned(),
            user_info: fields.user_info.map(ToOwned::to_owned),
            watchlist: watchlist.into_iter().map(Cow::into_owned).collect(),
            watchlist_is_cut,
        })
    }
}

fn watchlist(value: &RawValue) -> Result<Vec<Cow<'_, str>>, BadJson> {
    let list: Vec<Text<'_>> =
        serde_json::from_str(value.get()).map_err(|_| BadJson::WrongType("watchlist"))?;
    Ok(list.into_iter().map(|text| text.0).collect())
}

/// Why data says no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUser {
    /// It is no JSON, no object, or has no `id` that is text.
    #[error("user_data: {0}")]
    Json(#[from] BadJson),
    /// The id, or one on the watchlist, is too long.
    #[error("an id in user_data has more than {characters_max} characters")]
    IdTooLong {
        /// The limit.
        characters_max: usize,
    },
}
