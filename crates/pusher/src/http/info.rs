//! What an answer is asked to say of a channel: the parameter `info`.

use crate::{Access, ChannelName, Kind};

/// Attributes of a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// How many users are on it; known of presence channels only.
    pub user_count: bool,
    /// How many connections are on it. Whether an application may ask is its own setting.
    pub subscription_count: bool,
    /// The last event; known of cache channels only.
    pub cache: bool,
}

impl Info {
    /// Of one channel: every attribute has to be one that such a channel has.
    pub fn of_channel(info: Option<&str>, channel: &ChannelName) -> Result<Self, BadInfo> {
        let (info, kind) = (Self::parse(info)?, channel.kind());
        if info.user_count && !kind.is_presence() {
            return Err(BadInfo::UserCount);
        }
        if info.cache && !kind.is_cache {
            return Err(BadInfo::Cache);
        }
        Ok(info)
    }

    /// Of every channel whose name begins with `filter_by_prefix`: users are counted where all of
    /// those are presence channels, and the last events are not told.
    pub fn of_channels(
        info: Option<&str>,
        filter_by_prefix: Option<&str>,
    ) -> Result<Self, BadInfo> {
        let info = Self::parse(info)?;
        let access = filter_by_prefix.map(|prefix| Kind::of(prefix).access);
        if info.user_count && access != Some(Access::Presence) {
            return Err(BadInfo::UserCountOfAll);
        }
        if info.cache { Err(BadInfo::Cache) } else { Ok(info) }
    }

    /// Of channels that an event is published to, each as far as it has the attribute.
    pub(super) fn of_publish(info: Option<&str>) -> Result<Self, BadInfo> {
        let info = Self::parse(info)?;
        if info.cache { Err(BadInfo::Cache) } else { Ok(info) }
    }

    /// Whether nothing is asked.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// What of this a channel has.
    pub fn where_it_applies(self, channel: &ChannelName) -> Self {
        let kind = channel.kind();
        Self {
            user_count: self.user_count && kind.is_presence(),
            subscription_count: self.subscription_count,
            cache: self.cache && kind.is_cache,
        }
    }

    fn parse(info: Option<&str>) -> Result<Self, BadInfo> {
        let mut asked = Self::default();
        let names = info.unwrap_or_default().split(',').map(str::trim);
        for name in names.filter(|name| !name.is_empty()) {
            match name {
                "user_count" => asked.user_count = true,
                "subscription_count" => asked.subscription_count = true,
                "cache" => asked.cache = true,
                _ => return Err(BadInfo::Unknown),
            }
        }
        Ok(asked)
    }
}

/// That the users of a channel can be told: only those of a presence channel can.
pub fn check_presence(channel: &ChannelName) -> Result<(), BadInfo> {
    if channel.kind().is_presence() { Ok(()) } else { Err(BadInfo::Users) }
}

/// Why an answer cannot say what it should. The status of all is 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadInfo {
    /// A name that no attribute has.
    #[error("info may be user_count, subscription_count or cache")]
    Unknown,
    /// Users of a channel that is not of presence.
    #[error("user_count is known of presence channels only")]
    UserCount,
    /// Users of channels that may be of any kind.
    #[error("user_count needs a filter_by_prefix that begins with presence-")]
    UserCountOfAll,
    /// The last event of a channel that keeps none, or of many.
    #[error("cache is known of a single cache channel only")]
    Cache,
    /// The users of a channel that is not of presence.
    #[error("users are known of presence channels only")]
    Users,
}
