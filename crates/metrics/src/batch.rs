//! Counting on one thread: what happens often is added up there, without a lock or an atomic, and
//! written to the metrics in batches.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::sleep;

use crate::counter::CounterHandle;
use crate::exemplar::{Exemplar, TraceId};
use crate::family::Amount;
use crate::histogram::HistogramHandle;

/// What one thread adds up. It is written by [`Batch::keep`], by [`Batch::write`], and when the
/// batch is dropped: until then it is not seen. What is counted afterwards is written at once.
#[derive(Default)]
pub struct Batch {
    state: Rc<State>,
    counters: RefCell<Vec<Rc<BatchedCounter>>>,
    histograms: RefCell<Vec<Rc<BatchedHistogram>>>,
}

/// Whether anything is to be written.
#[derive(Default)]
struct State {
    has_news: Cell<bool>,
    news: Notify,
    is_over: Cell<bool>,
}

/// A counter that is written with its batch.
pub struct BatchedCounter {
    state: Rc<State>,
    handle: CounterHandle,
    events: Cell<u64>,
}

/// A histogram that is written with its batch: for each bucket the mean of what fell into it, as
/// often as something did, so that count and sum of each bucket are what they would be.
pub struct BatchedHistogram {
    state: Rc<State>,
    handle: HistogramHandle,
    /// For each bucket, the last one without a bound: how many, and their sum.
    buckets: Box<[Cell<(usize, f64)>]>,
    /// For each bucket, a trace of something that fell into it.
    exemplars: Box<[Cell<Option<Exemplar>>]>,
}

impl Batch {
    /// Nothing is counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a counter.
    pub fn counter(&self, handle: CounterHandle) -> Rc<BatchedCounter> {
        let counter = BatchedCounter { state: self.state.clone(), handle, events: Cell::new(0) };
        let counter = Rc::new(counter);
        self.counters.borrow_mut().push(counter.clone());
        counter
    }

    /// Adds a histogram.
    pub fn histogram(&self, handle: HistogramHandle) -> Rc<BatchedHistogram> {
        let buckets = vec![Cell::default(); handle.buckets().len() + 1].into_boxed_slice();
        let exemplars = vec![Cell::default(); buckets.len()].into_boxed_slice();
        let state = self.state.clone();
        let histogram = Rc::new(BatchedHistogram { state, handle, buckets, exemplars });
        self.histograms.borrow_mut().push(histogram.clone());
        histogram
    }

    /// Writes what was added up.
    pub fn write(&self) {
        self.state.has_news.set(false);
        self.counters.borrow().iter().for_each(|counter| counter.write());
        self.histograms.borrow().iter().for_each(|histogram| histogram.write());
    }

    /// Writes what was added up at most so long after it was; for the thread to run beside its
    /// work.
    pub async fn keep(&self, delay: Duration) {
        loop {
            self.state.news.notified().await;
            sleep(delay).await;
            self.write();
        }
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.state.is_over.set(true);
        self.write();
    }
}

impl State {
    /// Something was added up; whether it is to be written now.
    #[inline]
    fn touch(&self) -> bool {
        if !self.has_news.replace(true) {
            self.news.notify_one();
        }
        self.is_over.get()
    }
}

impl BatchedCounter {
    /// Counts one event.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts several events.
    #[inline]
    pub fn add(&self, events: u64) {
        self.events.set(self.events.get() + events);
        if self.state.touch() {
            self.write();
        }
    }

    fn write(&self) {
        match self.events.take() {
            0 => {}
            events => self.handle.add(events),
        }
    }
}

impl BatchedHistogram {
    /// Takes one observation: durations in seconds, sizes in bytes.
    #[inline]
    pub fn observe(&self, amount: impl Amount) {
        self.observe_many(amount, 1);
    }

    /// Takes the same observation several times.
    #[inline]
    pub fn observe_many(&self, amount: impl Amount, times: usize) {
        let amount = amount.amount();
        self.add(self.place(amount), amount, times);
    }

    /// The same of something that is part of a trace. The first of each batch and bucket is its
    /// exemplar: `at` is asked then only, how long it was since 1970-01-01T00:00:00Z.
    #[inline]
    pub fn observe_many_in(
        &self,
        amount: impl Amount,
        times: usize,
        trace: TraceId,
        at: impl FnOnce() -> Duration,
    ) {
        let amount = amount.amount();
        let place = self.place(amount);
        let exemplar = &self.exemplars[place];
        if exemplar.get().is_none() {
            exemplar.set(Some(Exemplar { amount, trace, at: at() }));
        }
        self.add(place, amount, times);
    }

    fn place(&self, amount: f64) -> usize {
        self.handle.buckets().partition_point(|bound| *bound < amount)
    }

    fn add(&self, place: usize, amount: f64, times: usize) {
        let bucket = &self.buckets[place];
        let (count, sum) = bucket.get();
        bucket.set((count + times, sum + amount * times as f64));
        if self.state.touch() {
            self.write();
        }
    }

