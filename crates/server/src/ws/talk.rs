//! Talking with a chat client: who it is comes first, and then its requests.

use super::{
    frame,
    session::{Answerer, Said, Standing, Taken},
    translate::{Conversation, Given},
    worker::{Caller, Recognised, Worker},
};
use crate::{
    logs::{events, here},
    metrics::ConnectionRejection,
    reply::Refused,
    token,
};
use actix_web::web::{Bytes, Data};
use campanile_core::{
    fanout::{Class, Outbox},
    labels::{MessageErrorReason, MessageKind, Transport},
    pace::Pace,
    port::{Limiter, LimiterContext},
    user::TokenHash,
};
use campanile_protocol::{
    Answer, BadRequest, Codec, Draining, ErrorCode, Event, JsonV1, Request, RequestFrame,
    RequestId, ServerFrame, Welcome,
};
use std::{rc::Rc, time::Duration};
use tokio::time::Instant;

/// The answerer of a chat client.
pub(super) struct Talk {
    worker: Data<Worker>,
    outbox: Rc<Outbox>,
    caller: Caller,
    pace: Option<Pace>,
    known: Option<Known>,
}

/// A client that has said who it is.
struct Known {
    token: TokenHash,
    until: Instant,
    conversation: Conversation,
}

impl Talk {
    /// A talk with a client that has not said who it is.
    pub(super) fn new(worker: Data<Worker>, outbox: Rc<Outbox>, caller: Caller) -> Self {
        let rates = worker.chat.limits().rates.as_ref();
        let pace = rates.map(|rates| Pace::new(rates.requests_per_connection));
        Self { worker, outbox, caller, pace, known: None }
    }

    /// Takes the client for whom the token says it is.
    pub(super) async fn recognise(&mut self, token: &str) -> Result<(), Refused> {
        let outbox = self.outbox.clone();
        let recognised = self.worker.recognise(token, &self.caller, outbox).await?;
        let Recognised { connection, token, until } = recognised;
        let conversation = Conversation { chat: self.worker.chat.clone(), connection };
        self.known = Some(Known { token, until, conversation });
        Ok(())
    }

    async fn request(&mut self, request: Request) -> Result<Given, Refused> {
        self.keep_pace()?;
        match (&self.known, request) {
            (None, Request::Hello { token: Some(token) }) => {
                self.count_control();
                self.recognise(&token).await.inspect_err(|refused| self.count_quota(refused))?;
                self.welcome()
            }
            (None, _) => Err(unauthenticated()),
            (Some(known), Request::Hello { token }) => {
                self.count_control();
                let other = token.is_some_and(|token| token::hash(&token) != known.token);
                if other { Err(somebody_else()) } else { self.welcome() }
            }
            (Some(known), request) => known.conversation.give(request).await,
        }
    }

    async fn answer(&mut self, text: &str) {
        let RequestFrame { id, request } = match JsonV1.decode_request(text.as_bytes()) {
            Ok(frame) => frame,
            Err(error) => {
                let (id, refused) = self.malformed(error);
                return self.refuse(id, refused);
            }
        };
        match self.request(request).await {
            Ok(Given { answer, joining }) => {
                self.say(&ServerFrame::Ok { id, answer }, Class::Answer);
                // What happened in the room meanwhile comes behind the answer.
                drop(joining);
            }
            Err(refused) => self.refuse(Some(id), refused),
        }
    }

    fn welcome(&self) -> Result<Given, Refused> {
        let known = self.known.as_ref().ok_or_else(unauthenticated)?;
        let interval = self.worker.config.patience.ping_interval;
        Ok(Answer::Welcome(Welcome {
            user: known.conversation.connection.user().to_string(),
            connection: format!("{:016x}", self.caller.connection.0),
            ping_interval_ms: u64::try_from(interval.as_millis()).unwrap_or(u64::MAX),
        })
        .into())
    }

    fn keep_pace(&mut self) -> Result<(), Refused> {
        let Some(pace) = &mut self.pace else { return Ok(()) };
        let chat = &self.worker.chat;
        let verdict = pace.check(chat.clock().moment());
        // By address, since what is limited is one connection, of whomever it is.
        Ok(chat.count_check(Limiter::Message, LimiterContext::Ip, verdict)?)
    }

    /// The node's handshake counts whom it turns away itself.
    fn count_quota(&self, refused: &Refused) {
        if refused.refusal().code == ErrorCode::RateLimited {
            let rejected = &self.worker.metrics.rejected;
            let (transport, reason) = (Transport::WebSocket, ConnectionRejection::Quota);
            rejected.increment(transport, reason);
            events::ConnectionRejected { transport, reason }.emit();
        }
    }

    fn count_control(&self) {
        self.worker.chat.count_received(Transport::WebSocket, MessageKind::Control);
    }

    fn malformed(&mut self, error: BadRequest) -> (Option<RequestId>, Refused) {
        let errors = &self.worker.chat.metrics().messages.errors;
        errors.increment(MessageErrorReason::Malformed);
        let refused = match self.keep_pace() {
            Ok(()) => Refused::bad_request(error.message),
            Err(limited) => limited,
        };
        (error.id, refused)
    }

    fn say(&self, frame: &ServerFrame, class: Class) {
        self.outbox.push(frame::text(&JsonV1, frame), class);
    }

    fn refuse(&self, id: Option<RequestId>, refused: Refused) {
        self.say(&ServerFrame::Error { id, refusal: refused.refusal() }, Class::Answer);
    }
}

impl Answerer for Talk {
    async fn text(&mut self, text: &str) -> Said {
        here::begin_message();
        let started = self.worker.chat.clock().moment();
        self.answer(text).await;
        let duration_ms = self.worker.chat.clock().moment().since(started);
        events::MessageHandled { duration_ms }.emit();
        Said::Something
    }

    fn binary(&mut self, _bytes: Bytes) -> Taken {
        Taken::No
    }

    fn ping(&mut self) -> Taken {
        match self.keep_pace() {
            Ok(()) => Taken::Yes,
            Err(_) => Taken::No,
        }
    }

    fn draining(&mut self, after: Duration) {
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        let event = Event::Draining(Draining { after_ms });
        self.say(&ServerFrame::Event(event), Class::Lasting);
    }

    fn standing(&self) -> Standing {
        match &self.known {
            None => Standing::Unknown,
            Some(known) => Standing::Known { until: Some(known.until) },
        }
    }
}

fn unauthenticated() -> Refused {
    Refused::new(ErrorCode::Unauthenticated, "say hello with a token first")
}

fn somebody_else() -> Refused {
    Refused::new(ErrorCode::Conflict, "this connection is somebody else's; open another")
}
