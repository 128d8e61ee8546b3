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

/// How a request says which application it is about.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    /// With the id in its path.
    ById(&'a str),
    /// With nothing but the key that it is signed with.
    ByKey,
}

/// The application that is named, when the request is signed by it. Whoever has not signed is not
/// told whether there is such an application beyond what its status says.
pub(super) fn check(
    (apps, chat): (&Apps, &Chat),
    named: Named<'_>,
    (request, query): (&HttpRequest, &Query<'_>),
    body: &[u8],
) -> Result<Arc<App>, ApiError> {
    let app = match named {
        Named::ById(id) => apps.by_id(id).ok_or(ApiError::NoSuchApp)?,
        Named::ByKey => {
            let app = query.get("auth_key").and_then(|key| apps.by_key(key));
            let Some(app) = app else {
                count(chat, Err(BadSignature::UnknownKey))?;
                return Err(BadSignature::UnknownKey.into());
            };
            app
        }
    };
    let signed = SignedRequest {
        method: request.method().as_str(),
        path: request.uri().path(),
        query,
        body,
    };
    let now_seconds = chat.clock().now().0.div_euclid(1_000);
    let checked = signed.check(&app.keys, now_seconds, &app.limits);
    count(chat, checked.map(drop))?;
    if app.enabled { Ok(app) } else { Err(ApiError::AppDisabled) }
}

/// Counts a signature that was checked, and says what became of it.
pub(super) fn count<E>(chat: &Chat, checked: Result<(), E>) -> Result<(), E> {
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
