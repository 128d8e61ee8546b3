//! The promises of [`MessageStore`](campanile_core::port::MessageStore).

mod amend;
mod append;
mod heads;
mod history;
mod idempotence;
mod retention;

use crate::stores::Stores;

/// Proves a message store.
pub async fn message_store(make: impl AsyncFn() -> Stores) {
    append::prove(&make).await;
    idempotence::prove(&make).await;
    history::prove(&make).await;
    amend::prove(&make).await;
    retention::prove(&make).await;
    heads::prove(&make).await;
}
