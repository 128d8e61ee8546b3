//! What another process changes in the store beside this server: an operator's command, most of
//! the time. It is noticed within a second.

use crate::logs::events;
use campanile_core::chat::Chat;
use futures_util::future::BoxFuture;
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

/// How often the store is asked. Connections of sessions that have ended promise to be closed
/// within two seconds, of which closing itself may take most of one.
const EVERY: Duration = Duration::from_secs(1);

/// Asks the store whether another process has changed it since this was last asked; no, when it
/// does not answer.
pub type AskChanged = Box<dyn Fn() -> BoxFuture<'static, bool> + Send + Sync>;

/// Closes the connections of sessions that ended in the store without this server's doing: by a
/// ban, a new password, or because the user is gone. For the server to spawn.
pub async fn watch(chat: Arc<Chat>, changed: AskChanged) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut in_doubt = false;
    loop {
        ticks.tick().await;
        in_doubt |= changed().await;
        if in_doubt {
            // A store that fails is counted where it is called; the next tick tries again.
            in_doubt = match chat.check_sessions().await {
                Ok(0) => false,
                Ok(sessions) => {
                    events::SessionsEnded { sessions: sessions as u64 }.emit();
                    false
                }
                Err(_counted) => true,
            };
        }
    }
}
