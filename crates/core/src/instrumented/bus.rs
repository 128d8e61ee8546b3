//! The bus, measured.

use super::{BusDirection, BusFault, BusMetrics, BusOperation, Driver};
use crate::{
    event::{Envelope, Signal, Topic},
    labels::Outcome,
    port::{Bus, BusError, BusReceiver, Clock, Heard, Mark, Node, Passage},
};
use async_trait::async_trait;
use std::sync::Arc;

/// A bus whose calls are measured.
pub(super) struct InstrumentedBus {
    pub(super) inner: Arc<dyn Bus>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: BusMetrics,
    pub(super) driver: Driver,
}

/// A receiver whose signals are counted.
struct InstrumentedReceiver {
    inner: Box<dyn BusReceiver>,
    metrics: BusMetrics,
    driver: Driver,
}

impl InstrumentedBus {
    async fn count<T>(
        &self,
        operation: BusOperation,
        work: impl Future<Output = Result<T, BusError>>,
    ) -> Result<T, BusError> {
        let started = self.clock.moment();
        let answer = work.await;
        let took = self.clock.moment().since(started);
        self.metrics.duration.observe(took, self.driver, operation);
        let outcome = if answer.is_ok() { Outcome::Ok } else { Outcome::Error };
        self.metrics.operations.increment(self.driver, operation, outcome);
        if let Err(error) = &answer {
            self.metrics.errors.increment(self.driver, error.into());
        }
        answer
    }

    async fn publishes<T>(
        &self,
        work: impl Future<Output = Result<T, BusError>>,
    ) -> Result<T, BusError> {
        let published = self.count(BusOperation::Publish, work).await;
        published.inspect(|_| self.metrics.messages.increment(self.driver, BusDirection::Out))
    }
}

impl From<&BusError> for BusFault {
    fn from(error: &BusError) -> Self {
        match error {
            BusError::Unreachable(_) => Self::Connection,
            BusError::Timeout => Self::Timeout,
            BusError::Refused(_) => Self::Auth,
            BusError::TooLong { .. } => Self::Encode,
            BusError::Overflow => Self::Overflow,
        }
    }
}

#[async_trait]
impl Bus for InstrumentedBus {
    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError> {
        self.publishes(self.inner.publish(signal)).await
    }

    async fn publish_in_order(&self, envelope: Arc<Envelope>) -> Result<Passage, BusError> {
        self.publishes(self.inner.publish_in_order(envelope)).await
    }

    async fn mark(&self, topic: Topic<'_>) -> Result<Arc<Mark>, BusError> {
        self.count(BusOperation::Request, self.inner.mark(topic)).await
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        let inner = self.count(BusOperation::Subscribe, self.inner.subscribe()).await?;
        let (metrics, driver) = (self.metrics.clone(), self.driver);
        Ok(Box::new(InstrumentedReceiver { inner, metrics, driver }))
    }

    async fn nodes(&self) -> Result<Vec<Node>, BusError> {
        self.count(BusOperation::Request, self.inner.nodes()).await
    }

    async fn leave(&self) -> Result<(), BusError> {
        self.count(BusOperation::Unsubscribe, self.inner.leave()).await
    }
}

#[async_trait]
impl BusReceiver for InstrumentedReceiver {
    async fn receive(&mut self) -> Option<Heard> {
        let heard = self.inner.receive().await;
        if let Some(Heard::Signal(_, lag)) = &heard {
            self.metrics.messages.increment(self.driver, BusDirection::In);
            if let Some(lag) = lag {
                self.metrics.lag.observe(*lag, self.driver);
            }
        }
        heard
    }
}
