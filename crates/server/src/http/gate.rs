//! The gate before the handlers: requests that are too long, or too many.

use super::edge::Edge;
use crate::reply::Refused;
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use campanile_core::port::{Limiter, LimiterContext};

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
    Ok(next.call(request).await?.map_into_boxed_body())
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
