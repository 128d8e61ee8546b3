//! Messages: sending, changing, reading, and the small signs around them.

use super::{AccessError, Chat, Limited};
use crate::{
    event::{Accepted, Audience, Event, Signal},
    labels::{
        ChannelType, Direction, MessageErrorReason, MessageKind, MessageResult, Outcome, Transport,
    },
    message::{Amendment, Draft, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Fault, FaultKind, History, HistoryError, Limiter,
        LimiterContext, Marked, Page,
    },
    room::RoomKind,
    time::Moment,
};
use campanile_metrics::TraceId;

/// How a message reached this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// Over what.
    pub transport: Transport,
    /// In which trace, where there is one.
    pub trace: Option<TraceId>,
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It says nothing.
    #[error("a message has at least one character")]
    Empty,
    /// It is too long.
    #[error("a message has at most {max} bytes, this one has {bytes}")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// Its key is empty or too long.
    #[error("an idempotency key has 1 to {max} bytes")]
    Key {
        /// What it may have.
        max: usize,
    },
    /// There is no such room, or none that this user may know of.
    #[error("there is no such room")]
    UnknownRoom,
    /// The sender is no member.
    #[error("only members may send; join the room first")]
    NotMember,
    /// The message it answers is not there.
    #[error("the message it replies to is not there")]
    UnknownReply,
    /// Too many messages.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The store failed. Nothing was acknowledged; a retry with the same key is safe.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Why a message was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The new text says nothing, or the reaction is none.
    #[error("the new text or reaction is empty")]
    Empty,
    /// It is too long.
    #[error("at most {max} bytes are allowed, this has {bytes}")]
    TooLarge {
        /// What it has.
        bytes: usize,
        /// What it may have.
        max: usize,
    },
    /// There is no such room, or none that this user may know of.
    #[error("there is no such room")]
    UnknownRoom,
    /// There is no such message.
    #[error("there is no such message")]
    UnknownMessage,
    /// Only others may do this.
    #[error("this user may not change the message so")]
    Forbidden,
    /// The message has as many kinds of reactions as it may have.
    #[error("the message has too many reactions")]
    TooManyReactions,
    /// Too many changes.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Chat {
    /// Stores a message and tells its room. When this answers, the message is durable: nothing is
    /// acknowledged before it is committed.
    pub async fn send(&self, draft: Draft, source: Source) -> Result<Appended, SendError> {
        let _handling = self.metrics().messages.handlers.guard();
        let started = self.clock().moment();
        self.metrics().messages.size.observe(draft.body.len(), Direction::In);
        let kind = MessageKind::of(&draft.room);
        self.count_received(source.transport, kind);
        let sent = self.try_send(draft, Accepted { at: started, trace: source.trace }).await;
        let metrics = &self.metrics().messages;
        metrics.processing.observe(self.clock().moment().since(started), kind);
        let result = match &sent {
            Ok(appended) if appended.duplicate => {
                metrics.duplicates.increment();
                MessageResult::Duplicate
            }
            Ok(_) => MessageResult::Accepted,
            Err(error) => self.count_refusal(error.into()),
        };
        metrics.processed.increment(kind, result);
        sent
    }

    /// Counts what a client said, of any kind but a message, which [`Chat::send`] counts.
    pub fn count_received(&self, transport: Transport, kind: MessageKind) {
        self.metrics().messages.received.increment(self.metrics().native, transport, kind);
    }

    /// Changes a message and tells its room; whether there was anything to change.
    pub async fn amend(
        &self,
        by: &UserName,
        name: &RoomName,
        seq: Sequence,
        amendment: Amendment,
    ) -> Result<bool, ChangeError> {
        let _handling = self.metrics().messages.handlers.guard();
        let started = self.clock().moment();
        let amended = self.try_amend((by, started), name, seq, amendment).await;
        let metrics = &self.metrics().messages;
        metrics.processing.observe(self.clock().moment().since(started), MessageKind::Event);
        let result = match &amended {
            Ok(true) => MessageResult::Accepted,
            Ok(false) => MessageResult::Duplicate,
            Err(error) => self.count_refusal(error.into()),
        };
        metrics.processed.increment(MessageKind::Event, result);
        amended
    }

    /// A page of a room's history: of a public one for anyone, of others for members.
    pub async fn history(
        &self,
        viewer: &UserName,
        name: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, AccessError> {
        self.known(viewer, name).await?;
        let limit = limit.min(self.limits().history_page_max);
        self.ports.messages.history(name, page, limit).await.map_err(|error| match error {
            HistoryError::UnknownRoom => AccessError::UnknownRoom,
            HistoryError::Fault(fault) => fault.into(),
        })
    }

    /// Notes that a member has read up to `seq`, and tells the room; whether that is news.
    pub async fn mark_read(
        &self,
        by: &UserName,
        name: &RoomName,
        seq: Sequence,
    ) -> Result<bool, AccessError> {
        let kind = match self.entered(by, name).await {
            Ok((kind, _)) => kind,
            Err(error) => {
                self.count_refused_mark(&error);
                return Err(error);
            }
        };
        let marked = self.ports.receipts.mark(name, by, seq).await;
        let metrics = &self.metrics().messages;
        match marked {
            Ok(Marked::Moved(seq)) => {
                metrics.acks.increment(Outcome::Ok);
                metrics.processed.increment(MessageKind::Receipt, MessageResult::Accepted);
                let read = Event::Read { room: name.clone(), user: by.clone(), seq };
                self.tell(Signal::Tell(Audience::Room(name.clone(), kind), read)).await;
                Ok(true)
            }
            Ok(Marked::Stayed) => {
                metrics.processed.increment(MessageKind::Receipt, MessageResult::Duplicate);
                Ok(false)
            }
            Ok(Marked::NotMember) => {
                self.count_refused_mark(&AccessError::NotMember);
                Err(AccessError::NotMember)
            }
            Err(fault) => {
                let error = fault.into();
                self.count_refused_mark(&error);
                Err(error)
            }
        }
    }

    fn count_refused_mark(&self, error: &AccessError) {
        let metrics = &self.metrics().messages;
        metrics.acks.increment(Outcome::Error);
        let (result, reason) = match error {
            AccessError::Fault(fault) => (MessageResult::Failed, fault.into()),
            AccessError::NotMember => (MessageResult::Rejected, MessageErrorReason::Forbidden),
            AccessError::UnknownRoom => {
                (MessageResult::Rejected, MessageErrorReason::UnknownTarget)
            }
        };
        metrics.processed.increment(MessageKind::Receipt, result);
        metrics.errors.increment(reason);
    }

    /// How far members have read.
    pub async fn receipts(
        &self,
        viewer: &UserName,
        name: &RoomName,
    ) -> Result<Vec<(UserName, Sequence)>, AccessError> {
        self.known(viewer, name).await?;
        Ok(self.ports.receipts.receipts(name, self.limits().members_listed_max).await?)
    }

    /// Tells a room that a member writes, or stopped.
    pub async fn typing(
        &self,
        by: &UserName,
        name: &RoomName,
        on: bool,
    ) -> Result<(), AccessError> {
        match self.entered(by, name).await {
            Ok((kind, _)) => {
                self.tell_typing(by, (name, kind), on).await;
                Ok(())
            }
            Err(error) => {
                let channel = match MessageKind::of(name) {
                    MessageKind::Direct => ChannelType::Direct,
                    _ => ChannelType::Public,
                };
                let result = match error {
                    AccessError::Fault(_) => MessageResult::Failed,
                    AccessError::UnknownRoom | AccessError::NotMember => MessageResult::Rejected,
                };
                self.metrics().messages.client_events.increment(channel, result);
                Err(error)
            }
        }
    }

    /// The same of one who is known to be a member.
    pub(crate) async fn tell_typing(
        &self,
        by: &UserName,
        (name, kind): (&RoomName, RoomKind),
        on: bool,
    ) {
        let events = &self.metrics().messages.client_events;
        events.increment(ChannelType::from(kind), MessageResult::Accepted);
        let typing = Event::Typing { room: name.clone(), user: by.clone(), on };
        self.tell(Signal::Tell(Audience::Room(name.clone(), kind), typing)).await;
    }

    async fn try_send(&self, draft: Draft, accepted: Accepted) -> Result<Appended, SendError> {
        self.check(&draft)?;
        let key = (Limiter::Message, LimiterContext::User);
        self.pass(key, draft.from.as_str(), |rates| rates.messages_per_user).await?;
        let (from, room) = (draft.from.clone(), draft.room.clone());
        let appended = self.ports.messages.append(draft, self.clock().now()).await;
        let appended = match appended {
            Err(AppendError::NotMember) => return Err(self.refusal(&from, &room).await),
            other => other?,
        };
        if !appended.duplicate {
            self.announce(&appended, accepted).await;
        }
        Ok(appended)
    }

    fn check(&self, draft: &Draft) -> Result<(), SendError> {
        let (bytes, max) = (draft.body.len(), self.limits().message_bytes_max);
        if bytes > max {
            return Err(SendError::TooLarge { bytes, max });
        }
        if draft.body.trim().is_empty() {
            return Err(SendError::Empty);
        }
        let max = self.limits().idempotency_key_bytes_max;
        match &draft.key {
            Some(key) if key.is_empty() || key.len() > max => Err(SendError::Key { max }),
            _ => Ok(()),
        }
    }

    /// What a sender who is no member is told: of a room one may not know of, that there is none.
    async fn refusal(&self, from: &UserName, room: &RoomName) -> SendError {
        match self.room(from, room).await {
            Ok(_) | Err(AccessError::NotMember) => SendError::NotMember,
            Err(AccessError::UnknownRoom) => SendError::UnknownRoom,
            Err(AccessError::Fault(fault)) => fault.into(),
        }
    }

    async fn announce(&self, appended: &Appended, accepted: Accepted) {
        let Appended { message, kind, .. } = appended;
        let metrics = &self.metrics().messages;
        metrics.broadcasts.increment(ChannelType::from(*kind));
        metrics.fanout_recipients.observe(self.directory().listeners(&message.room));
        metrics.size.observe(message.body.len(), Direction::Out);
        let audience = Audience::Room(message.room.clone(), *kind);
        self.tell_since(Signal::Tell(audience, Event::Message(message.clone())), accepted).await;
        self.note_message(message, *kind);
        if *kind == RoomKind::Direct {
            self.consider_push(message);
        }
    }

    async fn try_amend(
        &self,
        (by, started): (&UserName, Moment),
        name: &RoomName,
        seq: Sequence,
        amendment: Amendment,
    ) -> Result<bool, ChangeError> {
        self.check_amendment(&amendment)?;
        let key = (Limiter::Message, LimiterContext::User);
        self.pass(key, by.as_str(), |rates| rates.messages_per_user).await?;
        let kind = match self.entered(by, name).await {
            Ok((kind, _)) => kind,
            Err(AccessError::UnknownRoom) => return Err(ChangeError::UnknownRoom),
            Err(AccessError::NotMember) => return Err(ChangeError::Forbidden),
            Err(AccessError::Fault(fault)) => return Err(fault.into()),
        };
        let at = self.clock().now();
        let changed = self.ports.messages.amend(name, seq, by, &amendment, at).await?;
        if changed {
            let (name, by) = (name.clone(), by.clone());
            let amended = Event::Amended { room: name.clone(), seq, amendment, by, at };
            self.tell_since(Signal::Tell(Audience::Room(name, kind), amended), started.into())
                .await;
        }
        Ok(changed)
    }

    fn check_amendment(&self, amendment: &Amendment) -> Result<(), ChangeError> {
        let (text, max) = match amendment {
            Amendment::Edit { body } => (body, self.limits().message_bytes_max),
            Amendment::React { emoji, .. } => (emoji, self.limits().emoji_bytes_max),
            Amendment::Delete => return Ok(()),
        };
        match text.len() {
            bytes if bytes > max => Err(ChangeError::TooLarge { bytes, max }),
            _ if text.trim().is_empty() => Err(ChangeError::Empty),
            _ => Ok(()),
        }
    }

    fn count_refusal(&self, reason: MessageErrorReason) -> MessageResult {
        self.metrics().messages.errors.increment(reason);
        match reason {
            MessageErrorReason::Storage | MessageErrorReason::Timeout => MessageResult::Failed,
            _ => MessageResult::Rejected,
        }
    }
}

