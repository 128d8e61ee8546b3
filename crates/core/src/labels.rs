//! Label values that several parts count by: closed sets, one enum each.

use crate::{
    channel::ChannelKind,
    name::{DIRECT_PREFIX, RoomName},
    room::RoomKind,
    user::Status,
};
use campanile_metrics::labels;

labels! {
    /// What nodes ask one another.
    pub enum ClusterOperation("operation") {
        /// What connections and rooms they have.
        Survey = "survey",
    }
}

labels! {
    /// How a client is connected.
    pub enum Transport("transport") {
        /// WebSocket.
        WebSocket = "websocket",
        /// Server-sent events.
        Sse = "sse",
        /// The REST interface: a request is its own connection.
        LongPoll = "long_poll",
    }
}

labels! {
    /// How an upload ended.
    pub enum UploadResult("result") {
        /// It is kept.
        Ok = "ok",
        /// It was too long.
        TooLarge = "too_large",
        /// Its user would hold too much.
        Quota = "quota",
        /// It is of a kind that is not taken.
        Kind = "type",
        /// A store failed.
        Storage = "storage",
        /// It did not arrive whole, or its room went away meanwhile.
        Aborted = "aborted",
    }
}

labels! {
    /// A kind of prekey.
    pub enum PrekeyKind("kind") {
        /// Used once.
        OneTime = "one_time",
        /// Signed, and used until another takes its place.
        Signed = "signed",
        /// Of a key encapsulation mechanism: those that are used once, and the last resort.
        Kem = "kem",
    }
}

labels! {
    /// Why a connection ended.
    pub enum CloseReason("reason") {
        /// The client closed it.
        ClientClose = "client_close",
        /// This server is stopping.
        ServerShutdown = "server_shutdown",
        /// Pings were not answered.
        PingTimeout = "ping_timeout",
        /// Nothing was said in time.
        IdleTimeout = "idle_timeout",
        /// The client broke the protocol.
        ProtocolError = "protocol_error",
        /// The session ended: logged out, expired, or a new password.
        AuthExpired = "auth_expired",
        /// The client may not be here: not authenticated in time, banned.
        Policy = "policy",
        /// The client did not read what it was sent.
        SlowConsumer = "slow_consumer",
        /// The network failed.
        NetworkError = "network_error",
        /// Anything else.
        Other = "other",
    }
}

labels! {
    /// What kind of room or channel.
    pub enum ChannelType("channel_type") {
        /// A public room.
        Public = "public",
        /// A private room.
        Private = "private",
        /// A direct room.
        Direct = "direct",
        /// A channel of which the server cannot read what is published.
        Encrypted = "encrypted",
        /// A channel whose subscribers know of one another.
        Presence = "presence",
    }
}

labels! {
    /// What kind of message a client sent.
    pub enum MessageKind("kind") {
        /// A message to a direct room.
        Direct = "direct",
        /// A message to a public or private room.
        Room = "room",
        /// A change to a message: edit, deletion, reaction.
        Event = "event",
        /// A read receipt.
        Receipt = "receipt",
        /// Everything that steers the connection: hello, join, leave, history, ping, typing, presence.
        Control = "control",
    }
}

labels! {
    /// What the core decided about a message.
    pub enum MessageResult("result") {
        /// It was stored.
        Accepted = "accepted",
        /// It was refused.
        Rejected = "rejected",
        /// It had been stored before.
        Duplicate = "duplicate",
        /// It could not be stored.
        Failed = "failed",
    }
}

labels! {
    /// Why a message failed.
    pub enum MessageErrorReason("reason") {
        /// It could not be read.
        Malformed = "malformed",
        /// It is too large.
        TooLarge = "too_large",
        /// The sender may not.
        Forbidden = "forbidden",
        /// There is no such room or message.
        UnknownTarget = "unknown_target",
        /// The store failed.
        Storage = "storage",
        /// The bus failed: the message is stored and heard on this node, and other nodes may miss
        /// it for a while.
        Broker = "broker",
        /// The store did not answer in time: whether the message is stored is not known.
        Timeout = "timeout",
        /// Anything else, rate limits among them.
        Other = "other",
    }
}

labels! {
    /// Why a copy was not delivered.
    pub enum DropReason("reason") {
        /// Its reader did not read.
        SlowConsumer = "slow_consumer",
        /// A queue was full.
        QueueFull = "queue_full",
        /// Its connection had ended.
        NoRecipient = "no_recipient",
        /// This server is stopping.
        Shutdown = "shutdown",
    }
}

labels! {
    /// Where a message was accepted, as the delivering node sees it.
    pub enum Scope("scope") {
        /// On this node.
        Local = "local",
        /// On another node.
        Remote = "remote",
    }
}

labels! {
    /// Why a subscription ended.
    pub enum UnsubscribeReason("reason") {
        /// The client said so.
        Client = "client",
        /// The connection ended.
        Disconnect = "disconnect",
        /// The member left or was removed.
        Kicked = "kicked",
        /// The room was deleted.
        RoomClosed = "room_closed",
        /// The server gave up an attempt to join.
        Server = "server",
    }
}

labels! {
    /// Why a join was refused.
    pub enum JoinRefusal("reason") {
        /// There is no such room, or none that this user may know of.
        UnknownRoom = "unknown_room",
        /// Members only.
        Forbidden = "forbidden",
        /// The connection is there already.
        Duplicate = "duplicate",
        /// The room is full, or the connection listens to as many as it may.
        Full = "full",
        /// Too many joins.
        RateLimited = "rate_limited",
        /// The store failed.
        BackendError = "backend_error",
    }
}

