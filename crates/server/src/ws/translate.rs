//! Requests into what the chat does, and what it gave into answers.

use super::convert;
use crate::{logs::here, reply::Refused};
use campanile_core::{
    chat::{Chat, Source},
    connection::{Connection, Joining},
    labels::{MessageKind, Transport},
    message::{Amendment, Draft, Epoch, Message, Sequence},
    name::RoomName,
    port::Page,
    user::Status,
};
use campanile_protocol as wire;
use campanile_protocol::{Answer, Request};
use std::sync::Arc;

/// What a request gave. A join goes on once its answer is in the outbox.
pub(super) struct Given {
    pub(super) answer: Answer,
    pub(super) joining: Option<Joining>,
}

impl From<Answer> for Given {
    fn from(answer: Answer) -> Self {
        Self { answer, joining: None }
    }
}

/// One authenticated client's requests.
pub(super) struct Conversation {
    pub(super) chat: Arc<Chat>,
    pub(super) connection: Connection,
}

impl Conversation {
    /// Does what is asked. `Hello` is none of it: who speaks is known here.
    pub(super) async fn give(&self, request: Request) -> Result<Given, Refused> {
        self.count(&request);
        match request {
            Request::Hello { .. } | Request::Ping => Ok(Answer::DONE.into()),
            Request::Join { room, since } => self.join(&room, since).await,
            Request::Leave { room } => self.leave(&room),
            Request::Send { room, body, key, reply_to } => {
                let said = Said { room: self::room(&room)?, body, key, reply_to };
                self.send(said).await
            }
            Request::Edit { room, seq, body } => {
                self.amend((&room, seq), Amendment::Edit { body: body.into() }).await
            }
            Request::Delete { room, seq } => self.amend((&room, seq), Amendment::Delete).await,
            Request::React { room, seq, emoji, on } => {
                self.amend((&room, seq), Amendment::React { emoji: emoji.into(), on }).await
            }
            Request::Typing { room, on } => self.typing(&room, on).await,
            Request::Read { room, seq } => self.read(&room, seq).await,
            Request::Presence { status } => self.presence(convert::status_said(status)).await,
            Request::History { room, before, after, limit } => {
                self.history(&room, page(before, after), limit).await
            }
        }
    }

    /// The chat counts what is sent; everything else is counted as it is read.
    fn count(&self, request: &Request) {
        if let Some(kind) = kind_of(request) {
            self.chat.count_received(Transport::WebSocket, kind);
        }
    }

    async fn join(&self, name: &str, since: Option<wire::Since>) -> Result<Given, Refused> {
        let since = since.map(|since| (Epoch(since.epoch.0), Sequence(since.seq)));
        let joining = self.connection.join(&room(name)?, since).await?;
        let mut messages: Vec<_> =
            joining.messages.iter().map(|one| convert::message(one)).collect();
        let fits = fitting(&messages, self.answer_bytes_max()) == messages.len();
        if !fits {
            messages.clear();
        }
        let answer = Answer::Joined(wire::JoinedRoom {
            epoch: convert::epoch(joining.epoch()),
            last_seq: joining.last_seq().0,
            messages,
            truncated: joining.truncated || !fits,
            members: joining.members.iter().map(convert::member).collect(),
            kind: convert::kind(joining.room.kind),
            topic: joining.room.topic.clone(),
        });
        Ok(Given { answer, joining: Some(joining) })
    }

    fn leave(&self, name: &str) -> Result<Given, Refused> {
        self.connection.leave(&room(name)?);
        Ok(Answer::DONE.into())
    }

    async fn send(&self, said: Said) -> Result<Given, Refused> {
        let draft = Draft {
            room: said.room,
            from: self.connection.user().clone(),
            body: said.body.into(),
            key: said.key.map(Into::into),
            reply_to: said.reply_to.map(Sequence),
        };
        let source = Source { transport: Transport::WebSocket, trace: here::trace() };
        let appended = self.chat.send(draft, source).await?;
        let Message { id, at, .. } = &*appended.message;
        Ok(Answer::Sent(wire::SentMessage {
            seq: id.seq.0,
            message_id: wire::Message::id(convert::epoch(id.epoch), id.seq.0),
            at: convert::stamp(*at),
            duplicate: appended.duplicate,
        })
        .into())
    }

    async fn amend(
        &self,
        (name, seq): (&str, u64),
        amendment: Amendment,
    ) -> Result<Given, Refused> {
        let by = self.connection.user();
        self.chat.amend(by, &room(name)?, Sequence(seq), amendment).await?;
        Ok(Answer::DONE.into())
    }

    async fn typing(&self, name: &str, on: bool) -> Result<Given, Refused> {
        self.connection.typing(&room(name)?, on).await?;
        Ok(Answer::DONE.into())
    }

    async fn read(&self, name: &str, seq: u64) -> Result<Given, Refused> {
        self.chat.mark_read(self.connection.user(), &room(name)?, Sequence(seq)).await?;
        Ok(Answer::DONE.into())
    }

    async fn presence(&self, status: Status) -> Result<Given, Refused> {
        self.connection.set_status(status).await?;
        Ok(Answer::DONE.into())
    }

    async fn history(&self, name: &str, page: Page, limit: Option<u32>) -> Result<Given, Refused> {
        let limit_max = self.chat.limits().history_page_max;
        let limit = limit.map_or(Ok(limit_max), usize::try_from).unwrap_or(usize::MAX);
        if limit == 0 || limit > limit_max {
            return Err(Refused::bad_request(format!("`limit` is 1 to {limit_max}")));
        }
        let viewer = self.connection.user();
        let history = self.chat.history(viewer, &room(name)?, page, limit).await?;
        let mut messages: Vec<_> =
            history.messages.iter().map(|one| convert::message(one)).collect();
        let has_more = history.has_more | cut(&mut messages, page, self.answer_bytes_max());
        Ok(Answer::History(wire::HistoryPage { messages, has_more }).into())
    }

