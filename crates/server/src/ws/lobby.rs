//! The lobby: how many connections this node has, how many it takes, and when it sends them away.

use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};

/// The node's count of connections, and its word that it is about to stop.
pub struct Lobby {
    connections_max: usize,
    /// Told of every change, so that whoever drains sees the last one leave.
    connections: watch::Sender<usize>,
    drain: watch::Sender<Option<Drain>>,
}

/// That the node is stopping.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    begun: Instant,
    over: Duration,
}

/// One connection's view of the node's word that it is stopping.
pub(super) struct DrainWatch {
    drain: watch::Receiver<Option<Drain>>,
    told: bool,
}

/// A connection's place in the lobby; dropping it gives it back.
pub(super) struct Place {
    lobby: Arc<Lobby>,
}

impl Lobby {
    /// A lobby for so many connections; 0: as many as come.
    pub fn new(connections_max: usize) -> Self {
        Self {
            connections_max,
            connections: watch::Sender::new(0),
            drain: watch::Sender::new(None),
        }
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        *self.connections.borrow()
    }

    /// How many connections there may be; 0: any number.
    pub fn connections_max(&self) -> usize {
        self.connections_max
    }

    /// Whether no more connections are taken.
    pub fn is_draining(&self) -> bool {
        self.drain.borrow().is_some()
    }

    /// Takes no more connections, tells all that they will be closed, and closes them one by one,
    /// spread `over` this time, so that they do not come back all at once. Ready when the last has
    /// gone.
    pub async fn drain(&self, over: Duration) {
        self.drain.send_if_modified(|drain| {
            let first = drain.is_none();
            drain.get_or_insert(Drain { begun: Instant::now(), over });
            first
        });
        let mut connections = self.connections.subscribe();
        connections
            .wait_for(|connections| *connections == 0)
            .await
            .expect("the sender is part of this lobby");
    }

    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        let entered = self.connections.send_if_modified(|connections| {
            let free = self.connections_max == 0 || *connections < self.connections_max;
            *connections += usize::from(free);
            free
        });
        entered.then(|| Place { lobby: self.clone() })
    }

    pub(super) fn drain_watch(&self) -> DrainWatch {
        DrainWatch { drain: self.drain.subscribe(), told: false }
    }
}

impl DrainWatch {
    /// Waits until the node is stopping; says so once.
    pub(super) async fn begun(&mut self) -> Drain {
        if !self.told
            && let Ok(drain) = self.drain.wait_for(Option::is_some).await
        {
            self.told = true;
            return drain.expect("it was waited for");
        }
        // Told already, or the lobby is gone, which ends all that is in it in other ways.
        std::future::pending().await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.lobby.connections.send_modify(|connections| *connections -= 1);
    }
}

impl Drain {
    /// When a connection is to close: each at its own time, told by its number.
    pub(super) fn turn(&self, connection: u64) -> Instant {
        // The number is random, so its upper bits spread evenly.
        let share = f64::from(u32::try_from(connection >> 32).expect("32 bits")) / 2f64.powi(32);
        self.begun + self.over.mul_f64(share)
    }
}
