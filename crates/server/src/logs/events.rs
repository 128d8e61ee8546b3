//! Every event that the server tells in its log. To add one, declare it here and `emit` it where it
//! happens: `docs/logs.md` is written from this list.

use super::{
    bounded::Bounded,
    event::{Description, events},
};
use crate::metrics::ConnectionRejection;
use campanile_core::{
    chat::Limited,
    instrumented::{BusFault, StorageFault},
    labels::{AuthRefusal, CloseReason, Mechanism, Transport},
    name::{RoomName, UserName},
    port::{Fault, Limiter, LimiterContext},
};
use std::{error::Error, sync::Arc, time::Duration};

events! {
    /// The server takes connections at `url`.
    INFO Serving<'a> { url: &'a str, version: &'static str } = "serving": "serving" {};

    /// Metrics are shown, or sent, at `endpoint`.
    INFO ExporterStarted<'a> { exporter: &'a str, endpoint: &'a str }
        = "exporter_started": "metrics are exported" {};

    /// The server was told to stop: nothing new is accepted, and connections are closed within
    /// `duration_ms`.
    INFO Stopping { duration_ms: Duration } = "stopping": "stopping" {};

    /// The server has stopped, and nothing that was accepted is lost.
    INFO Stopped {} = "stopped": "stopped" {};

    /// Lines could not be shipped to Loki before the end, for the `reason`.
    WARN LogsNotShipped<'a> { lines: u64, reason: &'a str }
        = "logs_not_shipped": "log lines were not shipped" {};

    /// Lines that could not be shipped yet wait in the spool.
    INFO LogsKept { lines: u64 } = "logs_kept": "log lines wait for the next start" {};

    /// `campanile check` asks Loki whether it takes this line.
    INFO LogStoreAsked {} = "log_store_asked": "a check asks whether this line is taken" {};

    /// The system does not let this program have as many files as it may: fewer connections fit.
    WARN FilesLimited<'a> { error: &'a dyn Error }
        = "files_limited": "cannot raise the number of open files" {};

    /// This server made an application for itself, as none was set, and keeps it in `file`.
    INFO AppMade<'a> { app: &'a str, file: &'a str } = "app_made": "an application was made" {};

    /// An operator made an application.
    INFO AppAdded<'a> { app: &'a str } = "app_added": "application added" {};

    /// An operator changed an application.
    INFO AppChanged<'a> { app: &'a str, enabled: bool } = "app_changed": "application changed" {};

    /// An operator deleted an application.
    INFO AppDeleted<'a> { app: &'a str } = "app_deleted": "application deleted" {};

    /// An operator gave an application one more key.
    INFO AppKeyAdded<'a> { app: &'a str } = "app_key_added": "application key added" {};

    /// An operator took a key from an application.
    INFO AppKeyRevoked<'a> { app: &'a str } = "app_key_revoked": "application key revoked" {};

    /// The store has an application whose id, or a key of which, is that of one of the
    /// configuration: only that one is served.
    WARN AppHidden<'a> { app: &'a str }
        = "app_hidden": "the configuration hides an application" {};

    /// What an application of the store is set to is not understood: a newer server may have written
    /// it. It stays set as it was; one that was not known before is not served, and neither is what
    /// makes no sense at all. It is told once, and again when it is another.
    ERROR AppUnreadable<'a> { app: &'a str, error: &'a dyn Error }
        = "app_unreadable": "an application cannot be read" {};

    /// There is no application, for the `reason`.
    INFO NoApps<'a> { reason: &'a str } = "no_apps": "there is no application" {};

    /// Webhooks cannot be told from here. There are none, and none can be set.
    WARN WebhooksOff<'a> { error: &'a dyn Error }
        = "webhooks_off": "webhooks cannot be told" {};

    /// Nobody is notified of messages, for the `reason`.
    WARN PushOff<'a> { reason: &'a str, error: Option<&'a dyn Error> }
        = "push_off": "nobody is notified" {};

    /// A certificate was read, at the start or because of SIGHUP, and is served from now on.
    INFO CertificateServed<'a> { file: &'a str, valid_until: &'a str }
        = "certificate_served": "serving a certificate" {};

    /// The certificate that is served has expired.
    WARN CertificateExpired<'a> { file: &'a str, valid_until: &'a str }
        = "certificate_expired": "the certificate has expired" {};

    /// The certificate that is served is not valid yet.
    WARN CertificateEarly<'a> { file: &'a str, valid_from: &'a str }
        = "certificate_early": "the certificate is not valid yet" {};

    /// SIGHUP asked for a certificate that cannot be served: the old one still is.
    ERROR CertificateKept<'a> { error: &'a dyn Error }
        = "certificate_kept": "the certificate stays as it was" {};

    /// A TLS handshake failed.
    DEBUG HandshakeFailed<'a> { error: &'a dyn Error }
        = "tls_handshake_failed": "a TLS handshake failed" {}
        counts "chat_tls_handshakes_total{result=\"error\"}";

    /// The store did not answer a probe. Told again with every probe, each five seconds.
    ERROR StoreDown {} = "store_down": "the store does not answer" {};

    /// The store answers again.
    INFO StoreUp {} = "store_up": "the store answers again" {};

    /// The bus did not answer a probe. Told again with every probe, each five seconds.
    ERROR BusDown {} = "bus_down": "the bus does not answer" {};

    /// The bus answers again.
    INFO BusUp {} = "bus_up": "the bus answers again" {};

    /// A request could not be answered because a store failed.
    ERROR StoreFailed { reason: StorageFault, error: Arc<dyn Error + Send + Sync> }
        = "store_failed": "the store failed" {} by (reason);

    /// A request could not be answered because the bus failed.
    ERROR BusFailed { reason: BusFault, error: Arc<dyn Error + Send + Sync> }
        = "bus_failed": "the bus failed" {} by (reason);

    /// Something panicked, at `place`. What it said is told only where the program's text alone
    /// says it, since the rest may be somebody's message.
    ERROR Panicked<'a> { place: &'a str, thread: &'a str, error: &'a str }
        = "panicked": "something panicked" {};

    /// A task of the server panicked, and does not run any more.
    ERROR TaskLost { task: &'static str } = "task_lost": "a task panicked" {};

    /// A password was right: somebody is logged in.
    INFO LoggedIn {} = "logged_in": "authentication succeeded"
        { auth_result = "success", mechanism = "plain" } [address]
        counts "chat_auth_successes_total{mechanism=\"plain\"}";

    /// A token was right. Every request brings one.
    DEBUG TokenAccepted {} = "token_accepted": "authentication succeeded"
        { auth_result = "success", mechanism = "token" } [address]
        counts "chat_auth_successes_total{mechanism=\"token\"}";

    /// A signature of an application was right.
    DEBUG SignatureAccepted {} = "signature_accepted": "authentication succeeded"
        { auth_result = "success", mechanism = "hmac" } [address]
        counts "chat_auth_successes_total{mechanism=\"hmac\"}";

    /// A password, a token or a signature was refused, and be it the old password of who wants another
    /// one. `user` is told where there is such a user: what else is typed there may be a password.
    WARN AuthenticationFailed { mechanism: Mechanism, reason: AuthRefusal }
        = "authentication_failed": "authentication failed"
        { auth_result = "failure" } [address] by (mechanism, reason)
        counts "chat_auth_failures_total";

    /// A rate limit refused something.
    INFO RateLimitHit { limiter: Limiter, context: LimiterContext }
        = "rate_limit_hit": "a rate limit was reached"
        { rate_limit = "hit" } [address] by (limiter, context)
        counts "chat_rate_limit_rejections_total";

    /// Somebody logged out.
    INFO LoggedOut {} = "logged_out": "logged out" {} [address];

    /// An account was made.
    INFO AccountMade { operator: bool } = "account_made": "account made" {} [address];

    /// Somebody has a new password, and all their sessions are over.
    INFO PasswordChanged {} = "password_changed": "password changed" {} [address];

    /// An operator banned the `account`, or lets it in again.
    INFO BanChanged<'a> { account: &'a UserName, banned: bool } = "ban_changed": "ban changed" {};

    /// An operator made an invitation for so many accounts.
    INFO InvitationMade { uses: u64, lifetime_seconds: u64 }
        = "invitation_made": "invitation made" {};

    /// An operator took an invitation back.
    INFO InvitationRevoked {} = "invitation_revoked": "invitation revoked" {};

    /// An operator has so many webhooks told again that were given up.
    INFO WebhooksRevived { webhooks: u64 } = "webhooks_revived": "webhooks are told again" {};

    /// An operator watches what passes in an application.
    INFO AppWatched<'a> { app: &'a str } = "app_watched": "an application is watched" {};

    /// An operator has published a test event for an application.
    INFO TestEventPublished<'a> { app: &'a str }
        = "test_event_published": "a test event was published" {};

    /// Another process, such as `campanile user ban`, ended sessions in the store.
    INFO SessionsEnded { sessions: u64 }
        = "sessions_ended": "sessions were ended by another process" {};

    /// A room was made.
    INFO RoomMade<'a> { room: &'a RoomName } = "room_made": "room made" {};

    /// A room keeps messages for so long; without `seconds`, as long as any room does.
    INFO RetentionChanged<'a> { room: &'a RoomName, seconds: Option<u64> }
        = "retention_changed": "room retention changed" {};

    /// A room was deleted with everything in it.
    INFO RoomDeleted<'a> { room: &'a RoomName } = "room_deleted": "room deleted" {};

    /// A file was put into a room.
    INFO UploadKept<'a> { upload: &'a str, room: &'a RoomName, bytes: u64 }
        = "upload_kept": "upload kept" {} counts "chat_uploads_total{result=\"ok\"}";

    /// A connection was refused before it was one.
    INFO ConnectionRejected { transport: Transport, reason: ConnectionRejection }
        = "connection_rejected": "a connection was refused" {} [address] by (transport, reason)
        counts "chat_connections_rejected_total";

    /// A connection is open.
    DEBUG ConnectionOpened<'a> { app: &'a str, transport: Transport }
        = "connection_opened": "a connection opened" {} [address]
        counts "chat_connections_opened_total";

    /// A connection has ended, after `duration_ms`.
    DEBUG ConnectionClosed<'a> {
        app: &'a str, transport: Transport, reason: CloseReason, duration_ms: Duration,
    } = "connection_closed": "a connection closed" {} [address]
        counts "chat_connections_closed_total";

    /// A message over a connection was answered, whatever with, in `duration_ms`.
    DEBUG MessageHandled { duration_ms: Duration } = "message_handled": "a message was handled" {};

    /// A request over HTTP was answered, to its last byte, in `duration_ms`. The status is 499
    /// where the client went before.
    DEBUG RequestAnswered<'a> {
        method: &'a str, route: &'a str, status: &'a str, duration_ms: Duration,
    } = "request_answered": "a request was answered" {} [address]
        counts "chat_http_requests_total";
}

