//! Measures every request: what was answered, how long it took, how large it was.

use super::{edge::Edge, first_request::FirstRequest};
use crate::{
    health::Health,
    logs::{events, here::Here},
    metrics::{Endpoint, HttpMetrics, Method, Route, Status},
    reply::Refused,
    sse,
};
use actix_web::{
    Error,
    body::{BodySize, BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{self, StatusCode, header},
    middleware::Next,
    web::{Bytes, Data},
};
use campanile_metrics::Guard;
use futures_util::FutureExt;
use std::{
    net::{IpAddr, Ipv4Addr},
    panic::AssertUnwindSafe,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

/// Measures a request from here until the last byte of its answer. A handler that panics is
/// answered with 500.
pub async fn measure(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let health = request.app_data::<Data<Health>>().expect("every worker has it").clone();
    let metrics = request.app_data::<Data<HttpMetrics>>().expect("every worker has it").clone();
    if let Some(awaited) = request.conn_data::<FirstRequest>() {
        awaited.has_come();
    }
    let pattern = request.match_pattern();
    let here = here(&request);
    let mut meter = Meter::begin(&metrics, request.method(), pattern.as_deref(), here.clone());
    let answered = here.during(next.call(request));
    let response = match AssertUnwindSafe(answered).catch_unwind().await {
        Ok(Ok(response)) => response.map_into_boxed_body(),
        Ok(Err(error)) => {
            meter.end(error.as_response_error().status_code(), 0);
            return Err(error);
        }
        Err(_reported_by_the_hook) => {
            health.panicked();
            meter.end(StatusCode::INTERNAL_SERVER_ERROR, 0);
            return Err(Refused::internal().into());
        }
    };
    let status = response.status();
    if status == StatusCode::SWITCHING_PROTOCOLS || is_event_stream(&response) {
        meter.become_connection(status);
        return Ok(response);
    }
    let size = response.response().body().size();
    if meter.is_head || matches!(size, BodySize::None | BodySize::Sized(0)) {
        meter.end(status, 0);
        return Ok(response);
    }
    Ok(response.map_body(|_, body| BoxBody::new(Measured { body, meter, status, size, sent: 0 })))
}

/// What a request is about: the trace that its client may have begun, and where it comes from.
fn here(request: &ServiceRequest) -> Rc<Here> {
    let traceparent = request.headers().get("traceparent");
    let traceparent = traceparent.and_then(|value| value.to_str().ok());
    let proxies = request.app_data::<Data<Edge>>().map(|edge| &edge.settings.proxies);
    let address = proxies.map(|proxies| proxies.client_of(request));
    Here::new(traceparent, address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
}

impl Route {
    /// The route of the router's pattern.
    pub(super) fn of(pattern: Option<&str>) -> Self {
        let pattern = template(pattern);
        let known = Self::ALL.iter().find(|route| route.values()[0] == pattern);
        known.copied().unwrap_or(Self::Unmatched)
    }
}

impl Endpoint {
    fn of(method: Method, pattern: Option<&str>) -> Self {
        let (method, pattern) = (method.values()[0], template(pattern));
        let find = |route: &str| {
            Self::ALL.iter().find(|endpoint| *endpoint.values() == [method, route]).copied()
        };
        find(&pattern).or_else(|| find(Route::Unmatched.values()[0])).unwrap_or(Self::Unmatched)
    }
}

impl From<&http::Method> for Method {
    fn from(method: &http::Method) -> Self {
        let known = Self::ALL.iter().find(|known| known.values()[0] == method.as_str());
        known.copied().unwrap_or(Self::Other)
    }
}

impl From<StatusCode> for Status {
    fn from(status: StatusCode) -> Self {
        let known = Self::ALL.iter().find(|known| known.values()[0] == status.as_str());
        known.copied().unwrap_or(Self::Other)
    }
}

/// A pattern without the expressions that say what a part may be.
fn template(pattern: Option<&str>) -> std::borrow::Cow<'_, str> {
    match pattern {
        Some(pattern) if pattern.contains(":.*") => pattern.replace(":.*", "").into(),
        Some(pattern) => pattern.into(),
        None => Route::Unmatched.values()[0].into(),
    }
}

fn is_event_stream(response: &ServiceResponse<BoxBody>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == sse::MEDIA_TYPE)
}

/// One request. Whatever way it ends, it is counted once: if nobody says how, its client has gone.
struct Meter {
    metrics: HttpMetrics,
    endpoint: Endpoint,
    route: Route,
    is_head: bool,
    started: Instant,
    is_over: bool,
    here: Rc<Here>,
    _in_flight: Guard,
}

impl Meter {
    fn begin(
        metrics: &HttpMetrics,
        method: &http::Method,
        pattern: Option<&str>,
        here: Rc<Here>,
    ) -> Self {
        let method_label = Method::from(method);
        let endpoint = Endpoint::of(method_label, pattern);
        Self {
            metrics: metrics.clone(),
            endpoint,
            route: Route::of(Some(endpoint.values()[1])),
            is_head: method == http::Method::HEAD,
            started: Instant::now(),
            is_over: false,
            here,
            _in_flight: metrics.in_flight.guard(method_label),
        }
    }

    fn end(&mut self, status: StatusCode, sent: u64) {
        self.metrics.duration.observe(self.started.elapsed(), self.endpoint);
        self.metrics.response_size.observe(sent, self.route);
        self.count(status.into());
    }

    /// How long the connection lives is not how long the request took.
    fn become_connection(&mut self, status: StatusCode) {
        self.count(status.into());
    }

    fn count(&mut self, status: Status) {
        if !self.is_over {
            self.is_over = true;
            self.metrics.requests.increment(self.endpoint, status);
            self.tell(status);
        }
    }
}

impl Meter {
    fn tell(&self, status: Status) {
        let [method, route] = self.endpoint.values() else { return };
        let (status, duration_ms) = (status.values()[0], self.started.elapsed());
        let answered = events::RequestAnswered { method, route, status, duration_ms };
        self.here.clone().within(|| answered.emit());
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if !self.is_over {
            self.metrics.duration.observe(self.started.elapsed(), self.endpoint);
            self.count(Status::ClientGone);
        }
    }
}

/// An answer's body, followed to its last byte.
struct Measured {
    body: BoxBody,
    meter: Meter,
    status: StatusCode,
    size: BodySize,
    sent: u64,
}

impl MessageBody for Measured {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_next(context);
        let is_over = match &polled {
            Poll::Ready(Some(Ok(bytes))) => {
                this.sent += bytes.len() as u64;
                this.size == BodySize::Sized(this.sent)
            }
            Poll::Ready(None) => true,
            Poll::Ready(Some(Err(_))) | Poll::Pending => false,
        };
        if is_over && !this.meter.is_over {
            this.meter.end(this.status, this.sent);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{health::Neighbours, metrics::HealthMetrics};
    use actix_web::{App, middleware::from_fn, test as service_test, web};
    use campanile_metrics::{Registry, standard::RuntimeWatch, testing::Recording};

    #[test]
    fn every_endpoint_has_a_route_and_a_method() {
        for endpoint in Endpoint::ALL {
            let [method, route] = endpoint.values() else { panic!("a method and a route") };
            assert!(Method::ALL.iter().any(|known| known.values()[0] == *method), "{method}");
            assert!(Route::ALL.iter().any(|known| known.values()[0] == *route), "{route}");
        }
    }

    #[test]
    fn every_documented_operation_is_an_endpoint() {
        let document: serde_json::Value =
            serde_json::from_str(crate::http::document()).expect("JSON");
        let paths = document["paths"].as_object().expect("paths");
        for (path, operations) in paths {
            for method in operations.as_object().expect("operations").keys() {
                let values = [method.to_uppercase(), path.clone()];
                let is_known = |endpoint: &Endpoint| endpoint.values()[..] == values;
                assert!(Endpoint::ALL.iter().any(is_known), "{values:?}");
            }
        }
    }

    #[actix_web::test]
    async fn a_handler_that_panics_is_answered_and_counted() {
        let recording = Recording::with(Registry::builder());
        let registry = recording.registry();
        let neighbours = Neighbours {
            store: Box::new(|| Box::pin(async { true })),
            bus: Box::new(|| Box::pin(async { true })),
        };
        let runtime = RuntimeWatch::install(registry).metrics().clone();
        let health = Health::new(HealthMetrics::register(registry), runtime, neighbours);
        let service = service_test::init_service(
            App::new()
                .app_data(Data::new(health))
                .app_data(Data::new(HttpMetrics::register(registry)))
                .wrap(from_fn(measure))
                .route("/livez", web::get().to(panicking)),
        )
        .await;
        let request = service_test::TestRequest::get().uri("/livez").to_request();
        let error =
            service_test::try_call_service(&service, request).await.expect_err("it panicked");
        assert_eq!(error.as_response_error().status_code(), StatusCode::INTERNAL_SERVER_ERROR);
        let probe = recording.probe();
        assert_eq!(probe.value("chat_runtime_panics_total", &[]), Some(1.0));
        let labels = [("method", "GET"), ("route", "/livez"), ("status", "500")];
        assert_eq!(probe.value("chat_http_requests_total", &labels), Some(1.0));
        assert_eq!(probe.sum("chat_http_requests_in_flight"), 0.0);
    }

    async fn panicking() -> &'static str {
        panic!("as it should")
    }

    #[test]
    fn what_is_not_routed_is_unmatched_by_method() {
        assert_eq!(Endpoint::of(Method::Get, None), Endpoint::UnmatchedGet);
        assert_eq!(Endpoint::of(Method::Post, Some("/livez")), Endpoint::UnmatchedPost);
        assert_eq!(Endpoint::of(Method::Other, None), Endpoint::Unmatched);
        assert_eq!(Endpoint::of(Method::Get, Some("/assets/{path:.*}")), Endpoint::Asset);
    }
}
