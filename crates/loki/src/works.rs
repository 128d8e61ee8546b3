//! What runs on the shipper's thread, and how that ends.

use crate::{
    config::Bounds,
    layer::mark_thread,
    ledger::Ledger,
    limits::METRICS_EVERY,
    metrics::Durations,
    pipe,
    relay::{Intake, Relay},
    sender::Sender,
};
use std::{
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    sync::watch,
    time::{sleep, sleep_until},
};
use tracing_loki::{BackgroundTask, BackgroundTaskController};

/// What the thread and the handle share.
pub(crate) struct Shared {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) bounds: Bounds,
    pub(crate) metrics: Arc<Mutex<Durations>>,
}

/// What runs on the shipper's thread.
pub(crate) struct Works {
    pub(crate) shared: Arc<Shared>,
    pub(crate) intake: Arc<Intake>,
    pub(crate) relay: Relay,
    pub(crate) tasks: Vec<BackgroundTask>,
    pub(crate) controllers: Vec<BackgroundTaskController>,
    pub(crate) sender: Sender,
    pub(crate) is_last: watch::Sender<bool>,
    pub(crate) end: watch::Receiver<Option<Instant>>,
}

impl Shared {
    /// Lets the metrics follow.
    pub(crate) fn show(&self) {
        let status = self.ledger.status();
        for metrics in lock(&self.metrics).shown() {
            metrics.follow(&status, &self.bounds);
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("bounds", &self.bounds).finish_non_exhaustive()
    }
}

impl Works {
    /// Starts the thread; the receiver hears when it has ended.
    pub(crate) fn start(self) -> io::Result<Receiver<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // Names are resolved on threads of their own.
            .on_thread_start(mark_thread)
            .build()?;
        let (ended, end) = sync_channel(1);
        thread::Builder::new().name("log-shipper".to_owned()).spawn(move || {
            mark_thread();
            // Also if it panics: then nothing comes in any more, and what waits is counted.
            let _closed = Closed(Arc::clone(&self.shared));
            runtime.block_on(self.run());
            runtime.shutdown_background();
            // Nobody may wait for it.
            let _heard = ended.try_send(());
        })?;
        Ok(end)
    }

    async fn run(self) {
        let Self { shared, intake, relay, tasks, controllers, sender, is_last, end } = self;
        let all_sent = async {
            let empty_pipe = empty_at_the_end(&shared.ledger, &controllers, end.clone());
            tokio::join!(sender.run(), async {
                tokio::join!(pipe::run(&shared.ledger, tasks), empty_pipe);
                // Nobody is there to hear it if the sender has ended.
                let _heard = is_last.send(true);
            });
        };
        let show = async {
            loop {
                sleep(METRICS_EVERY).await;
                shared.show();
            }
        };
        tokio::select! {
            () = all_sent => {}
            () = deadline(end.clone()) => {}
            () = show => {}
            error = relay.serve(intake) => tracing::error!(%error, "logs are not shipped any more"),
        }
    }
}

/// Whoever drops this is the end of the shipper.
struct Closed(Arc<Shared>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.ledger.finish();
    }
}

/// When the end has begun, has the pipe emptied.
async fn empty_at_the_end(
    ledger: &Ledger,
    controllers: &[BackgroundTaskController],
    mut end: watch::Receiver<Option<Instant>>,
) {
    // An error means that the handle is gone, which is an end too.
    let _end = end.wait_for(Option::is_some).await;
    ledger.close();
    while ledger.is_handing_over() {
        sleep(Duration::from_millis(1)).await;
    }
    for controller in controllers {
        controller.shutdown().await;
    }
}

/// Waits until the shipper has to have ended.
async fn deadline(mut end: watch::Receiver<Option<Instant>>) {
    let until = end.wait_for(Option::is_some).await.ok().and_then(|until| *until);
    if let Some(until) = until {
        sleep_until(until.into()).await;
    }
}

/// Whatever panics elsewhere leaves what is locked usable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
