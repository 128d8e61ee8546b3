//! What can be done in the chat: each operation checks, changes the store, and tells who is to know.

mod accounts;
mod apps;
mod channels;
mod cluster;
mod invites;
mod jobs;
mod joining;
mod membership;
mod messages;
mod prekeys;
mod presence;
mod pushes;
mod quota;
mod rooms;
mod step;
mod uploads;
mod watching;
mod webhooks;

pub use accounts::AuthenticateError;
pub use channels::{Publication, PublishError};
pub use cluster::ClusterSurvey;
pub use invites::InviteError;
pub use joining::EnterError;
pub use membership::MembershipError;
pub use messages::{ChangeError, SendError, Source};
pub use prekeys::{ClaimError, PublishPrekeysError};
pub(crate) use presence::Departure;
pub use pushes::SubscribeError;
pub use rooms::{AccessError, ManageError};
pub use uploads::{Arrival, UploadError};
pub use watching::{PASSED_MAX, Passed, Passing, TooManyWatch, WATCHING_MAX, Watching};
pub use webhooks::{DeadWebhook, HookSeen, Webhooks};

use apps::Changed;
use channels::Gates;
use cluster::Asked;
use pushes::Waiting;
use step::Step;
use watching::Watched;
use webhooks::Noted;

use crate::{
    event::{Accepted, Envelope, Event, Signal},
    fanout::{Context, Directory, Shards},
    labels::{ChannelType, JoinRefusal, MessageErrorReason},
    limits::{Limits, Rate, Rates},
    metrics::ChatMetrics,
    port::{
        AccountStore, AnswerStore, AppStore, BlobStore, Bus, ChannelStore, Clock, InviteStore,
        JobQueue, Limiter, LimiterContext, MemberStore, MessageStore, NodeId, PrekeyStore,
        PresenceStore, PushService, PushStore, RateLimiter, ReceiptStore, RoomStore, SessionStore,
        UploadStore, Verdict,
    },
    room::RoomKind,
};
use std::{sync::Arc, time::Duration};

/// What the chat needs from outside.
#[derive(Clone)]
pub struct Ports {
    /// Accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// Sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Rooms.
    pub rooms: Arc<dyn RoomStore>,
    /// Members.
    pub members: Arc<dyn MemberStore>,
    /// Messages.
    pub messages: Arc<dyn MessageStore>,
    /// Read receipts.
    pub receipts: Arc<dyn ReceiptStore>,
    /// Uploads.
    pub uploads: Arc<dyn UploadStore>,
    /// Prekeys.
    pub prekeys: Arc<dyn PrekeyStore>,
    /// Invitations.
    pub invites: Arc<dyn InviteStore>,
    /// Subscriptions to pushes.
    pub pushes: Arc<dyn PushStore>,
    /// Applications that operators have made.
    pub apps: Arc<dyn AppStore>,
    /// Jobs.
    pub jobs: Arc<dyn JobQueue>,
    /// The push services of browsers; `None` where nobody is notified.
    pub push_service: Option<Arc<dyn PushService>>,
    /// What applications are told over HTTP; `None` where they are told nothing.
    pub webhooks: Option<Webhooks>,
    /// The bytes of uploads.
    pub blobs: Arc<dyn BlobStore>,
    /// Presence.
    pub presence: Arc<dyn PresenceStore>,
    /// Channels.
    pub channels: Arc<dyn ChannelStore>,
    /// Other nodes.
    pub bus: Arc<dyn Bus>,
    /// Rate limits.
    pub limiter: Arc<dyn RateLimiter>,
    /// Answers to requests that may come again.
    pub answers: Arc<dyn AnswerStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// The chat of one node.
pub struct Chat {
    ports: Ports,
    shards: Shards,
    context: Arc<Context>,
    node: NodeId,
    step: Step,
    asked: Asked,
    waiting: Waiting,
    noted: Noted,
    channels: Gates,
    apps_changed: Changed,
    watched: Arc<Watched>,
    /// Gives at least 32 hexadecimal digits for any bytes; names direct rooms.
    digest: fn(&[u8]) -> String,
}

/// A rate limit said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests, wait {} ms", .retry_after.as_millis())]
pub struct Limited {
    /// Which limiter said so.
    pub limiter: Limiter,
    /// For whom it limits.
    pub context: LimiterContext,
    /// How long to wait.
    pub retry_after: Duration,
}

impl Chat {
    /// The chat of this node over these ports, told to these shards.
    pub fn new(
        node: NodeId,
        ports: Ports,
        shards: Shards,
        limits: Limits,
        metrics: ChatMetrics,
        digest: fn(&[u8]) -> String,
    ) -> Self {
        let context = Context {
            limits,
            clock: ports.clock.clone(),
            metrics: Arc::new(metrics),
            messages: ports.messages.clone(),
            directory: Directory::default(),
        };
        let context = Arc::new(context);
        let (step, asked, waiting) = (Step::default(), Asked::default(), Waiting::default());
        Self {
            ports,
            shards,
            context,
            node,
            step,
            asked,
            waiting,
            noted: Noted::default(),
            channels: Gates::default(),
            apps_changed: Changed::default(),
            watched: Arc::default(),
            digest,
        }
    }

