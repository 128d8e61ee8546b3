//! Its port: HTTP/1.1, with TLS or without, on a thread of its own.

use super::{Manner, Shared};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{ServerConfig, pki_types::PrivateKeyDer};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// A certificate for this machine, and the authority that vouches for it.
pub(crate) struct Tls {
    /// The authority's certificate, in PEM.
    pub(crate) authority: String,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// A new authority, and a certificate for `name`.
    pub(crate) fn for_name(name: &str) -> Self {
        let certified = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a key");
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).expect("a key");
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = ServerConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .expect("a certificate");
        Self { authority: certified.cert.pem(), config: Arc::new(config) }
    }

    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

/// Starts the thread; it ends when whoever holds the other end of `listening` is gone.
pub(crate) fn start(
    shared: Arc<Shared>,
    listening: watch::Receiver<bool>,
    tls: Option<TlsAcceptor>,
) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener");
    let address = listener.local_addr().expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    std::thread::spawn(move || runtime.block_on(run(shared, listening, tls, listener)));
    address
}

async fn run(
    shared: Arc<Shared>,
    mut listening: watch::Receiver<bool>,
    tls: Option<TlsAcceptor>,
    listener: std::net::TcpListener,
) {
    let address = listener.local_addr().expect("an address");
    let mut listener = Some(TcpListener::from_std(listener).expect("a listener"));
    loop {
        let mut connections = JoinSet::new();
        while let Some(open) = &listener {
            tokio::select! {
                Ok((stream, _)) = open.accept() => {
                    shared.seen.lock().expect("whole").connections += 1;
                    shared.changed.notify_all();
                    connections.spawn(connect(stream, tls.clone(), Arc::clone(&shared)));
                }
                changed = listening.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if !*listening.borrow() {
                        listener = None;
                    }
                }
            }
        }
        connections.shutdown().await;
        if listening.wait_for(|is_listening| *is_listening).await.is_err() {
            return;
        }
        listener = Some(TcpListener::bind(address).await.expect("its port again"));
    }
}

async fn connect(stream: TcpStream, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    match tls {
        None => serve(stream, shared).await,
        Some(tls) => {
            // Otherwise the client does not like the certificate.
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, shared).await;
            }
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(request, Arc::clone(&shared)));
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that goes away, or one that was hung up on.
    let _ended = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> io::Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let manner = {
        let mut seen = shared.seen.lock().expect("whole");
        seen.pushes += 1;
        seen.push_bytes_max = seen.push_bytes_max.max(body.len());
        let text = |value: &hyper::header::HeaderValue| value.to_str().expect("text").to_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
        seen.headers = headers.collect();
        seen.manner.clone()
    };
    shared.changed.notify_all();
    let answered = match manner {
        Manner::Loki => Ok(judge(&head.uri.to_string(), &body, &shared)),
        Manner::Slow(while_) => {
            tokio::time::sleep(while_).await;
            Ok(judge(&head.uri.to_string(), &body, &shared))
        }
        Manner::Count => {
            let lines = super::rules::count(&body);
            shared.seen.lock().expect("whole").lines += lines;
            Ok(with_status(204, ""))
        }
        Manner::Answer(status, text) => Ok(with_status(status, text)),
        Manner::AnswerWith(status, name, value) => {
            let mut response = with_status(status, "");
            response.headers_mut().insert(name, value.parse().expect("a value"));
            Ok(response)
        }
        Manner::Stall => std::future::pending().await,
        Manner::TakeAndClose => {
            judge(&head.uri.to_string(), &body, &shared);
            Err(io::Error::other("it hangs up"))
        }
        Manner::Close => Err(io::Error::other("it hangs up")),
    };
    shared.changed.notify_all();
    answered
}

/// What Loki answers.
fn judge(path: &str, body: &[u8], shared: &Shared) -> Response<Full<Bytes>> {
    if !path.ends_with("/loki/api/v1/push") {
        return with_status(404, "404 page not found");
    }
    let mut seen = shared.seen.lock().expect("whole");
    for (name, value) in
        [("content-type", "application/x-protobuf"), ("content-encoding", "snappy")]
    {
        if seen.headers.get(name).map(String::as_str) != Some(value) {
            return with_status(400, "unsupported content");
        }
    }
    match seen.rules.judge(body) {
        Err(error) => {
            seen.complaint = Some(error.clone());
            with_status(400, &error)
        }
        Ok((entries, complaint)) => {
            seen.lines += entries.len() as u64;
            seen.entries.extend(entries);
            match complaint {
                Some(complaint) => {
                    seen.complaint = Some(complaint.clone());
                    with_status(400, &complaint)
                }
                None => {
                    seen.accepted += 1;
                    with_status(204, "")
                }
            }
        }
    }
}

fn with_status(status: u16, text: &str) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status);
    response.body(Full::from(text.to_owned())).expect("a status")
}
