//! Many things at once.

use std::sync::Arc;
use tokio::{sync::Barrier, task::JoinSet};

/// Runs `count` tasks that start together, and gives what they answer in their order.
pub(crate) async fn at_once<T, F>(count: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let mut tasks = JoinSet::new();
    for index in 0..count {
        let (start, work) = (start.clone(), task(index));
        tasks.spawn(async move {
            start.wait().await;
            (index, work.await)
        });
    }
    let mut answers = tasks.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
