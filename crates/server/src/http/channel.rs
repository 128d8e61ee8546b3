//! The channels of an application, as operators see them, and a test event for one of them.

use super::{
    asked::{Operator, Sent},
    edge::Edge,
    of_app::OfApp,
};
use crate::{logs::events, pusher, reply::Refused, ws::stamp};
use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use campanile_core::{
    channel::{Channel, Kept},
    port::ChannelSeen,
};
use campanile_protocol::Stamp;
use campanile_pusher::{Access, ChannelName, Kind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Channels in one answer, unless another number is asked for, and at most.
const LISTED: u64 = 100;
const LISTED_MAX: u64 = 1_000;

/// Longest beginning of names that is looked for.
const PREFIX_CHARACTERS_MAX: usize = 200;

/// Most members that are named.
const MEMBERS_MAX: usize = 1_000;

/// Which channels.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Those whose names begin so.
    #[param(max_length = 200, nullable = false)]
    prefix: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    limit: Option<u64>,
}

/// Which channel.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct NamedChannel {
    /// Its name.
    #[param(pattern = "^[A-Za-z0-9_=@,.;-]{1,200}$")]
    channel: String,
}

/// The channels that somebody is subscribed to, over all nodes.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Channels {
    /// By name.
    channels: Vec<CountedChannel>,
    /// How many there are whose names begin so, of which these are the first.
    total: u64,
}

#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CountedChannel {
    name: String,
    kind: ChannelAccess,
    /// Whether it keeps its last event.
    cache: bool,
    subscriptions: u64,
    /// How many members it has; left out where its kind has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    members: Option<u64>,
}

/// What a channel is like, over all nodes.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShownChannel {
    name: String,
    kind: ChannelAccess,
    /// Whether it keeps its last event.
    cache: bool,
    /// How many there are; 0 where the channel is not there.
    subscriptions: u64,
    /// How many members it has; left out where its kind has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    members: Option<u64>,
    /// Who they are, up to 1000, by name; left out where its kind has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    member_list: Option<Vec<String>>,
    /// The event that it keeps; null where it keeps none.
    #[schema(required)]
    kept: Option<KeptEvent>,
}

/// The last event of a channel.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeptEvent {
    /// Its name.
    event: String,
    /// How long its data is.
    data_bytes: u64,
    /// Until when it is kept.
    #[schema(value_type = String, format = DateTime)]
    until: Stamp,
}

/// Who may subscribe to a channel.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum ChannelAccess {
    Public,
    Private,
    Encrypted,
    Presence,
    User,
}

/// An event to try a channel with.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestEvent {
    /// Where. The limits of the application may allow longer or shorter texts, here and below.
    #[schema(pattern = "^[A-Za-z0-9_=@,.;-]{1,200}$")]
    channel: String,
    /// What it is called; names that begin with `pusher:` or `pusher_internal:` are the protocol's.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it carries. Most clients read JSON in it.
    #[schema(max_length = 10240)]
    data: String,
}

/// Lists the channels of an application that somebody is subscribed to.
#[utoipa::path(
    get, path = "/api/v1/apps/{app}/channels", tag = "operators", operation_id = "listChannels",
    params(OfApp, Wanted),
    responses(
        (status = 200, description = "The channels.", body = Channels),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
    ),
)]
pub(super) async fn list(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
    query: Query<Wanted>,
) -> Result<HttpResponse, Refused> {
    let limit = query.limit.unwrap_or(LISTED);
    if limit == 0 || limit > LISTED_MAX {
        return Err(Refused::bad_request(format!("`limit` is 1 to {LISTED_MAX}")));
    }
    let prefix = query.prefix.as_deref().unwrap_or_default();
    if prefix.chars().count() > PREFIX_CHARACTERS_MAX {
        let detail = format!("`prefix` has at most {PREFIX_CHARACTERS_MAX} characters");
        return Err(Refused::bad_request(detail));
    }
    let app = of.find(&edge)?;
    let occupied = edge.chat.occupied_channels(&app.id, prefix).await?;
    let total = occupied.len() as u64;
    let counted = occupied.iter().take(limit as usize);
    let channels = counted.map(|count| {
        CountedChannel::new(count.channel.name(), (count.subscriptions, count.members))
    });
    Ok(HttpResponse::Ok().json(Channels { channels: channels.collect(), total }))
}

/// Shows what a channel is like, whether or not somebody is subscribed to it.
#[utoipa::path(
    get, path = "/api/v1/apps/{app}/channels/{channel}", tag = "operators",
    operation_id = "showChannel",
    params(OfApp, NamedChannel),
    responses(
        (status = 200, description = "The channel.", body = ShownChannel),
        (status = 400, description = "No channel can be called so."),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
    ),
)]
pub(super) async fn show(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
    named: Path<NamedChannel>,
) -> Result<HttpResponse, Refused> {
    let app = of.find(&edge)?;
    let name = ChannelName::parse(&named.channel, &app.limits)
        .map_err(|error| Refused::bad_request(error.to_string()))?;
    let seen = edge.chat.channel(&Channel::new(&app.id, name.as_str())).await?;
    Ok(HttpResponse::Ok().json(ShownChannel::new(&name, seen)))
}

/// Publishes a test event, within the limits that the application's own events have.
#[utoipa::path(
    post, path = "/api/v1/apps/{app}/events", tag = "operators", operation_id = "publishTestEvent",
    params(OfApp),
    request_body = TestEvent,
    responses(
        (status = 204, description = "It is on its way to the subscribers."),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
        (status = 409, description = "The application is disabled."),
    ),
)]
pub(super) async fn publish(
    edge: Data<Edge>,
    _operator: Operator,
    of: Path<OfApp>,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let event = sent.json::<TestEvent>().await?;
    let app = of.find(&edge)?;
    let body = serde_json::to_vec(&event).expect("texts are JSON");
    pusher::publish_unsigned(&edge, &app, &body).await?;
    events::TestEventPublished { app: app.id.as_str() }.emit();
    Ok(HttpResponse::NoContent().finish())
}

impl CountedChannel {
    fn new(name: &str, (subscriptions, members): (u64, u64)) -> Self {
        let kind = Kind::of(name);
        let members = kind.is_presence().then_some(members);
        Self {
            name: name.to_owned(),
            kind: kind.access.into(),
            cache: kind.is_cache,
            subscriptions,
            members,
        }
    }
}

impl ShownChannel {
    fn new(name: &ChannelName, seen: ChannelSeen) -> Self {
        let counts = (seen.subscriptions, seen.members.len() as u64);
        let CountedChannel { name, kind, cache, subscriptions, members } =
            CountedChannel::new(name.as_str(), counts);
        let names = seen.members.iter().map(|member| member.user.as_ref().to_owned());
        let mut member_list: Vec<String> = names.collect();
        member_list.sort_unstable();
        member_list.truncate(MEMBERS_MAX);
        let member_list = members.is_some().then_some(member_list);
        let kept = seen.kept.map(KeptEvent::from);
        Self { name, kind, cache, subscriptions, members, member_list, kept }
    }
}

impl From<Kept> for KeptEvent {
    fn from(Kept { published, until, .. }: Kept) -> Self {
        Self {
            event: published.event.as_ref().to_owned(),
            data_bytes: published.data.len() as u64,
            until: stamp(until),
        }
    }
}

impl From<Access> for ChannelAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::Public => Self::Public,
            Access::Private => Self::Private,
            Access::Encrypted => Self::Encrypted,
            Access::Presence => Self::Presence,
            Access::User => Self::User,
        }
    }
}
