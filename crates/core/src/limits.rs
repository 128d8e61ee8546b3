//! Every limit of the chat rules, by name: what can be set, with its default, and what no setting
//! changes.
//!
//! A limit that bites is counted: it says in which metric.

use std::time::Duration;

/// Messages of direct rooms that may wait to be looked at for notifications. Seen in
/// `chat_notifications_failed_total{reason="overflow"}`.
pub(crate) const PUSH_MESSAGES_WAITING_MAX: usize = 1_024;

/// Notifications that a node hands over at once.
pub(crate) const PUSHES_AT_ONCE: usize = 16;

/// How often it is tried to hand one over. Seen in
/// `chat_queue_jobs_failed_total{reason="exhausted"}`.
pub(crate) const PUSH_ATTEMPTS_MAX: u32 = 5;

/// Later messages that are looked at when it is tried again.
pub(crate) const PUSH_SUCCESSORS_MAX: usize = 16;

/// Characters of a message that a notification shows.
pub(crate) const PUSH_BODY_CHARACTERS_MAX: usize = 200;

/// What may wait to become a job for webhooks. Seen in
/// `chat_webhooks_failed_total{reason="overflow"}`.
pub(crate) const WEBHOOKS_NOTED_MAX: usize = 4_096;

/// What is noted of one application on one node: what clients of one can cause does not take the
/// room of all. Seen like [`WEBHOOKS_NOTED_MAX`].
pub(crate) const WEBHOOKS_NOTED_PER_APP: Rate = Rate::new(200.0, 2_000);

/// What becomes jobs together.
pub(crate) const WEBHOOKS_QUEUED_TOGETHER: usize = 256;

/// Jobs that a node takes at once.
pub(crate) const WEBHOOKS_TAKEN_MAX: usize = 64;

/// Requests to one receiver at once.
pub(crate) const WEBHOOKS_AT_ONCE: usize = 8;

/// Subscriptions of a channel from which on its count is not told at each change.
pub(crate) const CHANNEL_COUNT_AT_ONCE_MAX: u64 = 100;

/// Answers of other nodes that wait to be read by the one who asked; more than there are nodes.
pub(crate) const CLUSTER_ANSWERS_MAX: usize = 256;

/// The bounds within which rooms, messages and connections live.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Longest message body, in bytes of UTF-8. Seen in `chat_message_errors_total{reason="too_large"}`.
    pub message_bytes_max: usize,
    /// Longest idempotency key, in bytes.
    pub idempotency_key_bytes_max: usize,
    /// How long an idempotency key is remembered.
    pub idempotency_window: Duration,
    /// Longest room topic, in bytes of UTF-8.
    pub topic_bytes_max: usize,
    /// Longest time for which a room may say that its messages are kept.
    pub room_retention_max: Duration,
    /// Longest reaction, in bytes of UTF-8: room for one composed emoji.
    pub emoji_bytes_max: usize,
    /// Distinct reactions on one message.
    pub reactions_per_message_max: usize,
    /// Members of one room. Seen in `chat_room_join_failures_total`.
    pub room_members_max: usize,
    /// Rooms that one user may be a member of.
    pub rooms_per_user_max: usize,
    /// Rooms that one connection may listen to.
    pub rooms_per_connection_max: usize,
    /// Connections of one user on one node. Seen in `chat_connections_rejected_total{reason="quota"}`.
    pub connections_per_user_max: usize,
    /// Messages in one page of history.
    pub history_page_max: usize,
    /// Messages replayed when a connection resumes; beyond it the answer says `truncated`.
    pub resume_messages_max: usize,
    /// Members listed in the answer to a join.
    pub members_listed_max: usize,
    /// Subscribers of a room beyond which presence and typing are not announced in it.
    pub presence_audience_max: usize,
    /// Bytes that may wait for one connection. Seen in `chat_connection_slow_consumers_total`.
    pub outbox_bytes_max: usize,
    /// Bytes above which events that do not matter later (typing, presence) are dropped. Seen in
    /// `chat_messages_dropped_total{reason="queue_full"}`.
    pub outbox_ephemeral_bytes_max: usize,
    /// How long the oldest waiting frame may wait before its reader counts as gone.
    pub outbox_age_max: Duration,
    /// Events that may wait for one worker thread.
    pub shard_queue_events_max: usize,
    /// Events held back for one room while an earlier one is missing.
    pub gap_events_max: usize,
    /// How long a missing event is waited for before it is fetched from the store.
    pub gap_patience: Duration,
    /// How long a request that comes a little too early is made to wait instead of being refused.
    /// Seen in `chat_rate_limit_wait_seconds`.
    pub rate_wait_max: Duration,
    /// Longest upload, in bytes. Seen in `chat_uploads_total{result="too_large"}`.
    pub upload_bytes_max: u64,
    /// Bytes that the uploads of one user may hold. Seen in `chat_uploads_total{result="quota"}`.
    pub upload_quota_bytes_max: u64,
    /// Prekeys of one user, of each kind that is used once.
    pub prekeys_per_user_max: u64,
    /// One-time prekeys below which a user counts as running out. Seen in
    /// `chat_prekey_users_low`.
    pub prekeys_low: u64,
    /// Invitations that are kept at once.
    pub invites_max: u64,
    /// Applications that operators have made. Seen in the refusals of `POST /api/v1/apps`.
    pub apps_max: u64,
    /// Keys of one of them. Seen in the refusals of `POST /api/v1/apps/{app}/keys`.
    pub app_keys_max: usize,
    /// Browsers of one user that are notified; the oldest makes way for one more.
    pub push_subscriptions_per_user: u64,
    /// Notifications of all users that wait for push services; further ones are dropped.
    pub push_queue_max: u64,
    /// Events of all applications that wait for the receivers of webhooks; further ones are dropped.
    /// Seen in `chat_webhooks_failed_total{reason="overflow"}`.
    pub webhook_queue_max: u64,
    /// Events that were given up and are kept to be looked at; further ones are dropped. Seen in
    /// `chat_queue_jobs_dead_lettered_total`.
    pub webhook_dead_max: u64,
    /// Rates; `None` switches all of them off, for benchmarks.
    pub rates: Option<Rates>,
}

