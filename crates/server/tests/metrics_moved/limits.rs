//! What rate limits do.

use crate::{
    scene::{Scene, cases},
    support::{
        pusher::{publication, with_app},
        start_with,
    },
};
use minreq::Method;
use serde_json::json;

cases! {
    a_limit_that_bites_is_counted moves [
        "chat_rate_limit_checks_total",
        "chat_rate_limit_rejections_total",
    ] bites;
    a_quota_that_is_spent_is_counted moves [
        "chat_rate_limit_checks_total",
        "chat_rate_limit_rejections_total",
    ] spends;
    a_request_that_is_made_to_wait_is_timed moves ["chat_rate_limit_wait_seconds"] waits;
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
