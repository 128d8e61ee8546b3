//! What becomes of notifications, and of the jobs that hand them over.

use crate::{
    scene::{Scene, cases},
    support::{
        push::{believe, pair, say, start_beside, subscribe},
        start_in,
    },
};
use campanile_neighbours::PushService;

cases! {
    notifications_are_counted_by_what_became_of_them moves [
        "chat_notifications_sent_total{provider=webpush}",
        "chat_notifications_failed_total{provider=webpush,reason=auth|invalid_token|provider_5xx}",
        "chat_notification_duration_seconds{provider=webpush}",
        "chat_notification_tokens_invalidated_total{provider=webpush}",
        "chat_queue_jobs_pending{queue=push}",
        "chat_queue_jobs_processed_total{queue=push}",
        "chat_queue_jobs_failed_total{queue=push,reason=handler}",
        "chat_queue_jobs_retried_total{queue=push}",
        "chat_queue_job_duration_seconds{queue=push}",
        "chat_queue_oldest_job_age_seconds{queue=push}",
    ] notified;
    subscriptions_are_counted_from_the_start moves [
        "chat_notification_tokens{provider=webpush}",
    ] subscribed;
}

const WEB_PUSH: (&str, &str) = ("provider", "webpush");
const QUEUE: [(&str, &str); 1] = [("queue", "push")];

fn notified(scene: &Scene) {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    subscribe(&server, &bob, &service, "one");
    let before = server.scrape();
    say(&server, &ada, &room, "taken");
    scene.rose(&server, &before, ("chat_notifications_sent_total", &[WEB_PUSH]), 1.0);
    scene.rose(&server, &before, ("chat_queue_jobs_processed_total", &QUEUE), 1.0);
    for (answer, reason) in [
        ("403 Forbidden\r\n", "auth"),
        ("503 Service Unavailable\r\nRetry-After: 900\r\n", "provider_5xx"),
        ("410 Gone\r\n", "invalid_token"),
    ] {
        service.answer_next(&[answer]);
        say(&server, &ada, &room, reason);
        let failed = [WEB_PUSH, ("reason", reason)];
        scene.rose(&server, &before, ("chat_notifications_failed_total", &failed), 1.0);
    }
    scene.total_rose(&server, &before, "chat_notifications_failed_total", 3.0);
    let duration = "chat_notification_duration_seconds_count";
    scene.rose(&server, &before, (duration, &[WEB_PUSH]), 4.0);
    let invalidated = "chat_notification_tokens_invalidated_total";
    scene.rose(&server, &before, (invalidated, &[WEB_PUSH]), 1.0);
    let failed = [QUEUE[0], ("reason", "handler")];
    scene.rose(&server, &before, ("chat_queue_jobs_failed_total", &failed), 3.0);
    scene.rose(&server, &before, ("chat_queue_jobs_retried_total", &QUEUE), 1.0);
    scene.rose(&server, &before, ("chat_queue_job_duration_seconds_count", &QUEUE), 4.0);
    scene.is(&server, "chat_queue_jobs_pending", &QUEUE, 1.0);
    let oldest = ("chat_queue_oldest_job_age_seconds", &QUEUE[..]);
    scene.becomes(&server, oldest, |seconds| seconds >= 1.0);
}

fn subscribed(scene: &Scene) {
    let service = PushService::start();
    let server = start_beside(&service);
    let (_, bob, _) = pair(&server);
    for name in ["one", "two"] {
        subscribe(&server, &bob, &service, name);
    }
    let (ended, data) = server.stop();
    ended.expect("it ends well");
    let ca = data.path().join("push-ca.pem");
    let server = start_in(data, |config| believe(config, &ca));
    scene.is(&server, "chat_notification_tokens", &[WEB_PUSH], 2.0);
}
