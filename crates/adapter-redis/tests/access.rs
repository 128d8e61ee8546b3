//! Whom Redis lets in, and what a node says that it does not.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use campanile_adapter_memory::SystemClock;
use campanile_adapter_redis::{Config, ConnectError};
use campanile_conformance::user;
use campanile_core::{
    channel::{AppId, Channel},
    event::{Audience, Event, Signal},
    limits::Rate,
    port::{Bus, Cache, CacheKey, Cached, ChannelStore, ConnectionId, Heard, Limiter},
    port::{LimiterContext, PresenceStore, RateLimiter, Verdict},
    room::RoomKind,
    user::Status,
};
use campanile_metrics::testing::Recording;
use campanile_neighbours::{Redis, Tls, free_port};
use std::{path::Path, sync::Arc, time::Duration};
use support::{config, connect, prefix};
use tokio::time::timeout;

/// The rights that the README names.
const RIGHTS: &str = "+@connection +@scripting +@pubsub +@read +@write +info +time +role";

/// Does a bit of everything.
async fn works(config: impl Fn(usize) -> Config) {
    let (one, other) = (connect(config(1)).await, connect(config(2)).await);
    let mut heard = other.bus().subscribe().await.unwrap();
    let signal = Arc::new(Signal::Tell(Audience::Everyone, Event::Draining { after_ms: 7 }));
    one.bus().publish(signal.clone()).await.unwrap();
    let received = timeout(Duration::from_secs(10), heard.receive()).await.expect("in time");
    assert!(matches!(received, Some(Heard::Signal(got, _)) if got == signal));
    let ada = user("ada");
    one.presence().put(&ada, ConnectionId(1), Status::Away).await.unwrap();
    assert_eq!(other.presence().statuses(&[ada]).await.unwrap(), [Status::Away]);
    assert_eq!(one.presence().reconcile().await.unwrap(), []);
    let news = Channel::new(&AppId::parse("shop").unwrap(), "news");
    one.channels().subscribe(&news, ConnectionId(1), None).await.unwrap();
    assert_eq!(other.channels().look(&news).await.unwrap().subscriptions, 1);
    assert_eq!(other.channels().occupied(news.app(), "n").await.unwrap().len(), 1);
    assert_eq!(one.channels().reconcile().await.unwrap(), []);
    one.channels().unsubscribe(&news, ConnectionId(1)).await.unwrap();
    let limiter = one.rate_limiter();
    let check = limiter.check(Limiter::Auth, LimiterContext::Ip, "key", Rate::new(1.0, 1));
    assert_eq!(check.await.unwrap(), Verdict::Allowed);
    let key = CacheKey::Room(campanile_conformance::room("lobby"));
    one.cache().put(&key, &Cached::Room(RoomKind::Direct)).await.unwrap();
    assert_eq!(other.cache().get(&key).await.unwrap(), Some(Cached::Room(RoomKind::Direct)));
    assert!(one.cache().size().await.unwrap().used_bytes > 0);
    one.probe().await.unwrap();
    one.close().await;
    assert_eq!(other.bus().nodes().await.unwrap().len(), 1, "who closes is not missed");
}

/// Why a node does not get in: one line.
async fn refused(config: Config) -> (ConnectError, String) {
    let recording = Recording::new();
    let connected = config.connect(recording.registry(), Arc::new(SystemClock::new())).await;
    let error = connected.err().expect("it is not let in");
    let line = error.to_string();
    assert!(!line.contains('\n') && !line.contains("secret"), "{line}");
    (error, line)
}

/// A certificate of `localhost` and its key, as files.
fn certificate(directory: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (directory.join("cert.pem"), directory.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_server_with_tls_is_believed_by_its_authority_only() {
    let directory = tempfile::tempdir().unwrap();
    let (certificate, key) = certificate(directory.path());
    let server = Redis::start_secure(Tls { certificate: &certificate, key: &key });
    let prefix = prefix();
    works(|number| Config {
        ca_file: Some(certificate.clone()),
        ..config(&server.url(), &prefix, number)
    })
    .await;
    let (error, _) = refused(config(&server.url(), &prefix, 1)).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }));
    let plain = format!("redis://localhost:{}", server.port());
    refused(config(&plain, &prefix, 1)).await;
    let missing = Some(directory.path().join("no-such-file"));
    let config = Config { ca_file: missing, ..config(&server.url(), &prefix, 1) };
    let (error, _) = refused(config).await;
    assert!(matches!(error, ConnectError::Authorities { .. }));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_user_needs_the_rights_that_are_named_and_no_more() {
    let server = Redis::start();
    let prefix = prefix();
    let grant = |name: &str, rights: &str| {
        let mut words = vec!["ACL", "SETUSER", name, "on", ">secret"];
        let pattern = (format!("~{prefix}*"), format!("&{prefix}*"));
        words.extend([&*pattern.0, &*pattern.1]);
        words.extend(rights.split(' '));
        assert_eq!(server.ask(&words), "OK");
    };
    grant("chat", RIGHTS);
    grant("mute", &format!("{RIGHTS} -publish"));
    grant("deaf", &format!("{RIGHTS} -subscribe"));
    grant("idle", &format!("{RIGHTS} -evalsha -eval"));
    let url = |user: &str, password: &str| {
        format!("redis://{user}:{password}@127.0.0.1:{}", server.port())
    };
    works(|number| config(&url("chat", "secret"), &prefix, number)).await;
    for (user, password) in [
        ("chat", "wrong"),
        ("nobody", "secret"),
        ("mute", "secret"),
        ("deaf", "secret"),
        ("idle", "secret"),
    ] {
        let (error, line) = refused(config(&url(user, password), &prefix, 1)).await;
        assert!(matches!(error, ConnectError::Refused { .. }), "{user}: {line}");
    }
    let elsewhere = config(&url("chat", "secret"), "other:", 1);
    let (error, line) = refused(elsewhere).await;
    assert!(matches!(error, ConnectError::Refused { .. }), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_told_in_one_line() {
    let nowhere = format!("redis://:secret@127.0.0.1:{}", free_port());
    let (error, _) = refused(config(&nowhere, "test:", 1)).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }));
    let (error, _) = refused(config("http://localhost", "test:", 1)).await;
    assert!(matches!(error, ConnectError::Url(_)));
    let sentinels = format!("redis-sentinel://:secret@127.0.0.1:{}/main", free_port());
    let (error, _) = refused(config(&sentinels, "test:", 1)).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }));
    let cluster = format!("redis-cluster://:secret@127.0.0.1:{}", free_port());
    let (error, _) = refused(config(&cluster, "test:", 1)).await;
    assert!(matches!(error, ConnectError::Unreachable { .. }));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: cargo xtask test"]
async fn a_replica_is_not_taken_for_a_master() {
    let master = Redis::start();
    let port = master.port().to_string();
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port]);
    let (error, line) = refused(config(&replica.url(), "test:", 1)).await;
    assert!(matches!(error, ConnectError::Unfit { .. }), "{line}");
}
