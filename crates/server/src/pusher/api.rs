//! The HTTP API of applications: publishing to channels, and asking about them.
//!
//! What is refused is told in words, with the status that the documentation gives it.

use super::{
    convert,
    once::Once,
    part::Part,
    signed::{self, Named},
};
use crate::{
    apps::App,
    http::Edge,
    logs::{events, here},
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{self, ContentType},
    },
    rt,
    web::{Bytes, Data, Path},
};
use campanile_core::{
    channel::{self, Published},
    chat::{Publication, PublishError},
    event::Accepted,
    labels::{MessageKind, Transport},
    port::{ChannelSeen, Fault},
};
use campanile_pusher::{
    ChannelName, Query,
    http::{
        ApiError, Batch, BatchAnswer, Cached, ChannelAnswer, ChannelsAnswer, Counts, Event, Info,
        Publish, PublishAnswer, UserAnswer, UsersAnswer, check_presence,
    },
};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// When to come back to a node that cannot hand an event on, or is still about it.
const COME_BACK_SECONDS: u32 = 1;

/// A request of an application that has signed it.
struct Asked<'a> {
    edge: &'a Edge,
    request: &'a HttpRequest,
    app: Arc<App>,
    query: &'a Query<'a>,
    body: &'a [u8],
    accepted: Accepted,
}

/// `POST /apps/{id}/events`: one event, for some channels.
pub async fn events(
    request: HttpRequest,
    edge: Data<Edge>,
    id: Path<String>,
    body: Bytes,
) -> HttpResponse {
    to_the_end(async move {
        answer((&request, &edge), &id, &body, async |asked| {
            asked.once(async |part| asked.publish_one(part).await).await
        })
        .await
    })
    .await
}

/// Goes on though the client has gone: what is begun under a key is answered under it, and what has
/// taken its messages off a quota is published as a whole.
async fn to_the_end(work: impl Future<Output = HttpResponse> + 'static) -> HttpResponse {
    let done = rt::spawn(here::carry(work)).await;
    done.unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
}

/// `POST /apps/{id}/batch_events`: several events, each for a channel.
pub async fn batch_events(
    request: HttpRequest,
    edge: Data<Edge>,
    id: Path<String>,
    body: Bytes,
) -> HttpResponse {
    to_the_end(async move {
        answer((&request, &edge), &id, &body, async |asked| {
            asked.once(async |part| asked.publish_batch(part).await).await
        })
        .await
    })
    .await
}

/// `GET /apps/{id}/channels`: the channels that somebody is on.
pub async fn channels(
    request: HttpRequest,
    edge: Data<Edge>,
    id: Path<String>,
    body: Bytes,
) -> HttpResponse {
    answer((&request, &edge), &id, &body, async |asked| {
        let prefix = asked.query.get("filter_by_prefix");
        let info = Info::of_channels(asked.query.get("info"), prefix)?;
        let occupied =
            asked.edge.chat.occupied_channels(&asked.app.id, prefix.unwrap_or_default()).await;
        let occupied = occupied.map_err(unavailable)?;
        let counts = occupied.iter().map(|count| {
            let counts = Counts {
                user_count: info.user_count.then_some(count.members),
                subscription_count: info.subscription_count.then_some(count.subscriptions),
            };
            (count.channel.name(), counts)
        });
        ok(&ChannelsAnswer { channels: counts.collect() })
    })
    .await
}

/// `GET /apps/{id}/channels/{name}`: what a channel is like.
pub async fn channel(
    request: HttpRequest,
    edge: Data<Edge>,
    path: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let (id, name) = path.into_inner();
    answer((&request, &edge), &id, &body, async |asked| {
        let name = ChannelName::parse(&name, &asked.app.limits)?;
        let info = Info::of_channel(asked.query.get("info"), &name)?;
        let seen = asked.look(&name).await?;
        let now = asked.edge.chat.clock().now();
        let kept = seen.kept.as_ref().map(|kept| (kept, kept.until.since(now).as_secs()));
        let cached =
            kept.and_then(|(kept, ttl)| Some(Cached { data: json(&kept.published.data)?, ttl }));
        ok(&ChannelAnswer {
            occupied: seen.subscriptions > 0,
            counts: counts(info, &seen),
            cache: info.cache.then_some(cached),
        })
    })
    .await
}

