//! What monitoring tells of itself.

use crate::{
    scene::{Scene, cases},
    support::{send, start},
};

const TEXT: (&str, &str) = ("format", "text_0_0_4");

cases! {
    a_scrape_is_counted_by_the_next moves [
        "chat_metrics_scrapes_total{format=text_0_0_4|openmetrics_1_0_0}",
        "chat_metrics_scrape_duration_seconds{format=text_0_0_4|openmetrics_1_0_0}",
        "chat_metrics_scrape_size_bytes{format=text_0_0_4|openmetrics_1_0_0}",
        "chat_metrics_series",
        "chat_metrics_series_max",
        "chat_metrics_exporter_up",
    ] counted;
    who_may_not_scrape_is_counted moves [
        "chat_metrics_scrapes_denied_total{reason=path|method}",
    ] denied;
}

fn counted(scene: &Scene) {
    let server = start();
    let before = server.scrape();
    let text = send(minreq::get(&server.metrics)).body;
    let after = server.scrape();
    for name in [
        "chat_metrics_scrapes_total",
        "chat_metrics_scrape_duration_seconds_count",
        "chat_metrics_scrape_size_bytes",
        "chat_metrics_series",
        "chat_metrics_series_max",
    ] {
        scene.moved(name, &[TEXT]);
    }
    let risen = after.since(&before);
    assert_eq!(risen.value("chat_metrics_scrapes_total", &[TEXT]), Some(2.0));
    let timed = risen.value("chat_metrics_scrape_duration_seconds_count", &[TEXT]);
    assert_eq!(timed, Some(2.0));
    // Each scrape tells the size of the one before.
    let size = after.value("chat_metrics_scrape_size_bytes", &[TEXT]);
    assert_eq!(size, Some(text.len() as f64));
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(after.value("chat_metrics_series", &[]), Some(lines as f64));
    let bound = after.value("chat_metrics_series_max", &[]).expect("it is there");
    assert!(lines as f64 <= bound && bound < 20_000.0, "{lines} of {bound}");
    let newer = ("Accept", "application/openmetrics-text;version=1.0.0");
    let text = send(minreq::get(&server.metrics).with_header(newer.0, newer.1)).body;
    let openmetrics = &[("format", "openmetrics_1_0_0")];
    scene.rose(&server, &after, ("chat_metrics_scrapes_total", openmetrics), 1.0);
    let timed = ("chat_metrics_scrape_duration_seconds_count", &openmetrics[..]);
    scene.rose(&server, &after, timed, 1.0);
    let size = text.len() as f64;
    scene.is(&server, "chat_metrics_scrape_size_bytes", openmetrics, size);
    scene.is(&server, "chat_metrics_exporter_up", &[("exporter", "prometheus")], 1.0);
}

fn denied(scene: &Scene) {
    let server = start();
    let before = server.scrape();
    assert_eq!(send(minreq::post(&server.metrics)).status, 405);
    assert_eq!(send(minreq::get(format!("{}/more", server.metrics))).status, 404);
    for reason in ["method", "path"] {
        let labels = &[("reason", reason)];
        scene.rose(&server, &before, ("chat_metrics_scrapes_denied_total", labels), 1.0);
    }
    scene.total_rose(&server, &before, "chat_metrics_scrapes_denied_total", 2.0);
}
