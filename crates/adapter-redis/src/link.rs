//! The connection for commands: every call of Redis but subscriptions goes through here, with a
//! bound on its time, counted and measured.

use crate::{
    health::Health,
    metrics::{Call, RedisMetrics},
    trouble::{Complaints, Trouble, TroubleKind},
    wire::{Opener, Wire},
};
use campanile_core::labels::Outcome;
use futures_util::future::try_join_all;
use redis::{Cmd, FromRedisValue, Pipeline, Value};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};

/// Between two attempts to reach Redis: at first, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The driver of a cluster finds its way to a new master by itself. When nothing at all has
/// succeeded for so long, it is begun anew.
const CLUSTER_PATIENCE: Duration = Duration::from_secs(3);

/// The connection for commands. Calls fail at once while Redis is away.
pub(crate) struct Link {
    opener: Opener,
    command_timeout: Duration,
    metrics: RedisMetrics,
    complaints: Arc<Complaints>,
    health: Arc<Health>,
    state: Mutex<State>,
    lost: Notify,
    is_up: watch::Sender<bool>,
}

struct State {
    wire: Option<Wire>,
    /// How many connections there were before this one.
    generation: u64,
    /// When a call last succeeded, or the connection was made.
    last_good: Instant,
}

impl Link {
    pub(crate) fn new(
        opener: Opener,
        wire: Wire,
        command_timeout: Duration,
        (metrics, complaints): (RedisMetrics, Arc<Complaints>),
        health: Arc<Health>,
    ) -> Self {
        health.set_link(true);
        let state = State { wire: Some(wire), generation: 0, last_good: Instant::now() };
        Self {
            opener,
            command_timeout,
            metrics,
            complaints,
            health,
            state: Mutex::new(state),
            lost: Notify::new(),
            is_up: watch::Sender::new(true),
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.opener.is_cluster()
    }

    /// For how long Redis has been away; zero while it is there.
    pub(crate) fn away_for(&self) -> Duration {
        let state = self.state();
        match state.wire {
            Some(_) => Duration::ZERO,
            None => state.last_good.elapsed(),
        }
    }

    /// Which connection it is, counted from the first.
    pub(crate) fn generation(&self) -> u64 {
        self.state().generation
    }

    /// Waits until Redis is there.
    pub(crate) async fn up(&self) {
        // The sender is ours, so waiting ends only with the value.
        let _ = self.is_up.subscribe().wait_for(|is_up| *is_up).await;
    }

    /// One command.
    pub(crate) async fn call<T: FromRedisValue>(
        &self,
        call: Call,
        command: &Cmd,
    ) -> Result<T, Trouble> {
        let work = async |mut wire: Wire| Ok(command.query_async::<T>(&mut wire).await?);
        self.ask(call, work).await
    }

    /// Many commands at once, in order, on a connection or a part of a cluster: what Redis says
    /// of one it says of all.
    pub(crate) async fn pipe(&self, call: Call, pipeline: &Pipeline) -> Result<(), Trouble> {
        let work = async |mut wire: Wire| Ok(pipeline.exec_async(&mut wire).await?);
        self.ask(call, work).await
    }

    /// Many commands with their answers, wherever in a cluster their keys are.
    pub(crate) async fn each<T: FromRedisValue>(
        &self,
        call: Call,
        commands: Vec<Cmd>,
    ) -> Result<Vec<T>, Trouble> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        let work = async |mut wire: Wire| match wire {
            Wire::Single(_) => {
                let mut pipeline = Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(command);
                }
                Ok(pipeline.query_async::<Vec<T>>(&mut wire).await?)
            }
            Wire::Cluster(_) => {
                let one = |command: Cmd| {
                    let mut wire = wire.clone();
                    async move { command.query_async::<T>(&mut wire).await }
                };
                Ok(try_join_all(commands.into_iter().map(one)).await?)
            }
        };
        self.ask(call, work).await
    }

    /// A command of which every master of a cluster has its own answer.
    pub(crate) async fn everywhere(&self, call: Call, command: Cmd) -> Result<Vec<Value>, Trouble> {
        use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
        let work = async |wire: Wire| match wire {
            Wire::Single(mut connection) => {
                Ok(vec![command.query_async::<Value>(&mut connection).await?])
            }
            Wire::Cluster(mut connection) => {
                let masters = (MultipleNodeRoutingInfo::AllMasters, None);
                let routing = RoutingInfo::MultiNode(masters);
                match connection.route_command(command, routing).await? {
                    Value::Map(answers) => {
                        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
                    }
                    Value::Array(answers) => Ok(answers),
                    _ => Err(Trouble::corrupt()),
                }
            }
        };
        self.ask(call, work).await
    }

    async fn ask<T>(
        &self,
        call: Call,
        work: impl AsyncFnOnce(Wire) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let Some((wire, generation)) = self.wire() else {
            self.metrics.commands.increment(call, Outcome::Error);
            self.metrics.errors.increment(TroubleKind::Connection);
            return Err(Trouble::away());
        };
        let started = Instant::now();
        // The driver's own timeout does not cover the wait for a place in its queue.
        let answer = timeout(self.command_timeout, work(wire)).await;
        let answer = answer.unwrap_or_else(|_| Err(Trouble::timeout(self.command_timeout)));
        if answer.as_ref().is_err_and(|trouble| trouble.no_script) {
            // Nothing is wrong: the script is sent whole after this, and that is what counts.
            self.state().last_good = Instant::now();
            return answer;
        }
        self.metrics.duration.observe(started.elapsed(), call);
        let outcome = if answer.is_ok() { Outcome::Ok } else { Outcome::Error };
        self.metrics.commands.increment(call, outcome);
        match &answer {
            Ok(_) => self.state().last_good = Instant::now(),
            Err(trouble) => self.failed(trouble, generation),
        }
        answer
    }

    fn failed(&self, trouble: &Trouble, generation: u64) {
        self.metrics.errors.increment(trouble.kind);
        self.complaints.tell(trouble);
        if !trouble.is_lost() {
            return;
        }
        let mut state = self.state();
        let patient = self.is_cluster() && state.last_good.elapsed() < CLUSTER_PATIENCE;
        if state.generation != generation || patient || state.wire.take().is_none() {
            return;
        }
        drop(state);
        self.is_up.send_replace(false);
        self.health.set_link(false);
        self.lost.notify_one();
    }

    fn wire(&self) -> Option<(Wire, u64)> {
        let state = self.state();
        state.wire.clone().map(|wire| (wire, state.generation))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the connection again whenever it is lost, however long that takes. Spawned once.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            self.lost.notified().await;
            let mut pause = Pause::default();
            let wire = loop {
                match self.opener.open(None).await {
                    Ok(wire) => break wire,
                    Err(trouble) => {
                        self.metrics.errors.increment(trouble.kind);
                        self.complaints.tell(&trouble);
                    }
                }
                pause.wait().await;
            };
            let mut state = self.state();
            let away = state.last_good.elapsed();
            state.wire = Some(wire);
            state.generation += 1;
            state.last_good = Instant::now();
            drop(state);
            self.metrics.reconnects.increment(crate::metrics::Driver::Redis);
            self.health.set_link(true);
            self.is_up.send_replace(true);
            let duration_ms = away.as_millis() as u64;
            tracing::info!(duration_ms, "redis is back");
        }
    }
}

/// The pause between two attempts: longer each time up to a bound, and never the same on two
/// nodes, so that they do not all come at once.
#[derive(Default)]
pub(crate) struct Pause(Duration);

impl Pause {
    pub(crate) async fn wait(&mut self) {
        self.0 = (self.0 * 2).clamp(PAUSE.0, PAUSE.1);
        sleep(self.0.mul_f64(rand::random_range(0.5..=1.0))).await;
    }
}
