//! The HTTP side: headers in, headers out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use actix_web::http::{StatusCode, Version, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use campanile_metrics::{ExporterFault, ExporterMetrics, ExporterName};

use crate::access::{Access, Caller, Denial};
use crate::format::{Format, accepts_gzip};
use crate::scrape::{Encoding, Scraper};

/// How many scrapes may be under way; each holds a connection and a place in the queue.
pub(crate) const SCRAPES_MAX: usize = 32;

/// What answers requests.
pub(crate) struct Endpoint {
    pub(crate) access: Access,
    pub(crate) scraper: std::sync::Arc<Scraper>,
    pub(crate) gzip: bool,
    pub(crate) exporter: ExporterMetrics,
    pub(crate) name: ExporterName,
    pub(crate) under_way: AtomicUsize,
}

/// Answers one request, whatever it asks for.
pub(crate) async fn answer(request: HttpRequest, endpoint: web::Data<Endpoint>) -> HttpResponse {
    let arrived = Instant::now();
    if let Err(denial) = endpoint.admit(&request) {
        return endpoint.refuse(denial);
    }
    let Some(_place) = endpoint.take_place() else {
        return endpoint.refuse(Denial::Rate);
    };
    let format = Format::negotiate(&joined(&request, header::ACCEPT));
    let encoding = if endpoint.gzip && accepts_gzip(&joined(&request, header::ACCEPT_ENCODING)) {
        Encoding::Gzip
    } else {
        Encoding::Identity
    };
    let scraper = std::sync::Arc::clone(&endpoint.scraper);
    // Off the thread that accepts, so that it sees who else is waiting for the same.
    match web::block(move || scraper.answer(arrived, format, encoding)).await {
        Ok(body) => {
            let mut response = respond(StatusCode::OK);
            response.content_type(format.content_type());
            response.insert_header((header::VARY, "Accept, Accept-Encoding"));
            if encoding == Encoding::Gzip {
                response.insert_header((header::CONTENT_ENCODING, "gzip"));
            }
            response.body(body)
        }
        Err(_) => {
            // A collector panicked; the panic hook has told of it.
            endpoint.exporter.errors.increment(endpoint.name, ExporterFault::Other);
            respond(StatusCode::INTERNAL_SERVER_ERROR).body("cannot collect metrics\n")
        }
    }
}

/// A scrape under way, until it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    fn admit(&self, request: &HttpRequest) -> Result<(), Denial> {
        let headers = request.headers();
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .map(|value| value.to_str().unwrap_or_default())
            .collect();
        // Since HTTP/1.1 a request names a host; one that does not is refused as nameless.
        let nameless = (request.version() >= Version::HTTP_11).then_some("");
        self.access.check(&Caller {
            peer: request.peer_addr().map(|peer| peer.ip()),
            forwarded: &forwarded,
            host: text(header::HOST).or(nameless),
            authorization: text(header::AUTHORIZATION),
            method: request.method().as_str(),
            path: request.path(),
        })
    }

    fn take_place(&self) -> Option<Place<'_>> {
        let place = Place(&self.under_way);
        let before = self.under_way.fetch_add(1, Ordering::Relaxed);
        (before < SCRAPES_MAX).then_some(place)
    }

    fn refuse(&self, denial: Denial) -> HttpResponse {
        self.scraper.metrics.denied.increment(denial);
        tracing::debug!(reason = denial.values()[0], "scrape refused");
        let (status, words) = match denial {
            Denial::Address => (StatusCode::FORBIDDEN, "this address may not read metrics\n"),
            Denial::Host => (StatusCode::FORBIDDEN, "this endpoint has another name\n"),
            Denial::Token => (StatusCode::UNAUTHORIZED, "a credential is needed\n"),
            Denial::Path => (StatusCode::NOT_FOUND, "there is /metrics and nothing else\n"),
            Denial::Method => (StatusCode::METHOD_NOT_ALLOWED, "metrics can only be read\n"),
            Denial::Rate => (StatusCode::TOO_MANY_REQUESTS, "too many scrapes at once\n"),
        };
        let mut response = respond(status);
        match denial {
            Denial::Token => {
                for challenge in self.access.challenges() {
                    response.append_header((header::WWW_AUTHENTICATE, challenge));
                }
            }
            Denial::Method => _ = response.insert_header((header::ALLOW, "GET, HEAD")),
            Denial::Rate => _ = response.insert_header((header::RETRY_AFTER, "1")),
            Denial::Address | Denial::Host | Denial::Path => {}
        }
        // Strangers do not keep connections that scrapers need.
        response.force_close().content_type("text/plain; charset=utf-8").body(words)
    }
}

fn respond(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// Every value of a header that is a list.
fn joined(request: &HttpRequest, name: header::HeaderName) -> String {
    let values = request.headers().get_all(name).filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}
