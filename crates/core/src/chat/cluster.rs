//! The nodes together: hearing them, asking them, and noticing who is missing.

use super::Chat;
use crate::{
    event::{Answer, Ask, Envelope, Event, Question, Signal},
    fanout::Survey,
    labels::{ClusterOperation, Outcome},
    limits::CLUSTER_ANSWERS_MAX,
    port::{BusError, BusReceiver, Heard, Node, NodeId},
};
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

/// How long the other nodes may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(1);

/// Questions of this node that are under way.
#[derive(Debug, Default)]
pub(super) struct Asked {
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, mpsc::Sender<Answer>>>,
}

/// A question that is under way; forgotten when it is dropped.
struct Asking<'a> {
    asked: &'a Asked,
    id: u64,
    answers: mpsc::Receiver<Answer>,
}

/// What the nodes of the cluster have.
#[derive(Clone, Debug, Default)]
pub struct ClusterSurvey {
    /// What each node that answered has, this one first.
    pub nodes: Vec<(NodeId, Survey)>,
    /// Nodes that are alive and did not answer in time.
    pub missing: usize,
}

impl ClusterSurvey {
    /// What all nodes have together: up to `connections_max` connections and the `rooms_max`
    /// busiest rooms.
    pub fn merged(self, connections_max: usize, rooms_max: usize) -> Survey {
        let mut merged = Survey::default();
        for (_, survey) in self.nodes {
            merged.merge(survey);
        }
        merged.trim(connections_max, rooms_max);
        merged
    }
}

impl Chat {
    /// Hears the other nodes until the bus ends. Spawned once by whoever owns the chat.
    pub async fn listen(&self, mut bus: Box<dyn BusReceiver>) {
        while let Some(heard) = bus.receive().await {
            match heard {
                Heard::Signal(signal, _) => self.hear(signal).await,
                Heard::Own(returned) => {
                    self.shards.deliver(returned.envelope.clone()).await;
                    returned.is_told();
                }
                Heard::Mark(mark) => mark.is_heard(self.shards.told()),
                Heard::Missed => {
                    self.step.missed();
                    self.apps_changed.maybe();
                }
            }
        }
    }

    /// The nodes of the cluster, counted; there are to be at least `expected`.
    pub async fn count_nodes(&self, expected: usize) -> Result<Vec<Node>, BusError> {
        let nodes = self.ports.bus.nodes().await?;
        let metrics = &self.metrics().cluster;
        metrics.nodes.set(nodes.iter().filter(|node| node.alive).count());
        metrics.nodes_expected.set(nodes.len().max(expected));
        Ok(nodes)
    }

    /// What all nodes have: up to `connections_max` connections and `rooms_max` rooms each.
    pub async fn survey(&self, connections_max: usize, rooms_max: usize) -> ClusterSurvey {
        let started = self.clock().moment();
        let own = self.survey_own(connections_max, rooms_max).await;
        let mut survey = ClusterSurvey { nodes: vec![(self.node, own)], missing: 0 };
        let nodes = self.ports.bus.nodes().await.unwrap_or_default();
        let alive = nodes.iter().filter(|node| node.alive && node.id != self.node);
        let mut others: HashSet<NodeId> = alive.map(|node| node.id).collect();
        if others.is_empty() {
            return survey;
        }
        let question = Question::Survey { connections_max, rooms_max };
        let mut asking = self.asked.begin();
        let ask = Ask { id: asking.id, from: self.node, question };
        let published = self.ports.bus.publish(Arc::new(Signal::Ask(ask))).await;
        if published.is_ok() {
            let _late = timeout(ANSWER_PATIENCE, async {
                while !others.is_empty()
                    && let Some(answer) = asking.answers.recv().await
                {
                    if others.remove(&answer.from) {
                        survey.nodes.push((answer.from, answer.survey));
                    }
                }
            })
            .await;
        }
        survey.missing = others.len();
        let metrics = &self.metrics().cluster;
        let operation = ClusterOperation::Survey;
        metrics.request_duration.observe(self.clock().moment().since(started), operation);
        metrics.replies_missing.add(others.len() as u64, operation);
        let outcome = if others.is_empty() { Outcome::Ok } else { Outcome::Error };
        metrics.requests.increment(operation, outcome);
        survey
    }

    /// How long ago another node received what it tells of, by the clocks of the two.
    fn age(&self, signal: &Signal) -> Duration {
        match signal {
            Signal::Tell(_, Event::Message(message)) => self.clock().now().since(message.at),
            Signal::Tell(_, Event::Amended { at, .. }) => self.clock().now().since(*at),
            _ => Duration::ZERO,
        }
    }

    async fn hear(&self, signal: Arc<Signal>) {
        match &*signal {
            Signal::Ask(ask) => self.answer(ask).await,
            Signal::Answer(answer) if answer.to == self.node => self.asked.answered(answer),
            Signal::Answer(_) => {}
            Signal::AppsChanged => self.apps_changed.maybe(),
            _ => {
                self.show_signal(&signal);
                let accepted = self.clock().moment().minus(self.age(&signal)).into();
                self.shards.deliver(Arc::new(Envelope { signal, accepted, remote: true })).await;
            }
        }
    }

    async fn answer(&self, ask: &Ask) {
        let Question::Survey { connections_max, rooms_max } = ask.question;
        let survey = self.survey_own(connections_max, rooms_max).await;
        let answer = Answer { ask: ask.id, to: ask.from, from: self.node, survey };
        // Whoever asked counts what is missing.
        let _counted = self.ports.bus.publish(Arc::new(Signal::Answer(answer))).await;
    }

    async fn survey_own(&self, connections_max: usize, rooms_max: usize) -> Survey {
        let mut survey = self.shards.survey(connections_max, rooms_max).await;
        survey.connections_open = self.shards.connections() as u64;
        survey.users = self.directory().users() as u64;
        survey
    }
}

impl Asked {
    fn begin(&self) -> Asking<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = mpsc::channel(CLUSTER_ANSWERS_MAX);
        self.waiting().insert(id, sender);
        Asking { asked: self, id, answers }
    }

    fn answered(&self, answer: &Answer) {
        if let Some(sender) = self.waiting().get(&answer.ask) {
            // More answers than there can be nodes are somebody's mistake.
            let _dropped = sender.try_send(answer.clone());
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, mpsc::Sender<Answer>>> {
        self.waiting.lock().expect("no holder of this lock panics")
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.asked.waiting().remove(&self.id);
    }
}
