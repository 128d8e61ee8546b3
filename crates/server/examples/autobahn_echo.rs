//! A server that echoes over the same connection code as the chat: for the Autobahn test suite.
//!
//! `cargo run -p campanile-server --example autobahn_echo -- --listen 127.0.0.1:9001`

use actix_web::{
    HttpRequest, HttpResponse, HttpServer,
    web::{self, Bytes, Data},
};
use campanile_adapter_memory::{self as memory, SystemClock};
use campanile_core::{
    chat::Chat,
    connection::Shard,
    fanout::{Class, Outbox, ShardInbox, Shards},
    labels::Transport,
    limits::Limits,
    metrics::{App, ChatMetrics, NATIVE_APP},
    port::{Clock, NodeId},
};
use campanile_metrics::{Registry, testing::Recording};
use campanile_server::{
    metrics::ConnectionMetrics,
    ws::{
        Answerer, CountedApp, FrameLimits, Lobby, Opening, Patience, Said, Standing, Taken,
        Traffic, binary_of, closing_code, prepare_socket, text_of,
    },
};
use clap::Parser;
use std::{
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

/// What the program is told.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// Longest frame and message; the suite sends up to 16 MiB.
    #[arg(long, default_value_t = 16 * 1024 * 1024)]
    message_bytes_max: u64,
    /// Most fragments of one message; the suite cuts 4 MiB into pieces of 64 bytes.
    #[arg(long, default_value_t = 1_000_000)]
    fragments_max: u32,
}

/// What all connections share.
struct Echoes {
    shard: Shard,
    app: App,
    clock: Arc<dyn Clock>,
    metrics: Arc<ConnectionMetrics>,
    lobby: Arc<Lobby>,
    frames: FrameLimits,
}

/// Says back what it hears.
struct Echo {
    outbox: Rc<Outbox>,
}

impl Answerer for Echo {
    async fn text(&mut self, text: &str) -> Said {
        self.outbox.push(text_of(text.as_bytes()), Class::Answer);
        Said::Something
    }

    fn binary(&mut self, bytes: Bytes) -> Taken {
        self.outbox.push(binary_of(&bytes), Class::Answer);
        Taken::Yes
    }

    fn ping(&mut self) -> Taken {
        Taken::Yes
    }

    fn draining(&mut self, _after: Duration) {}

    fn standing(&self) -> Standing {
        Standing::Known { until: None }
    }
}

async fn echo(
    request: HttpRequest,
    payload: web::Payload,
    echoes: Data<Echoes>,
) -> actix_web::Result<HttpResponse> {
    let outbox = echoes.shard.outbox(Transport::WebSocket);
    let opening = Opening {
        outbox: outbox.clone(),
        unread_bytes_max: usize::try_from(echoes.frames.message_bytes_max).unwrap_or(usize::MAX),
        lobby: echoes.lobby.clone(),
        frames: echoes.frames,
        patience: Patience::default(),
        metrics: echoes.metrics.clone(),
        traffic: Traffic::new(&echoes.metrics, echoes.shard.batch()),
        app: CountedApp::native(echoes.app),
        closing_code,
        goodbye: None,
        clock: echoes.clock.clone(),
    };
    opening.open(&request, payload, Echo { outbox }).await
}

/// Workers of the echo; the suite is one client.
const WORKERS: usize = 2;

#[actix_web::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let frames = FrameLimits {
        frame_bytes_max: arguments.message_bytes_max,
        message_bytes_max: arguments.message_bytes_max,
        fragments_max: arguments.fragments_max,
    };
    let recording = Recording::with(Registry::builder().values::<App>([NATIVE_APP]));
    let chat_metrics = ChatMetrics::register(recording.registry());
    let app = chat_metrics.native;
    let metrics = Arc::new(ConnectionMetrics::register(recording.registry()));
    let (chat, inboxes) = chat(chat_metrics, frames);
    let inboxes = Mutex::new(inboxes);
    let inboxes = Arc::new(inboxes);
    let lobby = Arc::new(Lobby::new(0));
    let server = HttpServer::new(move || {
        let inbox = inboxes.lock().expect("nobody panics with it").pop();
        let inbox = inbox.expect("there is an inbox for each worker");
        let echoes = Echoes {
            shard: Shard::new(chat.clone(), vec![], inbox),
            app,
            clock: chat.ports().clock.clone(),
            metrics: metrics.clone(),
            lobby: lobby.clone(),
            frames,
        };
        actix_web::App::new().app_data(Data::new(echoes)).route("/", web::get().to(echo))
    });
    server
        .workers(WORKERS)
        .on_connect(prepare_socket)
        .client_disconnect_timeout(Duration::ZERO)
        .bind(arguments.listen)?
        .run()
        .await
}

/// A chat that nobody uses: it lends its outboxes, made large enough for what is echoed.
fn chat(metrics: ChatMetrics, frames: FrameLimits) -> (Arc<Chat>, Vec<ShardInbox>) {
    let message_bytes_max = usize::try_from(frames.message_bytes_max).unwrap_or(usize::MAX);
    let limits = Limits {
        outbox_bytes_max: message_bytes_max.saturating_mul(4),
        rates: None,
        ..Limits::default()
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let ports = memory::ports(clock, limits.idempotency_window);
    let (shards, inboxes) = Shards::new(WORKERS, limits.shard_queue_events_max);
    let chat = Chat::new(NodeId(1), ports, shards, limits, metrics, |_| {
        unreachable!("nobody opens rooms")
    });
    (Arc::new(chat), inboxes)
}
