//! Serves the application: each connection is accepted first, then it is what HTTP makes of it.

use crate::{
    http::FirstRequests,
    limits::BLOCKING_THREADS,
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

/// How connections are accepted.
pub(crate) trait Door: Clone + Send + 'static {
    /// What a connection is read and written by.
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;

    /// Prepares a socket that was accepted, and does what comes before HTTP.
    fn accept(
        self,
        stream: TcpStream,
    ) -> impl Future<Output = Result<Accepted<Self::Stream>, Failed>> + 'static;

    /// Tells the connection's requests of its stream.
    fn share(_stream: &Self::Stream, _connection: &mut Extensions) {}
}

/// Connections without TLS.
#[derive(Clone)]
pub(crate) struct Plain;

impl Door for Plain {
    type Stream = SharedStream;

    async fn accept(self, stream: TcpStream) -> Result<Accepted<SharedStream>, Failed> {
        ws::prepare_stream(&stream);
        let address = stream.peer_addr().ok();
        Ok((SharedStream::new(stream), Protocol::Http1, address))
    }

    fn share(stream: &SharedStream, connection: &mut Extensions) {
        stream.share(connection);
    }
}

/// Serves an application to those who come in by this door.
///
/// `HttpServer` would do it too, but says nothing of handshakes that fail, and its streams are not
/// [`SharedStream`]s. What is made here differs from its servers in one more thing:
/// `HttpRequest::connection_info`, which nobody asks, does not know of TLS.
pub(crate) fn serve<D, T, B>(
    (door, listener): (D, TcpListener),
    capacity: Capacity,
    first_requests: FirstRequests,
    app: impl Fn() -> App<T> + Clone + Send + 'static,
) -> io::Result<Server>
where
    D: Door,
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
        let (door, stopping) = (door.clone(), stopping.clone());
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
                D::share(stream, connection);
                connection.insert(first_requests.wait());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        // The HTTP service has answered to its errors, or their connection is gone.
        fn_service(move |stream| door.clone().accept(stream)).and_then(http.map_err(|_| Failed))
    })?;
    Ok(server.run())
}
