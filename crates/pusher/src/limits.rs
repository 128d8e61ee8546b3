//! Every bound of the protocol, in one place.

use std::{num::NonZeroU32, time::Duration};

/// What bounds clients, publishers and queues. The defaults are those of the documentation; the
/// numbers in brackets are lines of the compatibility checklist.
///
/// The lengths and counts are used in this crate; the times are kept by whoever has a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest name of a channel (4.2): 200, which the server libraries allow; the documentation
    /// says 164. All characters that a name may have are one byte long.
    pub channel_name_bytes_max: usize,
    /// Longest name of an event, in characters (11.2 j): 200.
    pub event_name_characters_max: usize,
    /// Longest `data` of an event, in bytes of its text (11.2 i): 10 KiB.
    pub event_data_bytes_max: usize,
    /// Most channels that one event is published to (11.2 a): 100.
    pub channels_per_event_max: usize,
    /// Most events of one batch (11.2 d): 10.
    pub batch_events_max: usize,
    /// Longest frame of a client, in bytes (7.9): 64 KiB. Whoever reads the socket keeps it, and
    /// closes with 1009.
    pub frame_bytes_max: usize,
    /// How deep objects and arrays of a frame or a body may lie in each other (7.9): 32.
    pub nesting_max: usize,
    /// Most members of a presence channel (6.3): 100.
    pub presence_members_max: usize,
    /// Longest `user_info` of a member, in bytes of its JSON (6.3): 1 KiB.
    pub user_info_bytes_max: usize,
    /// Longest id of a user, in characters (6.3): 128.
    pub user_id_characters_max: usize,
    /// Most users that one user watches (10.5): 100. Those behind them are left out.
    pub watchlist_users_max: usize,
    /// Most client events of one connection in a second (7.6): 10.
    pub client_events_per_second_max: u32,
    /// Most client events of one connection that are refused in a minute, as they come faster than
    /// that, before it is closed (7.6); 0 where nobody is closed for them.
    pub client_event_refusals_per_minute_max: u32,
    /// Up to so many subscribers each change of their number is told (9.2): 100.
    pub subscription_count_exact_max: usize,
    /// Above that, a number is told at most so often (9.2): every 5 s.
    pub subscription_count_interval: Duration,
    /// Silence after which either end asks whether the other is there (1.4): 120 s. Zero makes
    /// clients fail, and so it cannot be said.
    pub activity_timeout_seconds: NonZeroU32,
    /// How long an answer to a ping may take (2.3): 30 s.
    pub pong_timeout: Duration,
    /// How long a client may say nothing but that it is there when it is asked (2.4): 24 h; zero for
    /// as long as it likes.
    pub silence_max: Duration,
    /// Where connections have to be authorised, the time they have for it (1.10): 30 s.
    pub authorisation_timeout: Duration,
    /// How far the clock of whoever signs a request may be off, either way (11.1 d): 600 s.
    pub signature_age_seconds_max: u64,
    /// How long the last event of a cache channel is kept (8.3): 30 min.
    pub cache_time: Duration,
    /// How long the webhooks of a vacated channel and a removed member wait for them to come back
    /// (12.4): 3 s.
    pub webhook_linger: Duration,
    /// How long a webhook that is not taken is tried again (12.5): 5 min.
    pub webhook_retry_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channel_name_bytes_max: 200,
            event_name_characters_max: 200,
            event_data_bytes_max: 10 * 1024,
            channels_per_event_max: 100,
            batch_events_max: 10,
            frame_bytes_max: 64 * 1024,
            nesting_max: 32,
            presence_members_max: 100,
            user_info_bytes_max: 1024,
            user_id_characters_max: 128,
            watchlist_users_max: 100,
            client_events_per_second_max: 10,
            client_event_refusals_per_minute_max: 0,
            subscription_count_exact_max: 100,
            subscription_count_interval: Duration::from_secs(5),
            activity_timeout_seconds: NonZeroU32::new(120).expect("120 is not 0"),
            pong_timeout: Duration::from_secs(30),
            silence_max: Duration::from_hours(24),
            authorisation_timeout: Duration::from_secs(30),
            signature_age_seconds_max: 600,
            cache_time: Duration::from_mins(30),
            webhook_linger: Duration::from_secs(3),
            webhook_retry_time: Duration::from_mins(5),
        }
    }
}

/// Whether `text` has more than `max` characters, counting only where its bytes leave a doubt.
pub(crate) fn is_longer(text: &str, characters_max: usize) -> bool {
    text.len() > characters_max && text.chars().nth(characters_max).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert!(!is_longer("ééé", 3));
        assert!(is_longer("éééé", 3));
        assert!(!is_longer("", 0));
        assert!(is_longer("a", 0));
    }
}
