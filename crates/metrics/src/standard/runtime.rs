//! The async runtimes: how many workers, how busy, how many tasks.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use crate::label::Label;
use crate::registry::Registry;

crate::labels! {
    /// A worker thread of a runtime, numbered in the order they were watched.
    pub struct Worker("worker", max 64);
}

crate::catalogue! {
    /// What the async runtimes do.
    pub struct RuntimeMetrics {
        /// Async runtime worker threads.
        gauge workers() = "chat_runtime_workers";
        /// Async tasks alive.
        gauge tasks() = "chat_runtime_tasks";
        /// Tasks waiting in the runtime injection queue.
        gauge queue() = "chat_runtime_queue_tasks";
        /// Time workers spent running tasks.
        fractional_counter worker_busy(Worker) = "chat_runtime_worker_busy_seconds_total" [Seconds];
        /// Panics caught at a task boundary.
        counter panics() = "chat_runtime_panics_total";
    }
}

/// So many workers at least have no name left.
const WORKERS_MAX: usize = <Worker as Label>::BOUND + 1;

/// The names to configure for [`Worker`] when so many will be watched.
pub fn worker_names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|worker| worker.to_string())
}

/// Watches runtimes: one of many threads, or many of one thread each.
#[derive(Clone, Debug)]
pub struct RuntimeWatch {
    metrics: RuntimeMetrics,
    workers: Arc<[Worker]>,
    watched: Arc<Mutex<Watched>>,
}

#[derive(Default)]
struct Watched {
    runtimes: Vec<Handle>,
    local_tasks: Vec<Box<dyn Fn() -> usize + Send>>,
}

impl RuntimeWatch {
    /// Registers the metrics and reads the watched runtimes whenever collectors run.
    pub fn install(registry: &Registry) -> Self {
        let watch = Self {
            metrics: RuntimeMetrics::register(registry),
            workers: worker_names(WORKERS_MAX).map(|name| registry.label(&name)).collect(),
            watched: Arc::default(),
        };
        let reader = watch.clone();
        registry.add_collector(move || reader.read());
        watch
    }

    /// The handles, for whoever catches panics.
    pub fn metrics(&self) -> &RuntimeMetrics {
        &self.metrics
    }

    /// Watches a runtime from now on. A worker that has a runtime of its own calls this
    /// with [`Handle::current`].
    pub fn add(&self, runtime: Handle) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).runtimes.push(runtime);
    }

    /// Adds tasks that no runtime counts, such as those of a local set.
    pub fn add_local_tasks(&self, count: impl Fn() -> usize + Send + 'static) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.local_tasks.push(Box::new(count));
    }

    fn read(&self) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tasks: usize = watched.local_tasks.iter().map(|count| count()).sum();
        let mut queued = 0;
        let mut workers = 0;
        for runtime in &watched.runtimes {
            let runtime = runtime.metrics();
            tasks += runtime.num_alive_tasks();
            queued += runtime.global_queue_depth();
            for worker in 0..runtime.num_workers() {
                let label = self.workers[workers.min(WORKERS_MAX - 1)];
                self.metrics.worker_busy.follow(runtime.worker_total_busy_duration(worker), label);
                workers += 1;
            }
        }
        self.metrics.tasks.set(tasks);
        self.metrics.queue.set(queued);
        self.metrics.workers.set(workers);
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("runtimes", &self.runtimes.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;
    use std::time::{Duration, Instant};

    #[test]
    fn several_runtimes_are_told_as_one() {
        let recording = Recording::with(Registry::builder().values::<Worker>(worker_names(3)));
        let watch = RuntimeWatch::install(recording.registry());
        let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        let many = many.expect("a runtime");
        let one = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        watch.add(many.handle().clone());
        watch.add(one.handle().clone());
        watch.add_local_tasks(|| 5);
        one.spawn(std::future::pending::<()>());
        one.block_on(async {
            tokio::task::yield_now().await;
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(20) {}
            // The runtime tells its time when it next waits for something.
            tokio::task::spawn_blocking(|| ()).await.expect("it does nothing");
        });
        watch.metrics().panics.increment();

        let probe = recording.probe();
        assert_eq!(probe.value("chat_runtime_workers", &[]), Some(3.0));
        assert_eq!(probe.value("chat_runtime_tasks", &[]), Some(6.0));
        assert_eq!(probe.value("chat_runtime_queue_tasks", &[]), Some(0.0));
        assert_eq!(probe.value("chat_runtime_panics_total", &[]), Some(1.0));
        let busy =
            |worker| probe.value("chat_runtime_worker_busy_seconds_total", &[("worker", worker)]);
        assert!(busy("2") >= Some(0.02), "{:?}", busy("2"));
        assert!(busy("0").is_some() && busy("1").is_some());
        assert_eq!(busy("_other"), None);
    }

    #[test]
    fn workers_beyond_the_configured_ones_are_counted_as_overflow() {
        let recording = Recording::with(Registry::builder().values::<Worker>(worker_names(1)));
        let watch = RuntimeWatch::install(recording.registry());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build();
        let runtime = runtime.expect("a runtime");
        watch.add(runtime.handle().clone());
        let family = [("family", "runtime_worker_busy_seconds")];
        let overflows = || recording.probe().value("chat_metrics_label_overflows_total", &family);
        let deadline = Instant::now() + Duration::from_secs(10);
        while overflows() < Some(1.0) {
            runtime.block_on(async { tokio::task::yield_now().await });
            runtime.spawn(async {});
            assert!(Instant::now() < deadline, "no overflow was counted");
        }
    }
}
