//! Webhooks, handed to receivers that take them, do not, lead elsewhere, hang or are somebody else.

use campanile_adapter_webhook::{Allowed, Authority, Config, Letter, Letters, Receivers};
use campanile_core::{
    channel::{AppId, Channel},
    labels::WebhookFailure,
    port::{WebhookError, WebhookService},
    time::Timestamp,
    webhook::{Happening, HookId, What},
};
use campanile_neighbours::{Receiver, Reply};
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

const SILENCE: Duration = Duration::from_millis(300);

/// Writes how many things happened.
struct Count;

impl Letters for Count {
    fn write(&self, hook: &HookId, happenings: &[Happening]) -> Option<Letter> {
        let body = format!("[{}]", happenings.len()).into();
        let is_known = !hook.url.ends_with("unknown");
        is_known.then(|| Letter { body, headers: vec![("X-Signature", "of it".to_owned())] })
    }
}

fn receivers(allowed: Allowed, authorities: Vec<Authority>) -> Receivers {
    Receivers::new(Config { allowed, authorities, letters: Box::new(Count) }).expect("TLS")
}

async fn deliver(receivers: &Receivers, url: &str) -> Result<(), WebhookError> {
    let app = AppId::parse("shop").expect("an id");
    let channel = Channel::new(&app, "news");
    let happening = Happening { channel, at: Timestamp(0), what: What::Occupied };
    let hook = HookId { app, url: url.into() };
    receivers.deliver(&hook, &[happening.clone(), happening]).await
}

async fn fails(receivers: &Receivers, url: &str) -> WebhookFailure {
    deliver(receivers, url).await.expect_err(url).kind
}

#[tokio::test]
async fn a_webhook_is_posted_as_it_is_written() {
    let receiver = Receiver::start();
    let receivers = receivers(Allowed::everything(), Vec::new());
    for _ in 0..2 {
        deliver(&receivers, &receiver.url("hook?a=b")).await.expect("it is taken");
        let received = receiver.next();
        assert_eq!((&*received.path, &received.body[..]), ("/hook?a=b", &b"[2]"[..]));
        assert_eq!(received.headers["content-type"], "application/json");
        assert_eq!(received.headers["x-signature"], "of it");
    }
    let unknown = receiver.url("unknown");
    assert_eq!(fails(&receivers, &unknown).await, WebhookFailure::Signature);
    assert!(receiver.next_within(SILENCE).is_none());
}

#[tokio::test]
async fn only_success_is_success() {
    let receiver = Receiver::start();
    let receivers = receivers(Allowed::everything(), Vec::new());
    for (status, expected) in [
        ("200 OK", None),
        ("204 No Content", None),
        ("304 Not Modified", Some(WebhookFailure::Other)),
        ("400 Bad Request", Some(WebhookFailure::Status4xx)),
        ("410 Gone", Some(WebhookFailure::Status4xx)),
        ("500 Internal Server Error", Some(WebhookFailure::Status5xx)),
        ("503 Service Unavailable", Some(WebhookFailure::Status5xx)),
    ] {
        receiver.reply_next([Reply::status(status)]);
        let delivered = deliver(&receivers, &receiver.url("hook")).await;
        assert_eq!(delivered.err().map(|error| error.kind), expected, "{status}");
    }
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let (receiver, other) = (Receiver::start(), Receiver::start());
    let receivers = receivers(Allowed::everything(), Vec::new());
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let location = format!("{status}\r\nLocation: {}\r\n", other.url("other"));
        receiver.reply_next([Reply::Say(location)]);
        assert_eq!(fails(&receivers, &receiver.url("hook")).await, WebhookFailure::Other);
    }
    assert!(other.next_within(SILENCE).is_none());
}

