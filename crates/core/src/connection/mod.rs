//! Connections: where the chat and the fan-out meet.
//!
//! A [`Shard`] belongs to one worker thread. It takes [`Connection`]s, which join rooms and hear
//! them through their outbox, and it says when users come and go.

mod session;
mod subscribing;
mod signing_in;

pub use session::{Connection, Greeting, JoinError, Joining, Refused};
pub use signing_in::Watching;
pub use subscribing::{
    AppConnection, AppFull, AppGreeting, SayError, SubscribeToError, Subscribing, Subscription,
};

use subscribing::AppDeparture;

use crate::{
    chat::{Chat, Departure},
    fanout::{Encoder, Hub, Outbox, ShardInbox},
    labels::Transport,
    metrics::App,
};
use campanile_metrics::Batch;
use futures_util::{StreamExt, stream};
use std::{
    cell::{Cell, RefCell},
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::Duration,
};
use tokio::sync::Notify;

/// Subscriptions of connections that have gone that are forgotten at once.
const SEEN_OFF_AT_ONCE: usize = 64;

/// How long what a worker counts on its own may wait until it is seen.
const COUNTS_SEEN_WITHIN: Duration = Duration::from_millis(100);

/// One worker's part of the chat. A clone is another handle to the same shard.
#[derive(Clone)]
pub struct Shard {
    inner: Rc<Inner>,
}

struct Inner {
    chat: Arc<Chat>,
    hub: Hub,
    /// Connections that have gone and were not seen off yet.
    departed: RefCell<Vec<Departure>>,
    /// The same of applications.
    app_departed: RefCell<Vec<AppDeparture>>,
    departures: Notify,
    /// Nobody comes any more.
    is_ending: Cell<bool>,
}

impl Shard {
    /// The shard of this worker. `encoders` are numbered as connections name their protocol.
    pub fn new(chat: Arc<Chat>, encoders: Vec<Encoder>, inbox: ShardInbox) -> Self {
        let hub = Hub::new(chat.context().clone(), encoders, inbox);
        let (departed, departures) = (RefCell::default(), Notify::new());
        let app_departed = RefCell::default();
        Self {
            inner: Rc::new(Inner {
                chat,
                hub,
                departed,
                app_departed,
                departures,
                is_ending: Cell::new(false),
            }),
        }
    }

    /// Delivers events to this worker's connections, and tells who has gone, until
    /// [`crate::fanout::Shards::stop`]. Run once, on the worker's own thread.
    pub async fn run(&self) {
        // Side by side: whoever has gone is told through this worker's own queue, which must go
        // on being emptied meanwhile.
        let mut seeing_off = pin!(self.see_off());
        tokio::select! {
            () = self.hub().pump() => {}
            () = &mut seeing_off => {}
            () = self.hub().batch.keep(COUNTS_SEEN_WITHIN) => {}
        }
        self.inner.is_ending.set(true);
        self.inner.departures.notify_one();
        seeing_off.await;
        self.hub().batch.write();
    }

    /// An outbox for a connection of this worker, which may use it before it is authenticated.
    pub fn outbox(&self, transport: Transport) -> Rc<Outbox> {
        self.outbox_for(self.chat().metrics().native, transport)
    }

    /// The same for a connection of an application.
    pub fn outbox_for(&self, app: App, transport: Transport) -> Rc<Outbox> {
        self.hub().outbox(app, transport)
    }

    /// What this worker counts on its own, for whatever happens on its thread.
    pub fn batch(&self) -> &Batch {
        &self.hub().batch
    }

    pub(super) fn chat(&self) -> &Arc<Chat> {
        &self.inner.chat
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    fn depart(&self, departure: Departure) {
        self.inner.departed.borrow_mut().push(departure);
        self.inner.departures.notify_one();
    }

    fn depart_from(&self, departure: AppDeparture) {
        self.inner.app_departed.borrow_mut().push(departure);
        self.inner.departures.notify_one();
    }

    /// Tells who has gone, until nobody comes any more and the last have gone.
    async fn see_off(&self) {
        let Inner { departed, app_departed, departures, is_ending, .. } = &*self.inner;
        loop {
            departures.notified().await;
            self.see_off_departed().await;
            let is_done = departed.borrow().is_empty() && app_departed.borrow().is_empty();
            if is_ending.get() && is_done {
                return;
            }
        }
    }

    async fn see_off_departed(&self) {
        let departed = std::mem::take(&mut *self.inner.departed.borrow_mut());
        if !departed.is_empty() {
            self.chat().departed(departed).await;
        }
        let departed = std::mem::take(&mut *self.inner.app_departed.borrow_mut());
        let places =
            departed.into_iter().flat_map(|AppDeparture { connection, channels, counts }| {
                channels.into_iter().map(move |place| (connection, place, counts))
            });
        stream::iter(places)
            .for_each_concurrent(
                SEEN_OFF_AT_ONCE,
                |(connection, (channel, kind), counts)| async move {
                    self.chat().unsubscribed((&channel, kind), connection, counts).await;
                },
            )
            .await;
    }
}
