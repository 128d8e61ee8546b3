//! What is measured at the ports, in the same way whatever is behind them.

use crate::{
    labels::Outcome,
    port::{CacheName, FaultKind},
};
use campanile_metrics::{Description, Registry, buckets, catalogue, labels};

labels! {
    /// What is behind a store port: the backends in use, by configuration.
    pub struct Backend("backend", max 5);
}

labels! {
    /// What is behind the bus.
    pub struct Driver("driver", max 5);
}

labels! {
    /// A kind of record and what is done with it.
    pub enum StoreCall("store", "operation") {
        /// Accounts: made, changed, seen.
        AccountsPut = "accounts" "put",
        /// Accounts: found.
        AccountsGet = "accounts" "get",
        /// Accounts: counted.
        AccountsQuery = "accounts" "query",
        /// Sessions: opened.
        SessionsPut = "sessions" "put",
        /// Sessions: found.
        SessionsGet = "sessions" "get",
        /// Sessions: ended.
        SessionsDelete = "sessions" "delete",
        /// Rooms: made, changed.
        RoomsPut = "rooms" "put",
        /// Rooms: found.
        RoomsGet = "rooms" "get",
        /// Rooms: listed.
        RoomsScan = "rooms" "scan",
        /// Rooms: deleted.
        RoomsDelete = "rooms" "delete",
        /// Members: put.
        MembersPut = "members" "put",
        /// Members: asked for their role.
        MembersGet = "members" "get",
        /// Members: listed.
        MembersScan = "members" "scan",
        /// Members: removed.
        MembersDelete = "members" "delete",
        /// Messages: appended, amended.
        ArchivePut = "archive" "put",
        /// Messages: read by the page.
        ArchiveQuery = "archive" "query",
        /// Messages: removed by retention.
        ArchiveDelete = "archive" "delete",
        /// Messages: counted.
        ArchiveScan = "archive" "scan",
        /// Receipts: moved.
        ReceiptsPut = "receipts" "put",
        /// Receipts: listed.
        ReceiptsScan = "receipts" "scan",
        /// Presence: said.
        PresencePut = "presence" "put",
        /// Presence: asked for.
        PresenceGet = "presence" "get",
        /// Presence: forgotten.
        PresenceDelete = "presence" "delete",
        /// Presence: counted.
        PresenceQuery = "presence" "query",
        /// Presence: put right.
        PresenceScan = "presence" "scan",
        /// Channels: subscribed to, the last event kept.
        ChannelsPut = "channels" "put",
        /// Channels: looked at.
        ChannelsGet = "channels" "get",
        /// Channels: unsubscribed from.
        ChannelsDelete = "channels" "delete",
        /// Channels: listed.
        ChannelsQuery = "channels" "query",
        /// Channels: put right.
        ChannelsScan = "channels" "scan",
        /// Uploads: added, kept.
        UploadsPut = "uploads" "put",
        /// Uploads: found, read.
        UploadsGet = "uploads" "get",
        /// Uploads: counted for a user.
        UploadsQuery = "uploads" "query",
        /// Uploads: counted, looked through.
        UploadsScan = "uploads" "scan",
        /// Uploads: removed.
        UploadsDelete = "uploads" "delete",
        /// Prekeys: published.
        PrekeysPut = "prekeys" "put",
        /// Prekeys: handed out.
        PrekeysGet = "prekeys" "get",
        /// Prekeys: counted for a user.
        PrekeysQuery = "prekeys" "query",
        /// Prekeys: counted.
        PrekeysScan = "prekeys" "scan",
        /// Invitations: made.
        InvitesPut = "invites" "put",
        /// Invitations: found.
        InvitesGet = "invites" "get",
        /// Invitations: listed.
        InvitesScan = "invites" "scan",
        /// Invitations: revoked.
        InvitesDelete = "invites" "delete",
        /// Subscriptions to pushes: made.
        PushesPut = "pushes" "put",
        /// Subscriptions to pushes: found for a user.
        PushesGet = "pushes" "get",
        /// Subscriptions to pushes: ended.
        PushesDelete = "pushes" "delete",
        /// Subscriptions to pushes: counted.
        PushesScan = "pushes" "scan",
        /// Applications: made, changed.
        AppsPut = "apps" "put",
        /// Applications: deleted, their keys revoked.
        AppsDelete = "apps" "delete",
        /// Applications: listed.
        AppsScan = "apps" "scan",
        /// Jobs: given, revived.
        JobsPut = "jobs" "put",
        /// Jobs: taken.
        JobsGet = "jobs" "get",
        /// Jobs: settled.
        JobsDelete = "jobs" "delete",
        /// Jobs: counted.
        JobsQuery = "jobs" "query",
        /// Jobs: those that were given up are listed.
        JobsScan = "jobs" "scan",
    }
}

