//! A receiver of webhooks: takes what it is sent, and answers what it is told to.

use crate::http::{headers, identity};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::{
    collections::{HashMap, VecDeque},
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

/// How long a webhook is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Webhooks that nobody has looked at yet.
const WAITING_MAX: usize = 4_096;

/// How long a connection may be silent, and how long one hangs.
const SILENCE: Duration = Duration::from_secs(20);

/// A receiver on a port of the loopback interface. It answers 200 unless it is told otherwise.
pub struct Receiver {
    port: u16,
    authority: Option<String>,
    script: Arc<Mutex<Script>>,
    received: mpsc::Receiver<Received>,
    ended: Arc<AtomicBool>,
}

/// A webhook as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The path it was sent to.
    pub path: String,
    /// The headers, by their names in small letters.
    pub headers: HashMap<String, String>,
    /// The body, to the byte.
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Default)]
struct Script {
    next: VecDeque<Reply>,
    always: Option<Reply>,
}

/// An answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status line without `HTTP/1.1`, and headers, each ended by `\r\n`. One with an empty line
    /// in it is sent as it is, and otherwise ended without a body.
    Say(String),
    /// None.
    Hang,
}

impl Reply {
    /// An answer of this status, without a body.
    pub fn status(status: &str) -> Self {
        Self::Say(format!("{status}\r\n"))
    }
}

impl Receiver {
    /// One that speaks plain HTTP, on a free port.
    pub fn start() -> Self {
        Self::start_on(0)
    }

    /// The same on this port.
    pub fn start_on(port: u16) -> Self {
        Self::serve_with(port, None)
    }

    /// One that speaks TLS, as `localhost`.
    pub fn start_with_tls() -> Self {
        Self::serve_with(0, Some(identity()))
    }

    fn serve_with(port: u16, identity: Option<(Arc<ServerConfig>, String)>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (config, authority) = identity.unzip();
        let script = Arc::new(Mutex::new(Script::default()));
        let ended = Arc::new(AtomicBool::new(false));
        let (sender, received) = mpsc::sync_channel(WAITING_MAX);
        let receiver =
            Self { port, authority, script: script.clone(), received, ended: ended.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (config, script, sender) = (config.clone(), script.clone(), sender.clone());
                // A client that goes away is its own affair.
                thread::spawn(move || accept(stream, config, &script, &sender));
            }
        });
        receiver
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where webhooks of this name are sent to.
    pub fn url(&self, name: &str) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}/{name}", self.port)
    }

    /// Who vouches for it, in PEM, where it speaks TLS.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or_default()
    }

    /// What the next requests are answered with, one each.
    pub fn reply_next(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.script).next = replies.into_iter().collect();
    }

    /// What further requests are answered with; `None` for 200.
    pub fn reply_always(&self, reply: Option<Reply>) {
        lock(&self.script).always = reply;
    }

    /// The next webhook.
    pub fn next(&self) -> Received {
        self.received.recv_timeout(PATIENCE).expect("a webhook comes")
    }

    /// The next one, if it comes within this time.
    pub fn next_within(&self, time: Duration) -> Option<Received> {
        self.received.recv_timeout(time).ok()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let _woken = TcpStream::connect(("127.0.0.1", self.port));
    }
}

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

fn accept(
    stream: TcpStream,
    config: Option<Arc<ServerConfig>>,
    script: &Mutex<Script>,
    sender: &mpsc::SyncSender<Received>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let stream: Box<dyn Stream> = match config {
        Some(config) => {
            let connection = ServerConnection::new(config).map_err(io::Error::other)?;
            Box::new(StreamOwned::new(connection, stream))
        }
        None => Box::new(stream),
    };
    serve(&mut BufReader::new(stream), script, sender)
}

fn serve(
    stream: &mut BufReader<Box<dyn Stream>>,
    script: &Mutex<Script>,
    sender: &mpsc::SyncSender<Received>,
) -> io::Result<()> {
    loop {
        let mut first = String::new();
        if stream.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let headers = headers(stream)?;
        let length = headers.get("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body)?;
        let reply = {
            let mut script = lock(script);
            script.next.pop_front().or_else(|| script.always.clone())
        };
        let _nobody_waits = sender.send(Received { path, headers, body });
        match reply.unwrap_or_else(|| Reply::status("200 OK")) {
            Reply::Say(answer) => {
                let end =
                    if answer.contains("\r\n\r\n") { "" } else { "Content-Length: 0\r\n\r\n" };
                write!(stream.get_mut(), "HTTP/1.1 {answer}{end}")?;
                stream.get_mut().flush()?;
            }
            // Until the client has had enough.
            Reply::Hang => drop(stream.read_line(&mut String::new())?),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
