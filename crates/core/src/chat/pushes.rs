//! Pushes: telling browsers of direct messages to users who are not there.
//!
//! A message of a direct room goes into a bounded queue in memory; [`Chat::queue_pushes`] makes jobs
//! of what is for somebody who is not there, and [`Chat::deliver_pushes`] does them. A notification
//! is a courtesy: one that is lost with the process costs nobody a message.

use super::Chat;
use crate::{
    labels::{JobFailure, NotificationFailure, Provider, Queue},
    limits::{
        PUSH_ATTEMPTS_MAX, PUSH_BODY_CHARACTERS_MAX, PUSH_MESSAGES_WAITING_MAX,
        PUSH_SUCCESSORS_MAX, PUSHES_AT_ONCE,
    },
    message::{Message, Sequence},
    name::{RoomName, UserName},
    port::{Fault, HistoryError, Job, NewJob, Page, PushFault, Settlement},
    push::{Notification, PushEndpoint, PushSubscription},
    user::Session,
};
use futures_util::future::join_all;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, mpsc};

/// The queue of jobs.
const QUEUE: &str = "push";

/// How long messages are gathered: of those of one room and sender the last one counts.
const GATHER: Duration = Duration::from_millis(500);

/// How long a node may take for a notification before another node tries.
const LEASE: Duration = Duration::from_secs(60);

/// How long to wait after the first failure; twice as long after each further one.
const BACKOFF: Duration = Duration::from_secs(5);

/// Longest time to wait, whatever a push service says.
const BACKOFF_MAX: Duration = Duration::from_secs(15 * 60);

/// Members of a direct room that are looked at.
const MEMBERS: usize = 2;

/// Messages that may be news to somebody who is not there.
pub(super) struct Waiting {
    sender: mpsc::Sender<Arc<Message>>,
    receiver: Mutex<mpsc::Receiver<Arc<Message>>>,
    /// Jobs of all nodes when they were last counted, and those that this node has made since.
    jobs: AtomicU64,
}

/// Why somebody was not subscribed.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// This server hands nothing to push services.
    #[error("this server does not notify")]
    Off,
    /// No browser has such a subscription.
    #[error("{0}")]
    Refused(String),
    /// The session has ended meanwhile.
    #[error("the session is not valid")]
    SessionEnded,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Which message a browser is to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Task {
    user: UserName,
    room: RoomName,
    seq: Sequence,
    endpoint: PushEndpoint,
}

impl Default for Waiting {
    fn default() -> Self {
        let (sender, receiver) = mpsc::channel(PUSH_MESSAGES_WAITING_MAX);
        Self { sender, receiver: Mutex::new(receiver), jobs: AtomicU64::new(0) }
    }
}

impl Chat {
    /// The key that browsers subscribe with; `None` where this server does not notify.
    pub fn push_key(&self) -> Option<[u8; 65]> {
        self.ports.push_service.as_ref().map(|service| service.application_key())
    }

    /// Tells a browser of direct messages from now on, for as long as its session lasts.
    pub async fn subscribe_to_pushes(
        &self,
        session: &Session,
        subscription: PushSubscription,
    ) -> Result<(), SubscribeError> {
        let service = self.ports.push_service.as_ref().ok_or(SubscribeError::Off)?;
        service.check(&subscription).map_err(|error| SubscribeError::Refused(error.to_string()))?;
        let (now, max) = (self.clock().now(), self.limits().push_subscriptions_per_user);
        match self.ports.pushes.put(session.token, subscription, now, max).await? {
            true => Ok(()),
            false => Err(SubscribeError::SessionEnded),
        }
    }

    /// Tells a browser no longer; whether it was told.
    pub async fn unsubscribe_from_pushes(
        &self,
        user: &UserName,
        endpoint: &PushEndpoint,
    ) -> Result<bool, Fault> {
        self.ports.pushes.remove(user, endpoint).await
    }