labels! {
    /// What a presence update says.
    pub enum PresenceType("type") {
        /// Connected and reachable.
        Available = "available",
        /// Not connected, or hiding.
        Unavailable = "unavailable",
        /// Connected, not looking.
        Away = "away",
        /// Not to be disturbed.
        DoNotDisturb = "dnd",
    }
}

labels! {
    /// How it went.
    pub enum Outcome("result") {
        /// Well.
        Ok = "ok",
        /// Not.
        Error = "error",
    }
}

labels! {
    /// Towards or from this server.
    pub enum Direction("direction") {
        /// From clients.
        In = "in",
        /// To clients.
        Out = "out",
    }
}

labels! {
    /// How somebody proves who they are.
    pub enum Mechanism("mechanism") {
        /// Name and password.
        Plain = "plain",
        /// A session's token.
        Token = "token",
        /// A signature of an application.
        Hmac = "hmac",
    }
}

labels! {
    /// Why somebody was not believed.
    pub enum AuthRefusal("reason") {
        /// The password or token is wrong, or the token has expired or was revoked.
        BadCredentials = "bad_credentials",
        /// There is no such user.
        UnknownUser = "unknown_user",
        /// The user is banned.
        Disabled = "disabled",
        /// Too many attempts.
        RateLimited = "rate_limited",
        /// The store failed.
        BackendError = "backend_error",
        /// What was sent is no credential.
        Malformed = "malformed",
    }
}

labels! {
    /// Who hands notifications to devices.
    pub enum Provider("provider") {
        /// The push service that a browser is subscribed to.
        WebPush = "webpush",
    }
}

labels! {
    /// Why a notification was not handed over.
    pub enum NotificationFailure("reason") {
        /// The provider does not let this server in.
        Auth = "auth",
        /// The provider asks to slow down.
        RateLimited = "rate_limited",
        /// The device is no more.
        InvalidToken = "invalid_token",
        /// The provider did not answer in time.
        Timeout = "timeout",
        /// The provider is ill.
        Provider = "provider_5xx",
        /// The provider does not take it.
        Payload = "payload",
        /// Too many messages waited to be looked at, or notifications to be handed over.
        Overflow = "overflow",
        /// The provider cannot be reached, or anything else.
        Other = "other",
    }
}

labels! {
    /// What applications are told of over HTTP.
    pub enum WebhookEvent("event") {
        /// A channel has its first subscription.
        ChannelOccupied = "channel_occupied",
        /// A channel has none any more.
        ChannelVacated = "channel_vacated",
        /// A user has become a member of a channel.
        MemberAdded = "member_added",
        /// A user is a member no longer.
        MemberRemoved = "member_removed",
        /// A client has sent an event to others.
        ClientEvent = "client_event",
        /// Somebody came to a channel that keeps its last event, and there was none.
        CacheMiss = "cache_miss",
        /// A channel has so many subscriptions.
        SubscriptionCount = "subscription_count",
        /// A message was sent to a room.
        Message = "message",
    }
}

labels! {
    /// Why a webhook was not taken.
    pub enum WebhookFailure("reason") {
        /// The receiver did not answer in time.
        Timeout = "timeout",
        /// The receiver cannot be reached, or may not be asked.
        Connect = "connect",
        /// The receiver is not who it should be.
        Tls = "tls",
        /// The receiver does not want it.
        Status4xx = "status_4xx",
        /// The receiver is ill.
        Status5xx = "status_5xx",
        /// There is nothing to sign it with: its application or its webhook is not known here.
        Signature = "signature",
        /// Too many wait to be queued, or to be delivered.
        Overflow = "overflow",
        /// Anything else, such as an answer that leads elsewhere.
        Other = "other",
    }
}

labels! {
    /// A queue of jobs.
    pub enum Queue("queue") {
        /// Notifications to browsers.
        Push = "push",
        /// Webhooks to applications.
        Webhook = "webhook",
    }
}

labels! {
    /// Why an attempt at a job failed.
    pub enum JobFailure("reason") {
        /// It took too long.
        Timeout = "timeout",
        /// It could not be done.
        Handler = "handler",
        /// It makes no sense.
        Decode = "decode",
        /// It was the last attempt.
        Exhausted = "exhausted",
        /// The store failed.
        Other = "other",
    }
}

labels! {
    /// Where the messages of a recovery came from.
    pub enum RecoverySource("source") {
        /// The store.
        Storage = "storage",
    }
}

impl From<RoomKind> for ChannelType {
    fn from(kind: RoomKind) -> Self {
        match kind {
            RoomKind::Public => Self::Public,
            RoomKind::Private => Self::Private,
            RoomKind::Direct => Self::Direct,
        }
    }
}

impl From<ChannelKind> for ChannelType {
    fn from(kind: ChannelKind) -> Self {
        match kind {
            ChannelKind::Public => Self::Public,
            ChannelKind::Private | ChannelKind::Own => Self::Private,
            ChannelKind::Encrypted => Self::Encrypted,
            ChannelKind::Presence => Self::Presence,
        }
    }
}

impl MessageKind {
    /// The kind of a message to this room.
    pub fn of(room: &RoomName) -> Self {
        if room.as_str().starts_with(DIRECT_PREFIX) { Self::Direct } else { Self::Room }
    }
}

impl From<Status> for PresenceType {
    fn from(status: Status) -> Self {
        match status {
            Status::Available => Self::Available,
            Status::Away => Self::Away,
            Status::DoNotDisturb => Self::DoNotDisturb,
            Status::Unavailable => Self::Unavailable,
        }
    }
}