    /// An answer takes at most half of the outbox, so that no client is cut for having asked.
    fn answer_bytes_max(&self) -> usize {
        self.chat.limits().outbox_bytes_max / 2
    }
}

/// A message that a client wants to send.
struct Said {
    room: RoomName,
    body: String,
    key: Option<String>,
    reply_to: Option<u64>,
}

fn room(name: &str) -> Result<RoomName, Refused> {
    RoomName::parse(name).map_err(|error| Refused::bad_request(format!("`room`: {error}")))
}

fn page(before: Option<u64>, after: Option<u64>) -> Page {
    match (before, after) {
        (Some(seq), _) => Page::Before(Sequence(seq)),
        (None, Some(seq)) => Page::After(Sequence(seq)),
        (None, None) => Page::Newest,
    }
}

fn kind_of(request: &Request) -> Option<MessageKind> {
    match request {
        Request::Send { .. } => None,
        Request::Edit { .. } | Request::Delete { .. } | Request::React { .. } => {
            Some(MessageKind::Event)
        }
        Request::Read { .. } => Some(MessageKind::Receipt),
        Request::Hello { .. }
        | Request::Join { .. }
        | Request::Leave { .. }
        | Request::Typing { .. }
        | Request::Presence { .. }
        | Request::History { .. }
        | Request::Ping => Some(MessageKind::Control),
    }
}

/// How many of these messages, from the first on, fit into so many bytes; one always does.
fn fitting<'a>(messages: impl IntoIterator<Item = &'a wire::Message>, bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fit = messages.into_iter().enumerate().take_while(|(index, message)| {
        bytes += bytes_on_the_wire(message);
        *index == 0 || bytes <= bytes_max
    });
    fit.count()
}

/// Cuts a page to so many bytes, at the end that lies further in the direction of reading. Whether
/// anything was cut.
fn cut(messages: &mut Vec<wire::Message>, page: Page, bytes_max: usize) -> bool {
    let length = messages.len();
    match page {
        Page::After(_) => {
            let kept = fitting(messages.iter(), bytes_max);
            messages.truncate(kept);
        }
        Page::Newest | Page::Before(_) => {
            let kept = fitting(messages.iter().rev(), bytes_max);
            messages.drain(..length - kept);
        }
    }
    messages.len() < length
}

/// At least as many bytes as the message takes in JSON.
fn bytes_on_the_wire(message: &wire::Message) -> usize {
    /// Field names, numbers, times and punctuation.
    const FRAME_BYTES: usize = 256;
    let reactions = message.reactions.iter();
    let reacted = reactions
        .flat_map(|reaction| reaction.users.iter().chain([&reaction.emoji]))
        .map(|text| text.len() + 16);
    FRAME_BYTES
        + escaped_bytes(&message.body)
        + message.key.as_deref().map_or(0, escaped_bytes)
        + message.room.len()
        + message.from.len()
        + message.message_id.len()
        + reacted.sum::<usize>()
}

fn escaped_bytes(text: &str) -> usize {
    let escapes = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 2,
        // `\u0000` at the worst.
        0..0x20 => 6,
        _ => 1,
    });
    escapes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_protocol::{Codec, JsonV1, ServerFrame, Stamp};

    fn message(seq: u64, body: &str) -> wire::Message {
        wire::Message {
            room: "lobby".into(),
            seq,
            message_id: wire::Message::id(wire::Epoch(1), seq),
            from: "ada".into(),
            body: body.into(),
            at: Stamp::from_millis(0),
            key: Some("key\n".into()),
            reply_to: Some(u64::MAX),
            edited_at: Some(Stamp::from_millis(0)),
            deleted: true,
            reactions: vec![wire::Reaction { emoji: "👍".into(), users: vec!["ada".into(); 9] }],
        }
    }

    fn numbers(messages: &[wire::Message]) -> Vec<u64> {
        messages.iter().map(|message| message.seq).collect()
    }

    #[test]
    fn the_estimate_is_never_too_small() {
        for body in ["", "plain", "\u{0}\u{1f}\"\\\n", "ä👍"] {
            let message = message(u64::MAX, &body.repeat(100));
            let estimate = bytes_on_the_wire(&message);
            let mut written = bytes::BytesMut::new();
            let event = wire::Event::Message(message);
            JsonV1.encode(&ServerFrame::Event(event), &mut written);
            assert!(estimate >= written.len(), "{body:?}: {estimate} < {}", written.len());
        }
    }

    #[test]
    fn a_page_is_cut_at_its_far_end() {
        let page: Vec<_> = (1..=9).map(|seq| message(seq, &"x".repeat(1_000))).collect();
        let three = 3 * bytes_on_the_wire(&page[0]);
        let mut newest = page.clone();
        assert!(cut(&mut newest, Page::Newest, three));
        assert_eq!(numbers(&newest), [7, 8, 9]);
        let mut after = page.clone();
        assert!(cut(&mut after, Page::After(Sequence(0)), three));
        assert_eq!(numbers(&after), [1, 2, 3]);
        let mut whole = page.clone();
        assert!(!cut(&mut whole, Page::Before(Sequence(10)), 9 * three));
        assert_eq!(whole.len(), 9);
        let mut one = page;
        assert!(cut(&mut one, Page::Newest, 1));
        assert_eq!(numbers(&one), [9], "a page is never empty for being too large");
    }
}