/// `GET /apps/{id}/channels/{name}/users`: who is on a presence channel.
pub async fn users(
    request: HttpRequest,
    edge: Data<Edge>,
    path: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let (id, name) = path.into_inner();
    answer((&request, &edge), &id, &body, async |asked| {
        let name = ChannelName::parse(&name, &asked.app.limits)?;
        check_presence(&name)?;
        let seen = asked.look(&name).await?;
        let users = seen.members.iter().map(|member| UserAnswer { id: &member.user });
        ok(&UsersAnswer { users: users.collect() })
    })
    .await
}

/// `POST /apps/{id}/users/{user}/terminate_connections`: closes what a user has signed in over.
pub async fn terminate(
    request: HttpRequest,
    edge: Data<Edge>,
    path: Path<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let (id, user) = path.into_inner();
    answer((&request, &edge), &id, &body, async |asked| asked.end_user(user).await).await
}

/// `POST /users/{user}/terminate_connections`: the same as a library asks for it that leaves out
/// whose user it is, which its key says as well.
pub async fn terminate_by_key(
    request: HttpRequest,
    edge: Data<Edge>,
    user: Path<String>,
    body: Bytes,
) -> HttpResponse {
    let user = user.into_inner();
    let asks = async |asked: Asked<'_>| asked.end_user(user).await;
    answer_whom(Named::ByKey, (&request, &edge), &body, asks).await
}