labels! {
    /// What is done with a record.
    pub enum Operation("operation") {
        /// One is read.
        Get = "get",
        /// One is written.
        Put = "put",
        /// Some are removed.
        Delete = "delete",
        /// Some are read, by a condition.
        Query = "query",
        /// Many are read.
        Scan = "scan",
    }
}

labels! {
    /// Why a store failed.
    pub enum StorageFault("reason") {
        /// It took too long.
        Timeout = "timeout",
        /// It cannot be reached.
        Connection = "connection",
        /// No connection was free in time.
        PoolExhausted = "pool_exhausted",
        /// A rule of the database was broken.
        Constraint = "constraint",
        /// It collided with others.
        Serialization = "serialization",
        /// What was read makes no sense.
        Corrupt = "corrupt",
        /// Anything else, a full disk among them.
        Other = "other",
    }
}

labels! {
    /// What is asked of the bus.
    pub enum BusOperation("operation") {
        /// A signal is handed over.
        Publish = "publish",
        /// The others' signals are asked for.
        Subscribe = "subscribe",
        /// The node leaves.
        Unsubscribe = "unsubscribe",
        /// The nodes are asked for, or a mark in the order of signals.
        Request = "request",
    }
}

labels! {
    /// Why the bus failed.
    pub enum BusFault("reason") {
        /// It took too long.
        Timeout = "timeout",
        /// It cannot be reached.
        Connection = "connection",
        /// It does not let this node in.
        Auth = "auth",
        /// A signal is too long for it.
        Encode = "encode",
        /// A signal of another node makes no sense.
        Decode = "decode",
        /// More is published than it carries.
        Overflow = "overflow",
    }
}

labels! {
    /// Towards or from the bus.
    pub enum BusDirection("direction") {
        /// Received.
        In = "in",
        /// Published.
        Out = "out",
    }
}

labels! {
    /// Why messages left the archive.
    pub enum EvictionReason("reason") {
        /// They were older than is kept.
        Ttl = "ttl",
    }
}

catalogue! {
    /// Calls of the store ports.
    pub struct StorageMetrics {
        /// Storage operations.
        counter operations(Backend, StoreCall, Outcome) = "chat_storage_operations_total";
        /// Storage operations that failed, by reason.
        counter errors(Backend, StorageFault) = "chat_storage_errors_total";
        /// Duration of one storage operation.
        histogram duration(Backend, Operation) = "chat_storage_operation_duration_seconds" [Seconds]
            buckets buckets::STORAGE;
    }
}

catalogue! {
    /// Calls of the message store, as users of the archive see them.
    pub struct ArchiveMetrics {
        /// Message archive queries.
        counter queries(Outcome) = "chat_archive_queries_total";
        /// Time to answer one archive page.
        histogram query_duration() = "chat_archive_query_duration_seconds" [Seconds]
            buckets buckets::LATENCY;
        /// Archive writes.
        counter writes(Outcome) = "chat_archive_writes_total";
        /// Time of one archive write.
        histogram write_duration() = "chat_archive_write_duration_seconds" [Seconds]
            buckets buckets::STORAGE;
        /// Messages removed by retention.
        counter evictions(EvictionReason) = "chat_archive_evictions_total";
    }
}

catalogue! {
    /// Calls of the bus.
    pub struct BusMetrics {
        /// Adapter operations.
        counter operations(Driver, BusOperation, Outcome) = "chat_broker_operations_total";
        /// Adapter errors, by reason.
        counter errors(Driver, BusFault) = "chat_broker_errors_total";
        /// Latency of one adapter operation.
        histogram duration(Driver, BusOperation) = "chat_broker_operation_duration_seconds" [Seconds]
            buckets buckets::FAST;
        /// Messages exchanged with the broker.
        counter messages(Driver, BusDirection) = "chat_broker_messages_total";
        /// Time a message spent between publish on one node and receipt on another.
        histogram lag(Driver) = "chat_broker_pubsub_lag_seconds" [Seconds] buckets buckets::FAST;
        /// 1 while the broker connection is established.
        gauge up(Driver) = "chat_broker_up";
    }
}

