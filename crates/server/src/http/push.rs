//! Notifications: which browsers of the asker are told of direct messages while nobody is connected.

use super::{
    asked::{Caller, Sent},
    edge::Edge,
    shapes::{NewPushSubscription, OldPushSubscription, PushKeyAnswer},
};
use crate::reply::Refused;
use actix_web::{HttpResponse, web::Data};
use campanile_core::push::PushEndpoint;

/// Says what a browser subscribes with.
#[utoipa::path(
    get, path = "/api/v1/push-key", tag = "pushes", operation_id = "showPushKey",
    responses(
        (status = 200, description = "The key.", body = PushKeyAnswer),
        (status = 404, description = "This server does not notify."),
    ),
)]
pub(super) async fn key(edge: Data<Edge>, _caller: Caller) -> Result<HttpResponse, Refused> {
    let key = edge.chat.push_key();
    let key = key.ok_or_else(|| Refused::not_found("this server does not notify"))?;
    Ok(HttpResponse::Ok().json(PushKeyAnswer::of(&key)))
}

/// Notifies a browser of the asker of direct messages, while no connection of the asker is open.
///
/// It lasts as long as the session in which it is asked for. Notifications are encrypted for the
/// browser (RFC 8291): JSON with `room`, `seq`, `from` and the start of `body`.
#[utoipa::path(
    put, path = "/api/v1/push-subscriptions", tag = "pushes", operation_id = "subscribeToPushes",
    request_body = NewPushSubscription,
    responses(
        (status = 204, description = "The browser is notified."),
        (status = 404, description = "This server does not notify."),
    ),
)]
pub(super) async fn subscribe(
    edge: Data<Edge>,
    caller: Caller,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let subscription: NewPushSubscription = sent.json().await?;
    edge.chat.subscribe_to_pushes(&caller, subscription.try_into()?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Notifies a browser of the asker no longer.
#[utoipa::path(
    delete, path = "/api/v1/push-subscriptions", tag = "pushes",
    operation_id = "unsubscribeFromPushes", request_body = OldPushSubscription,
    responses(
        (status = 204, description = "The browser is notified no longer."),
        (status = 404, description = "It was not."),
    ),
)]
pub(super) async fn unsubscribe(
    edge: Data<Edge>,
    caller: Caller,
    sent: Sent,
) -> Result<HttpResponse, Refused> {
    let OldPushSubscription { endpoint } = sent.json().await?;
    let endpoint = PushEndpoint::parse(&endpoint)?;
    if !edge.chat.unsubscribe_from_pushes(&caller.user, &endpoint).await? {
        return Err(Refused::not_found("this browser is not notified"));
    }
    Ok(HttpResponse::NoContent().finish())
}