/// A store failed while something was asked of it.
pub(crate) fn store_failed(fault: &Fault) {
    let (reason, error) = (fault.kind.into(), fault.source.clone());
    StoreFailed { reason, error }.emit();
}

impl From<&Limited> for RateLimitHit {
    fn from(limited: &Limited) -> Self {
        Self { limiter: limited.limiter, context: limited.context }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::{here::Here, testing::written};
    use serde_json::{Value, json};
    use std::{cell::Cell, fmt, net::Ipv4Addr};

    #[derive(Debug, Default)]
    struct Noted(Cell<u32>);

    impl fmt::Display for Noted {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.set(self.0.get() + 1);
            formatter.write_str("it broke")
        }
    }

    impl Error for Noted {}

    #[test]
    fn nothing_is_made_into_text_for_a_level_that_is_not_wanted() {
        let error = Noted::default();
        let silent = written("info", || HandshakeFailed { error: &error }.emit());
        assert_eq!((silent.as_str(), error.0.get()), ("", 0));
        let told = written("info,campanile_server::tls_handshake_failed=debug", || {
            HandshakeFailed { error: &error }.emit();
        });
        assert_eq!((told.lines().count(), error.0.get()), (1, 1), "{told}");
    }

    #[test]
    fn a_line_says_for_whom_and_where_it_happened() {
        let here = Here::new(None, Ipv4Addr::LOCALHOST.into());
        let told = written("info", || {
            here.within(|| {
                crate::logs::here::is_for(&UserName::parse("ada").expect("a name"));
                LoggedIn {}.emit();
            });
        });
        let line: Value = serde_json::from_str(&told).expect("JSON");
        for (field, value) in [
            ("event", "logged_in"),
            ("auth_result", "success"),
            ("user", "ada"),
            ("address", "127.0.0.1"),
            ("target", "campanile_server::logged_in"),
        ] {
            assert_eq!(line[field], value, "{field} of {told}");
        }
        assert_eq!(line["connection"], json!(null), "there is none");
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
    }

    #[test]
    fn a_level_that_is_not_wanted_holds_nothing_back() {
        let hit = || RateLimitHit { limiter: Limiter::Prekey, context: LimiterContext::App };
        let told = written("warn", || {
            (0..20).for_each(|_| hit().emit());
            write_held();
        });
        assert_eq!(told, "");
        let told = written("info", || hit().emit());
        assert_eq!(serde_json::from_str::<Value>(&told).expect("JSON")["count"], 1);
    }
}
