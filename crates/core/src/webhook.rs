//! Webhooks: what applications are told over HTTP of their channels, and of rooms, and which of it they
//! want.

use crate::{
    channel::{AppId, Channel, Data},
    labels::WebhookEvent,
    message::MessageId,
    name::UserName,
    port::ConnectionId,
    room::RoomKind,
    time::Timestamp,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard},
    time::Duration,
};

/// Which webhook of which application. It means the same on every node and after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HookId {
    /// Whose it is.
    pub app: AppId,
    /// Where it is received. Part of it may be a secret, so it is not logged.
    pub url: Arc<str>,
}

/// A webhook: what it is told of, and how it is dealt with.
#[derive(Clone, Debug)]
pub struct Hook {
    /// Which.
    pub id: HookId,
    /// What it is told of.
    pub events: Vec<WebhookEvent>,
    /// Of the messages of which rooms, where it is told of messages.
    pub rooms: Vec<RoomKind>,
    /// Whether it is told what people say in direct rooms, and not only that they do.
    pub direct_bodies: bool,
    /// How long a channel or a member may be gone before it is told so.
    pub linger: Duration,
    /// How long one that is not taken is tried again, at least.
    pub retry_time: Duration,
    /// Events that are told in one request.
    pub batch_max: usize,
    /// When its application was made, where it is kept in the store: what happened before that was
    /// in another of the same id, and is none of its business.
    pub since: Option<Timestamp>,
}

impl Hook {
    /// Whether it is told of the messages of such rooms.
    pub fn hears(&self, kind: RoomKind) -> bool {
        self.events.contains(&WebhookEvent::Message) && self.rooms.contains(&kind)
    }
}

/// The webhooks of all applications, which may change while they are asked for.
#[derive(Debug, Default)]
pub struct Hooks {
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_app: HashMap<AppId, Vec<Hook>>,
    /// Applications of the store, which all nodes have alike.
    shared: HashSet<AppId>,
}

impl FromIterator<Hook> for Hooks {
    fn from_iter<I: IntoIterator<Item = Hook>>(hooks: I) -> Self {
        let all = Self::default();
        all.replace(hooks, []);
        all
    }
}

impl Hooks {
    /// These are all of them from now on, and these applications are those of the store, with
    /// webhooks or without.
    pub fn replace(
        &self,
        hooks: impl IntoIterator<Item = Hook>,
        shared: impl IntoIterator<Item = AppId>,
    ) {
        let mut by_app: HashMap<AppId, Vec<Hook>> = HashMap::new();
        for hook in hooks {
            by_app.entry(hook.id.app.clone()).or_default().push(hook);
        }
        let known = Known { by_app, shared: shared.into_iter().collect() };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.known().by_app.is_empty()
    }

    /// Whether one of an application is told of such events.
    pub fn is_wanted(&self, app: &AppId, event: WebhookEvent) -> bool {
        let known = self.known();
        known.by_app.get(app).into_iter().flatten().any(|hook| hook.events.contains(&event))
    }

    /// All of them, in no order of applications.
    pub fn all(&self) -> Vec<Hook> {
        self.known().by_app.values().flatten().cloned().collect()
    }

    /// Those of an application that are told of such events.
    pub fn wanting(&self, app: &AppId, event: WebhookEvent) -> Vec<Hook> {
        let known = self.known();
        let hooks = known.by_app.get(app).into_iter().flatten();
        hooks.filter(|hook| hook.events.contains(&event)).cloned().collect()
    }

    /// The applications that are told of the messages of such rooms.
    pub fn hearing(&self, kind: RoomKind) -> Vec<AppId> {
        let known = self.known();
        let hearing =
            known.by_app.iter().filter(|(_, hooks)| hooks.iter().any(|hook| hook.hears(kind)));
        hearing.map(|(app, _)| app.clone()).collect()
    }

    /// The one of this identity.
    pub fn find(&self, id: &HookId) -> Option<Hook> {
        self.known().by_app.get(&id.app)?.iter().find(|hook| hook.id.url == id.url).cloned()
    }

    /// Whether an application has any.
    pub fn are_of(&self, app: &AppId) -> bool {
        self.known().by_app.contains_key(app)
    }

    /// Whether an application is one of the store, so that its webhooks are the same on all nodes.
    pub fn are_shared(&self, app: &AppId) -> bool {
        self.known().shared.contains(app)
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that happened in a channel, or in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// Where; for a message, the room's name stands as that of a channel.
    pub channel: Channel,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The channel has its first subscription.
    Occupied,
    /// It has none any more.
    Vacated,
    /// This user has become a member.
    MemberAdded(Arc<str>),
    /// This user is a member no longer.
    MemberRemoved(Arc<str>),
    /// A client has sent an event.
    ClientEvent {
        /// The name of the event.
        event: Arc<str>,
        /// What it carries.
        data: Data,
        /// Over which connection.
        connection: ConnectionId,
        /// By which member, where the channel has members.
        user: Option<Arc<str>>,
    },
    /// Somebody came, and no event is kept.
    CacheMiss,
    /// There are so many subscriptions.
    Counted(u64),
    /// A message was sent to a room.
    Message(RoomMessage),
}

/// A message that was sent to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomMessage {
    /// What kind of room.
    pub kind: RoomKind,
    /// Which.
    pub id: MessageId,
    /// By whom.
    pub user: UserName,
    /// What was said; `None` where that is nobody else's business.
    pub body: Option<Arc<str>>,
}

impl What {
    /// What it is counted as.
    pub fn event(&self) -> WebhookEvent {
        match self {
            Self::Occupied => WebhookEvent::ChannelOccupied,
            Self::Vacated => WebhookEvent::ChannelVacated,
            Self::MemberAdded(_) => WebhookEvent::MemberAdded,
            Self::MemberRemoved(_) => WebhookEvent::MemberRemoved,
            Self::ClientEvent { .. } => WebhookEvent::ClientEvent,
            Self::CacheMiss => WebhookEvent::CacheMiss,
            Self::Counted(_) => WebhookEvent::SubscriptionCount,
            Self::Message(_) => WebhookEvent::Message,
        }
    }
}
