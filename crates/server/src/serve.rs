//! Serves the application: each connection is accepted first, then it is what HTTP makes of it.

use crate::{
    http::FirstRequests,
    limits::BLOCKING_THREADS,
    tls::Tls,
    workers::{Capacity, DISCONNECT_TIMEOUT, STOP_SECONDS},
    ws::{self, SharedStream},
};
use actix_http::{HttpService, Protocol};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{
        AppConfig, Extensions, Server, ServiceFactory, ServiceRequest, ServiceResponse, fn_service,
    },
    http::KeepAlive,
};
use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// A connection as the HTTP service takes it.
pub(crate) type Accepted<S> = (S, Protocol, Option<SocketAddr>);

/// A connection was not accepted, which is counted and told already.
pub(crate) struct Failed;

/// Serves an application, over TLS where that is given.
///
/// `HttpServer` would do it too, but says nothing of handshakes that fail, and its streams are not
/// [`SharedStream`]s. What is made here differs from its servers in one more thing:
/// `HttpRequest::connection_info`, which nobody asks, does not know of TLS.
pub(crate) fn serve<T, B>(
    (tls, listener): (Option<Tls>, TcpListener),
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
    match tls {
        Some(tls) => {
            let accept = move |stream| tls.clone().accept(stream);
            serve_accepted(listener, accept, |_, _| {}, capacity, first_requests, app)
        }
        None => {
            serve_accepted(listener, accept, SharedStream::share, capacity, first_requests, app)
        }
    }
}

async fn accept(stream: TcpStream) -> Result<Accepted<SharedStream>, Failed> {
    ws::prepare_stream(&stream);
    let address = stream.peer_addr().ok();
    Ok((SharedStream::new(stream), Protocol::Http1, address))
}

fn serve_accepted<S, F, T, B>(
    listener: TcpListener,
    accept: impl Fn(TcpStream) -> F + Clone + Send + 'static,
    share: impl Fn(&S, &mut Extensions) + Clone + Send + 'static,
    capacity: Capacity,
    first_requests: FirstRequests,
    app: impl Fn() -> App<T> + Clone + Send + 'static,
) -> io::Result<Server>
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
    F: Future<Output = Result<Accepted<S>, Failed>> + 'static,
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
    let server = server.listen("web", listener, move || {
        let (accept, share, stopping) = (accept.clone(), share.clone(), stopping.clone());
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
            .on_connect_ext(move |stream, connection| {
                share(stream, connection);
                connection.insert(first_requests.wait());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        // The HTTP service has answered to its errors, or their connection is gone.
        fn_service(accept).and_then(http.map_err(|_| Failed))
    })?;
    Ok(server.run())
}
