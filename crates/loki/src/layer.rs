//! The layer: lets a line into tracing-loki when there is room for it.

use crate::ledger::{Ledger, Patience};
use std::{cell::Cell, sync::Arc};
use tracing::{
    Event, Id, Level, Subscriber,
    span::{Attributes, Record},
};
use tracing_subscriber::{
    layer::{Context, Layer},
    registry::LookupSpan,
};

thread_local! {
    static IS_SHIPPER: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread is the shipper's: what it logs is not shipped, or each push would make
/// lines for the next.
pub(crate) fn mark_thread() {
    IS_SHIPPER.set(true);
}

/// Gives every event to the shipper. Nobody waits for it, except that warnings and errors wait up
/// to 5 ms for room.
pub struct LokiLayer {
    ledger: Arc<Ledger>,
    lanes: Vec<tracing_loki::Layer>,
}

/// A span that tracing-loki knows. It panics about one that it does not.
struct Known;

impl LokiLayer {
    pub(crate) fn new(ledger: Arc<Ledger>, lanes: Vec<tracing_loki::Layer>) -> Self {
        Self { ledger, lanes }
    }

    /// Tells tracing-loki of a span that is older than this layer; its fields are not known.
    fn introduce<S>(&self, id: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(span) = context.span(id) else { return };
        if span.extensions().get::<Known>().is_none() {
            let metadata = span.metadata();
            let nothing = metadata.fields().value_set(&[]);
            self.lanes[0].on_new_span(&Attributes::new(metadata, &nothing), id, context.clone());
            span.extensions_mut().replace(Known);
        }
    }

    fn introduce_all<S>(&self, event: &Event<'_>, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let current = context.current_span();
        let Some(id) = event.parent().or_else(|| current.id()) else { return };
        for span in context.span_scope(id).into_iter().flatten() {
            self.introduce(&span.id(), context);
        }
    }
}

impl<S> Layer<S> for LokiLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // All lanes find in a span what the first has put there.
        self.lanes[0].on_new_span(attributes, id, context.clone());
        if let Some(span) = context.span(id) {
            span.extensions_mut().replace(Known);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.introduce(id, &context);
        self.lanes[0].on_record(id, values, context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let patience = if !IS_SHIPPER.get() {
            match *metadata.level() {
                Level::ERROR | Level::WARN => Patience::Some,
                _ => Patience::None,
            }
        } else if metadata.target().starts_with("tracing_loki") {
            // By this event of its own tracing-loki wakes up to try again.
            Patience::Urgent
        } else {
            return;
        };
        if let Some(ticket) = self.ledger.admit(patience) {
            self.introduce_all(event, &context);
            self.lanes[ticket.lane].on_event(event, context);
            ticket.hand_over();
        }
    }
}

impl std::fmt::Debug for LokiLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LokiLayer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use tracing_subscriber::layer::SubscriberExt;

    #[test]
    fn of_the_shippers_own_events_only_those_of_tracing_loki_come_in() {
        let ledger = Arc::new(Ledger::default());
        let url = "http://127.0.0.1:1".parse().expect("a URL");
        let (lane, _task) = tracing_loki::builder().build_url(url).expect("a layer");
        let layer = LokiLayer::new(Arc::clone(&ledger), vec![lane]);
        let accepted = || ledger.status().accepted;
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let dispatch = tracing::dispatcher::get_default(Clone::clone);
            let on_its_thread = || {
                mark_thread();
                tracing::dispatcher::with_default(&dispatch, || {
                    tracing::error!(target: "hyper", "of its client");
                    tracing::error!("of the shipper");
                    assert_eq!(accepted(), 0);
                    tracing::error!(target: "tracing_loki", "wakes its task");
                    assert_eq!(accepted(), 1);
                });
            };
            thread::scope(|scope| scope.spawn(on_its_thread).join()).expect("it agrees");
            tracing::info!("of somebody else");
            assert_eq!(accepted(), 2);
        });
    }
}
