//! What becomes of notifications.

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
        "chat_push_notifications_total",
        "chat_push_duration_seconds",
        "chat_push_queue_pending",
    ] notified;
    subscriptions_are_counted_from_the_start moves [
        "chat_push_subscriptions",
    ] subscribed;
}

const NOTIFICATIONS: &str = "chat_push_notifications_total";

fn notified(scene: &Scene) {
    let service = PushService::start();
    let server = start_beside(&service);
    let (ada, bob, room) = pair(&server);
    subscribe(&server, &bob, &service, "one");
    let before = server.scrape();
    for (answer, result) in [
        ("201 Created\r\n", "delivered"),
        ("403 Forbidden\r\n", "refused"),
        ("503 Service Unavailable\r\nRetry-After: 900\r\n", "retried"),
        ("410 Gone\r\n", "gone"),
    ] {
        service.answer_next(&[answer]);
        say(&server, &ada, &room, result);
        scene.rose(&server, &before, (NOTIFICATIONS, &[("result", result)]), 1.0);
    }
    scene.total_rose(&server, &before, NOTIFICATIONS, 4.0);
    scene.rose(&server, &before, ("chat_push_duration_seconds_count", &[]), 4.0);
    scene.is(&server, "chat_push_queue_pending", &[], 1.0);
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
    scene.is(&server, "chat_push_subscriptions", &[], 2.0);
}
