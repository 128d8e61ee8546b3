//! What is to be told to which webhook, as it is written in a job.

use crate::{
    channel::{AppId, Channel, Data},
    message::{Epoch, MessageId, Sequence},
    name::UserName,
    port::ConnectionId,
    room::RoomKind,
    time::Timestamp,
    webhook::{Happening, HookId, RoomMessage, What},
};
use std::{fmt::Write, sync::Arc};

/// Tells one webhook of one thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) hook: HookId,
    pub(super) happening: Happening,
}

impl Task {
    /// As texts, each behind its length: applications and clients choose what is in them.
    pub(super) fn encode(&self) -> String {
        let Self { hook, happening: Happening { channel, at, what } } = self;
        let mut texts = Texts(String::new());
        texts.put(hook.app.as_str());
        texts.put(&hook.url);
        texts.put(channel.name());
        texts.put(&at.0.to_string());
        texts.put(what.event().values()[0]);
        match what {
            What::Occupied | What::Vacated | What::CacheMiss => {}
            What::MemberAdded(user) | What::MemberRemoved(user) => texts.put(user),
            What::Counted(count) => texts.put(&count.to_string()),
            What::Message(RoomMessage { kind, id, user, body }) => {
                texts.put(kind_name(*kind));
                texts.put(&id.epoch.0.to_string());
                texts.put(&id.seq.0.to_string());
                texts.put(user.as_str());
                if let Some(body) = body {
                    texts.put(body);
                }
            }
            What::ClientEvent { event, data, connection, user } => {
                texts.put(event);
                texts.put(&connection.0.to_string());
                let (shape, data) = match data {
                    Data::Nothing => ("nothing", ""),
                    Data::Text(text) => ("text", &**text),
                    Data::Raw(raw) => ("raw", &**raw),
                };
                texts.put(shape);
                texts.put(data);
                // A member without a name is a member all the same.
                if let Some(user) = user {
                    texts.put(user);
                }
            }
        }
        texts.0
    }

    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let mut texts = Read(std::str::from_utf8(payload).ok()?);
        let app = AppId::parse(texts.next()?).ok()?;
        let url = texts.next()?.into();
        let channel = Channel::new(&app, texts.next()?);
        let at = Timestamp(texts.next()?.parse().ok()?);
        let what = match texts.next()? {
            "channel_occupied" => What::Occupied,
            "channel_vacated" => What::Vacated,
            "cache_miss" => What::CacheMiss,
            "member_added" => What::MemberAdded(texts.next()?.into()),
            "member_removed" => What::MemberRemoved(texts.next()?.into()),
            "subscription_count" => What::Counted(texts.next()?.parse().ok()?),
            "client_event" => texts.client_event()?,
            "message" => texts.message()?,
            _ => return None,
        };
        let is_read = texts.0.is_empty();
        let happening = Happening { channel, at, what };
        is_read.then_some(Self { hook: HookId { app, url }, happening })
    }
}

const ROOM_KINDS: [RoomKind; 3] = [RoomKind::Public, RoomKind::Private, RoomKind::Direct];

fn kind_name(kind: RoomKind) -> &'static str {
    match kind {
        RoomKind::Public => "public",
        RoomKind::Private => "private",
        RoomKind::Direct => "direct",
    }
}

struct Texts(String);

impl Texts {
    fn put(&mut self, text: &str) {
        write!(self.0, "{}:{text}", text.len()).expect("a text takes everything");
    }
}

struct Read<'a>(&'a str);

impl<'a> Read<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (length, rest) = self.0.split_once(':')?;
        let (text, rest) = rest.split_at_checked(length.parse().ok()?)?;
        self.0 = rest;
        Some(text)
    }

    fn client_event(&mut self) -> Option<What> {
        let event: Arc<str> = self.next()?.into();
        let connection = ConnectionId(self.next()?.parse().ok()?);
        let shape = self.next()?;
        let data = self.next()?;
        let data = match shape {
            "nothing" => Data::Nothing,
            "text" => Data::Text(data.into()),
            "raw" => Data::Raw(data.into()),
            _ => return None,
        };
        let user = self.last()?;
        Some(What::ClientEvent { event, data, connection, user })
    }

    fn message(&mut self) -> Option<What> {
        let name = self.next()?;
        let kind = *ROOM_KINDS.iter().find(|kind| kind_name(**kind) == name)?;
        let epoch = Epoch(self.next()?.parse().ok()?);
        let seq = Sequence(self.next()?.parse().ok()?);
        let user = UserName::parse(self.next()?).ok()?;
        let body = self.last()?;
        Some(What::Message(RoomMessage { kind, id: MessageId { epoch, seq }, user, body }))
    }

    /// A text that may not be there.
    fn last(&mut self) -> Option<Option<Arc<str>>> {
        if self.0.is_empty() { Some(None) } else { Some(Some(self.next()?.into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks() -> Vec<Task> {
        let app = AppId::parse("1001").unwrap();
        let said = |data, user| What::ClientEvent {
            event: "client-7:\n".into(),
            data,
            connection: ConnectionId(u64::MAX),
            user,
        };
        let message = |kind, body| {
            let id = MessageId { epoch: Epoch(u64::MAX), seq: Sequence(7) };
            let user = UserName::parse("ada").unwrap();
            What::Message(RoomMessage { kind, id, user, body })
        };
        let all = [
            What::Occupied,
            What::Vacated,
            What::CacheMiss,
            What::MemberAdded("".into()),
            What::MemberRemoved("3:ädä\u{1f514}".into()),
            What::Counted(7),
            said(Data::Nothing, None),
            said(Data::Text("a\0\n".into()), Some("".into())),
            said(Data::Raw("{\n\"5:\": []}".into()), Some("ada".into())),
            message(RoomKind::Public, None),
            message(RoomKind::Private, Some("".into())),
            message(RoomKind::Direct, Some("3:ädä\n".into())),
        ];
        let hook = HookId { app: app.clone(), url: "https://shop.example/a:b?c=3:d".into() };
        let channel = Channel::new(&app, "presence-=@,.;");
        let happen = |what| Happening { channel: channel.clone(), at: Timestamp(-1), what };
        all.map(|what| Task { hook: hook.clone(), happening: happen(what) }).to_vec()
    }

    #[test]
    fn a_task_is_read_as_it_is_written() {
        for task in tasks() {
            let written = task.encode();
            assert_eq!(Task::decode(written.as_bytes()), Some(task), "{written}");
        }
    }

    #[test]
    fn what_is_cut_or_goes_on_is_no_task() {
        for task in tasks() {
            let written = task.encode();
            for (end, _) in written.char_indices() {
                let cut = Task::decode(&written.as_bytes()[..end]);
                // Without its last text, the event of a member is one of a client without a name,
                // and a message one without words.
                let last = match &task.happening.what {
                    What::ClientEvent { user, .. } => user.as_ref(),
                    What::Message(RoomMessage { body, .. }) => body.as_ref(),
                    _ => None,
                };
                let is_less = last.is_some_and(|last| {
                    end == written.len() - last.len() - format!("{}:", last.len()).len()
                });
                assert_eq!(cut.is_some(), is_less, "{}", &written[..end]);
            }
            assert_eq!(Task::decode(format!("{written}0:").as_bytes()).is_some(), {
                matches!(
                    &task.happening.what,
                    What::ClientEvent { user: None, .. }
                        | What::Message(RoomMessage { body: None, .. })
                )
            });
        }
        assert_eq!(Task::decode(b"99999999999999999999:a"), None);
    }
}
