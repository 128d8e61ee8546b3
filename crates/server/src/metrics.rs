//! What the edge counts: connections, HTTP requests, and whether the neighbours answer.

use campanile_core::{
    labels::{CloseReason, Transport},
    metrics::App,
};
use campanile_metrics::{Description, Registry, buckets, catalogue, labels};

labels! {
    /// Why a connection was refused before it was one.
    pub enum ConnectionRejection("reason") {
        /// The node has as many as it may, or they come too fast.
        Limit = "limit",
        /// The node is stopping.
        Draining = "draining",
        /// The page that asked belongs to somebody else.
        Origin = "origin",
        /// The token is not valid.
        Auth = "auth",
        /// The user or the address has as many as one may have.
        Quota = "quota",
        /// Anything else: not a proper handshake, a store that failed.
        Other = "other",
    }
}

labels! {
    /// What went wrong with a connection.
    pub enum ConnectionErrorType("error_type") {
        /// The TLS handshake under it failed.
        Tls = "tls",
        /// It did not begin properly.
        Handshake = "handshake",
        /// The client broke the protocol.
        Protocol = "protocol",
        /// Something that was due did not come.
        Timeout = "timeout",
        /// The network connection ended without goodbye.
        Reset = "reset",
        /// A frame or message was too large.
        FrameTooLarge = "frame_too_large",
    }
}

catalogue! {
    /// What becomes of connections.
    pub struct ConnectionMetrics {
        /// Client connections open now on this node.
        gauge active(App, Transport) = "chat_connections_active";
        /// Client connections accepted since start.
        counter opened(App, Transport) = "chat_connections_opened_total";
        /// Client connections ended since start, by reason.
        counter closed(Transport, CloseReason) = "chat_connections_closed_total";
        /// Connection attempts refused before they were accepted.
        counter rejected(Transport, ConnectionRejection) = "chat_connections_rejected_total";
        /// Connection-level errors.
        counter errors(App, ConnectionErrorType) = "chat_connection_errors_total";
        /// Lifetime of ended connections.
        histogram duration(Transport) = "chat_connection_duration_seconds" [Seconds]
            buckets buckets::LIFETIME;
        /// Time from accept to established session.
        histogram handshake_duration(Transport)
            = "chat_connection_handshake_duration_seconds" [Seconds] buckets buckets::LATENCY;
        /// Time between a server ping and its pong.
        histogram ping_rtt(Transport) = "chat_connection_ping_rtt_seconds" [Seconds]
            buckets buckets::FAST;
        /// Payload bytes read from clients.
        counter received_bytes(Transport) = "chat_connection_received_bytes_total" [Bytes];
        /// Payload bytes written to clients.
        counter sent_bytes(Transport) = "chat_connection_sent_bytes_total" [Bytes];
        /// Configured connection limit of this node; 0 when unlimited.
        gauge max() = "chat_connections_max";
    }
}

labels! {
    /// How a TLS handshake ended.
    pub enum HandshakeResult("result") {
        /// The client is connected.
        Ok = "ok",
        /// It was refused, given up, took too long, or was none.
        Error = "error",
    }
}

catalogue! {
    /// What becomes of TLS; there is none of it while TLS is not served.
    pub struct TlsMetrics {
        /// TLS handshakes completed or failed.
        counter handshakes(HandshakeResult) = "chat_tls_handshakes_total";
        /// Expiry time of the served certificate.
        gauge certificate_not_after() = "chat_tls_certificate_not_after_timestamp_seconds"
            [Seconds];
    }
}

labels! {
    /// A method of HTTP.
    pub enum Method("method") {
        Get = "GET",
        Head = "HEAD",
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
        Options = "OPTIONS",
        Other = "_OTHER",
    }
}

