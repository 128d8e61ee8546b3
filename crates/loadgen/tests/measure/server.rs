//! A server in this process, without rate limits and with an application.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use campanile_server::app::App;
use campanile_server::config::{self, Config, Secret};
use campanile_server::listeners::Listeners;
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) const APP: &str = "1001";
pub(crate) const KEY: &str = "278d425bdf160c739803";
pub(crate) const SECRET: &str = "7ad3773142a6692b25b8-of-tests";

/// A running server. Dropping it ends it in order.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    _data: TempDir,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts it.
pub(crate) fn start() -> Server {
    start_with(|_| {})
}

/// Starts it with some settings changed.
pub(crate) fn start_with(change: impl FnOnce(&mut Config)) -> Server {
    let data = tempfile::tempdir().expect("a temporary directory");
    let mut config = Config::default();
    config.server.data_dir = data.path().to_owned();
    config.server.drain_seconds = 0.2;
    config.metrics.port = 0;
    config.limits.enabled = false;
    config.apps.push(config::App {
        id: Some(APP.into()),
        key: Some(KEY.into()),
        secret: Some(Secret::new(SECRET)),
        ..config::App::default()
    });
    change(&mut config);
    let listeners = Listeners::bind("127.0.0.1:0").expect("a free port");
    let address = listeners.address();
    let (shutdown, stopped) = oneshot::channel::<()>();
    let (started, starting) = mpsc::sync_channel(1);
    let thread = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = App::build(config, listeners, async { drop(stopped.await) }).await;
            let app = app.unwrap_or_else(|error| panic!("the server does not start: {error}"));
            started.send(()).expect("the test waits");
            app.run().await.expect("the server ends well");
        });
    });
    starting.recv().expect("it starts");
    Server { address, _data: data, shutdown: Some(shutdown), thread: Some(thread) }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !thread::panicking() {
            ended.expect("it was running").expect("its thread ends well");
        }
    }
}