labels! {
    /// What is asked of a cache.
    pub enum CacheOperation("operation") {
        /// One entry is looked up.
        Get = "get",
        /// One is taken in.
        Set = "set",
        /// Some are forgotten.
        Invalidate = "invalidate",
    }
}

catalogue! {
    /// Calls of the cache.
    pub struct CacheMetrics {
        /// Cache look-ups that found a value.
        counter hits(CacheName) = "chat_cache_hits_total";
        /// Cache look-ups that found none.
        counter misses(CacheName) = "chat_cache_misses_total";
        /// Cache operations.
        counter operations(CacheName, CacheOperation, Outcome) = "chat_cache_operations_total";
        /// Duration of one cache operation.
        histogram duration(CacheName, CacheOperation) = "chat_cache_operation_duration_seconds" [Seconds]
            buckets buckets::FAST;
    }
}

/// Everything that is measured at the ports.
#[derive(Clone, Debug)]
pub struct PortMetrics {
    /// The store ports.
    pub storage: StorageMetrics,
    /// The message store, as users of the archive see it.
    pub archive: ArchiveMetrics,
    /// The bus.
    pub bus: BusMetrics,
}

impl PortMetrics {
    /// What is declared here.
    pub const DESCRIPTIONS: [&'static [Description]; 3] =
        [StorageMetrics::DESCRIPTIONS, ArchiveMetrics::DESCRIPTIONS, BusMetrics::DESCRIPTIONS];

    /// Makes every series, at 0, for the backends and drivers that the registry has as values.
    pub fn register(registry: &Registry) -> Self {
        Self {
            storage: StorageMetrics::register(registry),
            archive: ArchiveMetrics::register(registry),
            bus: BusMetrics::register(registry),
        }
    }
}

impl StoreCall {
    /// What is done, whatever it is done with.
    pub fn operation(self) -> Operation {
        match self {
            Self::AccountsGet
            | Self::SessionsGet
            | Self::RoomsGet
            | Self::MembersGet
            | Self::PresenceGet
            | Self::ChannelsGet
            | Self::UploadsGet
            | Self::PrekeysGet
            | Self::InvitesGet
            | Self::PushesGet
            | Self::JobsGet => Operation::Get,
            Self::AccountsPut
            | Self::SessionsPut
            | Self::RoomsPut
            | Self::MembersPut
            | Self::ArchivePut
            | Self::ReceiptsPut
            | Self::PresencePut
            | Self::ChannelsPut
            | Self::UploadsPut
            | Self::PrekeysPut
            | Self::InvitesPut
            | Self::PushesPut
            | Self::AppsPut
            | Self::JobsPut => Operation::Put,
            Self::SessionsDelete
            | Self::RoomsDelete
            | Self::MembersDelete
            | Self::ArchiveDelete
            | Self::PresenceDelete
            | Self::ChannelsDelete
            | Self::UploadsDelete
            | Self::InvitesDelete
            | Self::PushesDelete
            | Self::AppsDelete
            | Self::JobsDelete => Operation::Delete,
            Self::AccountsQuery
            | Self::ArchiveQuery
            | Self::PresenceQuery
            | Self::ChannelsQuery
            | Self::UploadsQuery
            | Self::PrekeysQuery
            | Self::JobsQuery => Operation::Query,
            Self::RoomsScan
            | Self::MembersScan
            | Self::ArchiveScan
            | Self::ReceiptsScan
            | Self::PresenceScan
            | Self::ChannelsScan
            | Self::UploadsScan
            | Self::PrekeysScan
            | Self::InvitesScan
            | Self::PushesScan
            | Self::AppsScan
            | Self::JobsScan => Operation::Scan,
        }
    }
}

impl From<FaultKind> for StorageFault {
    fn from(kind: FaultKind) -> Self {
        match kind {
            FaultKind::Timeout => Self::Timeout,
            FaultKind::Connection => Self::Connection,
            FaultKind::PoolExhausted => Self::PoolExhausted,
            FaultKind::Constraint => Self::Constraint,
            FaultKind::Serialization => Self::Serialization,
            FaultKind::Corrupt => Self::Corrupt,
            FaultKind::Other => Self::Other,
        }
    }
}
