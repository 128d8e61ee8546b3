//! Messages in memory.

use super::{MemoryStore, Remembered, RoomRecord, State, Stored};
use async_trait::async_trait;
use campanile_core::{
    message::{Amendment, Draft, Message, MessageId, Sequence},
    name::{RoomName, UserName},
    port::{
        AmendError, AppendError, Appended, Archive, Fault, Head, History, HistoryError,
        MessageStore, Page, check_amendment, group_reactions,
    },
    time::Timestamp,
};
use std::{sync::Arc, time::Duration};

#[async_trait]
impl MessageStore for MemoryStore {
    async fn append(&self, draft: Draft, now: Timestamp) -> Result<Appended, AppendError> {
        let mut state = self.state();
        let record = state.rooms.get_mut(&draft.room);
        let record = record.ok_or(AppendError::UnknownRoom)?;
        if !record.members.contains_key(&draft.from) {
            return Err(AppendError::NotMember);
        }
        let window_start = now.minus(self.idempotency_window);
        let key = draft.key.clone().map(|key| (draft.from.clone(), key));
        let remembered = key.as_ref().and_then(|key| record.keys.get(key));
        if let Some(first) = remembered.filter(|first| first.at >= window_start) {
            return Ok(record.duplicate(draft, *first));
        }
        if let Some(reply_to) = draft.reply_to {
            record.place(reply_to).ok_or(AppendError::UnknownReply)?;
        }
        // Now and then, so that what it costs is spread over the drafts that made it necessary.
        if record.keys.len().is_power_of_two() {
            record.keys.retain(|_, known| known.at >= window_start);
        }
        let appended = record.push(draft, now);
        if let Some(key) = key {
            let seq = appended.message.seq();
            record.keys.insert(key, Remembered { seq, at: now });
        }
        Ok(appended)
    }

