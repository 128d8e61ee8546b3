//! Settings about people: where they come in, what is kept of them.

use super::{
    Secret,
    setting::{NetworkText, optional, section},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

section! {
    /// Where people come in, and how they are let in.
    pub struct Server {
        /// Address and port to listen on.
        listen: String = "127.0.0.1:8080".to_owned();
        /// Directory for everything this server writes; made, for its owner only, when it is
        /// not there.
        data_dir: PathBuf = "./data".into();
        /// Certificate and key to serve HTTPS and `wss:` with.
        tls: ServerTls = ServerTls::default();
        /// Who may make an account: `open` for anyone, `closed` for nobody but operators with
        /// `campanile user add`, `invite` for whoever has the code of an invitation, which operators
        /// make on `/console` or with `campanile user invite`. Without it, `open` when `server.listen` is a loopback address
        /// and `closed` otherwise.
        registration: Option<Registration> = None;
        /// Days that a log-in lasts.
        token_lifetime_days: u32 = 30;
        /// Worker threads; 0 takes one for each core.
        workers: usize = 0;
        /// Connections that this node takes; 0 for any number. Above it, clients are told to
        /// come back: `chat_connections_rejected_total{reason="limit"}`.
        connections_max: usize = 20_000;
        /// Proxies, as addresses or networks, whose `X-Forwarded-For` is believed. Its right-most
        /// address that is not one of them is the client.
        trusted_proxies: Vec<NetworkText> = Vec::new();
        /// Seconds over which connections are closed when the server is asked to stop.
        drain_seconds: f64 = 30.0;
        /// Seconds a client may take to send the head of a request, and before it for the
        /// handshake of TLS.
        request_timeout_seconds: f64 = 10.0;
        /// Seconds an HTTP connection is kept for the next request.
        keep_alive_seconds: f64 = 75.0;
        /// Bytes that the headers of a request may have; longer ones are answered with 431.
        header_bytes_max: usize = 16 * 1024;
    }
}

section! {
    /// Certificate and key to serve HTTPS and `wss:` with.
    pub struct ServerTls {
        /// File with the certificate and those between it and its root, in PEM: with it, this
        /// server speaks HTTPS and `wss:` and nothing else. Read again on SIGHUP. Its expiry is
        /// `chat_tls_certificate_not_after_timestamp_seconds`.
        cert: Option<PathBuf> = None;
        /// File with the certificate's private key, in PEM.
        key: Option<PathBuf> = None;
    }
}

impl Server {
    /// What the addresses of this server begin with.
    pub fn scheme(&self) -> &'static str {
        if self.tls.cert.is_some() { "https" } else { "http" }
    }
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Anyone.
    Open,
    /// Nobody; operators make accounts.
    Closed,
    /// Whoever has the code of an invitation.
    Invite,
}

optional!(One: Registration);

section! {
    /// Native connections.
    pub struct WebSocket {
        /// Origins of web pages that may connect, beside those of this server's own host.
        allowed_origins: Vec<String> = Vec::new();
        /// Seconds from connecting until the client has said who it is.
        authentication_seconds: f64 = 10.0;
        /// Seconds between two pings of the server, and between two heartbeats of a stream of
        /// events.
        ping_interval_seconds: f64 = 25.0;
        /// Seconds from a ping until anything is heard.
        ping_timeout_seconds: f64 = 20.0;
        /// Seconds from one request to the next; answering pings is none.
        idle_seconds: f64 = 3_600.0;
        /// Seconds that a client may take to answer a closing frame.
        closing_seconds: f64 = 0.9;
        /// Bytes of one frame, and of one message over all its fragments.
        frame_bytes_max: u32 = 64 * 1024;
        /// Fragments of one message.
        fragments_max: u32 = 64;
    }
}

section! {
    /// Where everything is kept.
    pub struct Store {
        /// `sqlite://FILE`, by default `campanile.db` in the data directory, for a single node;
        /// `postgres://USER@HOST:PORT/DATABASE` for one or many, with TLS by its parameters
        /// (`?sslmode=verify-full&sslrootcert=FILE`). `memory:` forgets everything when the server
        /// stops and is for tests.
        url: Option<String> = None;
        /// Password of the database's user; it goes before one in the URL.
        password: Option<Secret> = None;
        /// Connections to the database, beside two that write messages. Seen in
        /// `chat_storage_pool_connections_max`.
        connections_max: u32 = 10;
        /// Seconds that a connection to the database may be waited for. Seen in
        /// `chat_storage_pool_timeouts_total`.
        wait_seconds: f64 = 3.0;
        /// Seconds that one transaction of the database may take. Seen in
        /// `chat_storage_errors_total{reason="timeout"}`.
        statement_seconds: f64 = 5.0;
        /// Seconds after which a transaction of the database is logged as slow, by name. Seen in
        /// `chat_storage_slow_statements_total`.
        slow_seconds: f64 = 0.5;
        /// Seconds that messages are kept, in rooms that do not say for how long themselves; 0 for
        /// ever.
        retention_seconds: u64 = 0;
    }
}

section! {
    /// What connects the nodes.
    pub struct Bus {
        /// `memory:` for a single node; for many `redis://USER@HOST:PORT/NUMBER`,
        /// `redis-cluster://HOST,HOST` or `redis-sentinel://HOST,HOST/MASTER`, which begin with
        /// `rediss` where Redis speaks TLS. Its state is `chat_broker_up`.
        url: String = "memory:".to_owned();
        /// Password of Redis; it goes before one in the URL.
        password: Option<Secret> = None;
        /// File with the authorities, in PEM, that vouch for Redis; without it, those of the
        /// system.
        ca: Option<PathBuf> = None;
        /// User as whom sentinels are asked, where they want to know.
        sentinel_user: Option<String> = None;
        /// Password with which sentinels are asked.
        sentinel_password: Option<Secret> = None;
        /// What every key and channel begins with: nodes with the same one belong together.
        prefix: String = "campanile:".to_owned();
        /// Seconds that sessions, rooms' kinds and roles are kept in Redis, so that the database is
        /// not asked again; 0 keeps none. Seen in `chat_cache_hits_total`.
        cache_seconds: f64 = 30.0;
    }
}

section! {
    /// This node among the others.
    pub struct Cluster {
        /// Name of this node, the same after each start and different from every other's. By
        /// default the host's name with the port of `server.listen`.
        node: Option<String> = None;
        /// How many nodes there are to be: `chat_cluster_nodes_expected` is at least this.
        nodes: usize = 1;
    }
}
