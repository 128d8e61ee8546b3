//! Settings of every limit of the chat, by its name in the core.

use super::setting::section;
use campanile_core::limits as core;
use std::time::Duration;

section! {
    /// Bounds, by name.
    pub struct Limits {
        /// `false` switches every rate limit off, for benchmarks.
        enabled: bool = true;
        /// Longest message body, in bytes of UTF-8. Seen in
        /// `chat_message_errors_total{reason="too_large"}`.
        message_bytes_max: usize = 16 * 1024;
        /// Longest idempotency key, in bytes.
        idempotency_key_bytes_max: usize = 128;
        /// Seconds that an idempotency key is remembered.
        idempotency_window_seconds: f64 = 86_400.0;
        /// Longest room topic, in bytes of UTF-8.
        topic_bytes_max: usize = 1_024;
        /// Seconds for which a room may say that its messages are kept, at most; by default a
        /// hundred years.
        room_retention_seconds_max: u64 = 3_155_760_000;
        /// Longest reaction, in bytes of UTF-8.
        emoji_bytes_max: usize = 64;
        /// Distinct reactions on one message.
        reactions_per_message_max: usize = 32;
        /// Members of one room. Seen in `chat_room_join_failures_total{reason="full"}`.
        room_members_max: usize = 50_000;
        /// Rooms that one user may be a member of.
        rooms_per_user_max: usize = 1_000;
        /// Rooms that one connection may listen to.
        rooms_per_connection_max: usize = 1_000;
        /// Connections of one user on one node. Seen in
        /// `chat_connections_rejected_total{reason="quota"}`.
        connections_per_user_max: usize = 100;
        /// Messages in one page of history.
        history_page_max: usize = crate::limits::PAGE_MAX as usize;
        /// Messages replayed when a connection resumes.
        resume_messages_max: usize = 500;
        /// Members listed in the answer to a join.
        members_listed_max: usize = 500;
        /// Subscribers of a room beyond which presence and typing are not announced in it.
        presence_audience_max: usize = 200;
        /// Bytes that may wait for one connection. Seen in
        /// `chat_connection_slow_consumers_total`.
        outbox_bytes_max: usize = 1024 * 1024;
        /// Bytes above which typing and presence are dropped. Seen in
        /// `chat_messages_dropped_total{reason="queue_full"}`.
        outbox_ephemeral_bytes_max: usize = 256 * 1024;
        /// Seconds that the oldest waiting frame may wait before its reader counts as gone.
        outbox_age_max_seconds: f64 = 10.0;
        /// Events that may wait for one worker thread.
        shard_queue_events_max: usize = 16 * 1024;
        /// Events held back for one room while an earlier one is missing.
        gap_events_max: usize = 1_024;
        /// Seconds that a missing event is waited for before it is fetched from the store.
        gap_patience_seconds: f64 = 0.1;
        /// Seconds that a request which comes a little too early is made to wait instead of
        /// being refused. Seen in `chat_rate_limit_wait_seconds`.
        rate_wait_max_seconds: f64 = 0.05;
        /// Longest upload, in bytes. Seen in `chat_uploads_total{result="too_large"}`.
        upload_bytes_max: u64 = 16 * 1024 * 1024;
        /// Bytes that the uploads of one user may hold. Seen in
        /// `chat_uploads_total{result="quota"}`.
        upload_quota_bytes_max: u64 = 1024 * 1024 * 1024;
        /// Prekeys of one user, of each kind that is used once.
        prekeys_per_user_max: u64 = 200;
        /// One-time prekeys below which a user counts as running out. Seen in
        /// `chat_prekey_users_low`.
        prekeys_low: u64 = 20;
        /// Invitations that are kept at once.
        invites_max: u64 = 200;
        /// Applications that operators make while the server runs.
        apps_max: u64 = 1_000;
        /// Keys that each of them has at once.
        app_keys_max: usize = 10;
        /// Browsers of one user that are notified; the oldest makes way for one more.
        push_subscriptions_per_user: u64 = 10;
        /// Notifications of all users that wait for push services; further ones are dropped. Seen
        /// in `chat_queue_jobs_pending`.
        push_queue_max: u64 = 10_000;
        /// Events of all applications that wait for the receivers of webhooks; further ones are
        /// dropped. Seen in `chat_webhooks_failed_total{reason="overflow"}`.
        webhook_queue_max: u64 = 100_000;
        /// Webhooks that were given up and are kept to be looked at; further ones are dropped. Seen
        /// in `chat_queue_jobs_dead_lettered_total`.
        webhook_dead_max: u64 = 10_000;
        /// New connections from one address.
        connections_per_address: Rate = Rate::of(|rates| rates.connections_per_address);
        /// New connections on this node.
        connections_per_node: Rate = Rate::of(|rates| rates.connections_per_node);
        /// Requests over one connection, of any kind.
        requests_per_connection: Rate = Rate::of(|rates| rates.requests_per_connection);
        /// Messages of one user, over all connections.
        messages_per_user: Rate = Rate::of(|rates| rates.messages_per_user);
        /// HTTP requests from one address.
        api_per_address: Rate = Rate::of(|rates| rates.api_per_address);
        /// Log-ins from one address.
        logins_per_address: Rate = Rate::of(|rates| rates.logins_per_address);
        /// Log-ins to one account.
        logins_per_user: Rate = Rate::of(|rates| rates.logins_per_user);
        /// Joins of one user.
        joins_per_user: Rate = Rate::of(|rates| rates.joins_per_user);
        /// Uploads of one user.
        uploads_per_user: Rate = Rate::of(|rates| rates.uploads_per_user);
        /// Bundles of prekeys handed to one user.
        prekey_claims_per_user: Rate = Rate::of(|rates| rates.prekey_claims_per_user);
    }
}

