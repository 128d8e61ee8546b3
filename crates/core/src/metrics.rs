//! What the rules of chat count.
//!
//! One struct for each group of the catalogue. Storage, archive and bus are counted by the
//! decorators in [`crate::instrumented`].

use crate::labels::{
    AuthRefusal, ChannelType, ClusterOperation, Direction, DropReason, JobFailure, JoinRefusal,
    Mechanism, MessageErrorReason, MessageKind, MessageResult, NotificationFailure, Outcome,
    PrekeyKind, PresenceType, Provider, Queue, RecoverySource, Scope, Transport, UnsubscribeReason,
    UploadResult, WebhookEvent, WebhookFailure,
};
use crate::port::{Limiter, LimiterContext};
use campanile_metrics::{Description, Registry, buckets, catalogue, labels};

labels! {
    /// The application that a connection or room belongs to: 64, those of the native protocol, and
    /// the rest.
    pub struct App("app", max 66);
}

/// The value of [`App`] for connections and rooms of the native protocol.
pub const NATIVE_APP: &str = "native";

catalogue! {
    /// What the fan-out knows of connections.
    pub struct FanoutMetrics {
        /// Messages waiting in all per-connection send queues.
        gauge send_queue() = "chat_connection_send_queue_messages";
        /// Connections that overran their send queue.
        counter slow_consumers(Transport) = "chat_connection_slow_consumers_total";
        /// Distinct users with at least one connection on this node (do not sum over nodes).
        gauge users_online(App) = "chat_users_online";
        /// Session resumption attempts.
        counter resumptions(Outcome) = "chat_session_resumptions_total";
    }
}

catalogue! {
    /// Who proved to be whom.
    pub struct AuthMetrics {
        /// Successful authentications.
        counter successes(Mechanism) = "chat_auth_successes_total";
        /// Failed authentications.
        counter failures(Mechanism, AuthRefusal) = "chat_auth_failures_total";
        /// Time to decide one authentication.
        histogram duration(Mechanism) = "chat_auth_duration_seconds" [Seconds]
            buckets buckets::LATENCY;
    }
}

catalogue! {
    /// What becomes of messages.
    pub struct MessageMetrics {
        /// Messages parsed from clients and peers.
        counter received(App, Transport, MessageKind) = "chat_messages_received_total";
        /// Message copies written to recipients.
        counter sent(App, Transport, ChannelType) = "chat_messages_sent_total";
        /// Messages taken to a final decision by the core.
        counter processed(MessageKind, MessageResult) = "chat_messages_processed_total";
        /// Publishes fanned out to a room or channel.
        counter broadcasts(ChannelType) = "chat_message_broadcasts_total";
        /// Messages that failed, by reason.
        counter errors(MessageErrorReason) = "chat_message_errors_total";
        /// Copies dropped before delivery.
        counter dropped(DropReason) = "chat_messages_dropped_total";
        /// Messages recognised as repeats and not delivered twice.
        counter duplicates() = "chat_message_duplicates_suppressed_total";
        /// Time from receiving a message from its client, which is then stored, to writing a copy
        /// to a recipient: on the same node, or on another, by the clocks of both. Copies that
        /// leave in one write count as the oldest of them.
        histogram delivery_latency(Scope) = "chat_message_delivery_latency_seconds" [Seconds]
            buckets buckets::LATENCY;
        /// Time the core spent on one message.
        histogram processing(MessageKind) = "chat_message_processing_duration_seconds" [Seconds]
            buckets buckets::FAST;
        /// Message payload size: of each one received, and of each one fanned out.
        histogram size(Direction) = "chat_message_size_bytes" [Bytes] buckets buckets::SIZE;
        /// Recipients of one publish on this node.
        histogram fanout_recipients() = "chat_message_fanout_recipients" buckets buckets::COUNT;
        /// Message handlers running now.
        gauge handlers() = "chat_message_handlers_active";
        /// Delivery acknowledgements: read marks that moved, and those that could not be kept.
        counter acks(Outcome) = "chat_message_acks_total";
        /// Client-originated events, which are passed on and not kept: the signs that somebody
        /// types.
        counter client_events(ChannelType, MessageResult) = "chat_client_events_total";
    }
}