    async fn history(
        &self,
        room: &RoomName,
        page: Page,
        limit: usize,
    ) -> Result<History, HistoryError> {
        let state = self.state();
        let record = state.rooms.get(room).ok_or(HistoryError::UnknownRoom)?;
        let kept = &record.messages;
        let (start, end, has_more) = match page {
            Page::After(seq) => {
                let below = seq.0.saturating_add(1).saturating_sub(record.first_seq());
                let start = kept.len().min(below as usize);
                let end = kept.len().min(start.saturating_add(limit));
                (start, end, end < kept.len())
            }
            Page::Newest | Page::Before(_) => {
                let end = match page {
                    Page::Before(seq) => seq.0.saturating_sub(record.first_seq()) as usize,
                    _ => kept.len(),
                };
                let end = end.min(kept.len());
                let start = end.saturating_sub(limit);
                (start, end, start > 0)
            }
        };
        Ok(History {
            messages: kept.range(start..end).map(Stored::shared).collect(),
            has_more,
            epoch: record.epoch,
            last_seq: Sequence(record.last_seq),
            first_seq: Sequence(record.first_seq()),
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
        let mut state = self.state();
        let record = state.rooms.get_mut(room).ok_or(AmendError::UnknownRoom)?;
        let role = record.members.get(by).map(|member| member.role);
        let place = record.place(seq);
        let stored = match place {
            Some(place) => &mut record.messages[place],
            None if role.is_none() => return Err(AmendError::Forbidden),
            None => return Err(AmendError::UnknownMessage),
        };
        check_amendment(&stored.message, by, role, amendment)?;
        let amended = stored.amend(by, amendment, now, self.reactions_per_message_max)?;
        if amended {
            record.amended_at = record.amended_at.max(Some(now));
        }
        Ok(amended)
    }

    async fn evict(
        &self,
        now: Timestamp,
        kept: Option<Duration>,
        limit: usize,
    ) -> Result<u64, Fault> {
        let mut evicted = 0;
        for record in self.state().rooms.values_mut() {
            let Some(kept) = record.retention.or(kept) else {
                continue;
            };
            let old = |stored: &Stored| stored.message.at < now.minus(kept);
            while evicted < limit && record.messages.front().is_some_and(old) {
                record.messages.pop_front();
                evicted += 1;
            }
        }
        Ok(evicted as u64)
    }

    async fn heads(&self, rooms: &[RoomName]) -> Result<Vec<Option<Head>>, Fault> {
        let state = self.state();
        let head = |record: &RoomRecord| Head {
            epoch: record.epoch,
            last_seq: Sequence(record.last_seq),
            amended_at: record.amended_at,
        };
        Ok(rooms.iter().map(|room| state.rooms.get(room).map(head)).collect())
    }

    async fn size(&self) -> Result<Archive, Fault> {
        Ok(self.state().size())
    }
}

impl State {
    fn size(&self) -> Archive {
        let kept = self.rooms.values().flat_map(|record| &record.messages);
        kept.fold(Archive::default(), |size, stored| Archive {
            messages: size.messages + 1,
            bytes: size.bytes + stored.bytes(),
        })
    }
}

impl RoomRecord {
    fn push(&mut self, draft: Draft, now: Timestamp) -> Appended {
        self.last_seq += 1;
        let message = self.message(draft, Sequence(self.last_seq), now);
        self.messages.push_back(Stored { message: message.clone(), reactions: Vec::new() });
        Appended { message: Arc::new(message), kind: self.kind, duplicate: false }
    }

    fn duplicate(&self, draft: Draft, first: Remembered) -> Appended {
        let message = match self.place(first.seq) {
            Some(place) => self.messages[place].shared(),
            None => Arc::new(self.message(draft, first.seq, first.at)),
        };
        Appended { message, kind: self.kind, duplicate: true }
    }

    fn message(&self, draft: Draft, seq: Sequence, at: Timestamp) -> Message {
        Message {
            room: draft.room,
            id: MessageId { epoch: self.epoch, seq },
            from: draft.from,
            body: draft.body,
            at,
            key: draft.key,
            reply_to: draft.reply_to,
            edited_at: None,
            deleted: false,
            reactions: Vec::new(),
        }
    }
}

impl Stored {
    fn shared(&self) -> Arc<Message> {
        Arc::new(Message {
            reactions: group_reactions(self.reactions.iter().cloned()),
            ..self.message.clone()
        })
    }

    fn bytes(&self) -> u64 {
        let body = size_of::<Self>() + self.message.body.len();
        (body + self.reactions.len() * size_of::<(Arc<str>, UserName)>()) as u64
    }

    fn amend(
        &mut self,
        by: &UserName,
        amendment: &Amendment,
        now: Timestamp,
        reactions_max: usize,
    ) -> Result<bool, AmendError> {
        match amendment {
            Amendment::Edit { body } if self.message.body == *body => Ok(false),
            Amendment::Edit { body } => {
                self.message.body = body.clone();
                self.message.edited_at = Some(now);
                Ok(true)
            }
            Amendment::Delete if self.message.deleted => Ok(false),
            Amendment::Delete => {
                self.message.deleted = true;
                self.message.body = "".into();
                self.reactions.clear();
                Ok(true)
            }
            Amendment::React { emoji, on } => self.react(by, emoji, *on, reactions_max),
        }
    }

    fn react(
        &mut self,
        by: &UserName,
        emoji: &Arc<str>,
        on: bool,
        reactions_max: usize,
    ) -> Result<bool, AmendError> {
        let own = |(kind, user): &(Arc<str>, UserName)| kind == emoji && user == by;
        let known = self.reactions.iter().position(own);
        match (known, on) {
            (Some(_), true) | (None, false) => Ok(false),
            (Some(place), false) => {
                self.reactions.remove(place);
                Ok(true)
            }
            (None, true) => {
                let kinds = group_reactions(self.reactions.iter().cloned());
                let new_kind = !kinds.iter().any(|kind| kind.emoji == *emoji);
                if new_kind && kinds.len() >= reactions_max {
                    return Err(AmendError::TooManyReactions);
                }
                self.reactions.push((emoji.clone(), by.clone()));
                Ok(true)
            }
        }
    }
}