#[tokio::test]
async fn a_long_answer_holds_nobody_up_and_neither_does_an_endless_one() {
    let receiver = Receiver::start();
    let receivers = receivers(Allowed::everything(), Vec::new());
    let of_length = |length: usize, body: &str| {
        Reply::Say(format!("200 OK\r\nContent-Length: {length}\r\n\r\n{body}"))
    };
    let long = 70 * 1_024;
    let huge = 64 * 1_024 * 1_024;
    receiver.reply_next([
        of_length(long, &"x".repeat(long)),
        of_length(huge, &"x".repeat(huge / 16)),
        of_length(100, ""),
    ]);
    for _ in 0..3 {
        let started = Instant::now();
        deliver(&receivers, &receiver.url("hook")).await.expect("it is taken");
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
    deliver(&receivers, &receiver.url("hook")).await.expect("another connection is opened");
}

#[tokio::test]
async fn who_does_not_answer_is_waited_for_five_seconds() {
    let receiver = Receiver::start();
    let receivers = receivers(Allowed::everything(), Vec::new());
    receiver.reply_next([Reply::Hang]);
    let started = Instant::now();
    assert_eq!(fails(&receivers, &receiver.url("hook")).await, WebhookFailure::Timeout);
    let waited = started.elapsed();
    assert!(waited > Duration::from_secs(4) && waited < Duration::from_secs(8), "{waited:?}");
}

#[tokio::test]
async fn neighbours_are_not_asked_unless_they_are_allowed() {
    let receiver = Receiver::start();
    let port = receiver.port();
    let guarded = receivers(Allowed::public(), Vec::new());
    for host in
        ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "[::1]", "2130706433", "0x7f.1", "0"]
    {
        let refused = deliver(&guarded, &format!("http://{host}:{port}/hook")).await;
        let error = refused.expect_err(host);
        assert_eq!(error.kind, WebhookFailure::Connect, "{host}");
        assert_eq!(error.reason, "it is not on the public internet", "{host}");
    }
    assert!(receiver.next_within(SILENCE).is_none(), "it was asked");
    let by_name = receivers(Allowed::public().and("localhost").expect("a host"), Vec::new());
    deliver(&by_name, &receiver.url("hook")).await.expect("its name is allowed");
    let refused = fails(&by_name, &format!("http://127.0.0.1:{port}/hook")).await;
    assert_eq!(refused, WebhookFailure::Connect, "its address is not");
    let by_network = receivers(Allowed::public().and("127.0.0.0/8").expect("one"), Vec::new());
    for host in ["localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        deliver(&by_network, &format!("http://{host}:{port}/hook")).await.expect(host);
    }
}

#[tokio::test]
async fn who_is_not_vouched_for_is_told_nothing() {
    let receiver = Receiver::start_with_tls();
    let believing = Authority::parse(receiver.authority().as_bytes()).expect("a certificate");
    let believer = receivers(Allowed::everything(), believing);
    deliver(&believer, &receiver.url("hook")).await.expect("it is taken");
    receiver.next();
    let elsewhere = receiver.url("hook").replace("localhost", "127.0.0.1");
    assert_eq!(fails(&believer, &elsewhere).await, WebhookFailure::Tls, "another name");
    let doubter = receivers(Allowed::everything(), Vec::new());
    assert_eq!(fails(&doubter, &receiver.url("hook")).await, WebhookFailure::Tls);
    assert!(receiver.next_within(SILENCE).is_none());
}

#[tokio::test]
async fn an_error_does_not_tell_where_was_asked() {
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr();
    let port = closed.expect("an address").port();
    let receivers = receivers(Allowed::everything(), Vec::new());
    let error = deliver(&receivers, &format!("http://localhost:{port}/secret")).await;
    let error = error.expect_err("nobody is there");
    assert_eq!(error.kind, WebhookFailure::Connect);
    assert!(!error.reason.is_empty() && !error.reason.contains("secret"), "{error}");
    for none in ["", "shop", "ftp://shop.example/", "http://"] {
        assert_eq!(fails(&receivers, none).await, WebhookFailure::Other, "{none}");
    }
}
