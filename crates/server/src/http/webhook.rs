//! Webhooks that were given up: operators look at them, and have them told again.

use super::{
    asked::{Operator, Sent},
    edge::Edge,
    numbers,
};
use crate::{limits::PAGE_MAX, logs::events, reply::Refused, ws::stamp};
use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use campanile_core::{chat::DeadWebhook, port::JobId};
use campanile_protocol::Stamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Webhooks in one page, unless another number is asked for.
const PAGE: u64 = 50;

/// Digits of an id: every reader of JSON could take it for a number.
const ID_DIGITS_MAX: usize = 15;

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Those next above this one.
    #[param(pattern = "^[0-9]{1,15}$", nullable = false)]
    after: Option<String>,
    /// How many.
    #[param(minimum = 1, maximum = 200, nullable = false)]
    #[serde(default, deserialize_with = "super::numbers::in_query")]
    limit: Option<u64>,
}

/// Webhooks that were given up.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeadWebhooks {
    /// The oldest first.
    webhooks: Vec<Dead>,
}

/// A webhook that was given up.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Dead {
    /// What it is known by.
    #[schema(pattern = "^[0-9]{1,20}$")]
    id: String,
    /// Why it was given up.
    error: String,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    happened_at: Stamp,
    /// The application. This and what follows are left out where this server cannot read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    app: Option<String>,
    /// The receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<String>,
    /// What happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    event: Option<&'static str>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    channel: Option<String>,
}

/// The id of a webhook that was given up.
#[derive(Deserialize, ToSchema)]
#[schema(pattern = "^[0-9]{1,15}$")]
struct WebhookId(String);

/// Which webhooks are to be told again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revival {
    /// Their ids; all when it is left out.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Vec<WebhookId>, max_items = 200)]
    ids: Option<Vec<WebhookId>>,
}

/// How many webhooks will be told again.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Revived {
    revived: u64,
}

/// Lists the webhooks that were given up, since their receivers did not take them in time.
#[utoipa::path(
    get, path = "/api/v1/webhooks/dead", tag = "operators", operation_id = "listDeadWebhooks",
    params(Part),
    responses(
        (status = 200, description = "The webhooks, oldest first.", body = DeadWebhooks),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn dead(
    edge: Data<Edge>,
    _operator: Operator,
    part: Query<Part>,
) -> Result<HttpResponse, Refused> {
    let limit = numbers::up_to(PAGE_MAX, "limit", part.limit.unwrap_or(PAGE))?;
    let after = part.after.as_deref().map(|text| parse(text, "`after`")).transpose()?;
    let dead = edge.chat.dead_webhooks(after, limit).await?;
    let webhooks = dead.into_iter().map(Dead::from).collect();
    Ok(HttpResponse::Ok().json(DeadWebhooks { webhooks }))
}

/// Has webhooks told again that were given up, as if they had never been tried.
#[utoipa::path(
    post, path = "/api/v1/webhooks/dead/revive", tag = "operators",
    operation_id = "reviveDeadWebhooks",
    request_body = Revival,
    responses(
        (status = 200, description = "They will be told.", body = Revived),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn revive(
    edge: Data<Edge>,
    _operator: Operator,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let revived = match sent.json::<Revival>().await?.ids {
        Some(ids) if ids.len() as u64 > PAGE_MAX => {
            return Err(Refused::bad_request(format!("`ids` are at most {PAGE_MAX}")));
        }
        Some(ids) => {
            let ids: Result<Vec<JobId>, Refused> =
                ids.iter().map(|WebhookId(id)| parse(id, "an id")).collect();
            edge.chat.revive_webhooks(&ids?).await?
        }
        None => revive_all(&edge).await?,
    };
    events::WebhooksRevived { webhooks: revived }.emit();
    Ok(HttpResponse::Ok().json(Revived { revived }))
}

/// Those that are given up meanwhile stay.
async fn revive_all(edge: &Edge) -> Result<u64, Refused> {
    let (mut after, mut revived) = (None, 0);
    let last = edge.chat.limits().webhook_dead_max;
    while revived < last {
        let dead = edge.chat.dead_webhooks(after, PAGE_MAX as usize).await?;
        let ids: Vec<JobId> = dead.iter().map(|one| one.id).collect();
        let Some(highest) = ids.last() else { break };
        after = Some(*highest);
        revived += edge.chat.revive_webhooks(&ids).await?;
    }
    Ok(revived)
}

fn parse(text: &str, what: &str) -> Result<JobId, Refused> {
    let is_id = !text.is_empty()
        && text.len() <= ID_DIGITS_MAX
        && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = if is_id { text.parse().ok() } else { None };
    let wrong = || Refused::bad_request(format!("{what} has 1 to {ID_DIGITS_MAX} digits"));
    id.map(JobId).ok_or_else(wrong)
}

/// What may be left out but not be null.
fn given<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<WebhookId>>, D::Error> {
    Vec::deserialize(deserializer).map(Some)
}

impl From<DeadWebhook> for Dead {
    fn from(webhook: DeadWebhook) -> Self {
        let (hook, happening) = webhook.told.unzip();
        let happened = happening.as_ref();
        Self {
            id: webhook.id.0.to_string(),
            error: webhook.error,
            happened_at: stamp(webhook.given_at),
            app: hook.as_ref().map(|hook| hook.app.to_string()),
            url: hook.map(|hook| hook.url.to_string()),
            event: happened.map(|happening| happening.what.event().values()[0]),
            channel: happened.map(|happening| happening.channel.name().to_owned()),
        }
    }
}
