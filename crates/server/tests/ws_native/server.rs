//! A server with nothing but native connections over a store in memory, and clients for it.

use crate::client::{Client, DEADLINE};
use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    App,
    dev::{AppConfig, Extensions, Server as HttpServer, ServerHandle, fn_service},
    rt::net::TcpStream,
    web,
};
use campanile_adapter_memory::{self as memory, SystemClock};
use campanile_core::{
    application::Applications,
    chat::Chat,
    connection::Shard,
    fanout::{Encoder, ShardInbox, Shards},
    limits::Limits,
    metrics::{App as AppLabel, ChatMetrics, NATIVE_APP},
    name::{RoomName, UserName},
    port::{Clock, NewAccount, NodeId},
    room::RoomKind,
    user::PasswordHash,
};
use campanile_metrics::{
    Registry,
    testing::{Probe, Recording},
};
use campanile_server::{
    apps::Apps,
    collect::count_what_is_open,
    http::Proxies,
    metrics::ConnectionMetrics,
    sse, token,
    ws::{self, Lobby, SharedStream, Traffic, Worker},
};
use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep},
};

/// Makes one worker's part of a server, on its thread.
pub(crate) type MakeWorker = Arc<dyn Fn() -> Worker + Send + Sync>;

/// Worker threads: two, so that events cross from one to the other.
pub(crate) const WORKERS: usize = 2;

/// What a test may set.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) ws: ws::Config,
    pub(crate) connections_max: usize,
    /// What makes events into frames, on each worker.
    pub(crate) encoder: Arc<dyn Fn() -> Encoder + Send + Sync>,
}

impl Default for Setup {
    fn default() -> Self {
        let limits = Limits { rates: None, ..Limits::default() };
        let encoder = Arc::new(ws::encoder);
        Self { limits, ws: ws::Config::default(), connections_max: 0, encoder }
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) chat: Arc<Chat>,
    pub(crate) lobby: Arc<Lobby>,
    recording: Recording,
    handle: ServerHandle,
}

/// A server with what is usual.
pub(crate) fn start() -> Server {
    start_with(Setup::default())
}

/// A server on a free port.
pub(crate) fn start_with(setup: Setup) -> Server {
    start_served(setup, serve)
}

/// The same, served in another way.
pub(crate) fn start_served(
    setup: Setup,
    serve: impl FnOnce(TcpListener, MakeWorker) -> ServerHandle,
) -> Server {
    let recording = Recording::with(Registry::builder().values::<AppLabel>([NATIVE_APP]));
    let connections = Arc::new(ConnectionMetrics::register(recording.registry()));
    let chat_metrics = ChatMetrics::register(recording.registry());
    let (chat, inboxes) = chat(chat_metrics, setup.limits);
    let lobby = Arc::new(Lobby::new(setup.connections_max));
    let apps = Arc::new(Apps::new(&[], Applications::default(), (recording.registry(), 1)));
    count_what_is_open(recording.registry(), &chat, &lobby, (&connections, &apps));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let worker: MakeWorker = {
        let (chat, lobby, inboxes) = (chat.clone(), lobby.clone(), Mutex::new(inboxes));
        Arc::new(move || {
            let inbox = inboxes.lock().expect("not poisoned").pop();
            let inbox = inbox.expect("there is an inbox for each worker");
            let shard = Shard::new(chat.clone(), vec![(setup.encoder)(), sse::encoder()], inbox);
            let running = shard.clone();
            actix_web::rt::spawn(async move { running.run().await });
            Worker {
                chat: chat.clone(),
                apps: apps.clone(),
                traffic: Traffic::new(&connections, shard.batch()),
                shard,
                protocol: 0,
                event_stream: 1,
                channels: 2,
                metrics: connections.clone(),
                lobby: lobby.clone(),
                config: setup.ws.clone(),
                proxies: Proxies::default(),
            }
        })
    };
    let handle = serve(listener, worker);
    Server { address, chat, lobby, recording, handle }
}

/// As the program serves without TLS.
fn serve(listener: TcpListener, worker: MakeWorker) -> ServerHandle {
    serve_over(listener, worker, SharedStream::new, SharedStream::share)
}

