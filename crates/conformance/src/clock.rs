//! A clock that a test moves by hand, and the promises of every clock.

use campanile_core::{
    port::Clock,
    time::{Moment, Timestamp},
};
use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
    time::Duration,
};

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock {
    now: AtomicI64,
    moment: AtomicU64,
}

impl TestClock {
    /// A clock that shows this time.
    pub fn at(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.0), moment: AtomicU64::new(0) }
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.now.store(self.now().plus(time).0, Ordering::SeqCst);
        self.moment.store(self.moment().plus(time).0, Ordering::SeqCst);
    }

    /// Sets the world's clock, forwards or back, as an administrator does; no time passes.
    pub fn set(&self, now: Timestamp) {
        self.now.store(now.0, Ordering::SeqCst);
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::at(crate::START)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn moment(&self) -> Moment {
        Moment(self.moment.load(Ordering::SeqCst))
    }
}

/// Proves a clock.
pub fn clock(clock: &dyn Clock) {
    let year_2020 = Timestamp(1_577_836_800_000);
    assert!(clock.now() > year_2020, "the world's time is of this age");
    let mut before = clock.moment();
    for _ in 0..10_000 {
        let moment = clock.moment();
        assert!(moment >= before, "the monotonic clock went back");
        before = moment;
    }
}
