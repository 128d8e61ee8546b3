//! Notifications, handed to a push service over TLS and read by a browser behind it.

use campanile_adapter_memory::SystemClock;
use campanile_adapter_webpush::{Authority, Config, VapidKey, WebPush};
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{PushError, PushFault, PushService as _},
    push::{Notification, PushEndpoint, PushSubscription},
};
use campanile_neighbours::PushService;
use std::{net::TcpListener, sync::Arc, time::Duration};
use tokio::time::timeout;

fn config(service: &PushService) -> Config {
    Config {
        key: VapidKey::generate(),
        contact: Some("mailto:keeper@chat.example".to_owned()),
        time_to_live: Duration::from_secs(3_600),
        allow_private: true,
        authorities: Authority::parse(service.authority().as_bytes()).expect("a certificate"),
    }
}

fn client(config: Config) -> WebPush {
    WebPush::new(config, Arc::new(SystemClock::new())).expect("it can speak TLS")
}

fn subscription(service: &PushService, endpoint: &str) -> PushSubscription {
    let (p256dh, auth) = service.keys();
    let endpoint = PushEndpoint::parse(endpoint).expect("an endpoint");
    PushSubscription { endpoint, p256dh, auth }
}

fn notification() -> Notification {
    Notification {
        room: RoomName::parse("dm.0123").expect("a name"),
        seq: Sequence(7),
        from: UserName::parse("ada").expect("a name"),
        body: "ring \"the\" bell \u{1f514}".to_owned(),
    }
}

async fn deliver(service: &PushService, client: &WebPush) -> Result<(), PushError> {
    let endpoint = service.endpoint("one");
    client.deliver(&subscription(service, &endpoint), &notification()).await
}

#[tokio::test]
async fn the_browser_reads_what_was_handed_over() {
    let service = PushService::start();
    let client = client(config(&service));
    for _ in 0..2 {
        deliver(&service, &client).await.expect("it is taken");
        let pushed = service.next();
        assert_eq!(pushed.path, "/push/one");
        let expected = r#"{"body":"ring \"the\" bell 🔔","from":"ada","room":"dm.0123","seq":7}"#;
        assert_eq!(pushed.text, expected);
        for (name, value) in [
            ("ttl", "3600"),
            ("urgency", "high"),
            ("content-encoding", "aes128gcm"),
            ("content-type", "application/octet-stream"),
        ] {
            assert_eq!(pushed.headers[name], value, "{name}");
        }
        assert_eq!(pushed.headers["topic"].len(), 32);
        assert!(pushed.headers["authorization"].starts_with("vapid t="));
    }
}

#[tokio::test]
async fn what_a_push_service_answers_is_understood() {
    let service = PushService::start();
    let client = client(config(&service));
    for answer in ["200 OK\r\n", "202 Accepted\r\n"] {
        service.answer_next(&[answer]);
        deliver(&service, &client).await.expect(answer);
    }
    for (answer, kind, wait) in [
        ("404 Not Found\r\n", PushFault::InvalidToken, None),
        ("410 Gone\r\n", PushFault::InvalidToken, None),
        ("401 Unauthorized\r\n", PushFault::Auth, None),
        ("403 Forbidden\r\n", PushFault::Auth, None),
        ("400 Bad Request\r\n", PushFault::Payload, None),
        ("413 Content Too Large\r\n", PushFault::Payload, None),
        ("429 Too Many Requests\r\nRetry-After: 120\r\n", PushFault::RateLimited, Some(120)),
        ("503 Service Unavailable\r\nRetry-After: soon\r\n", PushFault::Provider, None),
        ("500 Internal Server Error\r\n", PushFault::Provider, None),
    ] {
        service.answer_next(&[answer]);
        let error = deliver(&service, &client).await.expect_err(answer);
        assert_eq!(
            (error.kind, error.retry_after),
            (kind, wait.map(Duration::from_secs)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let service = PushService::start();
    let client = client(config(&service));
    let other = service.endpoint("other");
    service.answer_next(&[&format!("307 Temporary Redirect\r\nLocation: {other}\r\n")]);
    assert_eq!(deliver(&service, &client).await.expect_err("refused").kind, PushFault::Payload);
    assert_eq!(service.next().path, "/push/one");
    assert!(service.is_silent_for(Duration::from_millis(300)));
}

#[tokio::test]
async fn an_answer_that_is_long_or_never_ends_holds_nobody_up() {
    let service = PushService::start();
    let client = client(config(&service));
    let long = "x".repeat(10 * 1_024 * 1_024);
    let long = format!("201 Created\r\nContent-Length: {}\r\n\r\n{long}", long.len());
    let endless = "201 Created\r\nContent-Length: 100\r\n\r\n";
    service.answer_next(&[&long, endless]);
    for _ in 0..2 {
        let delivered = timeout(Duration::from_secs(5), deliver(&service, &client));
        delivered.await.expect("in time").expect("it is taken");
    }
    deliver(&service, &client).await.expect("another connection is opened");
}

#[tokio::test]
async fn who_does_not_answer_is_left_alone_for_a_while() {
    let service = PushService::start();
    let client = client(config(&service));
    // A port on which nobody listens any more.
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr();
    let endpoint = format!("https://localhost:{}/", closed.expect("an address").port());
    let subscription = subscription(&service, &endpoint);
    for attempt in 1..=4 {
        match client.deliver(&subscription, &notification()).await {
            Err(PushError { kind: PushFault::Other, retry_after, .. }) => {
                assert_eq!(retry_after.is_some(), attempt == 4, "attempt {attempt}");
            }
            other => panic!("{other:?}"),
        }
    }
    deliver(&service, &client).await.expect("others are asked");
}

#[tokio::test]
async fn neighbours_are_not_asked() {
    let service = PushService::start();
    let client = client(Config { allow_private: false, ..config(&service) });
    // Nobody answers there; whoever is asked is seen.
    let asked = TcpListener::bind("127.0.0.1:0").expect("a port");
    asked.set_nonblocking(true).expect("it is told");
    let port = asked.local_addr().expect("an address").port();
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1"] {
        let endpoint = format!("https://{host}:{port}/");
        let refused = client.deliver(&subscription(&service, &endpoint), &notification()).await;
        let error = refused.expect_err(host);
        assert_eq!(error.kind, PushFault::InvalidToken, "{host}");
        assert_eq!(error.reason, "the endpoint is not on the public internet", "{host}");
    }
    assert!(asked.accept().is_err(), "it was asked");
}

#[tokio::test]
async fn who_is_not_vouched_for_is_told_nothing() {
    let service = PushService::start();
    let client = client(Config { authorities: Vec::new(), ..config(&service) });
    assert_eq!(deliver(&service, &client).await.expect_err("refused").kind, PushFault::Other);
    assert!(service.is_silent_for(Duration::from_millis(300)));
}

#[tokio::test]
async fn an_error_does_not_tell_the_endpoint() {
    let service = PushService::start();
    let client = client(config(&service));
    let endpoint = "https://localhost:1/secret";
    let delivered = client.deliver(&subscription(&service, endpoint), &notification()).await;
    let error = delivered.expect_err("nobody is there");
    assert_eq!(error.kind, PushFault::Other);
    assert!(!error.reason.is_empty() && !error.reason.contains("secret"), "{error}");
}

#[test]
fn what_is_no_certificate_is_refused() {
    for text in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n"] {
        assert!(Authority::parse(text.as_bytes()).is_err(), "{text}");
    }
}
