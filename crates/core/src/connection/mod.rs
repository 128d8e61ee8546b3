//! Connections: where the chat and the fan-out meet.
//!
//! A [`Shard`] belongs to one worker thread. It takes [`Connection`]s, which join rooms and hear
//! them through their outbox, and it says when users come and go.

mod session;
mod subscribing;

pub use session::{Connection, Greeting, JoinError, Joining, Refused};
pub use subscribing::{
    AppConnection, AppFull, AppGreeting, SayError, SubscribeToError, Subscribing, Subscription,
};

use subscribing::{AppDeparture, Manner};

use crate::{
    chat::{Chat, Departure},
    fanout::{Encoder, Hub, Outbox, ShardInbox},
    labels::Transport,
    metrics::App,
};
use campanile_metrics::Batch;
use std::{cell::RefCell, rc::Rc, sync::Arc, time::Duration};
use tokio::sync::Notify;

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
}

impl Shard {
    /// The shard of this worker. `encoders` are numbered as connections name their protocol.
    pub fn new(chat: Arc<Chat>, encoders: Vec<Encoder>, inbox: ShardInbox) -> Self {
        let hub = Hub::new(chat.context().clone(), encoders, inbox);
        let (departed, departures) = (RefCell::default(), Notify::new());
        let app_departed = RefCell::default();
        Self { inner: Rc::new(Inner { chat, hub, departed, app_departed, departures }) }
    }

    /// Delivers events to this worker's connections, and tells who has gone, until
    /// [`crate::fanout::Shards::stop`]. Run once, on the worker's own thread.
    pub async fn run(&self) {
        // Side by side: whoever has gone is told through this worker's own queue, which must go
        // on being emptied meanwhile.
        tokio::select! {
            () = self.hub().pump() => {}
            () = self.see_off() => {}
            () = self.hub().batch.keep(COUNTS_SEEN_WITHIN) => {}
        }
        self.see_off_departed().await;
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

    async fn see_off(&self) {
        loop {
            self.inner.departures.notified().await;
            self.see_off_departed().await;
        }
    }

    async fn see_off_departed(&self) {
        let departed = std::mem::take(&mut *self.inner.departed.borrow_mut());
        if !departed.is_empty() {
            self.chat().departed(departed).await;
        }
        let departed = std::mem::take(&mut *self.inner.app_departed.borrow_mut());
        for AppDeparture { connection, channels, manner } in departed {
            for (channel, kind) in channels {
                match manner {
                    Manner::Heard { counts } => {
                        self.chat().unsubscribed((&channel, kind), connection, counts).await;
                    }
                    Manner::Unheard => self.chat().forget(&channel, connection).await,
                }
            }
        }
    }
}
