//! The lobby: how many connections this node has, how many it takes, and when it sends them away.

use campanile_core::{labels::Transport, metrics::App};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// The node's count of connections, and its word that it is about to stop.
pub struct Lobby {
    connections_max: usize,
    /// Told of every change, so that whoever drains sees the last one leave.
    connected: watch::Sender<Connected>,
    /// Those of them that are open: who it is was found out, where that is asked first.
    /// By the application they are counted for.
    open: Mutex<HashMap<App, Connected>>,
    drain: watch::Sender<Option<Drain>>,
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connected {
    /// Over WebSockets.
    pub websocket: usize,
    /// As streams of events.
    pub sse: usize,
}

/// That the node is stopping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drain {
    begun: Instant,
    over: Duration,
}

/// One connection's view of the node's word that it is stopping.
pub(crate) struct DrainWatch {
    drain: watch::Receiver<Option<Drain>>,
    told: bool,
}

/// A connection's place in the lobby; dropping it gives it back.
pub(crate) struct Place {
    lobby: Arc<Lobby>,
    transport: Transport,
    /// For which application it is open.
    open_for: Option<App>,
}

impl Place {
    /// The place of a connection that is open now, and counted for this application.
    pub(crate) fn opened(mut self, app: App) -> Self {
        *self.lobby.opened().entry(app).or_default().over(self.transport) += 1;
        self.open_for = Some(app);
        self
    }
}

impl Lobby {
    /// A lobby for so many connections; 0: as many as come.
    pub fn new(connections_max: usize) -> Self {
        Self {
            connections_max,
            connected: watch::Sender::new(Connected::default()),
            open: Mutex::default(),
            drain: watch::Sender::new(None),
        }
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connected().all()
    }

    /// The same by transport.
    pub fn connected(&self) -> Connected {
        *self.connected.borrow()
    }

    /// How many of them are open, by application and transport: those that were counted as opened,
    /// and not yet as closed.
    pub fn open(&self) -> Vec<(App, Connected)> {
        self.opened().iter().map(|(app, connected)| (*app, *connected)).collect()
    }

    fn opened(&self) -> MutexGuard<'_, HashMap<App, Connected>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut connected = self.connected.subscribe();
        connected
            .wait_for(|connected| connected.all() == 0)
            .await
            .expect("the sender is part of this lobby");
    }

    pub(crate) fn enter(self: &Arc<Self>, transport: Transport) -> Option<Place> {
        let entered = self.connected.send_if_modified(|connected| {
            let free = self.connections_max == 0 || connected.all() < self.connections_max;
            *connected.over(transport) += usize::from(free);
            free
        });
        entered.then(|| Place { lobby: self.clone(), transport, open_for: None })
    }

    pub(crate) fn drain_watch(&self) -> DrainWatch {
        DrainWatch { drain: self.drain.subscribe(), told: false }
    }
}

impl Connected {
    fn all(self) -> usize {
        self.websocket + self.sse
    }

    fn over(&mut self, transport: Transport) -> &mut usize {
        match transport {
            Transport::Sse => &mut self.sse,
            // A request over REST takes no place.
            Transport::WebSocket | Transport::LongPoll => &mut self.websocket,
        }
    }
}

impl DrainWatch {
    /// Waits until the node is stopping; says so once.
    pub(crate) async fn begun(&mut self) -> Drain {
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
        if let Some(app) = self.open_for {
            *self.lobby.opened().entry(app).or_default().over(self.transport) -= 1;
        }
        self.lobby.connected.send_modify(|connected| *connected.over(self.transport) -= 1);
    }
}

impl Drain {
    /// When a connection is to close: each at its own time, told by its number.
    pub(crate) fn turn(&self, connection: u64) -> Instant {
        // The number is random, so its upper bits spread evenly.
        let share = f64::from(u32::try_from(connection >> 32).expect("32 bits")) / 2f64.powi(32);
        self.begun + self.over.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_metrics::Registry;

    #[test]
    fn who_is_at_the_door_is_connected_and_not_open() {
        let registry = Registry::builder().values::<App>(["native", "shop"]).build();
        let (native, shop) = (registry.label("native"), registry.label("shop"));
        let lobby = Arc::new(Lobby::new(0));
        let open = |app| {
            let open = lobby.open();
            open.iter().find(|(other, _)| *other == app).map(|(_, connected)| connected.websocket)
        };
        let place = lobby.enter(Transport::Sse).expect("there is room");
        assert_eq!((lobby.connected().sse, lobby.open().len()), (1, 0));
        drop(place);
        let place = lobby.enter(Transport::WebSocket).expect("there is room").opened(shop);
        assert_eq!((lobby.connected().websocket, open(shop), open(native)), (1, Some(1), None));
        drop(place);
        assert_eq!((lobby.connections(), open(shop)), (0, Some(0)));
    }
}
