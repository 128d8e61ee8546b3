//! What this node has heard and not received yet.

use async_trait::async_trait;
use campanile_core::port::{BusReceiver, Heard};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::sync::mpsc;

/// Where what is heard is put.
#[derive(Debug)]
pub(super) struct Inbox {
    heard: mpsc::Sender<Heard>,
    missed: Arc<AtomicBool>,
}

/// Where it is received.
#[derive(Debug)]
pub(super) struct Receiver {
    heard: mpsc::Receiver<Heard>,
    missed: Arc<AtomicBool>,
}

/// Both ends.
pub(super) fn inbox(signals_max: usize) -> (Inbox, Receiver) {
    let (sender, receiver) = mpsc::channel(signals_max);
    let missed = Arc::new(AtomicBool::new(false));
    (Inbox { heard: sender, missed: missed.clone() }, Receiver { heard: receiver, missed })
}

impl Inbox {
    /// Puts something in; whether there was room.
    pub(super) fn put(&self, heard: Heard) -> bool {
        let full = matches!(self.heard.try_send(heard), Err(mpsc::error::TrySendError::Full(_)));
        if full {
            // Whoever receives next hears of it first.
            self.missed.store(true, Ordering::Release);
        }
        !full
    }
}

#[async_trait]
impl BusReceiver for Receiver {
    async fn receive(&mut self) -> Option<Heard> {
        if self.missed.swap(false, Ordering::Acquire) {
            return Some(Heard::Missed);
        }
        self.heard.recv().await
    }
}
