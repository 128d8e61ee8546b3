//! When a run ends: its time is over, or somebody asks it to.

use std::time::Duration;

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// What a run is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Make traffic.
    Running,
    /// Hear what is still on its way, and say nothing new.
    Settling,
    /// End.
    Over,
}

/// Says when each phase begins.
#[derive(Debug)]
pub struct Stopper {
    phase: watch::Sender<Phase>,
}

/// Hears when each phase begins.
#[derive(Clone, Debug)]
pub struct Stop {
    phase: watch::Receiver<Phase>,
}

impl Stopper {
    /// Both ends, before anything has ended.
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(Phase::Running);
        (Self { phase: sender }, Stop { phase: receiver })
    }

    /// Begins a phase; phases only go on.
    pub fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|now| {
            let is_later = phase > *now;
            *now = phase.max(*now);
            is_later
        });
    }

    /// Waits until the time is over, SIGINT or SIGTERM comes; then the run settles.
    pub async fn settle_after(&self, duration: Duration) -> Result<()> {
        let end = Instant::now() + duration;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            () = sleep_until(end) => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        self.enter(Phase::Settling);
        Ok(())
    }
}

impl Stop {
    /// Where the run is.
    pub fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Whether traffic is still to be made.
    pub fn is_running(&self) -> bool {
        self.phase() == Phase::Running
    }

    /// Waits until this phase, or a later one, has begun.
    pub async fn reached(&mut self, phase: Phase) {
        // An end without a word is an end.
        let _ = self.phase.wait_for(|now| *now >= phase).await;
    }

    /// Sleeps, but not beyond the beginning of this phase; whether it slept to the end.
    pub async fn sleep(&mut self, duration: Duration, until: Phase) -> bool {
        let slept = sleep(duration);
        tokio::select! {
            () = slept => true,
            () = self.reached(until) => false,
        }
    }

    /// Waits for something, but not beyond the beginning of this phase or so long.
    pub async fn within<T>(
        &mut self,
        patience: Duration,
        until: Phase,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            done = timeout(patience, work) => done.ok(),
            () = self.reached(until) => None,
        }
    }
}
