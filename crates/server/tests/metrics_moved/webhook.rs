//! What becomes of webhooks, and of the jobs that hand them over.

use crate::{
    scene::{Scene, cases},
    support::{
        hooks::{next, set, start_telling},
        pusher::Client,
        start_with,
    },
};
use campanile_neighbours::{Receiver, Reply};

cases! {
    webhooks_are_counted_by_what_became_of_them moves [
        "chat_webhooks_sent_total",
        "chat_webhooks_failed_total",
        "chat_webhook_duration_seconds",
        "chat_queue_jobs_pending",
        "chat_queue_jobs_processed_total",
        "chat_queue_jobs_failed_total",
        "chat_queue_jobs_retried_total",
        "chat_queue_job_duration_seconds",
        "chat_queue_oldest_job_age_seconds",
    ] told;
    webhooks_that_are_given_up_are_counted moves [
        "chat_webhooks_failed_total",
        "chat_queue_jobs_dead_lettered_total",
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
