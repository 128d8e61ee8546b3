//! One connection of an application: what its frames mean.

use super::{
    convert, door,
    frames::{self, present, text},
    signed,
};
use crate::{
    apps::{App, Tenancy},
    logs::{events, here},
    ws::{Answerer, Said, Standing, Taken, Worker},
};
use actix_web::web::{Bytes, Data as Shared};
use campanile_core::{
    channel::{Channel, ChannelKind, ChannelMember, Data, Kept, Published},
    connection::{AppConnection, SayError, SubscribeToError, Subscribing, Subscription},
    event::Accepted,
    fanout::{Class, Outbox},
    labels::{
        ChannelType, CloseReason, JoinRefusal, MessageErrorReason, MessageKind, MessageResult,
        Transport,
    },
    limits::Rate,
    pace::Pace,
    port::{Limiter, LimiterContext, Verdict},
};
use campanile_pusher::{
    BadMember, ChannelName, ClientEvent, ClientFrame, Kind, Member, Refusal, ServerFrame, SignIn,
    SocketId, Subscribe, User,
};
use std::{collections::HashMap, future, rc::Rc, sync::Arc, time::Duration};

/// The answerer of a connection.
pub(super) struct Socket {
    worker: Shared<Worker>,
    outbox: Rc<Outbox>,
    /// `None` where it was only told why it may not be there.
    open: Option<Open>,
}

/// A connection that may be there.
struct Open {
    app: Arc<App>,
    /// Of which state of the applications that is.
    version: u64,
    /// How long it may stay.
    tenancy: Tenancy,
    socket_id: SocketId,
    connection: AppConnection,
    user: Option<User>,
    /// As whom it is in which presence channel.
    members: HashMap<Channel, Arc<str>>,
    /// It has shown that the application knows of it.
    is_authorised: bool,
    /// It has pinged with frames of the WebSocket, and is pinged so.
    speaks_websocket: bool,
    requests: Option<Pace>,
    client_events: Pace,
    /// Of client events that were refused, where too many of them are the end.
    refused_events: Option<Pace>,
}

impl Socket {
    pub(super) fn new(
        worker: Shared<Worker>,
        (app, tenancy): (Arc<App>, Tenancy),
        (socket_id, connection): (SocketId, AppConnection),
    ) -> Self {
        let rates = worker.chat.limits().rates.as_ref();
        let open = Open {
            // Older than it may be, which costs one more look.
            version: 0,
            tenancy,
            socket_id,
            user: None,
            members: HashMap::new(),
            is_authorised: false,
            speaks_websocket: false,
            requests: rates.map(|rates| Pace::new(rates.requests_per_connection)),
            client_events: pace_of(&app),
            refused_events: refusals_of(&app),
            app,
            connection,
        };
        let outbox = open.connection.outbox().clone();
        Self { worker, outbox, open: Some(open) }
    }

    /// One that was told why it may not be there.
    pub(super) fn refused(worker: Shared<Worker>, outbox: Rc<Outbox>) -> Self {
        Self { worker, outbox, open: None }
    }

    pub(super) fn app(&self) -> Option<&App> {
        self.open.as_ref().map(|open| &*open.app)
    }

    fn say(&self, frame: &ServerFrame<'_>) {
        self.outbox.push(text(frame), Class::Answer);
    }

