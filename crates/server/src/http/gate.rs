//! The gate before the handlers: requests that are too long, or too many.

use super::edge::Edge;
use crate::reply::Refused;
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::header::{self, HeaderValue},
    middleware::Next,
    web::Data,
};
use campanile_core::port::{Limiter, LimiterContext};

/// What is made for whoever asks, not for browsers to keep.
const DATA: &str = "/api/";

/// What is limited by address.
const LIMITED: &str = "/api/v1/";

/// Lets a request through to its handler, or answers it.
pub async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let edge = request.app_data::<Data<Edge>>().expect("every worker has it").clone();
    if let Err(refused) = admit(&request, &edge).await {
        return Ok(request.error_response(refused));
    }
    let is_data = request.path().starts_with(DATA);
    let mut response = next.call(request).await?.map_into_boxed_body();
    if is_data {
        // What is answered to one user is nobody else's, and is what it says it is.
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    Ok(response)
}

async fn admit(request: &ServiceRequest, edge: &Edge) -> Result<(), Refused> {
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes + request.uri().path().len() > edge.settings.header_bytes_max {
        return Err(Refused::headers_too_large());
    }
    if request.path().starts_with(LIMITED) {
        let address = edge.settings.proxies.client_of(request).to_string();
        let api = (Limiter::Api, LimiterContext::Ip);
        edge.chat.pass(api, &address, |rates| rates.api_per_address).await?;
    }
    Ok(())
}
