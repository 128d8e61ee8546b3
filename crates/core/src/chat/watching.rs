//! Watching an application: what passes in its channels, for operators who look.
//!
//! While nobody watches this costs one load of a number. A watcher that does not keep up misses
//! something, and is told how much; nobody waits for it.

use super::Chat;
use crate::{
    channel::{AppId, Channel, ChannelEvent, Published},
    event::{Audience, Event, Signal},
    labels::WebhookEvent,
    port::ConnectionId,
    time::Timestamp,
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};
use tokio::sync::mpsc;

/// Who may watch on this node at once.
pub const WATCHING_MAX: usize = 8;

/// What may wait for one of them. Seen by the watcher, which is told what it missed.
pub const PASSED_MAX: usize = 256;

/// Something that passed in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// When this node saw it.
    pub at: Timestamp,
    /// Where.
    pub channel: Channel,
    /// What.
    pub what: Passing,
}

/// What passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passing {
    /// An event, on any node.
    Published(Published),
    /// A user has become a member, on any node.
    MemberAdded(Arc<str>),
    /// A user is a member no longer, on any node.
    MemberRemoved(Arc<str>),
    /// A connection of this node has subscribed, as this user where the channel has members.
    Subscribed(ConnectionId, Option<Arc<str>>),
    /// A connection of this node is subscribed no longer.
    Unsubscribed(ConnectionId),
    /// This node has queued a webhook for this receiver.
    Webhook(WebhookEvent, Arc<str>),
}

/// Somebody who watches an application, until it is dropped.
pub struct Watching {
    watched: Arc<Watched>,
    seat: Arc<Seat>,
    passed: mpsc::Receiver<Passed>,
}

/// As many watch as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{WATCHING_MAX} operators watch already")]
pub struct TooManyWatch;

/// Who watches.
#[derive(Default)]
pub(super) struct Watched {
    /// How many there are: all that is read while there is nobody.
    count: AtomicUsize,
    seats: Mutex<Vec<Arc<Seat>>>,
}

struct Seat {
    app: AppId,
    sender: mpsc::Sender<Passed>,
    missed: AtomicU64,
}

impl Watching {
    /// What passes next. What comes faster than this is called is missed.
    pub async fn next(&mut self) -> Passed {
        match self.passed.recv().await {
            Some(passed) => passed,
            // Its sender is part of this.
            None => std::future::pending().await,
        }
    }

    /// How much was missed since this was asked last.
    pub fn missed(&self) -> u64 {
        self.seat.missed.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut seats = self.watched.seats();
        seats.retain(|seat| !Arc::ptr_eq(seat, &self.seat));
        self.watched.count.store(seats.len(), Ordering::Relaxed);
    }
}

impl Watched {
    fn seats(&self) -> MutexGuard<'_, Vec<Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(self: &Arc<Self>, app: AppId) -> Result<Watching, TooManyWatch> {
        let (sender, passed) = mpsc::channel(PASSED_MAX);
        let seat = Arc::new(Seat { app, sender, missed: AtomicU64::new(0) });
        let mut seats = self.seats();
        if seats.len() >= WATCHING_MAX {
            return Err(TooManyWatch);
        }
        seats.push(seat.clone());
        self.count.store(seats.len(), Ordering::Relaxed);
        drop(seats);
        Ok(Watching { watched: self.clone(), seat, passed })
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    fn tell(&self, passed: &Passed) {
        for seat in self.seats().iter().filter(|seat| seat.app == *passed.channel.app()) {
            if seat.sender.try_send(passed.clone()).is_err() {
                seat.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Chat {
    /// Shows what passes in the channels of an application from now on.
    pub fn watch(&self, app: &AppId) -> Result<Watching, TooManyWatch> {
        self.watched.watch(app.clone())
    }

    /// Whether anybody watches anything on this node.
    pub(super) fn is_watched(&self) -> bool {
        !self.watched.is_empty()
    }

    /// Shows to who watches what happened in a channel.
    pub(super) fn show_passing(&self, channel: &Channel, what: impl FnOnce() -> Passing) {
        // Whom the chat itself notes as signed in is no channel of the application's.
        if self.is_watched() && !channel.is_of_signed_in() {
            let (at, channel) = (self.clock().now(), channel.clone());
            self.watched.tell(&Passed { at, channel, what: what() });
        }
    }

    /// The same of a signal, where it is about a channel.
    pub(super) fn show_signal(&self, signal: &Signal) {
        if !self.is_watched() {
            return;
        }
        let Signal::Tell(Audience::Channel(channel, ..), Event::Channel(_, event)) = signal else {
            return;
        };
        let what = match event {
            ChannelEvent::Published(published, _) => Passing::Published(published.clone()),
            ChannelEvent::MemberAdded(member, _) => Passing::MemberAdded(member.user.clone()),
            ChannelEvent::MemberRemoved(user, _) => Passing::MemberRemoved(user.clone()),
            // It follows from the subscriptions, which are shown.
            ChannelEvent::Counted(_) => return,
        };
        self.show_passing(channel, || what);
    }
}
