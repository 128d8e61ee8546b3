//! Entering a room to listen to it, and catching up with what was missed.

use super::{Chat, Limited, MembershipError};
use crate::{
    event::{Audience, Event, Signal},
    labels::{JoinRefusal, Outcome, RecoverySource},
    message::{Epoch, Message, Sequence},
    name::{RoomName, UserName},
    port::{Fault, History, HistoryError, Limiter, LimiterContext, Page},
    room::{Member, Room, RoomKind},
    user::{Presence, Status},
};
use std::sync::Arc;

/// Why a user may not enter a room.
#[derive(Debug, thiserror::Error)]
pub enum EnterError {
    /// There is no such room, or none that this user may know of.
    #[error("there is no such room")]
    UnknownRoom,
    /// The room is full.
    #[error("the room is full")]
    Full,
    /// Too many joins.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a client that enters a room is told.
pub(crate) struct CaughtUp {
    pub(crate) history: History,
    pub(crate) messages: Vec<Arc<Message>>,
    pub(crate) truncated: bool,
    pub(crate) members: Vec<(Member, Status)>,
}

impl Chat {
    /// Lets a user into a room: a member into any, anyone into a public one, as a member from now
    /// on.
    pub(crate) async fn enter(&self, user: &UserName, name: &RoomName) -> Result<Room, EnterError> {
        let entered = self.try_enter(user, name).await;
        entered.map_err(|(kind, error)| {
            let reason = match &error {
                EnterError::UnknownRoom => JoinRefusal::UnknownRoom,
                EnterError::Full => JoinRefusal::Full,
                EnterError::Limited(_) => JoinRefusal::RateLimited,
                EnterError::Fault(_) => JoinRefusal::BackendError,
            };
            self.count_join_failure(kind, reason);
            error
        })
    }

    async fn try_enter(
        &self,
        user: &UserName,
        name: &RoomName,
    ) -> Result<Room, (Option<RoomKind>, EnterError)> {
        let key = (Limiter::Join, LimiterContext::User);
        let passed = self.pass(key, user.as_str(), |rates| rates.joins_per_user).await;
        passed.map_err(|limited| (None, limited.into()))?;
        let found = self.ports.rooms.find(name).await.map_err(|fault| (None, fault.into()))?;
        let room = found.ok_or((None, EnterError::UnknownRoom))?;
        let kind = Some(room.kind);
        let role = self.role(user, name).await.map_err(|fault| (kind, fault.into()))?;
        match (role, room.kind) {
            (Some(_), _) => Ok(room),
            (None, RoomKind::Public) => match self.put(&room, user, None).await {
                Ok(_) => Ok(room),
                Err(MembershipError::Full) => Err((kind, EnterError::Full)),
                Err(MembershipError::Fault(fault)) => Err((kind, fault.into())),
                // The room was deleted between the two calls.
                Err(_) => Err((kind, EnterError::UnknownRoom)),
            },
            // A room that one may not enter looks like none.
            (None, _) => Err((kind, EnterError::UnknownRoom)),
        }
    }

    /// Reads what a client missed since `since`, if it says so, and who is in the room.
    pub(crate) async fn catch_up(
        &self,
        room: &Room,
        since: Option<(Epoch, Sequence)>,
    ) -> Result<CaughtUp, EnterError> {
        let members_max = self.limits().members_listed_max;
        let members = self.members_with_status(&room.name, None, members_max).await?;
        let Some((epoch, seq)) = since else {
            let history = self.read(&room.name, Page::Newest, 1).await?;
            return Ok(CaughtUp { history, messages: Vec::new(), truncated: false, members });
        };
        let limit = self.limits().resume_messages_max;
        let read = self.read(&room.name, Page::After(seq), limit).await;
        let history = read.inspect_err(|_| self.count_recovery(Outcome::Error, 0))?;
        let known = history.epoch == epoch && seq <= history.last_seq;
        let truncated = !known || history.has_more || seq.next() < history.first_seq;
        let messages = if truncated { Vec::new() } else { history.messages.clone() };
        let outcome = if truncated { Outcome::Error } else { Outcome::Ok };
        self.count_recovery(outcome, messages.len());
        Ok(CaughtUp { history, messages, truncated, members })
    }

    /// Tells a room that a user listens to it now.
    pub(crate) async fn greet(&self, user: &UserName, room: &RoomName, kind: RoomKind) {
        if self.directory().listeners(room) > self.limits().presence_audience_max {
            return;
        }
        let statuses = self.ports.presence.statuses(std::slice::from_ref(user)).await;
        if let Some(&status) = statuses.iter().flatten().next() {
            let presence = Presence { user: user.clone(), status, last_seen: None };
            let audience = Audience::Room(room.clone(), kind);
            self.tell(Signal::Tell(audience, Event::Presence(presence))).await;
        }
    }

    async fn read(&self, room: &RoomName, page: Page, limit: usize) -> Result<History, EnterError> {
        self.ports.messages.history(room, page, limit).await.map_err(|error| match error {
            HistoryError::UnknownRoom => EnterError::UnknownRoom,
            HistoryError::Fault(fault) => fault.into(),
        })
    }

    fn count_recovery(&self, outcome: Outcome, messages: usize) {
        self.metrics().connections.resumptions.increment(outcome);
        self.metrics().recovery.recoveries.increment(outcome, RecoverySource::Storage);
        if outcome == Outcome::Ok {
            self.metrics().recovery.recovered.observe(messages);
        }
    }
}