/// Rate limits: what is refused in `chat_rate_limit_rejections_total{limiter,context}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates {
    /// New connections from one address.
    pub connections_per_address: Rate,
    /// New connections on this node.
    pub connections_per_node: Rate,
    /// Requests over one connection, of any kind.
    pub requests_per_connection: Rate,
    /// Messages of one user, over all connections.
    pub messages_per_user: Rate,
    /// HTTP requests from one address.
    pub api_per_address: Rate,
    /// Log-ins from one address.
    pub logins_per_address: Rate,
    /// Log-ins to one account.
    pub logins_per_user: Rate,
    /// Joins of one user.
    pub joins_per_user: Rate,
    /// Uploads of one user.
    pub uploads_per_user: Rate,
    /// Bundles of prekeys handed to one user.
    pub prekey_claims_per_user: Rate,
}

/// So many in a second on average, with so many at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Sustained events a second.
    pub per_second: f64,
    /// Events that may come at once; at least 1.
    pub burst: u32,
}

impl Rate {
    /// A rate of `per_second` with `burst` at once.
    pub const fn new(per_second: f64, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            connections_per_address: Rate::new(10.0, 50),
            connections_per_node: Rate::new(500.0, 1_000),
            requests_per_connection: Rate::new(50.0, 200),
            messages_per_user: Rate::new(10.0, 20),
            api_per_address: Rate::new(50.0, 200),
            logins_per_address: Rate::new(0.5, 20),
            logins_per_user: Rate::new(5.0 / 60.0, 5),
            joins_per_user: Rate::new(10.0, 100),
            uploads_per_user: Rate::new(1.0, 20),
            prekey_claims_per_user: Rate::new(1.0, 60),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 16 * 1024,
            idempotency_key_bytes_max: 128,
            idempotency_window: Duration::from_secs(24 * 3600),
            topic_bytes_max: 1_024,
            // A hundred years.
            room_retention_max: Duration::from_secs(36_525 * 24 * 3600),
            emoji_bytes_max: 64,
            reactions_per_message_max: 32,
            room_members_max: 50_000,
            rooms_per_user_max: 1_000,
            rooms_per_connection_max: 1_000,
            connections_per_user_max: 100,
            history_page_max: 200,
            resume_messages_max: 500,
            members_listed_max: 500,
            presence_audience_max: 200,
            outbox_bytes_max: 1024 * 1024,
            outbox_ephemeral_bytes_max: 256 * 1024,
            outbox_age_max: Duration::from_secs(10),
            shard_queue_events_max: 16 * 1024,
            gap_events_max: 1_024,
            gap_patience: Duration::from_millis(100),
            rate_wait_max: Duration::from_millis(50),
            upload_bytes_max: 16 * 1024 * 1024,
            upload_quota_bytes_max: 1024 * 1024 * 1024,
            prekeys_per_user_max: 200,
            prekeys_low: 20,
            invites_max: 200,
            apps_max: 1_000,
            app_keys_max: 10,
            push_subscriptions_per_user: 10,
            push_queue_max: 10_000,
            webhook_queue_max: 100_000,
            webhook_dead_max: 10_000,
            rates: Some(Rates::default()),
        }
    }
}
