//! Settings of applications: with which keys they publish to channels and let people in, and within
//! which bounds.

mod check;

use super::{
    Secret,
    setting::{listed, section},
};
use campanile_pusher::Limits;
use std::{num::NonZeroU32, time::Duration};

pub(crate) use check::{check, check_one};

/// Most applications of one server: as many as metrics tell apart.
pub const APPS_MAX: usize = 64;

section! {
    /// An application: who speaks Pusher Channels with this server.
    pub struct App {
        /// Identity, in the paths of the HTTP API: 1 to 64 letters, digits, `_` and `-`, unlike that
        /// of any other. Some libraries, such as the official one for Python, take digits only.
        /// Where no application is set, the first start makes one of the id `1` and keeps it in the
        /// data directory, in `app.toml`; but nodes that share a bus have to share what is set here.
        id: Option<String> = None;
        /// Public half of the credentials, which clients connect with: 1 to 64 letters, digits, `_`
        /// and `-`, unlike that of any other.
        key: Option<String> = None;
        /// Private half, which signs who may enter which channel: at least 16 bytes, and nothing
        /// that others would guess.
        secret: Option<Secret> = None;
        /// Whether it is served; clients of one that is not are told so and stay away.
        enabled: bool = true;
        /// Whether clients may send events to each other on private and presence channels.
        client_messages: bool = true;
        /// Whether the subscribers of a channel are told how many they are.
        subscription_counts: bool = false;
        /// Whether connections are closed that have neither signed in nor entered a private or
        /// presence channel in the time of `authorisation_timeout_seconds`.
        user_authentication: bool = false;
        /// Whether clients have to come by `wss:`.
        tls_only: bool = false;
        /// Origins of web pages that may connect, such as `https://chat.example`, at most 64; without
        /// any, all may. Programs that are no browsers name none and always may.
        allowed_origins: Vec<String> = Vec::new();
        /// Further keys, as good as the first, while one is changed for another.
        keys: Vec<AppKey> = Vec::new();
        /// Whom it has told what happens in its channels, at most 16.
        webhooks: Vec<AppWebhook> = Vec::new();
        /// Its bounds.
        limits: AppLimits = AppLimits::default();
    }
}

section! {
    /// A further key of an application.
    pub struct AppKey {
        /// Public half of further credentials, which are as good as the first: while one key is
        /// changed for another, an application has both.
        key: Option<String> = None;
        /// Private half of them.
        secret: Option<Secret> = None;
    }
}

section! {
    /// A webhook of an application: where it is told over HTTP of what happens in its channels.
    pub struct AppWebhook {
        /// Where: a URL of `http:` or `https:`, unlike that of any other webhook of the application.
        /// It has to be on the public internet, unless `webhooks.allow` lets it.
        url: Option<String> = None;
        /// Of what: `channel_occupied`, `channel_vacated`, `member_added`, `member_removed`,
        /// `client_event`, `cache_miss` and `subscription_count`; without any, of all these. Of the
        /// messages of the chat's own rooms it is told where `message` stands here.
        events: Vec<String> = Vec::new();
        /// Of the messages of which rooms, where it is told of messages: `public`, `private` and
        /// `direct`; without any, of public ones.
        rooms: Vec<String> = Vec::new();
        /// Whether it is told what people say in direct rooms, and not only that they do.
        direct_bodies: bool = false;
    }
}

listed!(App, AppKey, AppWebhook);

