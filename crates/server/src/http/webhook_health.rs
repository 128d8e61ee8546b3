//! How webhooks fare: what waits, what was told, and which receivers there are.

use super::{asked::Operator, edge::Edge};
use crate::{reply::Refused, ws::stamp};
use actix_web::{HttpResponse, web::Data};
use campanile_core::{chat::HookSeen, port::Backlog};
use campanile_protocol::Stamp;
use serde::Serialize;
use utoipa::ToSchema;

/// How webhooks fare.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookHealth {
    /// How many wait or are being told, over all nodes.
    waiting: u64,
    /// For how long the oldest of them has waited; null where none does.
    #[schema(required)]
    oldest_seconds: Option<f64>,
    /// How many were given up, over all nodes.
    dead: u64,
    /// How many this node has told since its start.
    sent_total: u64,
    /// How often a receiver did not take one from this node. It was told again, or given up.
    failed_total: u64,
    /// How many this node had no room for: nobody is told of them.
    lost_total: u64,
    /// Those of all applications.
    receivers: Vec<WebhookReceiver>,
}

/// Where an application is told.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookReceiver {
    app: String,
    url: String,
    /// What it is told of.
    events: Vec<&'static str>,
    /// Until when this node leaves it alone, as it did not do well; left out where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, required = false)]
    resting_until: Option<Stamp>,
}

/// Shows how webhooks fare.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "operators", operation_id = "webhookHealth",
    responses(
        (status = 200, description = "How they fare.", body = WebhookHealth),
        (status = 403, description = "The asker is no operator."),
    ),
)]
pub(super) async fn show(edge: Data<Edge>, _operator: Operator) -> Result<HttpResponse, Refused> {
    let Backlog { pending, dead, oldest } = edge.chat.webhook_backlog().await?;
    let now = edge.chat.clock().now();
    let reading = edge.readings.now().await;
    let failed = "chat_webhooks_failed_total";
    let lost_total = reading.whole(failed, &[("reason", "overflow")]);
    Ok(HttpResponse::Ok().json(WebhookHealth {
        waiting: pending,
        oldest_seconds: oldest.map(|oldest| now.since(oldest).as_secs_f64()),
        dead,
        sent_total: reading.whole("chat_webhooks_sent_total", &[]),
        failed_total: reading.whole(failed, &[]) - lost_total,
        lost_total,
        receivers: edge.chat.hooks_seen().into_iter().map(WebhookReceiver::from).collect(),
    }))
}

impl From<HookSeen> for WebhookReceiver {
    fn from(HookSeen { hook, resting_until }: HookSeen) -> Self {
        Self {
            app: hook.id.app.to_string(),
            url: hook.id.url.as_ref().to_owned(),
            events: hook.events.iter().map(|event| event.values()[0]).collect(),
            resting_until: resting_until.map(stamp),
        }
    }
}