catalogue! {
    /// What happens to rooms.
    pub struct RoomMetrics {
        /// Rooms or channels with at least one subscriber on this node.
        gauge active(App, ChannelType) = "chat_rooms_active";
        /// Subscriptions of all rooms on this node.
        gauge participants(ChannelType) = "chat_room_participants";
        /// Joins or channel subscriptions.
        counter joins(App, ChannelType) = "chat_room_joins_total";
        /// Leaves or channel unsubscriptions.
        counter leaves(App, ChannelType, UnsubscribeReason) = "chat_room_leaves_total";
        /// Joins refused. The type is that of the room, and public where it is not known.
        counter join_failures(ChannelType, JoinRefusal) = "chat_room_join_failures_total";
        /// Rooms brought to life: the first subscriber on this node came.
        counter openings(ChannelType) = "chat_room_openings_total";
        /// Rooms ended or unloaded: the last subscriber on this node left.
        counter closings(ChannelType) = "chat_room_closings_total";
        /// Participants of a room on this node, observed when it changes.
        histogram participants_per_room() = "chat_room_participants_per_room"
            buckets buckets::COUNT;
    }
}

catalogue! {
    /// Who is there.
    pub struct PresenceMetrics {
        /// Presence updates received from clients and peers.
        counter updates_received(PresenceType) = "chat_presence_updates_received_total";
        /// Presence copies written to recipients.
        counter updates_sent(PresenceType) = "chat_presence_updates_sent_total";
        /// Members of presence channels on this node: users with a connection, whatever they
        /// say.
        gauge members(App) = "chat_presence_members";
        /// Presence subscriptions held on this node: each subscription to a room hears the
        /// presence of the others in it.
        gauge subscriptions() = "chat_presence_subscriptions";
    }
}

catalogue! {
    /// What reconnecting clients missed.
    pub struct RecoveryMetrics {
        /// Reconnect recoveries.
        counter recoveries(Outcome, RecoverySource) = "chat_history_recoveries_total";
        /// Messages replayed by one recovery.
        histogram recovered() = "chat_history_recovered_messages" buckets buckets::COUNT;
    }
}

catalogue! {
    /// What rate limits did.
    pub struct RateLimitMetrics {
        /// Rate limit checks.
        counter checks(Limiter, LimiterContext) = "chat_rate_limit_checks_total";
        /// Requests a rate limit stopped.
        counter rejections(Limiter, LimiterContext) = "chat_rate_limit_rejections_total";
        /// Time requests were delayed by a limiter.
        histogram wait(Limiter) = "chat_rate_limit_wait_seconds" [Seconds]
            buckets buckets::LATENCY;
    }
}

catalogue! {
    /// What becomes of uploads.
    pub struct UploadMetrics {
        /// File uploads: those that began, by how they ended.
        counter uploads(UploadResult) = "chat_uploads_total";
        /// Bytes of accepted uploads.
        counter received() = "chat_upload_received_bytes_total" [Bytes];
        /// Size of accepted uploads.
        histogram size() = "chat_upload_size_bytes" [Bytes] buckets buckets::SIZE;
        /// Time to take one upload.
        histogram duration() = "chat_upload_duration_seconds" [Seconds] buckets buckets::LATENCY;
        /// Bytes held by the upload store.
        gauge stored() = "chat_upload_stored_bytes" [Bytes];
    }
}

catalogue! {
    /// The nodes together.
    pub struct ClusterMetrics {
        /// Nodes this node sees alive, itself included.
        gauge nodes() = "chat_cluster_nodes";
        /// Nodes configured, or seen in the last hour and not gone on purpose.
        gauge nodes_expected() = "chat_cluster_nodes_expected";
        /// Requests to other nodes.
        counter requests(ClusterOperation, Outcome) = "chat_cluster_requests_total";
        /// Time to collect all answers of one node request.
        histogram request_duration(ClusterOperation) = "chat_cluster_request_duration_seconds" [Seconds]
            buckets buckets::FAST;
        /// Answers that did not arrive in time.
        counter replies_missing(ClusterOperation) = "chat_cluster_replies_missing_total";
    }
}

catalogue! {
    /// What becomes of prekeys.
    pub struct PrekeyMetrics {
        /// Pre-keys left over all users, counted once in a while. The last resort is one of kind
        /// `kem`.
        gauge available(PrekeyKind) = "chat_prekeys_available";
        /// Users with fewer one-time pre-keys than `limits.prekeys_low`, counted once in a while.
        gauge users_low() = "chat_prekey_users_low";
        /// Users with no one-time pre-key left, counted once in a while.
        gauge users_exhausted() = "chat_prekey_users_exhausted";
        /// Pre-keys uploaded.
        counter uploaded(PrekeyKind) = "chat_prekeys_uploaded_total";
        /// Pre-keys handed out: the signed one with every bundle.
        counter consumed(PrekeyKind) = "chat_prekeys_consumed_total";
        /// Bundles handed out without a one-time pre-key.
        counter fallbacks() = "chat_prekey_fallbacks_total";
    }
}

