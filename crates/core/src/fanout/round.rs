//! A round of the pump: the outboxes that it fills are written at its end, by the pump itself.
//!
//! Waking the writer task of each connection would cost a fifth of what a delivery costs.

use super::outbox::Outbox;
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// Outboxes written before other tasks of the worker get their turn.
pub(super) const WRITES_AT_ONCE: usize = 64;

/// The outboxes that the round has filled.
#[derive(Default)]
pub(super) struct Round {
    running: Cell<bool>,
    filled: RefCell<Vec<Rc<Outbox>>>,
    /// Where frames that wait together are put together.
    together: RefCell<Vec<u8>>,
}

impl Round {
    /// Lets `fill` push, and writes what it pushed.
    pub(super) async fn run<T>(&self, fill: impl FnOnce() -> T) -> T {
        let done = self.fill(fill);
        self.write_filled().await;
        done
    }

    /// Whether the end of the round writes what is pushed now.
    pub(super) fn is_running(&self) -> bool {
        self.running.get()
    }

    /// `outbox` is written at the end of the round.
    pub(super) fn has_filled(&self, outbox: &Rc<Outbox>) {
        self.filled.borrow_mut().push(outbox.clone());
    }

    fn fill<T>(&self, fill: impl FnOnce() -> T) -> T {
        // What is pushed after a panic would wait for an end that does not come.
        let _running = Running::begin(&self.running);
        fill()
    }

    async fn write_filled(&self) {
        let mut filled = self.filled.take();
        for (turn, some) in filled.chunks(WRITES_AT_ONCE).enumerate() {
            // After the last one the pump gives others their turn.
            if turn > 0 {
                tokio::task::yield_now().await;
            }
            self.write(some);
        }
        filled.clear();
        self.filled.replace(filled);
    }

    fn write(&self, outboxes: &[Rc<Outbox>]) {
        let mut together = self.together.borrow_mut();
        outboxes.iter().for_each(|outbox| outbox.write_directly(&mut together));
    }
}

/// As long as it lives, the round is running.
struct Running<'a>(&'a Cell<bool>);

impl<'a> Running<'a> {
    fn begin(running: &'a Cell<bool>) -> Self {
        running.set(true);
        Self(running)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
