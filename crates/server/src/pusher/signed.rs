//! Which application asks, and that it is the application.

use crate::{
    apps::{App, Apps},
    logs::events,
};
use actix_web::HttpRequest;
use campanile_core::{
    chat::Chat,
    labels::{AuthRefusal, Mechanism},
};
use campanile_pusher::{
    Query,
    http::{ApiError, BadSignature, SignedRequest},
};
use std::sync::Arc;

/// The application of this id, when the request is signed by it. Whoever has not signed is not told
/// whether there is such an application beyond what its status says.
pub(super) fn check(
    (apps, chat): (&Apps, &Chat),
    id: &str,
    (request, query): (&HttpRequest, &Query<'_>),
    body: &[u8],
) -> Result<Arc<App>, ApiError> {
    let app = apps.by_id(id).ok_or(ApiError::NoSuchApp)?;
    let signed = SignedRequest {
        method: request.method().as_str(),
        path: request.uri().path(),
        query,
        body,
    };
    let now_seconds = chat.clock().now().0.div_euclid(1_000);
    count(chat, signed.check(&app.keys, now_seconds, &app.limits).map(drop))?;
    if app.enabled { Ok(app.clone()) } else { Err(ApiError::AppDisabled) }
}

fn count(chat: &Chat, checked: Result<(), BadSignature>) -> Result<(), BadSignature> {
    let metrics = &chat.metrics().auth;
    match checked {
        Ok(()) => {
            metrics.successes.increment(Mechanism::Hmac);
            events::SignatureAccepted {}.emit();
        }
        Err(_) => {
            let (mechanism, reason) = (Mechanism::Hmac, AuthRefusal::BadCredentials);
            metrics.failures.increment(mechanism, reason);
            events::AuthenticationFailed { mechanism, reason }.emit();
        }
    }
    checked
}
