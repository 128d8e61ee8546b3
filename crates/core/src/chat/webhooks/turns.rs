//! Turns: each takes some jobs and does them. While one waits for a receiver that does not answer,
//! others go on with the jobs of other receivers.

use super::{Chat, delivering::SLOW};
use crate::time::Moment;
use futures_util::{StreamExt, stream::FuturesUnordered};
use std::time::Duration;

/// How often jobs are looked for that are due, of this node's channels or another's. Those that this
/// node has made are told at once.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// Turns at once: all but the last wait for receivers.
const TURNS_MAX: usize = 16;

impl Chat {
    /// Whether there may be something to do: where no webhook is wanted, nobody has to ask the store
    /// each second, once nothing of an earlier time is left.
    fn may_have_jobs(&self) -> bool {
        let is_wanted = self.ports.webhooks.as_ref().is_some_and(|one| !one.hooks.is_empty());
        is_wanted || !self.noted.tally.is_empty()
    }

    /// Tells applications what is due; ends never. For the server to spawn, once.
    pub async fn tell_webhooks(&self) {
        let mut turns = FuturesUnordered::new();
        let mut begun: Vec<(u64, Moment)> = Vec::new();
        let mut ticks = tokio::time::interval(LOOKED_EVERY);
        // Whether there was a reason to look, since the last turn began.
        let mut is_owed = false;
        let mut number = 0;
        loop {
            is_owed |= tokio::select! {
                biased;
                Some((ended, taken)) = turns.next(), if !turns.is_empty() => {
                    begun.retain(|(number, _)| *number != ended);
                    // A store that fails is counted where it is called; the next tick tries again.
                    matches!(taken, Ok(1..))
                }
                () = self.webhooks_queued() => true,
                _ = ticks.tick() => true,
            };
            let now = self.clock().moment();
            // Two that take at once would both wait for the same receiver.
            let all_wait = begun.iter().all(|(_, at)| now.since(*at) >= SLOW);
            if is_owed && all_wait && self.may_have_jobs() && begun.len() < TURNS_MAX {
                is_owed = false;
                number += 1;
                begun.push((number, now));
                let turn = number;
                turns.push(async move { (turn, self.deliver_webhooks().await) });
            }
        }
    }
}
