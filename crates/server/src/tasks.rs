//! Tasks of the server: each has a name, is watched for panics, and ends with the server.

use crate::{health::Health, logs::events};
use std::{future::Future, sync::Arc};
use tokio::task::{AbortHandle, JoinHandle};

/// The tasks that run beside the requests.
#[derive(Default)]
pub struct Tasks {
    running: Vec<(AbortHandle, JoinHandle<()>)>,
}

impl Tasks {
    /// Starts a task. One that panics is counted and told; the server goes on.
    pub fn spawn(
        &mut self,
        name: &'static str,
        health: &Arc<Health>,
        work: impl Future<Output = ()> + 'static,
    ) {
        let task = actix_web::rt::spawn(work);
        let (abort, health) = (task.abort_handle(), health.clone());
        let watch = actix_web::rt::spawn(async move {
            if let Err(error) = task.await
                && error.is_panic()
            {
                health.panicked();
                events::TaskLost { task: name }.emit();
            }
        });
        self.running.push((abort, watch));
    }

    /// Ends all of them, and waits until they have.
    pub async fn stop(self) {
        for (abort, watch) in self.running {
            abort.abort();
            let _ended = watch.await;
        }
    }
}