/// Serves over what `wrap` makes of the streams; `share` tells requests of it.
pub(crate) fn serve_over<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    listener: TcpListener,
    worker: MakeWorker,
    wrap: impl Fn(TcpStream) -> S + Clone + Send + 'static,
    share: impl Fn(&S, &mut Extensions) + Clone + Send + 'static,
) -> ServerHandle {
    run(move || {
        let server = HttpServer::build().workers(WORKERS).disable_signals();
        let server = server.listen("tested", listener, move || {
            let (worker, wrap, share) = (worker.clone(), wrap.clone(), share.clone());
            let worker = web::Data::new(worker());
            let app = App::new().app_data(worker).route("/ws", web::get().to(ws::upgrade));
            let app = app.into_factory().map_err(|error| error.error_response());
            let http = HttpService::build()
                .client_disconnect_timeout(Duration::ZERO)
                .on_connect_ext(share)
                .finish(map_config(app, |()| AppConfig::default()))
                .map_err(|_| ());
            fn_service(move |stream: TcpStream| {
                ws::prepare_stream(&stream);
                let address = stream.peer_addr().ok();
                let stream = wrap(stream);
                async move { Ok((stream, Protocol::Http1, address)) }
            })
            .and_then(http)
        });
        server.expect("the listener is good").run()
    })
}

/// Runs what this makes on a thread of its own.
pub(crate) fn run(server: impl FnOnce() -> HttpServer + Send + 'static) -> ServerHandle {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        let server = server();
        sender.send(server.handle()).expect("the test waits");
        actix_web::rt::System::new().block_on(server).expect("the server runs");
    });
    receiver.recv().expect("the server starts")
}

fn chat(metrics: ChatMetrics, limits: Limits) -> (Arc<Chat>, Vec<ShardInbox>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ports = memory::ports(clock, limits.idempotency_window);
    let (shards, inboxes) = Shards::new(WORKERS, limits.shard_queue_events_max);
    (Arc::new(Chat::new(NodeId(1), ports, shards, limits, metrics, token::hex_digest)), inboxes)
}

impl Server {
    /// Registers a user and logs in; the token.
    pub(crate) async fn user(&self, name: &str) -> String {
        let name = UserName::parse(name).expect("a name");
        let account = NewAccount {
            name: name.clone(),
            password: PasswordHash("none".into()),
            operator: false,
            created_at: self.chat.clock().now(),
            invite: None,
        };
        self.chat.register(account).await.expect("a new name");
        self.session(name.as_str()).await
    }

    /// Logs a user in once more; the token.
    pub(crate) async fn session(&self, name: &str) -> String {
        self.session_for(name, Duration::from_secs(24 * 3_600)).await
    }

    /// Logs a user in for so long; the token.
    pub(crate) async fn session_for(&self, name: &str, lifetime: Duration) -> String {
        let name = UserName::parse(name).expect("a name");
        let account = self.chat.account(&name).await.expect("no fault").expect("an account");
        let token = token::new();
        self.chat.open_session(&account, token::hash(&token), lifetime).await.expect("a session");
        token
    }

    /// A connection of a new user.
    pub(crate) async fn client(&self, name: &str) -> Client {
        let token = self.user(name).await;
        Client::hello(self.address, &token).await
    }

    /// Makes a room that belongs to a user.
    pub(crate) async fn room(&self, owner: &str, room: &str, kind: RoomKind) {
        let owner = UserName::parse(owner).expect("a name");
        let room = RoomName::parse_chosen(room).expect("a name");
        self.chat.create_room(&owner, room, kind).await.expect("a new room");
    }

    /// What is counted now.
    pub(crate) fn probe(&self) -> Probe {
        self.recording.probe()
    }

    /// The value of one series.
    pub(crate) fn count(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let value = self.probe().value(name, labels);
        value.unwrap_or_else(|| panic!("there is no {name}{labels:?}"))
    }

    /// Waits until a series has this value.
    pub(crate) async fn counts(&self, name: &str, labels: &[(&str, &str)], wanted: f64) {
        eventually(&format!("{name}{labels:?} is {wanted}"), || {
            let value = self.count(name, labels);
            if value == wanted { Ok(()) } else { Err(value) }
        })
        .await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Told, not waited for: its threads end by themselves.
        drop(self.handle.stop(false));
    }
}

/// Waits until something holds.
pub(crate) async fn eventually<E: std::fmt::Debug>(
    what: &str,
    mut holds: impl FnMut() -> Result<(), E>,
) {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match holds() {
            Ok(()) => return,
            Err(seen) if Instant::now() > deadline => panic!("not in time: {what}; saw {seen:?}"),
            Err(_) => sleep(Duration::from_millis(5)).await,
        }
    }
}
