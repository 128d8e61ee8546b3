//! What rate limits do.

use crate::{
    ending::{PLAIN, handshake},
    prekey::publish,
    scene::{Scene, cases},
    support::{
        Server, form, post_form,
        pusher::{publication, with_app},
        socket::Socket,
        start_with,
    },
};
use campanile_metrics::testing::Probe;
use campanile_server::config::limits::Rate;
use minreq::Method;
use serde_json::json;

const ONCE: Rate = Rate { per_second: 0.001, burst: 1 };

cases! {
    a_limit_that_bites_is_counted moves [
        "chat_rate_limit_checks_total{limiter=auth,context=user}",
        "chat_rate_limit_rejections_total{limiter=auth,context=user}",
    ] bites;
    limits_are_counted_by_what_they_limit moves [
        "chat_rate_limit_checks_total{limiter=connection|message|api|upload|join|prekey,context=ip|user|global}",
        "chat_rate_limit_rejections_total{limiter=connection|message|api|upload|join|prekey,context=ip|user|global}",
    ] each;
    a_quota_that_is_spent_is_counted moves [
        "chat_rate_limit_checks_total{limiter=message,context=app}",
        "chat_rate_limit_rejections_total{limiter=message,context=app}",
    ] spends;
    a_request_that_is_made_to_wait_is_timed moves [
        "chat_rate_limit_wait_seconds{limiter=api}",
    ] waits;
}

fn bites(scene: &Scene) {
    let server = start_with(|config| {
        config.limits.logins_per_user.per_second = 0.01;
        config.limits.logins_per_user.burst = 2;
    });
    let before = server.scrape();
    let guess = json!({"name": "ada", "password": "is it this?"});
    let statuses: Vec<u16> = (0..3).map(|_| server.post("/api/v1/login", &guess).status).collect();
    assert_eq!(statuses, [401, 401, 429]);
    let by_user = &[("limiter", "auth"), ("context", "user")];
    scene.rose(&server, &before, ("chat_rate_limit_checks_total", by_user), 3.0);
    scene.rose(&server, &before, ("chat_rate_limit_rejections_total", by_user), 1.0);
    scene.total_rose(&server, &before, "chat_rate_limit_rejections_total", 1.0);
}

fn each(scene: &Scene) {
    let is_limited = |server: &Server, before: &Probe, (limiter, context)| {
        let labels = &[("limiter", limiter), ("context", context)];
        scene.rose(server, before, ("chat_rate_limit_checks_total", labels), 2.0);
        scene.rose(server, before, ("chat_rate_limit_rejections_total", labels), 1.0);
    };
    let server = start_with(|config| {
        let limits = &mut config.limits;
        limits.connections_per_node = ONCE;
        limits.joins_per_user = ONCE;
        limits.messages_per_user = ONCE;
        limits.uploads_per_user = ONCE;
        limits.prekey_claims_per_user = ONCE;
    });
    let ada = server.user("ada");
    server.room(&ada, "lobby");
    publish(&server, &ada, 2, 2);
    let before = server.scrape();
    let mut socket = Socket::of(&server, &ada);
    assert_eq!(handshake(&server, PLAIN), 503);
    is_limited(&server, &before, ("connection", "global"));
    let mut codes = |request: serde_json::Value| {
        let code = |answer: serde_json::Value| answer["code"].as_str().map(str::to_owned);
        [code(socket.try_ask(request.clone())), code(socket.try_ask(request))]
    };
    let once = [None, Some("rate_limited".to_owned())];
    assert_eq!(codes(json!({"op": "join", "room": "lobby"})), once);
    is_limited(&server, &before, ("join", "user"));
    assert_eq!(codes(json!({"op": "send", "room": "lobby", "body": "x"})), once);
    is_limited(&server, &before, ("message", "user"));
    let upload = || post_form(&server, &ada, "lobby", form(&[("file", "a.txt", b"text")])).status;
    assert_eq!((upload(), upload()), (201, 429));
    is_limited(&server, &before, ("upload", "user"));
    let claim = || server.ask(&ada, Method::Post, "/api/v1/keys/ada/claim", None).status;
    assert_eq!((claim(), claim()), (200, 429));
    is_limited(&server, &before, ("prekey", "user"));
    scene.total_rose(&server, &before, "chat_rate_limit_rejections_total", 5.0);

    let server = start_with(|config| {
        config.limits.connections_per_address = ONCE;
        config.limits.api_per_address = ONCE;
    });
    let before = server.scrape();
    let _socket = Socket::open(&server);
    assert_eq!(handshake(&server, PLAIN), 429);
    is_limited(&server, &before, ("connection", "ip"));
    let ask = || server.get("/api/v1/me").status;
    assert_eq!((ask(), ask()), (401, 429));
    is_limited(&server, &before, ("api", "ip"));
    scene.total_rose(&server, &before, "chat_rate_limit_rejections_total", 2.0);
}

fn spends(scene: &Scene) {
    let server = start_with(|config| {
        with_app(config, |app| app.limits.messages_per_day_max = 2);
    });
    let before = server.scrape();
    let body = publication("news", "said", "hello");
    let publish = || server.ask_signed(Method::Post, "/events", &body).status;
    assert_eq!([publish(), publish(), publish()], [200, 200, 403]);
    let by_app = &[("limiter", "message"), ("context", "app")];
    scene.rose(&server, &before, ("chat_rate_limit_checks_total", by_app), 3.0);
    scene.rose(&server, &before, ("chat_rate_limit_rejections_total", by_app), 1.0);
}

fn waits(scene: &Scene) {
    let server = start_with(|config| {
        config.limits.api_per_address.per_second = 20.0;
        config.limits.api_per_address.burst = 1;
        config.limits.rate_wait_max_seconds = 5.0;
    });
    let before = server.scrape();
    // Both at once: the second is too early whatever the first one took.
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| assert_eq!(server.get("/api/v1/me").status, 401));
        }
    });
    let api = &[("limiter", "api")];
    scene.rose(&server, &before, ("chat_rate_limit_wait_seconds_count", api), 1.0);
}
