//! The scrape endpoint: Prometheus text and OpenMetrics, guarded.
//!
//! ```no_run
//! use campanile_exporter_prometheus::Config;
//! use campanile_metrics::{Exporter, Registry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let exporter: Box<dyn Exporter> = Box::new(Config::default().bind()?);
//! let registry = Registry::builder().exporter(&*exporter).build();
//! // … register catalogues and collectors with `registry`, and then:
//! let running = exporter.start(&registry)?;
//! # drop(running);
//! # Ok(())
//! # }
//! ```

mod config;
mod exporter;
mod endpoint;
mod access;
mod format;
mod scrape;
mod store;
mod histogram;
mod exposition;
mod naming;

pub use config::{BasicAuth, BindError, Config, Network, NetworkError, Secret, Tls};
pub use exporter::Prometheus;
pub use exposition::Exposition;
pub use format::Format;
pub use naming::{Naming, PrefixError};
pub use scrape::ScrapeMetrics;
pub use store::Store;