impl From<AppendError> for SendError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::UnknownRoom => Self::UnknownRoom,
            AppendError::NotMember => Self::NotMember,
            AppendError::UnknownReply => Self::UnknownReply,
            AppendError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<AmendError> for ChangeError {
    fn from(error: AmendError) -> Self {
        match error {
            AmendError::UnknownRoom => Self::UnknownRoom,
            AmendError::UnknownMessage => Self::UnknownMessage,
            AmendError::Forbidden => Self::Forbidden,
            AmendError::TooManyReactions => Self::TooManyReactions,
            AmendError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<&SendError> for MessageErrorReason {
    fn from(error: &SendError) -> Self {
        match error {
            SendError::Empty | SendError::Key { .. } => Self::Malformed,
            SendError::TooLarge { .. } => Self::TooLarge,
            SendError::UnknownRoom | SendError::UnknownReply => Self::UnknownTarget,
            SendError::NotMember => Self::Forbidden,
            SendError::Limited(_) => Self::Other,
            SendError::Fault(fault) => fault.into(),
        }
    }
}

impl From<&ChangeError> for MessageErrorReason {
    fn from(error: &ChangeError) -> Self {
        match error {
            ChangeError::Empty => Self::Malformed,
            ChangeError::TooLarge { .. } => Self::TooLarge,
            ChangeError::UnknownRoom | ChangeError::UnknownMessage => Self::UnknownTarget,
            ChangeError::Forbidden => Self::Forbidden,
            ChangeError::TooManyReactions | ChangeError::Limited(_) => Self::Other,
            ChangeError::Fault(fault) => fault.into(),
        }
    }
}

impl From<&Fault> for MessageErrorReason {
    fn from(fault: &Fault) -> Self {
        match fault.kind {
            FaultKind::Timeout => Self::Timeout,
            _ => Self::Storage,
        }
    }
}
