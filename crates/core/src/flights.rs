//! Flights: of many who ask the same thing at once, one goes and the others share the answer.
//!
//! Nobody is given an answer whose reading began before the asking: who comes while a reading is
//! under way waits for the next one, together with all others who come meanwhile. So what is
//! answered was true after it was asked for, as if everyone had gone alone.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};
use tokio::sync::Semaphore;

/// Questions that are under way, by what is asked.
pub(crate) struct Flights<K, V> {
    lanes: Mutex<HashMap<K, Arc<Lane<V>>>>,
}

/// One question, asked by some.
struct Lane<V> {
    /// One reading at a time.
    gate: Semaphore,
    /// Where those who came since the last reading began wait for an answer.
    next: Mutex<Arc<OnceLock<V>>>,
}

/// Somebody who asks; the lane goes with the last one.
struct Asker<'a, K: Eq + Hash, V> {
    flights: &'a Flights<K, V>,
    key: K,
    lane: Arc<Lane<V>>,
}

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    pub(crate) fn new() -> Self {
        Self { lanes: Mutex::default() }
    }

    /// The answer of `read`, or of somebody else's that began after this was called.
    pub(crate) async fn ask(&self, key: K, read: impl Future<Output = V>) -> V {
        let asker = self.arrive(key);
        let lane = &asker.lane;
        let answer = lock(&lane.next).clone();
        let _turn = lane.gate.acquire().await.expect("the gate is never closed");
        if let Some(answer) = answer.get() {
            return answer.clone();
        }
        // Whoever comes from now on waits for the next reading. Who waits here with us finds our
        // answer, or, should we be dropped, reads in our place.
        lane.begin_next(&answer);
        let read = read.await;
        answer.get_or_init(|| read).clone()
    }

    fn arrive(&self, key: K) -> Asker<'_, K, V> {
        let mut lanes = lock(&self.lanes);
        let lane = lanes
            .entry(key.clone())
            .or_insert_with(|| Arc::new(Lane { gate: Semaphore::new(1), next: Mutex::default() }));
        Asker { flights: self, key, lane: lane.clone() }
    }
}

impl<V> Lane<V> {
    fn begin_next(&self, answer: &Arc<OnceLock<V>>) {
        let mut next = lock(&self.next);
        if Arc::ptr_eq(&next, answer) {
            *next = Arc::default();
        }
    }
}

impl<K: Eq + Hash, V> Drop for Asker<'_, K, V> {
    fn drop(&mut self) {
        let mut lanes = lock(&self.flights.lanes);
        // The map's own and this one.
        if Arc::strong_count(&self.lane) == 2 {
            lanes.remove(&self.key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    /// Counts readings, and holds them up until it is told to let them go.
    #[derive(Default)]
    struct Reader {
        readings: AtomicUsize,
        go: Notify,
    }

    impl Reader {
        async fn read(&self) -> usize {
            let number = self.readings.fetch_add(1, Ordering::Relaxed) + 1;
            self.go.notified().await;
            number
        }
    }

    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn who_comes_while_a_reading_is_under_way_waits_for_the_next() {
        let (flights, reader) = (Flights::new(), Reader::default());
        let ask = || flights.ask("key", reader.read());
        let early = ask();
        let late = join_all((0..100).map(|_| ask()));
        let run = async {
            settle().await;
            reader.go.notify_one();
            settle().await;
            reader.go.notify_one();
        };
        let (early, (late, ())) = tokio::join!(early, async { tokio::join!(late, run) });
        assert_eq!(early, 1);
        assert_eq!(late, vec![2; 100], "all share one reading, which began after they came");
        assert_eq!(reader.readings.load(Ordering::Relaxed), 2);
        assert_eq!(flights.lanes.lock().unwrap().len(), 0, "nothing is left behind");
    }

    #[tokio::test]
    async fn different_questions_do_not_wait_for_one_another() {
        let flights = Flights::new();
        let hung = Notify::new();
        let one = flights.ask(1, hung.notified());
        let other = flights.ask(2, std::future::ready(()));
        tokio::select! {
            () = one => panic!("nobody lets it go"),
            () = other => {}
        }
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_reading_to_the_others() {
        let (flights, reader) = (Flights::new(), Reader::default());
        let ask = || flights.ask("key", reader.read());
        let mut first = Box::pin(ask());
        assert!(futures_util::poll!(&mut first).is_pending(), "it reads");
        let mut others = Box::pin(join_all((0..3).map(|_| ask())));
        assert!(futures_util::poll!(&mut others).is_pending());
        drop(first);
        reader.go.notify_one();
        assert_eq!(others.await, [2, 2, 2]);
        assert_eq!(flights.lanes.lock().unwrap().len(), 0);
    }
}
