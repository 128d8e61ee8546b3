//! Settings about notifications.

use super::{secret::Secret, setting::section};
use std::path::PathBuf;

section! {
    /// Notifications to the browsers of users who are not there (Web Push), over the push services
    /// of their browsers' makers.
    pub struct Push {
        /// Whether browsers are notified of direct messages.
        enabled: bool = true;
        /// Private key by which push services know this server: one of P-256 in PEM (PKCS #8 or SEC
        /// 1), or its 32 bytes in base64url, as tools for VAPID print it. Without it, one is made at
        /// the first start and kept in the data directory. Nodes that share a PostgreSQL have to
        /// share the key: without it they notify nobody.
        vapid_key: Option<Secret> = None;
        /// How whoever runs a push service reaches you: `mailto:…` or `https:…`. Some of them ask
        /// for it.
        contact: Option<String> = None;
        /// Seconds for which a push service keeps a notification for a browser that it does not
        /// reach.
        ttl_seconds: u64 = 86_400;
        /// Whether push services may be on private networks. Where a browser is written to is said
        /// by the browser, so this lets users make the server ask its neighbours.
        allow_private: bool = false;
        /// File with the authorities, in PEM, that vouch for push services beside those of the
        /// system.
        ca: Option<PathBuf> = None;
    }
}