catalogue! {
    /// Notifications to devices of users who are not there.
    pub struct NotificationMetrics {
        /// Push notifications a provider accepted.
        counter sent(Provider) = "chat_notifications_sent_total";
        /// Push notifications that failed.
        counter failed(Provider, NotificationFailure) = "chat_notifications_failed_total";
        /// Duration of one provider call.
        histogram duration(Provider) = "chat_notification_duration_seconds" [Seconds]
            buckets buckets::LATENCY;
        /// Device tokens the provider reported dead.
        counter invalidated(Provider) = "chat_notification_tokens_invalidated_total";
        /// Device tokens held, counted once in a while.
        gauge tokens(Provider) = "chat_notification_tokens";
    }
}

catalogue! {
    /// What applications are told over HTTP.
    pub struct WebhookMetrics {
        /// Webhooks answered with success: each event.
        counter sent(WebhookEvent) = "chat_webhooks_sent_total";
        /// Webhook attempts that failed, and events that were dropped before the first: each event.
        counter failed(WebhookEvent, WebhookFailure) = "chat_webhooks_failed_total";
        /// Duration of one webhook request: each event that it carried.
        histogram duration(WebhookEvent) = "chat_webhook_duration_seconds" [Seconds]
            buckets buckets::LATENCY;
    }
}

catalogue! {
    /// Jobs.
    pub struct QueueMetrics {
        /// Jobs waiting or running, of all nodes.
        gauge pending(Queue) = "chat_queue_jobs_pending";
        /// Jobs finished well.
        counter processed(Queue) = "chat_queue_jobs_processed_total";
        /// Jobs that failed: each attempt.
        counter failed(Queue, JobFailure) = "chat_queue_jobs_failed_total";
        /// Job attempts scheduled again.
        counter retried(Queue) = "chat_queue_jobs_retried_total";
        /// Jobs given up.
        counter given_up(Queue) = "chat_queue_jobs_dead_lettered_total";
        /// Run time of one job.
        histogram duration(Queue) = "chat_queue_job_duration_seconds" [Seconds]
            buckets buckets::LATENCY;
        /// Age of the oldest waiting job; 0 when empty.
        gauge oldest_age(Queue) = "chat_queue_oldest_job_age_seconds" [Seconds];
    }
}

/// Everything the rules of chat count.
#[derive(Clone, Debug)]
pub struct ChatMetrics {
    /// The application of the native protocol.
    pub native: App,
    /// Connections, as the fan-out sees them.
    pub connections: FanoutMetrics,
    /// Authentications.
    pub auth: AuthMetrics,
    /// Messages.
    pub messages: MessageMetrics,
    /// Rooms.
    pub rooms: RoomMetrics,
    /// Presence.
    pub presence: PresenceMetrics,
    /// Recoveries.
    pub recovery: RecoveryMetrics,
    /// Uploads.
    pub uploads: UploadMetrics,
    /// Prekeys.
    pub prekeys: PrekeyMetrics,
    /// Notifications.
    pub notifications: NotificationMetrics,
    /// Webhooks.
    pub webhooks: WebhookMetrics,
    /// Jobs.
    pub queues: QueueMetrics,
    /// Rate limits.
    pub rate_limits: RateLimitMetrics,
    /// The nodes together.
    pub cluster: ClusterMetrics,
}

impl ChatMetrics {
    /// What is declared here.
    pub const DESCRIPTIONS: [&'static [Description]; 13] = [
        FanoutMetrics::DESCRIPTIONS,
        AuthMetrics::DESCRIPTIONS,
        MessageMetrics::DESCRIPTIONS,
        RoomMetrics::DESCRIPTIONS,
        PresenceMetrics::DESCRIPTIONS,
        RecoveryMetrics::DESCRIPTIONS,
        UploadMetrics::DESCRIPTIONS,
        PrekeyMetrics::DESCRIPTIONS,
        NotificationMetrics::DESCRIPTIONS,
        WebhookMetrics::DESCRIPTIONS,
        QueueMetrics::DESCRIPTIONS,
        RateLimitMetrics::DESCRIPTIONS,
        ClusterMetrics::DESCRIPTIONS,
    ];

    /// Makes every series, at 0. The registry's values of [`App`] should have [`NATIVE_APP`].
    pub fn register(registry: &Registry) -> Self {
        Self {
            native: registry.label(NATIVE_APP),
            connections: FanoutMetrics::register(registry),
            auth: AuthMetrics::register(registry),
            messages: MessageMetrics::register(registry),
            rooms: RoomMetrics::register(registry),
            presence: PresenceMetrics::register(registry),
            recovery: RecoveryMetrics::register(registry),
            uploads: UploadMetrics::register(registry),
            prekeys: PrekeyMetrics::register(registry),
            notifications: NotificationMetrics::register(registry),
            webhooks: WebhookMetrics::register(registry),
            queues: QueueMetrics::register(registry),
            rate_limits: RateLimitMetrics::register(registry),
            cluster: ClusterMetrics::register(registry),
        }
    }
}