labels! {
    /// A route, as the router writes it.
    pub enum Route("route") {
        Index = "/",
        Console = "/console",
        Asset = "/assets/{path}",
        Favicon = "/favicon.ico",
        Alive = "/livez",
        Ready = "/readyz",
        WebSocket = "/ws",
        EventStream = "/sse",
        OpenApi = "/api/openapi.json",
        AppSocket = "/app/{key}",
        AppSocketBehind = "/{prefix}/app/{key}",
        AppEvents = "/apps/{app}/events",
        AppBatch = "/apps/{app}/batch_events",
        AppChannels = "/apps/{app}/channels",
        AppChannel = "/apps/{app}/channels/{channel}",
        AppChannelUsers = "/apps/{app}/channels/{channel}/users",
        AppTerminate = "/apps/{app}/users/{user}/terminate_connections",
        KeyTerminate = "/users/{user}/terminate_connections",
        Users = "/api/v1/users",
        Ban = "/api/v1/users/{user}/ban",
        Registration = "/api/v1/registration",
        Login = "/api/v1/login",
        Logout = "/api/v1/logout",
        Me = "/api/v1/me",
        Password = "/api/v1/me/password",
        Rooms = "/api/v1/rooms",
        Room = "/api/v1/rooms/{room}",
        Member = "/api/v1/rooms/{room}/members/{user}",
        Messages = "/api/v1/rooms/{room}/messages",
        Uploads = "/api/v1/rooms/{room}/uploads",
        Upload = "/api/v1/uploads/{id}",
        Keys = "/api/v1/keys",
        KeyCount = "/api/v1/keys/count",
        KeyClaim = "/api/v1/keys/{user}/claim",
        PushKey = "/api/v1/push-key",
        PushSubscriptions = "/api/v1/push-subscriptions",
        Invites = "/api/v1/invites",
        Invite = "/api/v1/invites/{invite}",
        Apps = "/api/v1/apps",
        App = "/api/v1/apps/{app}",
        AppKeys = "/api/v1/apps/{app}/keys",
        AppKey = "/api/v1/apps/{app}/keys/{key}",
        WatchedChannels = "/api/v1/apps/{app}/channels",
        WatchedChannel = "/api/v1/apps/{app}/channels/{channel}",
        TestEvents = "/api/v1/apps/{app}/events",
        Debug = "/api/v1/apps/{app}/debug",
        Webhooks = "/api/v1/webhooks",
        DeadWebhooks = "/api/v1/webhooks/dead",
        DeadWebhooksRevive = "/api/v1/webhooks/dead/revive",
        Stats = "/api/v1/stats",
        StatsRooms = "/api/v1/stats/rooms",
        StatsConnections = "/api/v1/stats/connections",
        Nodes = "/api/v1/nodes",
        Unmatched = "_unmatched",
    }
}

labels! {
    /// What is answered: a method and a route that go together.
    pub enum Endpoint("method", "route") {
        Index = "GET" "/",
        HeadIndex = "HEAD" "/",
        Console = "GET" "/console",
        HeadConsole = "HEAD" "/console",
        Asset = "GET" "/assets/{path}",
        HeadAsset = "HEAD" "/assets/{path}",
        Favicon = "GET" "/favicon.ico",
        HeadFavicon = "HEAD" "/favicon.ico",
        Alive = "GET" "/livez",
        HeadAlive = "HEAD" "/livez",
        Ready = "GET" "/readyz",
        HeadReady = "HEAD" "/readyz",
        WebSocket = "GET" "/ws",
        EventStream = "GET" "/sse",
        OpenApi = "GET" "/api/openapi.json",
        AppSocket = "GET" "/app/{key}",
        AppSocketBehind = "GET" "/{prefix}/app/{key}",
        AppEvents = "POST" "/apps/{app}/events",
        AppBatch = "POST" "/apps/{app}/batch_events",
        AppChannels = "GET" "/apps/{app}/channels",
        AppChannel = "GET" "/apps/{app}/channels/{channel}",
        AppChannelUsers = "GET" "/apps/{app}/channels/{channel}/users",
        AppTerminate = "POST" "/apps/{app}/users/{user}/terminate_connections",
        KeyTerminate = "POST" "/users/{user}/terminate_connections",
        CreateUser = "POST" "/api/v1/users",
        Ban = "PUT" "/api/v1/users/{user}/ban",
        Unban = "DELETE" "/api/v1/users/{user}/ban",
        Registration = "GET" "/api/v1/registration",
        Login = "POST" "/api/v1/login",
        Logout = "POST" "/api/v1/logout",
        Me = "GET" "/api/v1/me",
        ChangePassword = "PUT" "/api/v1/me/password",
        CreateRoom = "POST" "/api/v1/rooms",
        ListRooms = "GET" "/api/v1/rooms",
        ShowRoom = "GET" "/api/v1/rooms/{room}",
        ChangeRoom = "PATCH" "/api/v1/rooms/{room}",
        DeleteRoom = "DELETE" "/api/v1/rooms/{room}",
        PutMember = "PUT" "/api/v1/rooms/{room}/members/{user}",
        RemoveMember = "DELETE" "/api/v1/rooms/{room}/members/{user}",
        SendMessage = "POST" "/api/v1/rooms/{room}/messages",
        History = "GET" "/api/v1/rooms/{room}/messages",
        PutUpload = "POST" "/api/v1/rooms/{room}/uploads",
        GetUpload = "GET" "/api/v1/uploads/{id}",
        PutKeys = "PUT" "/api/v1/keys",
        CountKeys = "GET" "/api/v1/keys/count",
        ClaimKeys = "POST" "/api/v1/keys/{user}/claim",
        PushKey = "GET" "/api/v1/push-key",
        Subscribe = "PUT" "/api/v1/push-subscriptions",
        Unsubscribe = "DELETE" "/api/v1/push-subscriptions",
        Invite = "POST" "/api/v1/invites",
        ListInvites = "GET" "/api/v1/invites",
        RevokeInvite = "DELETE" "/api/v1/invites/{invite}",
        CreateApp = "POST" "/api/v1/apps",
        ListApps = "GET" "/api/v1/apps",
        ShowApp = "GET" "/api/v1/apps/{app}",
        ChangeApp = "PATCH" "/api/v1/apps/{app}",
        DeleteApp = "DELETE" "/api/v1/apps/{app}",
        AddAppKey = "POST" "/api/v1/apps/{app}/keys",
        RevokeAppKey = "DELETE" "/api/v1/apps/{app}/keys/{key}",
        WatchedChannels = "GET" "/api/v1/apps/{app}/channels",
        WatchedChannel = "GET" "/api/v1/apps/{app}/channels/{channel}",
        TestEvent = "POST" "/api/v1/apps/{app}/events",
        Debug = "GET" "/api/v1/apps/{app}/debug",
        Webhooks = "GET" "/api/v1/webhooks",
        DeadWebhooks = "GET" "/api/v1/webhooks/dead",
        ReviveWebhooks = "POST" "/api/v1/webhooks/dead/revive",
        Stats = "GET" "/api/v1/stats",
        StatsRooms = "GET" "/api/v1/stats/rooms",
        StatsConnections = "GET" "/api/v1/stats/connections",
        Nodes = "GET" "/api/v1/nodes",
        UnmatchedGet = "GET" "_unmatched",
        UnmatchedHead = "HEAD" "_unmatched",
        UnmatchedPost = "POST" "_unmatched",
        UnmatchedPut = "PUT" "_unmatched",
        UnmatchedPatch = "PATCH" "_unmatched",
        UnmatchedDelete = "DELETE" "_unmatched",
        UnmatchedOptions = "OPTIONS" "_unmatched",
        Unmatched = "_OTHER" "_unmatched",
    }
}

