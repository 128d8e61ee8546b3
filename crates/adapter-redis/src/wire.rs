//! A connection to Redis, whatever way it is set up, and how it is opened.

use crate::{
    config::Config,
    place::{Place, PlaceKind},
    trouble::{Trouble, TroubleKind},
};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    Pipeline, ProtocolVersion, PushInfo, RedisConnectionInfo, RedisFuture, RedisResult,
    TlsCertificates, Value,
    aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection, SendError},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Calls that may wait for a connection before their callers do.
const CALLS_WAITING_MAX: usize = 1_024;

/// How often a cluster is asked again for the right node before the caller hears of it.
const CLUSTER_RETRIES: u32 = 2;

/// How long the cluster's driver waits between two attempts, in milliseconds.
const CLUSTER_RETRY_WAIT: (u64, u64) = (20, 200);

/// Takes what Redis sends without having been asked. It may not block.
pub(crate) type Pushes = Arc<dyn Fn(PushInfo) + Send + Sync>;

/// An open connection. Cheap to clone; the clones share it.
#[derive(Clone)]
pub(crate) enum Wire {
    /// To one server.
    Single(MultiplexedConnection),
    /// To all masters of a cluster.
    Cluster(ClusterConnection),
}

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Opener {
    place: Place,
    certificates: Option<TlsCertificates>,
    sentinel_login: RedisConnectionInfo,
    connect_timeout: Duration,
    command_timeout: Duration,
}

impl Opener {
    pub(crate) fn new(config: &Config, place: Place, root: Option<Vec<u8>>) -> Self {
        let tls = place.tls;
        let certificates = tls.then_some(TlsCertificates { client_tls: None, root_cert: root });
        let sentinel_login = login(&config.sentinel_user, &config.sentinel_password);
        Self {
            place,
            certificates,
            sentinel_login,
            connect_timeout: config.connect_timeout,
            command_timeout: config.command_timeout,
        }
    }

    /// Whether it is a cluster that is opened.
    pub(crate) fn is_cluster(&self) -> bool {
        self.place.kind == PlaceKind::Cluster
    }

    /// Opens a connection and sees that it answers.
    pub(crate) async fn open(&self, pushes: Option<Pushes>) -> Result<Wire, Trouble> {
        // A cluster or a sentinel is asked several times; each step has its own bound as well.
        let bound = self.connect_timeout * 3;
        let opened = timeout(bound, async {
            let mut wire = self.reach(pushes).await?;
            redis::cmd("PING").query_async::<Value>(&mut wire).await?;
            Ok(wire)
        });
        opened.await.unwrap_or_else(|_| Err(Trouble::timeout(bound)))
    }