section! {
    /// So many in a second on average, with so many at once.
    pub struct Rate {
        /// Sustained, a second.
        per_second: f64 = 1.0;
        /// At once; at least 1.
        burst: u32 = 1;
    }
}

impl Limits {
    /// The same as the core has them.
    pub fn to_core(&self) -> core::Limits {
        core::Limits {
            message_bytes_max: self.message_bytes_max,
            idempotency_key_bytes_max: self.idempotency_key_bytes_max,
            idempotency_window: Duration::from_secs_f64(self.idempotency_window_seconds),
            topic_bytes_max: self.topic_bytes_max,
            room_retention_max: Duration::from_secs(self.room_retention_seconds_max),
            emoji_bytes_max: self.emoji_bytes_max,
            reactions_per_message_max: self.reactions_per_message_max,
            room_members_max: self.room_members_max,
            rooms_per_user_max: self.rooms_per_user_max,
            rooms_per_connection_max: self.rooms_per_connection_max,
            connections_per_user_max: self.connections_per_user_max,
            history_page_max: self.history_page_max,
            resume_messages_max: self.resume_messages_max,
            members_listed_max: self.members_listed_max,
            presence_audience_max: self.presence_audience_max,
            outbox_bytes_max: self.outbox_bytes_max,
            outbox_ephemeral_bytes_max: self.outbox_ephemeral_bytes_max,
            outbox_age_max: Duration::from_secs_f64(self.outbox_age_max_seconds),
            shard_queue_events_max: self.shard_queue_events_max,
            gap_events_max: self.gap_events_max,
            gap_patience: Duration::from_secs_f64(self.gap_patience_seconds),
            rate_wait_max: Duration::from_secs_f64(self.rate_wait_max_seconds),
            upload_bytes_max: self.upload_bytes_max,
            upload_quota_bytes_max: self.upload_quota_bytes_max,
            prekeys_per_user_max: self.prekeys_per_user_max,
            prekeys_low: self.prekeys_low,
            invites_max: self.invites_max,
            apps_max: self.apps_max,
            app_keys_max: self.app_keys_max,
            push_subscriptions_per_user: self.push_subscriptions_per_user,
            push_queue_max: self.push_queue_max,
            webhook_queue_max: self.webhook_queue_max,
            webhook_dead_max: self.webhook_dead_max,
            rates: self.enabled.then(|| self.rates()),
        }
    }

    /// The rates by name, for checks.
    pub(super) fn named_rates(&self) -> [(&'static str, &Rate); 10] {
        [
            ("connections_per_address", &self.connections_per_address),
            ("connections_per_node", &self.connections_per_node),
            ("requests_per_connection", &self.requests_per_connection),
            ("messages_per_user", &self.messages_per_user),
            ("api_per_address", &self.api_per_address),
            ("logins_per_address", &self.logins_per_address),
            ("logins_per_user", &self.logins_per_user),
            ("joins_per_user", &self.joins_per_user),
            ("uploads_per_user", &self.uploads_per_user),
            ("prekey_claims_per_user", &self.prekey_claims_per_user),
        ]
    }

    fn rates(&self) -> core::Rates {
        core::Rates {
            connections_per_address: self.connections_per_address.to_core(),
            connections_per_node: self.connections_per_node.to_core(),
            requests_per_connection: self.requests_per_connection.to_core(),
            messages_per_user: self.messages_per_user.to_core(),
            api_per_address: self.api_per_address.to_core(),
            logins_per_address: self.logins_per_address.to_core(),
            logins_per_user: self.logins_per_user.to_core(),
            joins_per_user: self.joins_per_user.to_core(),
            uploads_per_user: self.uploads_per_user.to_core(),
            prekey_claims_per_user: self.prekey_claims_per_user.to_core(),
        }
    }
}

impl Rate {
    fn of(pick: impl FnOnce(core::Rates) -> core::Rate) -> Self {
        let core::Rate { per_second, burst } = pick(core::Rates::default());
        Self { per_second, burst }
    }

    fn to_core(&self) -> core::Rate {
        core::Rate::new(self.per_second, self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_core() {
        assert_eq!(Limits::default().to_core(), core::Limits::default());
    }

    #[test]
    fn rates_can_be_switched_off() {
        let limits = Limits { enabled: false, ..Limits::default() };
        assert_eq!(limits.to_core().rates, None);
    }
}