    async fn hear(&mut self, received: &str) -> Said {
        let Self { worker, outbox, open: Some(open) } = self else { return Said::Something };
        open.keep_up(worker);
        let app = open.app.clone();
        let limits = &app.limits;
        if !open.keeps_pace(worker) {
            return Said::Something;
        }
        let frame = match ClientFrame::decode(received, limits) {
            Ok(frame) => frame,
            Err(bad) => {
                open.count(worker, MessageKind::Control);
                let errors = &worker.chat.metrics().messages.errors;
                errors.increment(MessageErrorReason::Malformed);
                self.say(&ServerFrame::Error(&Refusal::Frame(bad)));
                return Said::Something;
            }
        };
        let is_event = matches!(frame, ClientFrame::ClientEvent(_));
        open.count(worker, if is_event { MessageKind::Event } else { MessageKind::Control });
        let say = |frame: &ServerFrame<'_>| outbox.push(text(frame), Class::Answer);
        match frame {
            ClientFrame::Ping => say(&ServerFrame::Pong),
            ClientFrame::Pong => return Said::Here,
            ClientFrame::Subscribe(subscribe) => match open.subscribe(worker, &subscribe).await {
                Ok(subscribing) => {
                    open.answer(&subscribe.channel, &subscribing);
                    // What happened in the channel meanwhile comes behind the answer.
                    drop(subscribing);
                }
                Err(refusal) => say(&ServerFrame::Error(&refusal)),
            },
            ClientFrame::Unsubscribe { channel } => {
                let (channel, kind) = convert::channel(&open.app, &channel);
                open.connection.unsubscribe(&channel, kind).await;
                open.members.remove(&channel);
            }
            ClientFrame::SignIn(sign_in) => match open.sign_in(worker, &sign_in).await {
                Ok(()) => {
                    say(&ServerFrame::SignedIn { user_data: &sign_in.user_data });
                    if open.user.as_ref().is_some_and(|user| user.watchlist_is_cut) {
                        say(&ServerFrame::Error(&Refusal::watchlist_too_long(limits)));
                    }
                    open.watch().await;
                }
                Err(refusal) => say(&ServerFrame::Error(&refusal)),
            },
            ClientFrame::ClientEvent(event) => {
                let kind = ChannelType::from(convert::kind(Kind::of(&event.channel)));
                let said = open.client_event(worker, event).await;
                let result = match said {
                    Ok(()) => MessageResult::Accepted,
                    Err(_) => MessageResult::Rejected,
                };
                worker.chat.metrics().messages.client_events.increment(kind, result);
                if let Err(refusal) = said {
                    say(&ServerFrame::Error(&refusal));
                    if open.is_too_much(worker, &refusal) {
                        outbox.end(CloseReason::Other);
                    }
                }
            }
        }
        Said::Something
    }
}

impl Open {
    /// What its application is now, where that has changed.
    fn keep_up(&mut self, worker: &Worker) {
        let version = worker.apps.version();
        if self.version == version {
            return;
        }
        self.version = version;
        if let Some(app) = worker.apps.by_id(self.app.id.as_str()) {
            let before = std::mem::replace(&mut self.app, app);
            if before.limits != self.app.limits {
                self.client_events = pace_of(&self.app);
                self.refused_events = refusals_of(&self.app);
            }
        }
    }

    /// Whether a frame is read; one that comes too fast is not.
    fn keeps_pace(&mut self, worker: &Worker) -> bool {
        let Some(pace) = &mut self.requests else { return true };
        let verdict = pace.check(worker.chat.clock().moment());
        let passed = worker.chat.count_check(Limiter::Message, LimiterContext::Ip, verdict);
        passed.inspect_err(|limited| events::RateLimitHit::from(limited).emit()).is_ok()
    }

    fn count(&self, worker: &Worker, kind: MessageKind) {
        let received = &worker.chat.metrics().messages.received;
        received.increment(self.app.label, Transport::WebSocket, kind);
    }

    /// Whether a refusal is one too many of those that come of haste.
    fn is_too_much(&mut self, worker: &Worker, refusal: &Refusal<'_>) -> bool {
        let Refusal::TooManyClientEvents { .. } = refusal else { return false };
        let now = worker.chat.clock().moment();
        self.refused_events.as_mut().is_some_and(|pace| pace.check(now) != Verdict::Allowed)
    }

