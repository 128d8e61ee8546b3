//! The pipe: tracing-loki's tasks, side by side, and how far each has emptied its channel.

use crate::{
    ledger::Ledger,
    limits::{GATHER, PIPE_TICK},
};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    task::{
        JoinSet,
        coop::{Unconstrained, unconstrained},
    },
    time::{Interval, MissedTickBehavior, Sleep, interval, sleep},
};
use tracing_loki::BackgroundTask;

/// One of tracing-loki's tasks.
struct Lane {
    number: usize,
    ledger: Arc<Ledger>,
    task: Unconstrained<BackgroundTask>,
    /// Until when lines gather in the channel, once something woke the lane.
    gathering: Option<Pin<Box<Sleep>>>,
    /// tracing-loki does not wake up by itself after a failed push to the relay.
    tick: Interval,
}

/// Runs tracing-loki's tasks until all have ended. Needs a runtime around it.
pub(crate) async fn run(ledger: &Arc<Ledger>, tasks: Vec<BackgroundTask>) {
    let mut running = JoinSet::new();
    for (number, task) in tasks.into_iter().enumerate() {
        let mut tick = interval(PIPE_TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Its budget would stop a task in the middle of its channel, but one poll empties it all:
        // what was in it before the poll is out of it afterwards.
        let task = unconstrained(task);
        let (ledger, gathering) = (Arc::clone(ledger), None);
        running.spawn(Lane { number, ledger, task, gathering, tick });
    }
    while let Some(ended) = running.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a part of the log shipper has failed");
        }
    }
}

impl Future for Lane {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        while this.tick.poll_tick(context).is_ready() {}
        let (completed, is_idle) = this.ledger.look(this.number);
        // tracing-loki makes a request of the first line it sees, and of those that come meanwhile
        // only the next one. A request costs more than many lines, so they gather before.
        if is_idle {
            let gathering = this.gathering.get_or_insert_with(|| Box::pin(sleep(GATHER)));
            if gathering.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
        this.gathering = None;
        let polled = Pin::new(&mut this.task).poll(context);
        this.ledger.drained(this.number, completed);
        polled
    }
}
