//! The scrape endpoint: Prometheus text and OpenMetrics, guarded.