section! {
    /// What bounds an application, its clients and its channels.
    pub struct AppLimits {
        /// Connections on one node; 0 for as many as `server.connections_max` lets in.
        connections_max: usize = 0;
        /// Messages in a day, from midnight to midnight in UTC, on all nodes together: each event
        /// counts once for each channel that it is published to, and so does each that a client
        /// sends. What goes beyond it is refused, with 403 or `pusher:error`. 0 for any number.
        messages_per_day_max: u64 = 0;
        /// Longest name of a channel, in bytes.
        channel_name_bytes_max: usize = Limits::default().channel_name_bytes_max;
        /// Longest name of an event, in characters.
        event_name_characters_max: usize = Limits::default().event_name_characters_max;
        /// Longest data of an event, in bytes.
        event_data_bytes_max: usize = Limits::default().event_data_bytes_max;
        /// Channels that one event is published to.
        channels_per_event_max: usize = Limits::default().channels_per_event_max;
        /// Events that are published at once.
        batch_events_max: usize = Limits::default().batch_events_max;
        /// Longest frame of a client, in bytes.
        frame_bytes_max: usize = Limits::default().frame_bytes_max;
        /// Members of a presence channel.
        presence_members_max: usize = Limits::default().presence_members_max;
        /// Longest information about a member, in bytes of JSON.
        user_info_bytes_max: usize = Limits::default().user_info_bytes_max;
        /// Longest id of a user, in characters.
        user_id_characters_max: usize = Limits::default().user_id_characters_max;
        /// Users that one user watches; further ones are left out.
        watchlist_users_max: usize = Limits::default().watchlist_users_max;
        /// Events that one client may send to others in a second.
        client_events_per_second: u32 = Limits::default().client_events_per_second_max;
        /// Events of one client that may be refused in a minute, as they come faster than that; who
        /// goes on is closed with 4100, and may come back after a second. 0 closes nobody.
        client_event_refusals_per_minute: u32 = Limits::default().client_event_refusals_per_minute_max;
        /// Seconds of silence after which a client asks whether the server is there.
        activity_timeout_seconds: u32 = Limits::default().activity_timeout_seconds.get();
        /// Seconds that the answer to such a question may take.
        pong_timeout_seconds: f64 = Limits::default().pong_timeout.as_secs_f64();
        /// Seconds for which a client may say nothing by itself, though it answers when it is asked
        /// whether it is there; then it is closed with 4202, and comes back at once. 0 for as long
        /// as it likes.
        silence_seconds_max: f64 = Limits::default().silence_max.as_secs_f64();
        /// Seconds until a connection is closed where `user_authentication` asks for it.
        authorisation_timeout_seconds: f64 = Limits::default().authorisation_timeout.as_secs_f64();
        /// Seconds that the clock of whoever signs a request may be off, either way.
        signature_age_seconds_max: u64 = Limits::default().signature_age_seconds_max;
        /// Seconds for which the answer to a request with an `Idempotency-Key` is remembered: one
        /// that comes again is answered, and publishes nothing. Each node remembers some 16 MiB of
        /// them, the latest; nodes that share a Redis remember them there.
        idempotency_seconds: f64 = 300.0;
        /// Seconds that the last event of a cache channel is kept.
        cache_seconds: f64 = Limits::default().cache_time.as_secs_f64();
        /// Seconds that a channel or a member may be gone before a webhook tells so.
        webhook_linger_seconds: f64 = Limits::default().webhook_linger.as_secs_f64();
        /// Seconds for which a webhook that is not taken is tried again.
        webhook_retry_seconds: f64 = Limits::default().webhook_retry_time.as_secs_f64();
    }
}

impl App {
    /// Its keys with their secrets, the first one first. They are all there: that was checked.
    pub fn credentials(&self) -> impl Iterator<Item = (&str, &Secret)> {
        let further = self.keys.iter().map(|one| (one.key.as_deref(), one.secret.as_ref()));
        let all = std::iter::once((self.key.as_deref(), self.secret.as_ref())).chain(further);
        all.filter_map(|(key, secret)| Some((key?, secret?)))
    }
}

impl AppLimits {
    /// How long the list of members may be that a new one is given, in bytes: each is named twice,
    /// in characters of up to four bytes.
    fn presence_answer_bytes(&self) -> usize {
        let member =
            self.user_info_bytes_max.saturating_add(self.user_id_characters_max.saturating_mul(8));
        member.saturating_mul(self.presence_members_max)
    }

    /// The same as the protocol has them.
    pub fn to_pusher(&self) -> Limits {
        let seconds = Duration::from_secs_f64;
        let unset = Limits::default();
        let activity_timeout = NonZeroU32::new(self.activity_timeout_seconds);
        Limits {
            channel_name_bytes_max: self.channel_name_bytes_max,
            event_name_characters_max: self.event_name_characters_max,
            event_data_bytes_max: self.event_data_bytes_max,
            channels_per_event_max: self.channels_per_event_max,
            batch_events_max: self.batch_events_max,
            frame_bytes_max: self.frame_bytes_max,
            // How deep a parser goes is not a question of taste.
            nesting_max: unset.nesting_max,
            presence_members_max: self.presence_members_max,
            user_info_bytes_max: self.user_info_bytes_max,
            user_id_characters_max: self.user_id_characters_max,
            watchlist_users_max: self.watchlist_users_max,
            client_events_per_second_max: self.client_events_per_second,
            client_event_refusals_per_minute_max: self.client_event_refusals_per_minute,
            // The chat counts all channels in the same way.
            subscription_count_exact_max: unset.subscription_count_exact_max,
            subscription_count_interval: unset.subscription_count_interval,
            activity_timeout_seconds: activity_timeout.unwrap_or(unset.activity_timeout_seconds),
            pong_timeout: seconds(self.pong_timeout_seconds),
            silence_max: seconds(self.silence_seconds_max),
            authorisation_timeout: seconds(self.authorisation_timeout_seconds),
            signature_age_seconds_max: self.signature_age_seconds_max,
            cache_time: seconds(self.cache_seconds),
            webhook_linger: seconds(self.webhook_linger_seconds),
            webhook_retry_time: seconds(self.webhook_retry_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_protocol() {
        assert_eq!(AppLimits::default().to_pusher(), Limits::default());
    }
}