    /// Remembers a message of a direct room, if somebody may have to be told. Never waits.
    pub(super) fn consider_push(&self, message: &Arc<Message>) {
        if self.ports.push_service.is_some()
            && self.waiting.sender.try_send(message.clone()).is_err()
        {
            self.count_failed(NotificationFailure::Overflow);
        }
    }

    /// Makes jobs of the messages that are news to somebody who is not there; ends never. For the
    /// server to spawn, once.
    pub async fn queue_pushes(&self) {
        let mut receiver = self.waiting.receiver.lock().await;
        while let Some(first) = receiver.recv().await {
            tokio::time::sleep(GATHER).await;
            let mut last = HashMap::from([((first.room.clone(), first.from.clone()), first)]);
            while let Ok(next) = receiver.try_recv() {
                let key = (next.room.clone(), next.from.clone());
                let known = last.entry(key).or_insert_with(|| next.clone());
                if known.seq() < next.seq() {
                    *known = next;
                }
            }
            for message in last.into_values() {
                if self.queue_push(&message).await.is_err() {
                    self.count_failed(NotificationFailure::Other);
                }
            }
        }
    }

    async fn queue_push(&self, message: &Message) -> Result<(), Fault> {
        let members = self.ports.members.members(&message.room, None, MEMBERS).await?;
        let others = members.into_iter().map(|member| member.user);
        let others: Vec<UserName> = others.filter(|user| *user != message.from).collect();
        for user in self.absent(others).await? {
            let now = self.clock().now();
            let subscriptions = self.ports.pushes.of(&user, now).await?;
            let jobs = subscriptions
                .into_iter()
                .map(|subscription| Task {
                    user: user.clone(),
                    room: message.room.clone(),
                    seq: message.seq(),
                    endpoint: subscription.endpoint,
                })
                .map(|task| NewJob {
                    queue: QUEUE.to_owned(),
                    payload: task.encode().into(),
                    due: now,
                    given_at: now,
                });
            self.give(jobs.collect()).await?;
        }
        Ok(())
    }