    /// The bounds in force.
    pub fn limits(&self) -> &Limits {
        &self.context.limits
    }

    /// The clock in use.
    pub fn clock(&self) -> &dyn Clock {
        &*self.ports.clock
    }

    /// What is counted.
    pub fn metrics(&self) -> &Arc<ChatMetrics> {
        &self.context.metrics
    }

    /// The ports in use.
    pub fn ports(&self) -> &Ports {
        &self.ports
    }

    /// What this node has open.
    pub fn directory(&self) -> &Directory {
        &self.context.directory
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// The worker threads.
    pub fn shards(&self) -> &Shards {
        &self.shards
    }

    /// Whether one more may pass. One that comes a little too early waits for its time and asks
    /// again. A limiter that fails lets everything pass: it is there to protect the chat, not to
    /// stop it.
    pub async fn pass(
        &self,
        (limiter, context): (Limiter, LimiterContext),
        key: &str,
        rate: impl FnOnce(&Rates) -> Rate,
    ) -> Result<(), Limited> {
        let Some(rates) = &self.limits().rates else {
            return Ok(());
        };
        let rate = rate(rates);
        let ask = || async {
            let verdict = self.ports.limiter.check(limiter, context, key, rate).await;
            verdict.unwrap_or(Verdict::Allowed)
        };
        let mut verdict = ask().await;
        if let Verdict::Limited { retry_after } = verdict
            && retry_after <= self.limits().rate_wait_max
        {
            tokio::time::sleep(retry_after).await;
            verdict = ask().await;
            self.metrics().rate_limits.wait.observe(retry_after, limiter);
        }
        self.count_check(limiter, context, verdict)
    }

    /// Counts what a limiter said, also one that this chat does not own.
    pub fn count_check(
        &self,
        limiter: Limiter,
        context: LimiterContext,
        verdict: Verdict,
    ) -> Result<(), Limited> {
        let metrics = &self.metrics().rate_limits;
        metrics.checks.increment(limiter, context);
        match verdict {
            Verdict::Allowed => Ok(()),
            Verdict::Limited { retry_after } => {
                metrics.rejections.increment(limiter, context);
                Err(Limited { limiter, context, retry_after })
            }
        }
    }

    /// Counts a refused join.
    pub(crate) fn count_join_failure(&self, kind: Option<RoomKind>, reason: JoinRefusal) {
        let channel = kind.map_or(ChannelType::Public, ChannelType::from);
        self.metrics().rooms.join_failures.increment(channel, reason);
    }

    /// Tells this node at once, then the others. A bus that fails is counted and not returned:
    /// readers see the gap in the sequence and fetch it.
    async fn tell(&self, signal: Signal) {
        self.tell_since(signal, self.clock().moment().into()).await;
    }

    /// The same of what was received at `accepted`, and had to be stored first.
    async fn tell_since(&self, signal: Signal, accepted: Accepted) {
        self.show_signal(&signal);
        let signal = Arc::new(signal);
        let envelope = Envelope { signal: signal.clone(), accepted, remote: false };
        self.shards.deliver(Arc::new(envelope)).await;
        let published = self.ports.bus.publish(signal.clone()).await;
        if published.is_err() && is_message(&signal) {
            self.metrics().messages.errors.increment(MessageErrorReason::Broker);
        }
    }
}

/// Whether a signal tells of what a client sent, as messages are counted.
fn is_message(signal: &Signal) -> bool {
    let Signal::Tell(_, event) = signal else {
        return false;
    };
    matches!(event, Event::Message(_) | Event::Amended { .. } | Event::Read { .. })
}
