//! What the HTTP API answers, as JSON. Where there is nothing to say it is `{}`.

use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// To `POST …/events`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PublishAnswer<'a> {
    /// By channel, what `info` asked for.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub channels: BTreeMap<&'a str, Counts>,
}

/// To `POST …/batch_events`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BatchAnswer {
    /// What `info` asked for, for each event by its place; empty where no event asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub batch: Vec<Counts>,
}

/// To `GET …/channels`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChannelsAnswer<'a> {
    /// Every channel that somebody is on, with what `info` asked for.
    pub channels: BTreeMap<&'a str, Counts>,
}

/// What can be counted of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_count: Option<u64>,
    /// Connections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription_count: Option<u64>,
}

/// To `GET …/channels/{name}`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChannelAnswer<'a> {
    /// Whether somebody is on it.
    pub occupied: bool,
    /// What `info` asked to count.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether the last event is asked for, and what it is: `null` where none is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<Option<Cached<'a>>>,
}

/// The last event of a cache channel.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cached<'a> {
    /// Its data, a JSON string as it was published.
    pub data: &'a RawValue,
    /// For how many more seconds it is kept.
    pub ttl: u64,
}

/// To `GET …/channels/{name}/users`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct UsersAnswer<'a> {
    /// Every user who is there, each once.
    pub users: Vec<UserAnswer<'a>>,
}

/// A user of a presence channel.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct UserAnswer<'a> {
    /// Who it is.
    pub id: &'a str,
}