labels! {
    /// A status of HTTP that this server answers with.
    pub enum Status("status") {
        SwitchingProtocols = "101",
        Ok = "200",
        Created = "201",
        NoContent = "204",
        NotModified = "304",
        BadRequest = "400",
        Unauthorized = "401",
        Forbidden = "403",
        NotFound = "404",
        MethodNotAllowed = "405",
        RequestTimeout = "408",
        Conflict = "409",
        TooLarge = "413",
        UnsupportedMediaType = "415",
        Unprocessable = "422",
        UpgradeRequired = "426",
        TooManyRequests = "429",
        HeadersTooLarge = "431",
        ClientGone = "499",
        Internal = "500",
        Unavailable = "503",
        Other = "_other",
    }
}

catalogue! {
    /// What is asked over HTTP.
    pub struct HttpMetrics {
        /// HTTP requests answered. A connection on which no request has come in time is answered
        /// 408 and counted as unmatched; what is no HTTP is answered 400 or 431 and not counted.
        counter requests(Endpoint, Status) = "chat_http_requests_total";
        /// Time to answer one HTTP request; one that became a WebSocket or a stream of events is
        /// none.
        histogram duration(Endpoint) = "chat_http_request_duration_seconds" [Seconds]
            buckets buckets::LATENCY;
        /// Request body size.
        histogram request_size(Route) = "chat_http_request_size_bytes" [Bytes]
            buckets buckets::SIZE;
        /// Response body size.
        histogram response_size(Route) = "chat_http_response_size_bytes" [Bytes]
            buckets buckets::SIZE;
        /// HTTP requests being answered now.
        gauge in_flight(Method) = "chat_http_requests_in_flight";
    }
}

labels! {
    /// A neighbour whose health is probed.
    pub enum Probe("probe") {
        Storage = "storage",
        Broker = "broker",
    }
}

catalogue! {
    /// Whether the neighbours answer.
    pub struct HealthMetrics {
        /// 1 when the last probe of a dependency succeeded.
        gauge probe_success(Probe) = "chat_health_probe_success";
    }
}

catalogue! {
    /// How much the archive holds, counted once in a while.
    pub struct ArchiveSizeMetrics {
        /// Messages kept in the archive.
        gauge messages() = "chat_archive_messages";
        /// Bytes kept in the archive.
        gauge stored() = "chat_archive_stored_bytes" [Bytes];
        /// When the archive was last counted.
        gauge counted_at() = "chat_archive_count_timestamp_seconds" [Seconds];
    }
}

/// Everything the edge counts.
#[derive(Clone, Debug)]
pub struct EdgeMetrics {
    /// Connections.
    pub connections: ConnectionMetrics,
    /// HTTP requests.
    pub http: HttpMetrics,
    /// The neighbours' health.
    pub health: HealthMetrics,
    /// The archive's size.
    pub archive: ArchiveSizeMetrics,
}

impl EdgeMetrics {
    /// What is declared here.
    pub const DESCRIPTIONS: [&'static [Description]; 4] = [
        ConnectionMetrics::DESCRIPTIONS,
        HttpMetrics::DESCRIPTIONS,
        HealthMetrics::DESCRIPTIONS,
        ArchiveSizeMetrics::DESCRIPTIONS,
    ];

    /// Makes every series, at 0.
    pub fn register(registry: &Registry) -> Self {
        Self {
            connections: ConnectionMetrics::register(registry),
            http: HttpMetrics::register(registry),
            health: HealthMetrics::register(registry),
            archive: ArchiveSizeMetrics::register(registry),
        }
    }
}