    async fn subscribe<'a>(
        &mut self,
        worker: &Worker,
        subscribe: &'a Subscribe,
    ) -> Result<Subscribing, Refusal<'a>> {
        let channel = &subscribe.channel;
        let kind = channel.kind();
        let (place, core_kind) = convert::channel(&self.app, channel.as_str());
        let refuse = |reason| worker.chat.count_refused_subscription(core_kind, reason);
        let member = self.enter(worker, subscribe);
        let member = member.inspect_err(|_| refuse(JoinRefusal::Forbidden))?;
        let subscription =
            Subscription { channel: place, kind: core_kind, member, keeps: kind.is_cache };
        let members_max = self.app.limits.presence_members_max;
        let subscribed = self.connection.subscribe(&subscription, members_max as u64).await;
        let subscribing = subscribed.map_err(|error| match error {
            SubscribeToError::Already => Refusal::AlreadySubscribed { channel },
            SubscribeToError::TooMany => Refusal::TooManyChannels { channel },
            SubscribeToError::Full => Refusal::ChannelFull { channel, members_max },
            SubscribeToError::Fault(fault) => {
                events::store_failed(&fault);
                Refusal::Unavailable { channel }
            }
        })?;
        if let Some(member) = subscription.member {
            self.members.insert(subscription.channel, member.user);
        }
        self.is_authorised |= kind.needs_auth();
        Ok(subscribing)
    }

    /// Whether it may enter a channel, and as whom.
    fn enter<'a>(
        &self,
        worker: &Worker,
        subscribe: &'a Subscribe,
    ) -> Result<Option<ChannelMember>, Refusal<'a>> {
        let (channel, limits) = (&subscribe.channel, &self.app.limits);
        if let Some(user) = channel.user() {
            let is_this = self.user.as_ref().is_some_and(|signed_in| signed_in.id == user);
            return if is_this { Ok(None) } else { Err(Refusal::NotThisUser) };
        }
        if !channel.kind().needs_auth() {
            return Ok(None);
        }
        let data = subscribe.channel_data.as_deref();
        let checked =
            self.app.keys.check_channel(subscribe.auth.as_deref(), self.socket_id, channel, data);
        signed::count(&worker.chat, checked).map_err(|why| Refusal::Auth { channel, why })?;
        if !channel.kind().is_presence() {
            return Ok(None);
        }
        let member = match (data, &self.user) {
            (Some(data), _) => Member::parse(data, limits),
            (None, Some(user)) => Member::of_user(user, limits),
            (None, None) => Err(BadMember::Missing),
        };
        let Member { user_id, user_info } =
            member.map_err(|why| Refusal::Member { channel, why })?;
        let info = user_info.map(|info| info.get().into());
        Ok(Some(ChannelMember { user: user_id.into(), info }))
    }

    /// Tells that it is subscribed, and what the channel has.
    fn answer(&self, name: &ChannelName, subscribing: &Subscribing) {
        let channel = name.as_str();
        let seen = &subscribing.seen;
        let say = |frame: Bytes| self.connection.outbox().push(frame, Class::Answer);
        if name.kind().is_presence() {
            let members: Vec<_> = seen.members.iter().map(present).collect();
            say(text(&ServerFrame::SubscribedPresence { channel, members: &members }));
        } else {
            say(text(&ServerFrame::Subscribed { channel }));
        }
        if name.kind().is_cache {
            match &seen.kept {
                Some(Kept { published, .. }) => say(frames::published(channel, published)),
                None => say(text(&ServerFrame::CacheMiss { channel })),
            }
        }
    }

    async fn sign_in(&mut self, worker: &Worker, sign_in: &SignIn) -> Result<(), Refusal<'static>> {
        let SignIn { auth, user_data } = sign_in;
        let checked = self.app.keys.check_user(Some(auth), self.socket_id, user_data);
        signed::count(&worker.chat, checked).map_err(Refusal::SignInAuth)?;
        let user = User::parse(user_data, &self.app.limits).map_err(Refusal::SignIn)?;
        if self.user.as_ref().is_some_and(|known| known.id != user.id) {
            return Err(Refusal::SignedInAsAnother);
        }
        self.connection.sign_in(&user.id.as_str().into()).await;
        self.user = Some(user);
        self.is_authorised = true;
        Ok(())
    }

    /// Tells how those are whom the user watches; what becomes of them follows.
    async fn watch(&self) {
        let watchlist = self.user.iter().flat_map(|user| &user.watchlist);
        let watching = self.connection.watch(watchlist.map(|user| user.as_str().into())).await;
        let online: Vec<&str> = watching.online.iter().map(|user| &**user).collect();
        let offline: Vec<&str> = watching.offline.iter().map(|user| &**user).collect();
        if let Some(frame) = frames::watchlist(&online, &offline) {
            self.connection.outbox().push(frame, Class::Answer);
        }
        // What becomes of them meanwhile comes behind the frame.
        drop(watching);
    }

    async fn client_event(
        &mut self,
        worker: &Worker,
        event: ClientEvent<'_>,
    ) -> Result<(), Refusal<'static>> {
        let received = worker.chat.clock().moment();
        if !self.app.client_events {
            return Err(Refusal::ClientEventsOff);
        }
        if !Kind::of(&event.channel).takes_client_events() {
            return Err(Refusal::ClientEventsNotHere);
        }
        let (channel, kind) = convert::channel(&self.app, &event.channel);
        if !self.connection.is_subscribed(&channel) {
            return Err(Refusal::NotSubscribed);
        }
        let verdict = self.client_events.check(received);
        let passed = worker.chat.count_check(Limiter::Message, LimiterContext::User, verdict);
        if let Err(limited) = passed {
            events::RateLimitHit::from(&limited).emit();
            return Err(Refusal::too_many_client_events(&self.app.limits));
        }
        if let Some(max) = self.app.messages_per_day_max {
            let spent = worker.chat.spend_messages(&self.app.id, 1, max).await;
            spent.map_err(|limited| {
                events::RateLimitHit::from(&limited).emit();
                Refusal::OverQuota
            })?;
        }
        let user = match kind {
            ChannelKind::Presence => self.members.get(&channel).cloned(),
            _ => None,
        };
        let data = event.data.map_or(Data::Nothing, |data| Data::Raw(data.get().into()));
        let published = Published { event: (&*event.event).into(), data, user };
        let accepted = Accepted { at: received, trace: here::trace() };
        match self.connection.say((&channel, kind), published, accepted).await {
            // A bus that fails is counted: those on this node cannot be told apart from others.
            Ok(()) | Err(SayError::Publish(_)) => Ok(()),
            Err(SayError::NotSubscribed) => Err(Refusal::NotSubscribed),
        }
    }
}

