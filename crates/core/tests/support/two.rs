//! Two nodes over one store, joined by a bus that loses what it is told to lose.

use super::{HandClock, Node, ports, settle};
use async_trait::async_trait;
use campanile_adapter_memory::MemoryHub;
use campanile_core::{
    chat::Ports,
    event::{Envelope, Signal, Topic},
    limits::Limits,
    port::{self, Bus, BusError, BusReceiver, Heard, Mark, NodeId, Passage},
    time::Timestamp,
};
use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{sync::watch, task::LocalSet};

/// Two nodes, and what lies between them.
pub(crate) struct Two {
    pub(crate) here: Rc<Node>,
    pub(crate) there: Rc<Node>,
    pub(crate) wire: Arc<Wire>,
}

/// The bus between them.
#[derive(Default)]
pub(crate) struct Wire {
    cut: AtomicBool,
    missed: watch::Sender<u32>,
    is_held_up: watch::Sender<bool>,
}

struct Cuttable {
    inner: Arc<dyn Bus>,
    wire: Arc<Wire>,
}

struct CuttableReceiver {
    inner: Box<dyn BusReceiver>,
    missed: watch::Receiver<u32>,
    is_held_up: watch::Receiver<bool>,
}

impl Wire {
    /// From now on signals are lost, in silence.
    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    /// Signals are on their way until this says something else.
    pub(crate) fn hold_up(&self, is_held_up: bool) {
        self.is_held_up.send_replace(is_held_up);
    }

    /// Signals pass again, and the nodes hear that some did not.
    pub(crate) async fn mend(&self) {
        self.cut.store(false, Ordering::Relaxed);
        self.missed.send_modify(|times| *times += 1);
        settle().await;
    }
}

#[async_trait]
impl Bus for Cuttable {
    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError> {
        if self.wire.cut.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.inner.publish(signal).await
    }

    async fn publish_in_order(&self, envelope: Arc<Envelope>) -> Result<Passage, BusError> {
        if self.wire.cut.load(Ordering::Relaxed) {
            return Ok(Passage::Alone);
        }
        self.inner.publish_in_order(envelope).await
    }

    async fn mark(&self, topic: Topic<'_>) -> Result<Arc<Mark>, BusError> {
        self.inner.mark(topic).await
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        let (inner, missed) = (self.inner.subscribe().await?, self.wire.missed.subscribe());
        let is_held_up = self.wire.is_held_up.subscribe();
        Ok(Box::new(CuttableReceiver { inner, missed, is_held_up }))
    }

    async fn nodes(&self) -> Result<Vec<port::Node>, BusError> {
        self.inner.nodes().await
    }

    async fn leave(&self) -> Result<(), BusError> {
        self.inner.leave().await
    }
}

#[async_trait]
impl BusReceiver for CuttableReceiver {
    async fn receive(&mut self) -> Option<Heard> {
        tokio::select! {
            Ok(()) = self.missed.changed() => Some(Heard::Missed),
            heard = arrives(&mut *self.inner, &mut self.is_held_up) => heard,
        }
    }
}

async fn arrives(
    inner: &mut dyn BusReceiver,
    is_held_up: &mut watch::Receiver<bool>,
) -> Option<Heard> {
    loop {
        // The sender lives as long as the test.
        let _ = is_held_up.wait_for(|is_held_up| !is_held_up).await;
        tokio::select! {
            biased;
            _ = is_held_up.wait_for(|is_held_up| *is_held_up) => {}
            heard = inner.receive() => return heard,
        }
    }
}

/// Runs a test on two nodes, with time standing still unless everything waits for it.
pub(crate) fn on_two_nodes<F: Future<Output = ()>>(test: impl FnOnce(Two) -> F) {
    on_two_nodes_with(|_| {}, test);
}

/// The same over ports that were changed.
pub(crate) fn on_two_nodes_with<F: Future<Output = ()>>(
    change: impl FnOnce(&mut Ports),
    test: impl FnOnce(Two) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    LocalSet::new().block_on(&runtime, async {
        let (hub, clock) = (MemoryHub::new(), Arc::new(HandClock::default()));
        let mut shared = ports(&Limits::default(), clock.clone());
        change(&mut shared);
        let wire = Arc::new(Wire::default());
        let node = |id: u64, name: &str| {
            let joined = hub.join(port::Node::new(NodeId(id), name, "0", Timestamp(0)));
            let bus = Arc::new(Cuttable { inner: Arc::new(joined), wire: wire.clone() });
            let ports = Ports { bus, ..shared.clone() };
            Rc::new(Node::over(NodeId(id), Limits::default(), ports, clock.clone()))
        };
        let two = Two { here: node(1, "here"), there: node(2, "there"), wire: wire.clone() };
        for node in [&two.here, &two.there] {
            let shard = node.shard.clone();
            tokio::task::spawn_local(async move { shard.run().await });
            let bus = node.chat.ports().bus.subscribe().await.expect("a bus");
            let listening = node.chat.clone();
            tokio::task::spawn_local(async move { listening.listen(bus).await });
            let stepping = node.chat.clone();
            tokio::task::spawn_local(async move { stepping.keep_in_step().await });
        }
        test(two).await;
    });
}
