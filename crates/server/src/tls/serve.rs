//! HTTP over TLS: each connection is a handshake first, then what HTTP makes of it.

use super::{Failed, Tls};
use crate::{
    http::FirstRequests,
    limits::BLOCKING_THREADS,
    workers::{Capacity, DISCONNECT_TIMEOUT, STOP_SECONDS},
};
use actix_http::HttpService;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{AppConfig, Server, ServiceFactory, ServiceRequest, ServiceResponse, fn_service},
    http::KeepAlive,
};
use std::{io, net::TcpListener};

/// Serves an application over TLS.
///
/// `HttpServer` would do it too, but says nothing of handshakes that fail. What is made here
/// differs from its servers in one more thing: `HttpRequest::connection_info`, which nobody asks,
/// does not know of TLS.
pub(crate) fn serve<T, B>(
    (tls, listener): (Tls, TcpListener),
    capacity: Capacity,
    first_requests: FirstRequests,
    app: impl Fn() -> App<T> + Clone + Send + 'static,
) -> io::Result<Server>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let server = Server::build()
        .workers(capacity.workers)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .max_concurrent_connections(capacity.connections)
        .shutdown_timeout(STOP_SECONDS)
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let server = server.listen("https", listener, move || {
        let (tls, stopping) = (tls.clone(), stopping.clone());
        let first_requests = first_requests.clone();
        let app = app().into_factory().map_err(|error| error.error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(capacity.keep_alive))
            .client_request_timeout(capacity.request_timeout)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .on_connect_ext(move |_, connection| {
                connection.insert(first_requests.wait());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        // The HTTP service has answered to its errors, or their connection is gone.
        fn_service(move |stream| tls.clone().accept(stream)).and_then(http.map_err(|_| Failed))
    })?;
    Ok(server.run())
}
