//! Decorators that measure each port: operation, outcome and duration, the same for every adapter.
//!
//! A refusal, such as a taken name, is an operation that went well: it answered. Only a
//! [`Fault`] is an error.

mod accounts;
mod apps;
mod bus;
mod cache;
mod channels;
mod driver;
mod invites;
mod jobs;
mod members;
mod messages;
mod metrics;
mod prekeys;
mod presence;
mod pushes;
mod receipts;
mod rooms;
mod sessions;
mod uploads;
#[cfg(test)]
mod tests;

pub use cache::InstrumentedCache;
pub use driver::{DriverMetrics, PoolState, StoreDriver};
pub use metrics::{
    ArchiveMetrics, Backend, BusDirection, BusFault, BusMetrics, BusOperation, CacheMetrics,
    CacheOperation, Driver, EvictionReason, Operation, PortMetrics, StorageFault, StorageMetrics,
    StoreCall,
};

use crate::{
    chat::Ports,
    labels::Outcome,
    port::{
        AddAppKeyError, AmendError, AppendError, ChangeAppError, Clock, CreateAccountError,
        CreateAppError, CreateRoomError, Fault, HistoryError, MemberError, PutInviteError,
        PutPrekeysError, PutUploadError, RevokeAppKeyError,
    },
};
use campanile_metrics::Registry;
use std::{sync::Arc, time::Duration};

/// A port whose calls are measured.
pub struct Instrumented<P: ?Sized> {
    inner: Arc<P>,
    gauge: Gauge,
}

/// What measures the calls of one port.
#[derive(Clone)]
struct Gauge {
    clock: Arc<dyn Clock>,
    metrics: PortMetrics,
    backend: Backend,
}

/// What is behind the ports of one node, by the names that the registry has as values of
/// [`Backend`] and [`Driver`].
#[derive(Clone, Copy, Debug)]
pub struct Behind<'a> {
    /// Behind accounts, sessions, rooms, members, messages, receipts, uploads,
    /// prekeys, invitations, subscriptions to pushes, applications and jobs.
    pub store: &'a str,
    /// Behind the bytes of uploads.
    pub blobs: &'a str,
    /// Behind presence and channels.
    pub presence: &'a str,
    /// Behind the bus.
    pub bus: &'a str,
}

impl Ports {
    /// The same ports, measured. Some are measured by who asks them: the limiter by each check, with
    /// what it was of; the services of pushes and webhooks by the queue that hands them over; the
    /// answers that are kept by the calls of what keeps them.
    pub fn instrumented(self, registry: &Registry, behind: Behind<'_>) -> Self {
        let metrics = PortMetrics::register(registry);
        let gauge = |backend| Gauge {
            clock: self.clock.clone(),
            metrics: metrics.clone(),
            backend: registry.label(backend),
        };
        let store = gauge(behind.store);
        Self {
            accounts: Instrumented::arc(self.accounts, &store),
            sessions: Instrumented::arc(self.sessions, &store),
            rooms: Instrumented::arc(self.rooms, &store),
            members: Instrumented::arc(self.members, &store),
            messages: Instrumented::arc(self.messages, &store),
            receipts: Instrumented::arc(self.receipts, &store),
            uploads: Instrumented::arc(self.uploads, &store),
            prekeys: Instrumented::arc(self.prekeys, &store),
            invites: Instrumented::arc(self.invites, &store),
            pushes: Instrumented::arc(self.pushes, &store),
            apps: Instrumented::arc(self.apps, &store),
            jobs: Instrumented::arc(self.jobs, &store),
            push_service: self.push_service,
            webhooks: self.webhooks,
            blobs: Instrumented::arc(self.blobs, &gauge(behind.blobs)),
            presence: Instrumented::arc(self.presence, &gauge(behind.presence)),
            channels: Instrumented::arc(self.channels, &gauge(behind.presence)),
            bus: Arc::new(bus::InstrumentedBus {
                inner: self.bus,
                clock: self.clock.clone(),
                metrics: metrics.bus,
                driver: registry.label(behind.bus),
            }),
            limiter: self.limiter,
            answers: self.answers,
            clock: self.clock,
        }
    }
}

impl<P: ?Sized> Instrumented<P> {
    fn arc(inner: Arc<P>, gauge: &Gauge) -> Arc<Self> {
        Arc::new(Self { inner, gauge: gauge.clone() })
    }
}

impl Gauge {
    /// Waits for a call, counts it, and answers what it answered and how long it took.
    async fn time<T, E: MayFault>(
        &self,
        call: StoreCall,
        work: impl Future<Output = Result<T, E>>,
    ) -> (Result<T, E>, Duration) {
        let started = self.clock.moment();
        let answer = work.await;
        let took = self.clock.moment().since(started);
        let metrics = &self.metrics.storage;
        metrics.duration.observe(took, self.backend, call.operation());
        metrics.operations.increment(self.backend, call, outcome(&answer));
        if let Some(fault) = answer.as_ref().err().and_then(MayFault::fault) {
            metrics.errors.increment(self.backend, fault.kind.into());
        }
        (answer, took)
    }

    async fn count<T, E: MayFault>(
        &self,
        call: StoreCall,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        self.time(call, work).await.0
    }

    /// Counts a part of a call that failed, so that the rest does not come.
    fn failed(&self, call: StoreCall, fault: &Fault) {
        let metrics = &self.metrics.storage;
        metrics.operations.increment(self.backend, call, Outcome::Error);
        metrics.errors.increment(self.backend, fault.kind.into());
    }
}

/// How a call went: only a fault is an error.
fn outcome<T, E: MayFault>(answer: &Result<T, E>) -> Outcome {
    match answer {
        Err(error) if error.fault().is_some() => Outcome::Error,
        _ => Outcome::Ok,
    }
}

/// An error that may be the neighbour's.
trait MayFault {
    fn fault(&self) -> Option<&Fault>;
}

impl MayFault for Fault {
    fn fault(&self) -> Option<&Fault> {
        Some(self)
    }
}

macro_rules! may_fault {
    ($($error:ident),+) => {
        $(impl MayFault for $error {
            fn fault(&self) -> Option<&Fault> {
                match self {
                    Self::Fault(fault) => Some(fault),
                    _ => None,
                }
            }
        })+
    };
}

may_fault!(
    AddAppKeyError,
    ChangeAppError,
    AmendError,
    AppendError,
    CreateAccountError,
    CreateAppError,
    CreateRoomError,
    HistoryError,
    MemberError,
    PutInviteError,
    PutPrekeysError,
    PutUploadError,
    RevokeAppKeyError
);