/// How fast a connection may send events.
fn pace_of(app: &App) -> Pace {
    let per_second = app.limits.client_events_per_second_max;
    Pace::new(Rate::new(per_second.into(), per_second))
}

/// The pace at which client events of one connection may be refused, where there is one.
fn refusals_of(app: &App) -> Option<Pace> {
    let per_minute = app.limits.client_event_refusals_per_minute_max;
    (per_minute > 0).then(|| Pace::new(Rate::new(f64::from(per_minute) / 60.0, per_minute)))
}

impl Answerer for Socket {
    async fn text(&mut self, text: &str) -> Said {
        here::begin_message();
        let started = self.worker.chat.clock().moment();
        let said = self.hear(text).await;
        let duration_ms = self.worker.chat.clock().moment().since(started);
        events::MessageHandled { duration_ms }.emit();
        said
    }

    fn binary(&mut self, _bytes: Bytes) -> Taken {
        self.worker.chat.metrics().messages.errors.increment(MessageErrorReason::Malformed);
        self.say(&ServerFrame::Error(&Refusal::Binary));
        Taken::Yes
    }

    fn ping(&mut self) -> Taken {
        let Self { worker, open: Some(open), .. } = self else { return Taken::No };
        open.speaks_websocket = true;
        if open.keeps_pace(worker) { Taken::Yes } else { Taken::No }
    }

    fn ask(&mut self) -> Taken {
        if self.open.as_ref().is_some_and(|open| open.speaks_websocket) {
            return Taken::No;
        }
        self.say(&ServerFrame::Ping);
        Taken::Yes
    }

    fn draining(&mut self, _after: Duration) {
        // The protocol has no word for it: clients come back when they are closed.
    }

    async fn dismissed(&mut self) -> u16 {
        let Some(open) = &mut self.open else {
            return future::pending().await;
        };
        let why = open.tenancy.ended().await;
        self.outbox.push(door::error_of(why), Class::Answer);
        why.number()
    }

    fn standing(&self) -> Standing {
        match &self.open {
            Some(open) if open.app.user_authentication && !open.is_authorised => Standing::Unknown,
            _ => Standing::Known { until: None },
        }
    }
}
