//! What is written while something is done on this thread, for tests.

use super::line::Json;
use campanile_adapter_memory::SystemClock;
use std::{
    io,
    sync::{Arc, Mutex},
};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines of this level, and graver ones.
pub(crate) fn written(level: &str, work: impl FnOnce()) -> String {
    let paper = Paper::default();
    let pen = paper.clone();
    let layer = tracing_subscriber::fmt::layer()
        .event_format(Json(SystemClock::new()))
        .with_writer(move || pen.clone());
    let subscriber = tracing_subscriber::registry().with(EnvFilter::new(level)).with(layer);
    tracing::subscriber::with_default(subscriber, work);
    let bytes = paper.0.lock().unwrap().clone();
    String::from_utf8(bytes).expect("text")
}
