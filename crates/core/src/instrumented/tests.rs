//! A refusal is counted as an answer, a fault as an error with its reason; a signal with how long
//! it was under way.

use super::{Backend, Driver, Gauge, Instrumented, PortMetrics, bus::InstrumentedBus};
use crate::{
    event::{Audience, Envelope, Event, Signal, Topic},
    name::UserName,
    port::{
        AccountChange, AccountStore, Bus, BusError, BusReceiver, Clock, CreateAccountError, Fault,
        FaultKind, Heard, Mark, NewAccount, Node, Passage,
    },
    time::{Moment, Timestamp},
    user::{Account, PasswordHash},
};
use async_trait::async_trait;
use campanile_metrics::{Registry, testing::Recording};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// A store where every name is taken and nothing else works, each after 20 ms.
struct Grumpy(Arc<Manual>);

#[derive(Default)]
struct Manual(AtomicU64);

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }

    fn moment(&self) -> Moment {
        Moment(self.0.load(Ordering::SeqCst))
    }
}

impl Grumpy {
    fn fail<T>(&self, kind: FaultKind) -> Result<T, Fault> {
        self.wait();
        Err(Fault::new(kind, "no"))
    }

    fn wait(&self) {
        let nanos = Duration::from_millis(20).as_nanos() as u64;
        self.0.0.fetch_add(nanos, Ordering::SeqCst);
    }
}

#[async_trait]
impl AccountStore for Grumpy {
    async fn create(&self, _: NewAccount) -> Result<Account, CreateAccountError> {
        self.wait();
        Err(CreateAccountError::Taken)
    }

    async fn find(&self, _: &UserName) -> Result<Option<Account>, Fault> {
        self.fail(FaultKind::PoolExhausted)
    }

    async fn change(&self, _: &UserName, _: AccountChange) -> Result<Option<Account>, Fault> {
        self.fail(FaultKind::Timeout)
    }

    async fn touch(&self, _: &[(UserName, Timestamp)]) -> Result<(), Fault> {
        self.fail(FaultKind::Other)
    }

    async fn count(&self) -> Result<u64, Fault> {
        self.fail(FaultKind::Corrupt)
    }
}

#[tokio::test]
async fn a_refusal_went_well_and_a_fault_did_not() {
    let recording = Recording::with(Registry::builder().values::<Backend>(["grumpy"]));
    let clock = Arc::new(Manual::default());
    let gauge = Gauge {
        clock: clock.clone(),
        metrics: PortMetrics::register(recording.registry()),
        backend: recording.registry().label("grumpy"),
    };
    let inner: Arc<dyn AccountStore> = Arc::new(Grumpy(clock));
    let store = Instrumented::arc(inner, &gauge);
    let name = UserName::parse("ada").unwrap();
    let password = PasswordHash(String::new());
    let new = NewAccount {
        name: name.clone(),
        password,
        operator: false,
        created_at: Timestamp(0),
        invite: None,
    };
    let refused = store.create(new).await;
    assert!(matches!(refused, Err(CreateAccountError::Taken)));
    let fault = store.find(&name).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::PoolExhausted, "passed on as it was");

    let probe = recording.probe();
    let calls = |operation, result| {
        let labels = [
            ("backend", "grumpy"),
            ("store", "accounts"),
            ("operation", operation),
            ("result", result),
        ];
        probe.value("chat_storage_operations_total", &labels)
    };
    assert_eq!(calls("put", "ok"), Some(1.0), "a refusal is an answer");
    assert_eq!(calls("get", "error"), Some(1.0));
    assert_eq!(probe.sum("chat_storage_operations_total"), 2.0);
    let exhausted = [("backend", "grumpy"), ("reason", "pool_exhausted")];
    assert_eq!(probe.value("chat_storage_errors_total", &exhausted), Some(1.0));
    assert_eq!(probe.sum("chat_storage_errors_total"), 1.0);
    let put = [("backend", "grumpy"), ("operation", "put")];
    let seconds = probe.value("chat_storage_operation_duration_seconds_sum", &put);
    assert!((seconds.unwrap() - 0.02).abs() < 1e-9, "{seconds:?}");
}

/// A bus on which one signal comes that took 20 ms, after others were lost.
struct Slow(Vec<Heard>);

#[async_trait]
impl Bus for Slow {
    async fn publish(&self, _: Arc<Signal>) -> Result<(), BusError> {
        Err(BusError::TooLong { bytes: 9, max: 8 })
    }

    async fn publish_in_order(&self, _: Arc<Envelope>) -> Result<Passage, BusError> {
        Ok(Passage::Alone)
    }

    async fn mark(&self, _: Topic<'_>) -> Result<Arc<Mark>, BusError> {
        Err(BusError::Timeout)
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        Ok(Box::new(Slow(self.0.clone())))
    }

    async fn nodes(&self) -> Result<Vec<Node>, BusError> {
        Err(BusError::Timeout)
    }

    async fn leave(&self) -> Result<(), BusError> {
        Err(BusError::Refused("no".into()))
    }
}

#[async_trait]
impl BusReceiver for Slow {
    async fn receive(&mut self) -> Option<Heard> {
        self.0.pop()
    }
}

#[tokio::test]
async fn a_signal_is_counted_with_how_long_it_took_and_a_loss_is_no_signal() {
    let recording = Recording::with(Registry::builder().values::<Driver>(["slow"]));
    let signal = Arc::new(Signal::Tell(Audience::Everyone, Event::Draining { after_ms: 1 }));
    let heard = Heard::Signal(signal.clone(), Some(Duration::from_millis(20)));
    let bus = InstrumentedBus {
        inner: Arc::new(Slow(vec![heard, Heard::Missed])),
        clock: Arc::new(Manual::default()),
        metrics: PortMetrics::register(recording.registry()).bus,
        driver: recording.registry().label("slow"),
    };
    let mut receiver = bus.subscribe().await.unwrap();
    while receiver.receive().await.is_some() {}
    bus.publish(signal).await.unwrap_err();
    bus.nodes().await.unwrap_err();
    bus.leave().await.unwrap_err();
    let probe = recording.probe();
    let received = [("driver", "slow"), ("direction", "in")];
    assert_eq!(probe.value("chat_broker_messages_total", &received), Some(1.0));
    let driver = [("driver", "slow")];
    assert_eq!(probe.value("chat_broker_pubsub_lag_seconds_count", &driver), Some(1.0));
    let seconds = probe.value("chat_broker_pubsub_lag_seconds_sum", &driver).unwrap();
    assert!((seconds - 0.02).abs() < 1e-9, "{seconds}");
    for reason in ["encode", "timeout", "auth"] {
        let error = [("driver", "slow"), ("reason", reason)];
        assert_eq!(probe.value("chat_broker_errors_total", &error), Some(1.0), "{reason}");
    }
}
