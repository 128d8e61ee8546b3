//! The port of exporters: whoever shows metrics to the outside implements it.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;

use crate::registry::Registry;
use crate::sink::Sink;

/// Shows metrics to the outside. One crate each.
///
/// An exporter is made from its configuration, which finds mistakes such as a port that is
/// taken; it gives the registry its recorder; it starts when everything is declared.
/// It never holds up whoever records, and never another exporter.
pub trait Exporter: Send {
    /// Its name in configuration, and in the label `exporter`.
    fn name(&self) -> &'static str;

    /// Where it can be found or sends to, for people: a URL.
    fn endpoint(&self) -> String;

    /// What the registry is to record into.
    fn sink(&self) -> Arc<dyn Sink>;

    /// Begins to serve or to send, on threads of its own.
    fn start(self: Box<Self>, registry: &Registry) -> Result<Box<dyn RunningExporter>, StartError>;
}

/// An exporter at work.
pub trait RunningExporter: Send {
    /// Stops it: what is under way is finished, what is held is sent. The caller sets the
    /// deadline by dropping the future.
    fn stop(self: Box<Self>) -> StopFuture;
}

/// Ends when an exporter has stopped.
pub type StopFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An exporter could not begin.
#[derive(Debug, thiserror::Error)]
#[error("cannot start the exporter {exporter}")]
pub struct StartError {
    /// Its name.
    pub exporter: &'static str,
    /// Why.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

crate::labels! {
    /// An exporter that configuration names.
    pub struct ExporterName("exporter", max 4);
}

crate::labels! {
    /// How an exporter lost something.
    pub enum ExporterFault("reason") {
        Encode = "encode",
        Send = "send",
        BufferFull = "buffer_full",
        Limit = "limit",
        Other = "other",
    }
}

crate::catalogue! {
    /// How exporters fare; each one keeps its own series true.
    pub struct ExporterMetrics {
        /// 1 while the exporter plugin works.
        gauge up(ExporterName) = "chat_metrics_exporter_up";
        /// Samples or pushes an exporter plugin lost.
        counter errors(ExporterName, ExporterFault) = "chat_metrics_exporter_errors_total";
    }
}