    /// Gives jobs, as many as there is room for.
    async fn give(&self, mut jobs: Vec<NewJob>) -> Result<(), Fault> {
        let given = &self.waiting.jobs;
        let room = self.limits().push_queue_max.saturating_sub(given.load(Ordering::Relaxed));
        for _ in jobs.drain(jobs.len().min(usize::try_from(room).unwrap_or(usize::MAX))..) {
            self.count_failed(NotificationFailure::Overflow);
        }
        if jobs.is_empty() {
            return Ok(());
        }
        self.ports.jobs.push(&jobs).await?;
        given.fetch_add(jobs.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Those who have no connection on any node. Who hides has one.
    async fn absent(&self, mut users: Vec<UserName>) -> Result<Vec<UserName>, Fault> {
        if users.is_empty() {
            return Ok(users);
        }
        let mut connections = self.ports.presence.connections(&users).await?.into_iter();
        users.retain(|_| connections.next() == Some(0));
        Ok(users)
    }

    /// Hands over some of the notifications that are due, from any node; how many it looked at.
    /// For the server to call again and again.
    pub async fn deliver_pushes(&self) -> Result<usize, Fault> {
        let backlog = self.look_at_queue(QUEUE, Queue::Push).await?;
        self.waiting.jobs.store(backlog.pending, Ordering::Relaxed);
        if backlog.pending == 0 {
            return Ok(0);
        }
        let jobs = self.ports.jobs.take(QUEUE, self.clock().now(), LEASE, PUSHES_AT_ONCE).await?;
        let count = jobs.len();
        let settled = join_all(jobs.into_iter().map(|job| self.do_push(job))).await;
        settled.into_iter().collect::<Result<Vec<()>, Fault>>()?;
        Ok(count)
    }

    /// Counts the subscriptions of all users.
    pub async fn count_push_subscriptions(&self) -> Result<(), Fault> {
        self.metrics()
            .notifications
            .tokens
            .set(self.ports.pushes.count().await?, Provider::WebPush);
        Ok(())
    }

    async fn do_push(&self, job: Job) -> Result<(), Fault> {
        let started = self.clock().moment();
        let pushed = match Task::decode(&job.payload) {
            Some(task) => self.try_push(&task, job.attempts).await,
            None => Ok(Err(Failed { reason: JobFailure::Decode, retry: None })),
        };
        let queues = &self.metrics().queues;
        queues.duration.observe(self.clock().moment().since(started), Queue::Push);
        let failed = match pushed {
            Ok(Ok(())) => {
                queues.processed.increment(Queue::Push);
                return self.settle(&job, Settlement::Done).await;
            }
            Ok(Err(failed)) => failed,
            Err(fault) => {
                // It is due again when its lease ends, unless that has not helped so far.
                queues.failed.increment(Queue::Push, JobFailure::Other);
                if job.attempts >= PUSH_ATTEMPTS_MAX {
                    queues.given_up.increment(Queue::Push);
                    self.settle(&job, Settlement::Done).await?;
                }
                return Err(fault);
            }
        };
        queues.failed.increment(Queue::Push, failed.reason);
        let Some((retry_after, error)) = failed.retry else {
            return self.settle(&job, Settlement::Done).await;
        };
        if job.attempts >= PUSH_ATTEMPTS_MAX {
            queues.failed.increment(Queue::Push, JobFailure::Exhausted);
            queues.given_up.increment(Queue::Push);
            return self.settle(&job, Settlement::Done).await;
        }
        queues.retried.increment(Queue::Push);
        let at = self.clock().now().plus(backoff(job.attempts, retry_after));
        self.settle(&job, Settlement::Retry { at, error }).await
    }

    /// Tells a browser, if there is anything to tell.
    async fn try_push(&self, task: &Task, attempt: u32) -> Result<Result<(), Failed>, Fault> {
        let Some(service) = &self.ports.push_service else {
            return Ok(Ok(()));
        };
        let subscriptions = self.ports.pushes.of(&task.user, self.clock().now()).await?;
        let mut subscriptions = subscriptions.into_iter();
        let Some(subscription) = subscriptions.find(|one| one.endpoint == task.endpoint) else {
            return Ok(Ok(()));
        };
        let Some(notification) = self.news(task).await? else {
            return Ok(Ok(()));
        };
        if attempt > 1 && self.is_overtaken(task, &notification.from).await? {
            return Ok(Ok(()));
        }
        let started = self.clock().moment();
        let delivered = service.deliver(&subscription, &notification).await;
        let metrics = &self.metrics().notifications;
        metrics.duration.observe(self.clock().moment().since(started), Provider::WebPush);
        let Err(error) = delivered else {
            metrics.sent.increment(Provider::WebPush);
            return Ok(Ok(()));
        };
        self.count_failed(error.kind.into());
        if error.kind == PushFault::InvalidToken {
            metrics.invalidated.increment(Provider::WebPush);
            self.ports.pushes.remove(&task.user, &task.endpoint).await?;
        }
        let reason = match error.kind {
            PushFault::Timeout => JobFailure::Timeout,
            _ => JobFailure::Handler,
        };
        let retry = (!error.kind.is_final()).then_some((error.retry_after, error.reason));
        Ok(Err(Failed { reason, retry }))
    }

    fn count_failed(&self, reason: NotificationFailure) {
        self.metrics().notifications.failed.increment(Provider::WebPush, reason);
    }

    /// What there is to tell; nothing when the user has come, or read it, or it was deleted.
    async fn news(&self, task: &Task) -> Result<Option<Notification>, Fault> {
        if self.absent(vec![task.user.clone()]).await?.is_empty() {
            return Ok(None);
        }
        let read = self.ports.receipts.receipts(&task.room, MEMBERS).await?;
        if read.iter().any(|(user, seq)| *user == task.user && *seq >= task.seq) {
            return Ok(None);
        }
        let page = Page::Before(Sequence(task.seq.0 + 1));
        let history = match self.ports.messages.history(&task.room, page, 1).await {
            Ok(history) => history,
            Err(HistoryError::UnknownRoom) => return Ok(None),
            Err(HistoryError::Fault(fault)) => return Err(fault),
        };
        let message = history.messages.into_iter().find(|one| one.seq() == task.seq);
        Ok(message.filter(|message| !message.deleted).map(|message| Notification {
            room: message.room.clone(),
            seq: message.seq(),
            from: message.from.clone(),
            body: cut(&message.body),
        }))
    }

    /// Whether there is a later message of the same author. It had jobs of its own, and a push
    /// service that takes them the wrong way round would show the older message at last.
    async fn is_overtaken(&self, task: &Task, author: &UserName) -> Result<bool, Fault> {
        let page = Page::After(task.seq);
        match self.ports.messages.history(&task.room, page, PUSH_SUCCESSORS_MAX).await {
            Ok(later) => Ok(later.messages.iter().any(|one| one.from == *author && !one.deleted)),
            Err(HistoryError::UnknownRoom) => Ok(true),
            Err(HistoryError::Fault(fault)) => Err(fault),
        }
    }
}

/// An attempt failed.
struct Failed {
    reason: JobFailure,
    /// When a push service asks to be tried again, and what is wrong; `None` when that is no use.
    retry: Option<(Option<Duration>, String)>,
}

/// How long to wait after so many attempts, and after what a push service says.
fn backoff(attempts: u32, retry_after: Option<Duration>) -> Duration {
    let backoff = BACKOFF * 2_u32.saturating_pow(attempts.saturating_sub(1));
    retry_after.unwrap_or_default().max(backoff).min(BACKOFF_MAX)
}

impl From<PushFault> for NotificationFailure {
    fn from(fault: PushFault) -> Self {
        match fault {
            PushFault::Auth => Self::Auth,
            PushFault::RateLimited => Self::RateLimited,
            PushFault::InvalidToken => Self::InvalidToken,
            PushFault::Timeout => Self::Timeout,
            PushFault::Provider => Self::Provider,
            PushFault::Payload => Self::Payload,
            PushFault::Other => Self::Other,
        }
    }
}

impl Task {
    /// As lines; no part of it has a line's end.
    fn encode(&self) -> String {
        let Self { user, room, seq, endpoint } = self;
        format!("{user}\n{room}\n{}\n{}", seq.0, endpoint.as_str())
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(payload).ok()?.splitn(4, '\n');
        Some(Self {
            user: UserName::parse(lines.next()?).ok()?,
            room: RoomName::parse(lines.next()?).ok()?,
            seq: Sequence(lines.next()?.parse().ok()?),
            endpoint: PushEndpoint::parse(lines.next()?).ok()?,
        })
    }
}

/// The start of a text, with a sign that it goes on.
fn cut(text: &str) -> String {
    match text.char_indices().nth(PUSH_BODY_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_is_written() {
        let task = Task {
            user: UserName::parse("ada").unwrap(),
            room: RoomName::parse("dm.0123").unwrap(),
            seq: Sequence(u64::MAX),
            endpoint: PushEndpoint::parse("https://push.example/a").unwrap(),
        };
        assert_eq!(Task::decode(task.encode().as_bytes()), Some(task));
        for bad in ["", "ada\nlobby\n1", "ada\nlobby\nx\nhttps://a/", "ada\nlobby\n1\nhttp://a/"] {
            assert_eq!(Task::decode(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(201);
        assert_eq!(cut(&long), format!("{}…", "é".repeat(200)));
        assert_eq!(cut(&long[2..]), &long[2..]);
    }
}
