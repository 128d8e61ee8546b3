//! Messages.

use super::{MemoryStore, RoomRecord};
use async_trait::async_trait;
use campanile_core::{
    limits::Limits,
    message::{Amendment, Draft, Message, MessageId, Reaction, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Archive, Fault, History, HistoryError, MessageStore,
        Page,
    },
    room::Role,
    time::Timestamp,
};
use std::{ops::Bound, sync::Arc};

#[async_trait]
impl MessageStore for MemoryStore {
    async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError> {
        let mut tables = self.lock();
        let record = tables
            .rooms
            .get_mut(&draft.room)
            .ok_or(AppendError::UnknownRoom)?;
        if !record.members.contains_key(&draft.from) {
            return Err(AppendError::NotMember);
        }
        let kind = record.kind;
        let since = now.minus(self.idempotency_window);
        record.keys.retain(|_, (at, _)| *at >= since);
        let key = draft.key.clone().map(|key| (draft.from.clone(), key));
        if let Some((_, first)) = key.as_ref().and_then(|key| record.keys.get(key)) {
            return Ok(Appended {
                message: first.clone(),
                kind,
                duplicate: true,
            });
        }
        if draft
            .reply_to
            .is_some_and(|seq| !record.messages.contains_key(&seq))
        {
            return Err(AppendError::UnknownReply);
        }
        let message = record.next(draft, now);
        if let Some(key) = key {
            record.keys.insert(key, (now, message.clone()));
        }
        Ok(Appended {
            message,
            kind,
            duplicate: false,
        })
    }

    async fn history(
        &self,
        room: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, HistoryError> {
        let tables = self.lock();
        let record = tables.rooms.get(room).ok_or(HistoryError::UnknownRoom)?;
        let range = match page {
            Page::Newest => (Bound::Unbounded, Bound::Unbounded),
            Page::Before(seq) => (Bound::Unbounded, Bound::Excluded(seq)),
            Page::After(seq) => (Bound::Excluded(seq), Bound::Unbounded),
        };
        let found = record
            .messages
            .range(range)
            .map(|(_, message)| message.clone());
        let mut messages: Vec<_> = match page {
            Page::After(_) => found.take(limit + 1).collect(),
            Page::Newest | Page::Before(_) => found.rev().take(limit + 1).collect(),
        };
        let has_more = messages.len() > limit;
        messages.truncate(limit);
        if !matches!(page, Page::After(_)) {
            messages.reverse();
        }
        let first = record.messages.first_key_value().map(|(seq, _)| *seq);
        let first_seq = first.unwrap_or(record.last_seq.next());
        let (epoch, last_seq) = (record.epoch, record.last_seq);
        Ok(History {
            messages,
            has_more,
            epoch,
            last_seq,
            first_seq,
        })
    }

    async fn amend(
        &self,
        room: &RoomName,
        seq: Sequence,
        by: &UserName,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError> {
        let mut tables = self.lock();
        let record = tables.rooms.get_mut(room).ok_or(AmendError::UnknownRoom)?;
        let role = record.members.get(by).map(|member| member.role);
        let role = role.ok_or(AmendError::Forbidden)?;
        let message = record
            .messages
            .get_mut(&seq)
            .ok_or(AmendError::UnknownMessage)?;
        Arc::make_mut(message).amend(by, role, amendment, now)
    }

    async fn evict(&self, before: Timestamp, limit: usize) -> Result<u64, Fault> {
        let mut evicted = 0;
        for record in self.lock().rooms.values_mut() {
            while evicted < limit
                && record
                    .messages
                    .first_key_value()
                    .is_some_and(|(_, oldest)| oldest.at < before)
            {
                record.messages.pop_first();
                evicted += 1;
            }
        }
        Ok(evicted as u64)
    }

    async fn size(&self) -> Result<Archive, Fault> {
        let tables = self.lock();
        let messages = || {
            tables
                .rooms
                .values()
                .flat_map(|record| record.messages.values())
        };
        let bytes = messages().map(|message| message.body.len() as u64).sum();
        Ok(Archive {
            messages: messages().count() as u64,
            bytes,
        })
    }
}

impl RoomRecord {
    fn next(&mut self, draft: Draft, at: Timestamp) -> Arc<Message> {
        self.last_seq = self.last_seq.next();
        let message = Arc::new(Message {
            room: draft.room,
            id: MessageId {
                epoch: self.epoch,
                seq: self.last_seq,
            },
            from: draft.from,
            body: draft.body,
            at,
            key: draft.key,
            reply_to: draft.reply_to,
            edited_at: None,
            deleted: false,
            reactions: Vec::new(),
        });
        self.messages.insert(self.last_seq, message.clone());
        message
    }
}

/// Changing a message, as the contract of [`MessageStore::amend`] says.
trait Amend {
    fn amend(
        &mut self,
        by: &UserName,
        role: Role,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError>;
}

impl Amend for Message {
    fn amend(
        &mut self,
        by: &UserName,
        role: Role,
        amendment: &Amendment,
        now: Timestamp,
    ) -> Result<bool, AmendError> {
        let own = self.from == *by;
        match amendment {
            Amendment::Delete if !own && role != Role::Owner => Err(AmendError::Forbidden),
            Amendment::Delete if self.deleted => Ok(false),
            _ if self.deleted => Err(AmendError::UnknownMessage),
            Amendment::Delete => {
                self.deleted = true;
                self.body = "".into();
                self.reactions.clear();
                Ok(true)
            }
            Amendment::Edit { .. } if !own => Err(AmendError::Forbidden),
            Amendment::Edit { body } if self.body == *body => Ok(false),
            Amendment::Edit { body } => {
                self.body = body.clone();
                self.edited_at = Some(now);
                Ok(true)
            }
            Amendment::React { emoji, on: true } => react(&mut self.reactions, emoji, by),
            Amendment::React { emoji, on: false } => Ok(take_back(&mut self.reactions, emoji, by)),
        }
    }
}

fn react(
    reactions: &mut Vec<Reaction>,
    emoji: &Arc<str>,
    by: &UserName,
) -> Result<bool, AmendError> {
    let kinds = reactions.len();
    match reactions
        .iter_mut()
        .find(|reaction| reaction.emoji == *emoji)
    {
        Some(reaction) if reaction.users.contains(by) => Ok(false),
        Some(reaction) => {
            reaction.users.push(by.clone());
            Ok(true)
        }
        None if kinds >= Limits::default().reactions_per_message_max => {
            Err(AmendError::TooManyReactions)
        }
        None => {
            reactions.push(Reaction {
                emoji: emoji.clone(),
                users: vec![by.clone()],
            });
            Ok(true)
        }
    }
}

fn take_back(reactions: &mut Vec<Reaction>, emoji: &Arc<str>, by: &UserName) -> bool {
    let Some(reaction) = reactions
        .iter_mut()
        .find(|reaction| reaction.emoji == *emoji)
    else {
        return false;
    };
    let before = reaction.users.len();
    reaction.users.retain(|user| user != by);
    let changed = reaction.users.len() < before;
    reactions.retain(|reaction| !reaction.users.is_empty());
    changed
}