    fn write(&self) {
        self.exemplars.iter().filter_map(Cell::take).for_each(|one| self.handle.exemplify(one));
        let bounds = self.handle.buckets();
        for (place, bucket) in self.buckets.iter().enumerate() {
            let (count, sum) = bucket.take();
            if count == 0 {
                continue;
            }
            // A sum is rounded: its mean must not fall into the next bucket.
            let above =
                place.checked_sub(1).map_or(f64::NEG_INFINITY, |below| bounds[below].next_up());
            let upto = bounds.get(place).copied().unwrap_or(f64::INFINITY);
            self.handle.observe_many((sum / count as f64).max(above).min(upto), count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExemplarFn, buckets, catalogue, testing::Recording};
    use std::sync::{Arc, Mutex};

    catalogue! {
        /// What is counted here.
        struct Metrics {
            /// Dishes served.
            counter served() = "chat_dishes_served_total";
            /// How long they took.
            histogram took() = "chat_dish_duration_seconds" [Seconds] buckets buckets::LATENCY;
        }
    }

    #[test]
    fn what_was_added_up_is_seen_once_it_is_written() {
        let recording = Recording::new();
        let metrics = Metrics::register(recording.registry());
        let batch = Batch::new();
        let (served, took) =
            (batch.counter(metrics.served.handle()), batch.histogram(metrics.took.handle()));
        served.increment();
        served.add(2);
        took.observe(0.004);
        took.observe_many(0.002, 3);
        took.observe(1_000.0);
        assert_eq!(recording.probe().value("chat_dishes_served_total", &[]), Some(0.0));
        batch.write();
        batch.write();
        let probe = recording.probe();
        assert_eq!(probe.value("chat_dishes_served_total", &[]), Some(3.0));
        assert_eq!(probe.value("chat_dish_duration_seconds_count", &[]), Some(5.0));
        let sum = probe.value("chat_dish_duration_seconds_sum", &[]).expect("it is there");
        assert!((sum - 1_000.01).abs() < 1e-9, "{sum}");
        drop(batch);
        served.increment();
        took.observe(1.0);
        let probe = recording.probe();
        assert_eq!(probe.value("chat_dishes_served_total", &[]), Some(4.0), "at once");
        assert_eq!(probe.value("chat_dish_duration_seconds_count", &[]), Some(6.0), "at once");
    }

    #[test]
    fn the_first_trace_of_each_bucket_is_its_exemplar_in_a_batch() {
        #[derive(Debug, Default)]
        struct Taken(Mutex<Vec<Exemplar>>);
        impl ExemplarFn for Taken {
            fn exemplify(&self, exemplar: Exemplar) {
                self.0.lock().unwrap().push(exemplar);
            }
        }
        let recording = Recording::new();
        let metrics = Metrics::register(recording.registry());
        let taken = Arc::new(Taken::default());
        let handle = metrics.took.handle().with_taker(taken.clone());
        let batch = Batch::new();
        let took = batch.histogram(handle);
        let at = || Duration::from_millis(1_500);
        for (amount, trace) in [(0.004, 1), (0.0041, 2), (1_000.0, 3)] {
            took.observe_many_in(amount, 2, TraceId([trace; 16]), at);
        }
        took.observe(0.004);
        batch.write();
        batch.write();
        let exemplar = |amount, trace| Exemplar { amount, trace: TraceId([trace; 16]), at: at() };
        assert_eq!(*taken.0.lock().unwrap(), [exemplar(0.004, 1), exemplar(1_000.0, 3)]);
        let count = recording.probe().value("chat_dish_duration_seconds_count", &[]);
        assert_eq!(count, Some(7.0));
    }

    #[test]
    fn each_observation_falls_into_the_bucket_that_it_falls_into_alone() {
        let bounds = buckets::LATENCY;
        let edges = bounds.iter().flat_map(|bound| [bound.next_down(), *bound, bound.next_up()]);
        for amount in edges {
            let alone = Recording::new();
            Metrics::register(alone.registry()).took.observe_many(amount, 7);
            let together = Recording::new();
            let metrics = Metrics::register(together.registry());
            let batch = Batch::new();
            let took = batch.histogram(metrics.took.handle());
            (0..7).for_each(|_| took.observe(amount));
            drop(batch);
            for bound in bounds {
                let le = bound.to_string();
                let count = |recording: &Recording| {
                    recording.probe().value("chat_dish_duration_seconds_bucket", &[("le", &le)])
                };
                assert_eq!(count(&alone), count(&together), "{amount} and the bound {bound}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_written_soon_after_it_was_added_up() {
        let recording = Recording::new();
        let metrics = Metrics::register(recording.registry());
        let batch = Batch::new();
        let served = batch.counter(metrics.served.handle());
        let seen = || recording.probe().value("chat_dishes_served_total", &[]);
        let serve = async {
            for dishes in 1..4 {
                sleep(Duration::from_secs(5)).await;
                served.increment();
                sleep(Duration::from_millis(150)).await;
                assert_eq!(seen(), Some(f64::from(dishes)));
            }
        };
        tokio::select! {
            () = batch.keep(Duration::from_millis(100)) => panic!("it never ends by itself"),
            () = serve => {}
        }
    }
}
