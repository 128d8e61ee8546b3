//! The relay: an HTTP server on the loopback interface, which tracing-loki takes for Loki.
//!
//! It takes every push at once, so that tracing-loki never fails, never waits and never drops. Its
//! path is secret, so that nobody else on this machine ships lines in our name.

use crate::{batch::Batch, ledger::Ledger, limits::ACCEPT_PAUSE, queue::Queue, works::lock};
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Response, StatusCode, body::Bytes, body::Incoming, server::conn::http1,
    service::service_fn,
};
use hyper_util::{client::proxy::matcher::Matcher, rt::TokioIo};
use std::{
    io,
    net::TcpListener,
    sync::{Arc, Mutex},
};
use tokio::{sync::Notify, time::sleep};

/// The queue, and who is told when something comes in.
pub(crate) struct Intake {
    queue: Mutex<Queue>,
    ledger: Arc<Ledger>,
    pub(crate) arrived: Notify,
}

impl Intake {
    pub(crate) fn new(queue: Queue, ledger: Arc<Ledger>) -> Self {
        Self { queue: Mutex::new(queue), ledger, arrived: Notify::new() }
    }

    pub(crate) fn with_queue<T>(&self, work: impl FnOnce(&mut Queue) -> T) -> T {
        work(&mut lock(&self.queue))
    }
}

/// A server that takes what tracing-loki ships.
pub(crate) struct Relay {
    listener: TcpListener,
    secret: String,
}

impl Relay {
    /// Takes a port; nothing is answered until it serves.
    pub(crate) fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, secret: format!("{:032x}", rand::random::<u128>()) })
    }

    /// Where the tracing-loki of a lane is to ship to.
    pub(crate) fn url(&self, lane: usize) -> io::Result<String> {
        Ok(format!("http://{}/{}/{lane}/", self.listener.local_addr()?, self.secret))
    }

    /// Whether a proxy, named in the environment, stands between tracing-loki and the relay: its
    /// HTTP client asks the same.
    pub(crate) fn is_behind_a_proxy(&self) -> io::Result<bool> {
        let url = self.url(0)?.parse().map_err(io::Error::other)?;
        Ok(Matcher::from_env().intercept(&url).is_some())
    }

    /// Serves for ever, unless the runtime does not take its port. Needs a runtime around it.
    pub(crate) async fn serve(self, intake: Arc<Intake>) -> io::Error {
        let listener = match tokio::net::TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(error) => return error,
        };
        let secret: Arc<str> = self.secret.into();
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // There are too many open files, for now.
                sleep(ACCEPT_PAUSE).await;
                continue;
            };
            // Each push waits for its answer, so nothing should wait for more to go with; it only
            // takes longer if it does.
            let _is_prompt = stream.set_nodelay(true);
            let (intake, secret) = (Arc::clone(&intake), Arc::clone(&secret));
            let service = service_fn(move |request| {
                let (intake, secret) = (Arc::clone(&intake), Arc::clone(&secret));
                async move { answer(request, &secret, &intake).await }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    }
}

async fn answer(
    request: Request<Incoming>,
    secret: &str,
    intake: &Intake,
) -> Result<Response<Empty<Bytes>>, hyper::Error> {
    let Some(lane) = lane_of(request.uri().path(), secret) else {
        return Ok(with_status(StatusCode::NOT_FOUND));
    };
    let body = request.into_body().collect().await?.to_bytes();
    let Ok(batch) = Batch::decode(&body) else {
        return Ok(with_status(StatusCode::BAD_REQUEST));
    };
    intake.ledger.delivered(lane, batch.lines);
    intake.with_queue(|queue| queue.take(batch));
    intake.arrived.notify_one();
    Ok(with_status(StatusCode::NO_CONTENT))
}

/// The lane that ships to a path, if it knows the secret.
fn lane_of(path: &str, secret: &str) -> Option<usize> {
    let lane = path.strip_prefix('/')?.strip_prefix(secret)?.strip_prefix('/')?;
    lane.strip_suffix("/loki/api/v1/push")?.parse().ok()
}

fn with_status(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_knows_the_secret_ships() {
        for (path, lane) in [
            ("/secret/0/loki/api/v1/push", Some(0)),
            ("/secret/63/loki/api/v1/push", Some(63)),
            ("/secret/x/loki/api/v1/push", None),
            ("/secret/loki/api/v1/push", None),
            ("/other/0/loki/api/v1/push", None),
            ("/0/loki/api/v1/push", None),
            ("/loki/api/v1/push", None),
            ("/secret/0", None),
            ("", None),
        ] {
            assert_eq!(lane_of(path, "secret"), lane, "{path}");
        }
    }

    #[test]
    fn each_relay_has_a_secret_of_its_own() {
        let secret = || Relay::bind().expect("a port").secret;
        let (one, other) = (secret(), secret());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