    async fn reach(&self, pushes: Option<Pushes>) -> Result<Wire, Trouble> {
        let login = login(&self.place.user, &self.place.password);
        match &self.place.kind {
            PlaceKind::Single { database } => {
                let (host, port) = &self.place.hosts[0];
                let info = self.info(host, *port, login.set_db(*database))?;
                Ok(Wire::Single(self.single(info, pushes).await?))
            }
            PlaceKind::Cluster => Ok(Wire::Cluster(self.cluster(&login, pushes).await?)),
            PlaceKind::Sentinel { master } => {
                let (host, port) = self.ask_sentinels(master).await?;
                let info = self.info(&host, port, login)?;
                let mut connection = self.single(info, pushes).await?;
                // A master that has just lost its place may still be named.
                let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut connection).await?;
                match role.first() {
                    Some(Value::BulkString(role)) if role == b"master" => {}
                    _ => {
                        let told = format!("{host}:{port} is no master any more");
                        return Err(Trouble::new(TroubleKind::ReadOnly, told));
                    }
                }
                Ok(Wire::Single(connection))
            }
        }
    }

    async fn single(
        &self,
        info: ConnectionInfo,
        pushes: Option<Pushes>,
    ) -> RedisResult<MultiplexedConnection> {
        let mut config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.command_timeout))
            .set_pipeline_buffer_size(CALLS_WAITING_MAX);
        if let Some(pushes) = pushes {
            config = config.set_push_sender(sender(pushes));
        }
        Client::open(info)?.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn cluster(
        &self,
        login: &RedisConnectionInfo,
        pushes: Option<Pushes>,
    ) -> RedisResult<ClusterConnection> {
        let hosts = self.place.hosts.iter();
        let nodes = hosts.map(|(host, port)| self.info(host, *port, login.clone()));
        let nodes = nodes.collect::<RedisResult<Vec<_>>>()?;
        let mut builder: ClusterClientBuilder = ClusterClient::builder(nodes)
            .use_protocol(ProtocolVersion::RESP3)
            .retries(CLUSTER_RETRIES)
            .min_retry_wait(CLUSTER_RETRY_WAIT.0)
            .max_retry_wait(CLUSTER_RETRY_WAIT.1)
            .connection_timeout(self.connect_timeout)
            .response_timeout(self.command_timeout)
            .tcp_settings(TcpSettings::default().set_nodelay(true));
        if let Some(certificates) = &self.certificates {
            builder = builder.certs(certificates.clone());
        }
        if let Some(pushes) = pushes {
            builder = builder.push_sender(sender(pushes));
        }
        builder.build()?.get_async_connection().await
    }

    /// Where the master is, by the first sentinel that knows.
    async fn ask_sentinels(&self, master: &str) -> Result<(String, u16), Trouble> {
        let mut trouble = None;
        for (host, port) in &self.place.hosts {
            match self.ask_sentinel((host, *port), master).await {
                Ok(Some(address)) => return Ok(address),
                Ok(None) => {}
                Err(error) => trouble = Some(error.into()),
            }
        }
        let unknown = || {
            let told = format!("no sentinel knows a master named {master}");
            Trouble::new(TroubleKind::Connection, told)
        };
        Err(trouble.unwrap_or_else(unknown))
    }

    async fn ask_sentinel(
        &self,
        (host, port): (&str, u16),
        master: &str,
    ) -> RedisResult<Option<(String, u16)>> {
        let info = self.info(host, port, self.sentinel_login.clone())?;
        let mut sentinel = self.single(info, None).await?;
        let mut ask = redis::cmd("SENTINEL");
        ask.arg("GET-MASTER-ADDR-BY-NAME").arg(master).query_async(&mut sentinel).await
    }

    fn info(
        &self,
        host: &str,
        port: u16,
        login: RedisConnectionInfo,
    ) -> RedisResult<ConnectionInfo> {
        let host = host.to_owned();
        let address = match &self.certificates {
            None => ConnectionAddr::Tcp(host, port),
            Some(certificates) => {
                let plain =
                    ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None };
                let client = Client::build_with_tls(plain, certificates.clone())?;
                client.get_connection_info().addr().clone()
            }
        };
        let tcp = TcpSettings::default().set_nodelay(true);
        Ok(address.into_connection_info()?.set_tcp_settings(tcp).set_redis_settings(login))
    }
}

fn login(user: &Option<String>, password: &Option<String>) -> RedisConnectionInfo {
    let mut login = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
    if let Some(user) = user {
        login = login.set_username(user);
    }
    if let Some(password) = password {
        login = login.set_password(password);
    }
    login
}

fn sender(pushes: Pushes) -> impl AsyncPushSender {
    move |push: PushInfo| -> Result<(), SendError> {
        pushes(push);
        Ok(())
    }
}

impl Wire {
    /// Adds the publication of a frame to a pipeline.
    pub(crate) fn publish(is_cluster: bool, pipeline: &mut Pipeline, channel: &str, frame: &[u8]) {
        let name = if is_cluster { "SPUBLISH" } else { "PUBLISH" };
        pipeline.cmd(name).arg(channel).arg(frame).ignore();
    }

    /// Listens to channels.
    pub(crate) async fn subscribe(&mut self, channels: &[String]) -> RedisResult<()> {
        match self {
            Self::Single(connection) => connection.subscribe(channels).await,
            Self::Cluster(connection) => {
                // They lie on different nodes, so each is asked for by itself.
                for channel in channels {
                    connection.ssubscribe(channel).await?;
                }
                Ok(())
            }
        }
    }
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}
