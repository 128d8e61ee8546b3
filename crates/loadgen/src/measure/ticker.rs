//! A timer that is precise to some ten microseconds, as latencies are counted from when things
//! were due; that of the runtime is late by up to two milliseconds.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::read;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// Wakes its owner.
#[derive(Debug)]
pub(super) struct Ticker(AsyncFd<OwnedFd>);

impl Ticker {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "the descriptor is this type's own until the end, which is what the unsafe \
                      successor asks for"
        )]
        let timer = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Self(timer))
    }

    /// Waits until this time; not at all where it is over.
    pub(super) async fn until(&mut self, due: Instant) -> io::Result<()> {
        let wait = due.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Ok(());
        }
        let once = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(wait) };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        let expired = |timer: &OwnedFd| Ok(read(timer, &mut [0; 8])?);
        self.0.async_io(Interest::READABLE, expired).await?;
        Ok(())
    }
}

fn timespec(duration: Duration) -> Timespec {
    let tv_sec = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec, tv_nsec: duration.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_waits_as_long_as_it_is_told() {
        let mut ticker = Ticker::new().unwrap();
        let began = Instant::now();
        for step in 1..=20 {
            let due = began + Duration::from_micros(step * 700);
            ticker.until(due).await.unwrap();
            assert!(Instant::now() >= due);
        }
        // What is over is not waited for.
        ticker.until(began).await.unwrap();
    }
}
