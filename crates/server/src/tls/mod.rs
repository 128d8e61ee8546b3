//! TLS where people come in: the certificate, and handshakes that are counted however they end.

mod certificate;

pub use certificate::CertificateError;

use crate::{
    config::Server,
    logs::events,
    metrics::{ConnectionErrorType, HandshakeResult, TlsMetrics},
    serve::{Accepted, Door, Failed},
    ws,
};
use actix_http::Protocol;
use campanile_core::metrics::{App, NATIVE_APP};
use campanile_metrics::{Counter, CounterHandle, Registry};
use certificate::{Certificate, Files, Read};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::{Ticketer, default_provider},
};
use std::{future::Future, io, sync::Arc, time::Duration};
use tokio::{
    net::TcpStream,
    signal::unix::{SignalKind, signal},
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// The only protocol over TLS: a WebSocket begins as a request of it.
const HTTP: &[u8] = b"http/1.1";

/// Everything that a handshake needs.
#[derive(Clone)]
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    handshakes: Counter<(HandshakeResult,)>,
    errors: CounterHandle,
    handshake_max: Duration,
    certificate: Arc<Certificate>,
}

/// A certificate with its key, which were read.
pub(crate) struct Pair {
    files: Files,
    read: Read,
}

impl Pair {
    /// Reads certificate and key; `None` when none are set. Then nothing is to be registered: an
    /// expiry that nobody set would look like one long past.
    pub(crate) fn read(server: &Server) -> Result<Option<Self>, CertificateError> {
        let Some(files) = Files::of(server) else { return Ok(None) };
        let read = files.read()?;
        Ok(Some(Self { files, read }))
    }
}

impl Tls {
    /// Serves what was read.
    pub(crate) fn new(
        Pair { files, read }: Pair,
        server: &Server,
        registry: &Registry,
        errors: &Counter<(App, ConnectionErrorType)>,
    ) -> Self {
        let metrics = TlsMetrics::register(registry);
        let certificate = Arc::new(Certificate::new(files, read, metrics.certificate_not_after));
        Self {
            acceptor: Arc::new(settings(certificate.clone())).into(),
            handshakes: metrics.handshakes,
            errors: errors.handle(registry.label(NATIVE_APP), ConnectionErrorType::Tls),
            handshake_max: Duration::from_secs_f64(server.request_timeout_seconds),
            certificate,
        }
    }

    /// Reads certificate and key again whenever the program is sent SIGHUP. Connections stay.
    /// `reloads` hears how each went.
    pub(crate) fn reload_on_hangup<F: Fn(bool)>(
        &self,
        reloads: F,
    ) -> io::Result<impl Future<Output = ()> + use<F>> {
        let mut hangups = signal(SignalKind::hangup())?;
        let certificate = self.certificate.clone();
        Ok(async move {
            while hangups.recv().await.is_some() {
                reloads(certificate.reload());
            }
        })
    }
}

impl Door for Tls {
    type Stream = TlsStream<TcpStream>;

    async fn accept(self, stream: TcpStream) -> Result<Accepted<TlsStream<TcpStream>>, Failed> {
        ws::prepare_stream(&stream);
        let address = stream.peer_addr().ok();
        let handshake = timeout(self.handshake_max, self.acceptor.accept(stream)).await;
        match handshake.map_err(io::Error::from).flatten() {
            Ok(stream) => {
                self.handshakes.increment(HandshakeResult::Ok);
                Ok((stream, Protocol::Http1, address))
            }
            Err(error) => {
                self.handshakes.increment(HandshakeResult::Error);
                self.errors.increment();
                events::HandshakeFailed { error: &error }.emit();
                Err(Failed)
            }
        }
    }
}

/// Whether the certificate that is set can be served now; `None` when none is set.
pub(crate) fn check(server: &Server) -> Option<Result<String, String>> {
    let files = Files::of(server)?;
    let read = files.read().map_err(|error| error.to_string());
    Some(read.and_then(|read| read.validity()))
}

fn settings(certificate: Arc<Certificate>) -> ServerConfig {
    // Named here, since the process may have chosen no provider, or another one.
    let mut settings = ServerConfig::builder_with_provider(default_provider().into())
        // These are TLS 1.2 and 1.3.
        .with_safe_default_protocol_versions()
        .expect("the provider has ciphers for each version")
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    settings.alpn_protocols = vec![HTTP.to_vec()];
    // Without it the last few clients alone could resume: too few when everybody comes back.
    settings.ticketer = Ticketer::new().expect("the provider makes tickets");
    settings
}
