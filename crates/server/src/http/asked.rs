//! What a request carries: who asks, and its body.

use super::edge::Edge;
use crate::{
    limits::{BODY_BYTES_MAX, TOKEN_BYTES_MAX},
    metrics,
    reply::Refused,
    token,
};
use actix_multipart::Multipart;
use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header,
    web::{Bytes, BytesMut, Data},
};
use campanile_core::{chat::AuthenticateError, user::Session};
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde::de::DeserializeOwned;
use std::{future, ops::Deref, pin::pin, time::Duration};
use tokio::time::timeout;

/// How long the store may take to say who looks at the numbers; whoever is known is not kept
/// waiting longer.
const WATCHER_PATIENCE: Duration = Duration::from_secs(1);

/// Who asks.
pub(super) struct Caller(Session);

/// Who asks, an operator.
pub(super) struct Operator(Caller);

/// Who looks at the numbers, an operator: also while the store, which knows who that is, is away.
pub(super) struct Watcher;

/// The body of a request, not read yet: who asks is checked first.
pub(super) struct Sent {
    request: HttpRequest,
    payload: Payload,
}

impl Deref for Caller {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl Deref for Operator {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl FromRequest for Caller {
    type Error = Refused;
    type Future = LocalBoxFuture<'static, Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let token = bearer(&request).ok_or_else(nobody)?;
            let edge = edge(&request);
            Ok(Self(token::authenticate(&edge.chat, token::hash(token)).await?))
        })
    }
}

impl FromRequest for Watcher {
    type Error = Refused;
    type Future = LocalBoxFuture<'static, Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let token = token::hash(bearer(&request).ok_or_else(nobody)?);
            let (chat, watchers) = (&edge(&request).chat, &edge(&request).watchers);
            let now = || (chat.clock().moment(), chat.clock().now());
            let mut asking = pin!(token::authenticate(chat, token));
            let found = match timeout(WATCHER_PATIENCE, &mut asking).await {
                Ok(found) => found,
                Err(_) if watchers.go_on(token, now()) => return Ok(Self),
                Err(_) => asking.await,
            };
            match found {
                Ok(session) if session.operator => {
                    watchers.known(&session, now().0);
                    Ok(Self)
                }
                Err(AuthenticateError::Fault(_)) if watchers.go_on(token, now()) => Ok(Self),
                Err(fault @ AuthenticateError::Fault(_)) => Err(fault.into()),
                other => {
                    watchers.refused(token);
                    Err(other.map_or_else(Refused::from, |_| no_operator()))
                }
            }
        })
    }
}

impl FromRequest for Operator {
    type Error = Refused;
    type Future = LocalBoxFuture<'static, Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move {
            let caller = caller.await?;
            if caller.operator { Ok(Self(caller)) } else { Err(no_operator()) }
        })
    }
}

impl FromRequest for Sent {
    type Error = Refused;
    type Future = future::Ready<Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        future::ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl Sent {
    /// The body as the JSON object it should be: serde alone would take a list of the fields too.
    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, Refused> {
        if !is_json(&self.request) {
            return Err(Refused::not_json());
        }
        let body = self.read().await?;
        if body.trim_ascii_start().first().is_some_and(|first| *first == b'[') {
            return Err(Refused::bad_request("the body is a list, not an object"));
        }
        serde_json::from_slice(&body)
            .map_err(|error| Refused::bad_request(format!("the body is not understood: {error}")))
    }

    /// The body as the form it should be, not read yet.
    pub(super) fn form(self) -> (HttpRequest, Multipart) {
        let form = Multipart::new(self.request.headers(), self.payload);
        (self.request, form)
    }

    async fn read(mut self) -> Result<Bytes, Refused> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.payload.next().await {
            let chunk = chunk.map_err(|_| Refused::bad_request("the body did not arrive whole"))?;
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                let detail = format!("a body has at most {BODY_BYTES_MAX} bytes");
                return Err(Refused::too_large(detail));
            }
            body.extend_from_slice(&chunk);
        }
        observe_size(&self.request, body.len() as u64);
        Ok(body.freeze())
    }
}

/// Notes how long a request's body was.
pub(super) fn observe_size(request: &HttpRequest, bytes: u64) {
    let route = metrics::Route::of(request.match_pattern().as_deref());
    edge(request).metrics.http.request_size.observe(bytes, route);
}

/// What every request may need.
pub(super) fn edge(request: &HttpRequest) -> &Edge {
    request.app_data::<Data<Edge>>().expect("every worker has it")
}

/// The token that a request brings.
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let plausible = !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
    (scheme.eq_ignore_ascii_case("bearer") && plausible).then_some(token)
}

fn nobody() -> Refused {
    Refused::unauthenticated("log in, and send the token as a Bearer")
}

fn no_operator() -> Refused {
    Refused::forbidden("only operators may do this")
}

fn is_json(request: &HttpRequest) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = value.and_then(|value| value.split(';').next());
    media_type.is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}
