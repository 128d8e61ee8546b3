//! How long connections may stay that came with a key.

use campanile_pusher::CloseCode;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::watch;

/// One for each key of an application. A later state of the application has the same for a key that
/// it still has.
pub(crate) type Leases = HashMap<String, Arc<Lease>>;

/// Told once that connections with a key have to go.
#[derive(Debug)]
pub(crate) struct Lease(watch::Sender<Option<CloseCode>>);

/// A connection's view of it.
pub(crate) struct Tenancy(watch::Receiver<Option<CloseCode>>);

impl Default for Lease {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Lease {
    /// Everyone has to go, and is told why.
    pub(super) fn end(&self, why: CloseCode) {
        self.0.send_replace(Some(why));
    }

    /// For a connection; it hears of an end also where that came before.
    pub(crate) fn tenancy(&self) -> Tenancy {
        Tenancy(self.0.subscribe())
    }
}

impl Tenancy {
    /// Ends when the connection has to go; with why.
    pub(crate) async fn ended(&mut self) -> CloseCode {
        match self.0.wait_for(Option::is_some).await {
            Ok(why) => why.expect("it was waited for"),
            // The application is known no longer, and everyone with it was told so.
            Err(_) => CloseCode::NoSuchApp,
        }
    }
}