/// Checks who asks, does it, and says what is wrong where something is.
async fn answer(
    asks: (&HttpRequest, &Edge),
    id: &str,
    body: &[u8],
    give: impl AsyncFnOnce(Asked<'_>) -> Result<HttpResponse, ApiError>,
) -> HttpResponse {
    answer_whom(Named::ById(id), asks, body, give).await
}

async fn answer_whom(
    named: Named<'_>,
    (request, edge): (&HttpRequest, &Edge),
    body: &[u8],
    give: impl AsyncFnOnce(Asked<'_>) -> Result<HttpResponse, ApiError>,
) -> HttpResponse {
    let accepted = Accepted { at: edge.chat.clock().moment(), trace: here::trace() };
    let query = Query::parse(request.query_string());
    let given = match signed::check((&edge.apps, &edge.chat), named, (request, &query), body) {
        Ok(app) => give(Asked { edge, request, app, query: &query, body, accepted }).await,
        Err(error) => Err(error),
    };
    given.unwrap_or_else(|error| refusal(&error))
}

impl Asked<'_> {
    /// Does what is asked, unless it was done before, or the rest of it.
    async fn once(
        &self,
        answer: impl AsyncFnOnce(&Part) -> Result<String, ApiError>,
    ) -> Result<HttpResponse, ApiError> {
        let ports = self.edge.chat.ports();
        let kept = (&ports.answers, &ports.clock);
        let once = Once::of(kept, &self.app, (self.request, self.query), self.body)?;
        let answer = match once {
            Some(once) => once.answer(answer).await?,
            None => answer(&Part::default()).await?,
        };
        Ok(HttpResponse::Ok().content_type(ContentType::json()).body(answer))
    }

    async fn publish_one(&self, part: &Part) -> Result<String, ApiError> {
        let Publish { event, channels } = Publish::parse(self.body, self.query, &self.app.limits)?;
        self.spend_once(part, channels.len()).await?;
        let mut answer = PublishAnswer::default();
        // Before it is published: what fails afterwards would be published again.
        if !event.info.is_empty() {
            for channel in &channels {
                answer.channels.insert(channel.as_str(), self.count(event.info, channel).await?);
            }
        }
        self.publish_rest(part, channels.iter().map(|channel| (&event, channel))).await?;
        Ok(to_json(&answer))
    }

    async fn publish_batch(&self, part: &Part) -> Result<String, ApiError> {
        let Batch { items } = Batch::parse(self.body, &self.app.limits)?;
        self.spend_once(part, items.len()).await?;
        let mut answer = BatchAnswer::default();
        if items.iter().any(|item| !item.event.info.is_empty()) {
            for item in &items {
                answer.batch.push(self.count(item.event.info, &item.channel).await?);
            }
        }
        self.publish_rest(part, items.iter().map(|item| (&item.event, &item.channel))).await?;
        Ok(to_json(&answer))
    }

    async fn end_user(&self, user: String) -> Result<HttpResponse, ApiError> {
        let ended = self.edge.chat.end_user(&self.app.id, user.into()).await;
        ended.map_err(|_told_where_its_health_is| ApiError::Unavailable)?;
        ok(&PublishAnswer::default())
    }

    /// A request that was done in part has paid for all of it then.
    async fn spend_once(&self, part: &Part, messages: usize) -> Result<(), ApiError> {
        if part.is_empty() { spend(self.edge, &self.app, messages).await } else { Ok(()) }
    }

    /// Hands over one after the other, but for what was before, and waits for all of them together.
    async fn publish_rest<'a>(
        &self,
        part: &Part,
        events: impl Iterator<Item = (&'a Event<'a>, &'a ChannelName)>,
    ) -> Result<(), ApiError> {
        let rest = events.enumerate().filter(|(place, _)| !part.has(*place));
        let publish = async |(place, (event, name))| {
            self.publish(event, name).await?;
            part.note(place);
            Ok(())
        };
        join_all(rest.map(publish)).await.into_iter().collect()
    }

    async fn publish(&self, event: &Event<'_>, name: &ChannelName) -> Result<(), ApiError> {
        publish((self.edge, &self.app), self.accepted, event, name).await
    }

    async fn look(&self, name: &ChannelName) -> Result<ChannelSeen, ApiError> {
        let (channel, _) = convert::channel(&self.app, name.as_str());
        self.edge.chat.channel(&channel).await.map_err(unavailable)
    }

    async fn count(&self, info: Info, name: &ChannelName) -> Result<Counts, ApiError> {
        Ok(counts(info.where_it_applies(name), &self.look(name).await?))
    }
}

/// Publishes what this body says, for an operator: checked as if the application had sent it, but
/// for its signature.
pub(crate) async fn publish_unsigned(edge: &Edge, app: &App, body: &[u8]) -> Result<(), ApiError> {
    let accepted = Accepted { at: edge.chat.clock().moment(), trace: here::trace() };
    let Publish { event, channels } = Publish::parse(body, &Query::parse(""), &app.limits)?;
    if !app.enabled {
        return Err(ApiError::AppDisabled);
    }
    spend(edge, app, channels.len()).await?;
    for channel in &channels {
        publish((edge, app), accepted, &event, channel).await?;
    }
    Ok(())
}

/// Takes messages off what the application may have today.
async fn spend(edge: &Edge, app: &App, messages: usize) -> Result<(), ApiError> {
    let Some(max) = app.messages_per_day_max else { return Ok(()) };
    let spent = edge.chat.spend_messages(&app.id, messages as u64, max).await;
    spent.map_err(|limited| {
        events::RateLimitHit::from(&limited).emit();
        ApiError::OverQuota
    })
}

async fn publish(
    (edge, app): (&Edge, &App),
    accepted: Accepted,
    event: &Event<'_>,
    name: &ChannelName,
) -> Result<(), ApiError> {
    let received = &edge.chat.metrics().messages.received;
    received.increment(app.label, Transport::LongPoll, MessageKind::Event);
    let (channel, kind) = convert::channel(app, name.as_str());
    let published = Published {
        event: (&*event.name).into(),
        data: channel::Data::Raw(event.data.get().into()),
        user: None,
    };
    let publication = Publication {
        kind,
        except: event.except.and_then(convert::connection),
        kept: name.kind().is_cache.then_some(app.limits.cache_time),
        accepted,
    };
    edge.chat.publish(&channel, published, publication).await.map_err(|error| match error {
        PublishError::Fault(fault) => unavailable(fault),
        // What the bus says is told where its health is.
        PublishError::Bus(_) => ApiError::Unavailable,
    })
}

/// What was published over HTTP, as it was written.
fn json(data: &channel::Data) -> Option<&RawValue> {
    match data {
        channel::Data::Raw(json) => serde_json::from_str(json).ok(),
        channel::Data::Nothing | channel::Data::Text(_) => None,
    }
}

fn counts(info: Info, seen: &ChannelSeen) -> Counts {
    Counts {
        user_count: info.user_count.then_some(seen.members.len() as u64),
        subscription_count: info.subscription_count.then_some(seen.subscriptions),
    }
}

fn unavailable(fault: Fault) -> ApiError {
    events::store_failed(&fault);
    ApiError::Unavailable
}

fn to_json(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).expect("answers have text keys")
}

fn ok(answer: &impl Serialize) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(answer))
}

fn refusal(error: &ApiError) -> HttpResponse {
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = HttpResponse::build(status);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT) {
        answer.insert_header((header::RETRY_AFTER, COME_BACK_SECONDS));
    }
    answer.content_type("text/plain; charset=utf-8").body(error.to_string())
}
