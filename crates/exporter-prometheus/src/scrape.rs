//! Answering scrapes: collect, render, compress; once for those who ask together.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use actix_web::web::Bytes;
use campanile_metrics::{Registry, buckets, catalogue};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::access::Denial;
use crate::format::Format;
use crate::naming::Naming;
use crate::store::Store;

catalogue! {
    /// How the endpoint fares.
    pub struct ScrapeMetrics {
        /// Scrapes answered.
        counter scrapes(Format) = "chat_metrics_scrapes_total";
        /// Requests to the metrics endpoint refused.
        counter denied(Denial) = "chat_metrics_scrapes_denied_total";
        /// Time to render one scrape.
        histogram duration(Format) = "chat_metrics_scrape_duration_seconds" [Seconds]
            buckets buckets::FAST;
        /// Size of the last answer, uncompressed.
        gauge size(Format) = "chat_metrics_scrape_size_bytes" [Bytes];
        /// Series the last scrape rendered.
        gauge series() = "chat_metrics_series";
    }
}

/// How an answer is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

/// Answers scrapes.
pub(crate) struct Scraper {
    pub(crate) metrics: ScrapeMetrics,
    registry: Registry,
    store: Arc<Store>,
    naming: Naming,
    // The last answer of each form, for those who were waiting when it was begun.
    latest: Mutex<HashMap<(Format, Encoding), Answer>>,
}

struct Answer {
    begun: Instant,
    body: Bytes,
}

impl Scraper {
    pub(crate) fn new(registry: &Registry, store: Arc<Store>, naming: Naming) -> Self {
        let metrics = ScrapeMetrics::register(registry);
        let latest = Mutex::default();
        Self { metrics, registry: registry.clone(), store, naming, latest }
    }

    /// The body for a scrape that arrived at some time. It is never older than that, but
    /// those who arrive while others are being answered share the next one.
    pub(crate) fn answer(&self, arrived: Instant, format: Format, encoding: Encoding) -> Bytes {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = latest.get(&(format, encoding)).filter(|answer| answer.begun >= arrived);
        let body = match shared {
            Some(answer) => answer.body.clone(),
            None => {
                let begun = Instant::now();
                let body = self.render(format, encoding);
                latest.insert((format, encoding), Answer { begun, body: body.clone() });
                self.metrics.duration.observe(begun.elapsed(), format);
                body
            }
        };
        drop(latest);
        self.metrics.scrapes.increment(format);
        body
    }

    fn render(&self, format: Format, encoding: Encoding) -> Bytes {
        self.registry.refresh();
        let exposition = self.store.render(format, &self.naming);
        self.metrics.size.set(exposition.text.len(), format);
        self.metrics.series.set(exposition.series);
        match encoding {
            Encoding::Identity => exposition.text.into(),
            Encoding::Gzip => gzip(exposition.text.as_bytes()).into(),
        }
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::fast());
    let written = encoder.write_all(text).and_then(|()| encoder.finish());
    written.expect("memory takes every write")
}
