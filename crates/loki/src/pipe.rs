//! The pipe: tracing-loki's tasks, side by side, and how far each has emptied its channel.

use crate::{ledger::Ledger, limits::PIPE_TICK};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Interval, MissedTickBehavior, interval},
};
use tracing_loki::BackgroundTask;

/// Runs tracing-loki's tasks until all have ended.
pub(crate) struct Pipe {
    ledger: Arc<Ledger>,
    lanes: Vec<Option<Unconstrained<BackgroundTask>>>,
    /// tracing-loki does not wake up by itself after a failed push to the relay.
    tick: Interval,
}

impl Pipe {
    /// Needs a runtime around it.
    pub(crate) fn new(ledger: Arc<Ledger>, tasks: Vec<BackgroundTask>) -> Self {
        // Its budget would stop a task in the middle of its channel, but one poll empties it all:
        // what was in it before the poll is out of it afterwards.
        let lanes = tasks.into_iter().map(|task| Some(unconstrained(task))).collect();
        let mut tick = interval(PIPE_TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ledger, lanes, tick }
    }
}

impl Future for Pipe {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        while this.tick.poll_tick(context).is_ready() {}
        for (lane, task) in this.lanes.iter_mut().enumerate() {
            let Some(running) = task else { continue };
            let completed = this.ledger.completed(lane);
            let polled = Pin::new(running).poll(context);
            this.ledger.drained(lane, completed);
            if polled.is_ready() {
                *task = None;
            }
        }
        if this.lanes.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
    }
}
