//! What becomes of webhooks, and of the jobs that hand them over.

use crate::{
    scene::{Scene, cases},
    support::{
        hooks::{next, set, set_unasked, start_telling},
        pusher::Client,
        start_with,
    },
};
use campanile_neighbours::{Receiver, Reply};
use serde_json::json;

cases! {
    webhooks_are_counted_by_what_became_of_them moves [
        "chat_webhooks_sent_total{event=channel_occupied}",
        "chat_webhooks_failed_total{event=channel_occupied,reason=status_4xx|status_5xx}",
        "chat_webhook_duration_seconds{event=channel_occupied}",
        "chat_queue_jobs_pending{queue=webhook}",
        "chat_queue_jobs_processed_total{queue=webhook}",
        "chat_queue_jobs_failed_total{queue=webhook,reason=handler}",
        "chat_queue_jobs_retried_total{queue=webhook}",
        "chat_queue_job_duration_seconds{queue=webhook}",
        "chat_queue_oldest_job_age_seconds{queue=webhook}",
    ] told;
    receivers_that_cannot_be_asked_are_counted_apart moves [
        "chat_webhooks_failed_total{event=channel_occupied,reason=connect|tls}",
    ] unasked;
    webhooks_are_counted_by_what_they_tell moves [
        "chat_webhooks_sent_total{event=channel_occupied|channel_vacated|member_added|member_removed|client_event|cache_miss|subscription_count}",
    ] events;
    webhooks_that_are_given_up_are_counted moves [
        "chat_webhooks_failed_total{event=channel_occupied,reason=other}",
        "chat_queue_jobs_dead_lettered_total{queue=webhook}",
        "chat_queue_jobs_failed_total{queue=webhook,reason=exhausted}",
        "chat_queue_jobs_pending",
    ] given_up;
}

const OCCUPIED: (&str, &str) = ("event", "channel_occupied");
const QUEUE: [(&str, &str); 1] = [("queue", "webhook")];

fn told(scene: &Scene) {
    let receiver = Receiver::start();
    let server = start_telling(&receiver, &["channel_occupied", "cache_miss"]);
    let mut ada = Client::open(&server);
    let before = server.scrape();
    ada.subscribe("news", None);
    next(&receiver);
    scene.rose(&server, &before, ("chat_webhooks_sent_total", &[OCCUPIED]), 1.0);
    scene.total_rose(&server, &before, "chat_webhooks_sent_total", 1.0);
    scene.rose(&server, &before, ("chat_queue_jobs_processed_total", &QUEUE), 1.0);
    scene.rose(&server, &before, ("chat_webhook_duration_seconds_count", &[OCCUPIED]), 1.0);
    scene.rose(&server, &before, ("chat_queue_job_duration_seconds_count", &QUEUE), 1.0);
    receiver.reply_always(Some(Reply::status("503 Service Unavailable")));
    ada.subscribe("other", None);
    next(&receiver);
    next(&receiver);
    receiver.reply_always(Some(Reply::status("410 Gone")));
    next(&receiver);
    let failed = |reason| [OCCUPIED, ("reason", reason)];
    scene.rose(&server, &before, ("chat_webhooks_failed_total", &failed("status_5xx")), 2.0);
    scene.rose(&server, &before, ("chat_webhooks_failed_total", &failed("status_4xx")), 1.0);
    scene.total_rose(&server, &before, "chat_webhooks_failed_total", 3.0);
    let failed = [QUEUE[0], ("reason", "handler")];
    scene.rose(&server, &before, ("chat_queue_jobs_failed_total", &failed), 3.0);
    scene.rose(&server, &before, ("chat_queue_jobs_retried_total", &QUEUE), 3.0);
    scene.is(&server, "chat_queue_jobs_pending", &QUEUE, 1.0);
    let oldest = ("chat_queue_oldest_job_age_seconds", &QUEUE[..]);
    scene.becomes(&server, oldest, |seconds| seconds >= 1.0);
}

fn given_up(scene: &Scene) {
    let receiver = Receiver::start();
    receiver.reply_always(Some(Reply::Say("302 Found\r\nLocation: /\r\n".to_owned())));
    let server = start_with(|config| {
        set(config, &receiver, &["channel_occupied"]);
        config.apps[0].limits.webhook_retry_seconds = 0.0;
    });
    let mut ada = Client::open(&server);
    let before = server.scrape();
    ada.subscribe("news", None);
    next(&receiver);
    scene.rose(&server, &before, ("chat_queue_jobs_dead_lettered_total", &QUEUE), 1.0);
    let failed = [OCCUPIED, ("reason", "other")];
    scene.rose(&server, &before, ("chat_webhooks_failed_total", &failed), 1.0);
    let failed = [QUEUE[0], ("reason", "exhausted")];
    scene.rose(&server, &before, ("chat_queue_jobs_failed_total", &failed), 1.0);
    scene.is(&server, "chat_queue_jobs_pending", &QUEUE, 0.0);
}

fn unasked(scene: &Scene) {
    let failed = |reason| ("chat_webhooks_failed_total", [OCCUPIED, ("reason", reason)]);
    // Its certificate is vouched for by nobody whom the server knows.
    let unknown = Receiver::start_with_tls();
    let server = start_telling(&unknown, &["channel_occupied"]);
    let mut ada = Client::open(&server);
    ada.subscribe("news", None);
    let (name, labels) = failed("tls");
    scene.becomes(&server, (name, &labels), |times| times >= 1.0);

    let receiver = Receiver::start();
    let server = start_with(|config| set_unasked(config, &receiver, &["channel_occupied"]));
    let mut ada = Client::open(&server);
    ada.subscribe("news", None);
    let (name, labels) = failed("connect");
    scene.becomes(&server, (name, &labels), |times| times >= 1.0);
}

fn events(scene: &Scene) {
    let receiver = Receiver::start();
    let server = start_with(|config| {
        set(config, &receiver, &[]);
        config.apps[0].subscription_counts = true;
    });
    let (mut ada, mut bob) = (Client::open(&server), Client::open(&server));
    ada.subscribe("presence-lobby", Some("ada"));
    bob.subscribe("presence-lobby", Some("bob"));
    bob.subscribe("cache-news", None);
    let said = json!({"event": "client-hi", "channel": "presence-lobby", "data": {}});
    ada.send(&said.to_string());
    bob.hear("client-hi");
    drop((ada, bob));
    for event in [
        "channel_occupied",
        "channel_vacated",
        "member_added",
        "member_removed",
        "client_event",
        "cache_miss",
        "subscription_count",
    ] {
        let sent = ("chat_webhooks_sent_total", &[("event", event)][..]);
        scene.becomes(&server, sent, |times| times >= 1.0);
    }
}
