//! A server in this process, on free ports with an empty folder, and people who use it.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod events;
pub(crate) mod hooks;
pub(crate) mod program;
pub(crate) mod push;
pub(crate) mod pusher;
pub(crate) mod sabotage;
pub(crate) mod socket;

use campanile_metrics::testing::Probe;
use campanile_server::{app::App, config::Config, listeners::Listeners};
use minreq::Method;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::mpsc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::sync::oneshot;

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A running server. Dropping it ends it in order.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) metrics: String,
    pub(crate) data: TempDir,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

/// Somebody with an account and a token.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) token: String,
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

/// Starts a server with the defaults.
pub(crate) fn start() -> Server {
    start_with(|_| {})
}

/// Starts a server with some settings changed.
pub(crate) fn start_with(change: impl FnOnce(&mut Config)) -> Server {
    let data = tempfile::tempdir().expect("a temporary directory");
    start_in(data, change)
}

/// Starts a server over data that is there.
pub(crate) fn start_in(data: TempDir, change: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config::default();
    config.server.data_dir = data.path().to_owned();
    config.server.drain_seconds = 0.2;
    config.websocket.closing_seconds = 1.0;
    config.metrics.port = 0;
    change(&mut config);
    let listeners = Listeners::bind("127.0.0.1:0").expect("a free port");
    let address = listeners.address();
    let (shutdown, stopped) = oneshot::channel::<()>();
    let (started, starting) = mpsc::sync_channel(1);
    let thread = thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let shutdown = async { drop(stopped.await) };
            let app = match App::build(config, listeners, shutdown).await {
                Ok(app) => app,
                Err(error) => {
                    let _ = started.send(Err(error.to_string()));
                    return Err(error.to_string());
                }
            };
            let metrics = app.endpoints().first().cloned().unwrap_or_default();
            let _ = started.send(Ok(metrics));
            app.run().await.map_err(|error| error.to_string())
        })
    });
    let metrics = starting.recv().expect("it says how starting went").expect("it starts");
    Server { address, metrics, data, shutdown: Some(shutdown), thread: Some(thread) }
}

impl Server {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A server that runs as a program of its own, which whoever started it ends.
    pub(crate) fn of_program(url: &str, metrics: String) -> Self {
        let (_scheme, address) = url.split_once("://").expect("a URL");
        let address = address.parse().expect("an address");
        let data = tempfile::tempdir().expect("a directory");
        Self { address, metrics, data, shutdown: None, thread: None }
    }

    /// Asks without saying who asks.
    pub(crate) fn get(&self, path: &str) -> Answer {
        send(minreq::get(self.url(path)))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        send(with_json(minreq::post(self.url(path)), body))
    }

    /// Makes an account and logs in. The first user of a server is its operator.
    pub(crate) fn user(&self, name: &str) -> User {
        let account = json!({"name": name, "password": PASSWORD});
        self.post("/api/v1/users", &account).expect(201);
        self.log_in(name)
    }

    /// Logs in who has an account.
    pub(crate) fn log_in(&self, name: &str) -> User {
        let account = json!({"name": name, "password": PASSWORD});
        let token = self.post("/api/v1/login", &account).expect(200)["token"].clone();
        User { name: name.to_owned(), token: token.as_str().expect("a token").to_owned() }
    }

    /// Asks as somebody.
    pub(crate) fn ask(
        &self,
        user: &User,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let request = minreq::Request::new(method, self.url(path))
            .with_header("Authorization", format!("Bearer {}", user.token));
        send(match body {
            Some(body) => with_json(request, &body),
            None => request,
        })
    }

    pub(crate) fn get_as(&self, user: &User, path: &str) -> Answer {
        self.ask(user, Method::Get, path, None)
    }

    pub(crate) fn post_as(&self, user: &User, path: &str, body: Value) -> Answer {
        self.ask(user, Method::Post, path, Some(body))
    }

    pub(crate) fn put_as(&self, user: &User, path: &str, body: Value) -> Answer {
        self.ask(user, Method::Put, path, Some(body))
    }

    pub(crate) fn delete_as(&self, user: &User, path: &str) -> Answer {
        self.ask(user, Method::Delete, path, None)
    }

    /// A room with an owner.
    pub(crate) fn room(&self, owner: &User, name: &str) {
        self.post_as(owner, "/api/v1/rooms", json!({"name": name, "kind": "public"})).expect(201);
    }

    /// One scrape.
    pub(crate) fn scrape(&self) -> Probe {
        let answer = send(minreq::get(&self.metrics));
        assert_eq!(answer.status, 200, "{answer:?}");
        Probe::of(&answer.body)
    }

    /// Ends the server; how it ended, and its data.
    pub(crate) fn stop(mut self) -> (Result<(), String>, TempDir) {
        let ended = self.end().expect("it was running");
        let data = std::mem::replace(&mut self.data, tempfile::tempdir().expect("a directory"));
        (ended, data)
    }

    /// Tells the server to end, and does not wait for it.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.shutdown.take());
    }

    fn end(&mut self) -> Option<Result<(), String>> {
        drop(self.shutdown.take());
        let thread = self.thread.take()?;
        Some(thread.join().unwrap_or_else(|_| Err("its thread panicked".to_owned())))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.end()
            && !thread::panicking()
        {
            panic!("the server did not end well: {error}");
        }
    }
}

impl Answer {
    /// The JSON of an answer that has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The code of a refusal that has this status.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> String {
        let media_type = self.headers.get("content-type").cloned();
        let problem = self.expect(status);
        assert_eq!(media_type.as_deref(), Some("application/problem+json"));
        assert_eq!(problem["status"], status);
        problem["code"].as_str().expect("a code").to_owned()
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }
}

/// Sends a request, whatever it is.
pub(crate) fn send(request: minreq::Request) -> Answer {
    let answer = request.with_timeout(PATIENCE.as_secs()).send().expect("an answer");
    Answer {
        status: answer.status_code,
        headers: answer.headers.iter().cloned().collect(),
        body: answer.as_str().expect("text").to_owned(),
    }
}

pub(crate) fn with_json(request: minreq::Request, body: &Value) -> minreq::Request {
    request.with_header("Content-Type", "application/json").with_body(body.to_string())
}

/// What stands between the parts of a form.
pub(crate) const EDGE: &str = "the-edge-of-a-part";

/// A form with these parts: name, what the file is called, bytes.
pub(crate) fn form(parts: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, bytes) in parts {
        let head = format!(
            "--{EDGE}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: text/html\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{EDGE}--\r\n").as_bytes());
    body
}

/// Posts a form to a room's uploads.
pub(crate) fn post_form(server: &Server, user: &User, room: &str, body: Vec<u8>) -> Answer {
    let path = format!("/api/v1/rooms/{room}/uploads");
    send(
        minreq::Request::new(Method::Post, server.url(&path))
            .with_header("Authorization", format!("Bearer {}", user.token))
            .with_header("Content-Type", format!("multipart/form-data; boundary={EDGE}"))
            .with_body(body),
    )
}

/// Asks again and again until something is there.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        thread::yield_now();
    }
}
