//! How much CPU of the server one delivery costs: many listeners of one room, two ways of sending.
//!
//! `cargo run --release -p campanile-server --example fanout_load -- --server target/release/campanile`
//!
//! Saturated keeps many messages on their way, so that frames wait together and leave in one
//! write. One by one sends the next message only when everybody has heard the last, so that each
//! delivery wakes its connection and is a write of its own.

use anyhow::{Context, Result, ensure};
use clap::Parser;
use serde_json::{Value, json};
use std::{
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
    time::{sleep, timeout},
};

/// Who sends: several, so that one commit of the store takes the messages of many.
const SPEAKERS: usize = 32;

/// What is measured, and how long.
#[derive(Parser)]
struct Arguments {
    /// The server's program.
    #[arg(long, default_value = "target/release/campanile")]
    server: PathBuf,
    /// Listeners of the room.
    #[arg(long, default_value_t = 1_000)]
    listeners: u64,
    /// Seconds for each of the two ways.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Bytes of a message's body.
    #[arg(long, default_value_t = 100)]
    body_bytes: usize,
    /// Messages on their way when saturated.
    #[arg(long, default_value_t = 64)]
    window: u64,
    /// Most CPU of one delivery, in microseconds, when saturated.
    #[arg(long, default_value_t = 1.5)]
    saturated_max: f64,
    /// Most CPU of one delivery, in microseconds, one by one.
    #[arg(long, default_value_t = 6.0)]
    one_by_one_max: f64,
}

/// What all listeners have heard.
#[derive(Default)]
struct Heard {
    messages: AtomicU64,
    news: Notify,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let server = Server::start(&arguments).await?;
    let token = server.sign_up()?;
    let heard = Arc::new(Heard::default());
    for _ in 0..arguments.listeners {
        let line = Line::connect(server.address, &token).await?;
        tokio::spawn(line.listen(heard.clone()));
    }
    let mut speakers = Vec::new();
    for _ in 0..SPEAKERS {
        let mut speaker = Line::connect(server.address, &token).await?;
        speaker.send(&json!({"op": "leave", "id": 1, "room": "load"})).await?;
        speakers.push(speaker);
    }
    let load = Load { listeners: arguments.listeners, body: "x".repeat(arguments.body_bytes) };
    let time = Duration::from_secs(arguments.seconds);
    // Once to warm up what is measured afterwards.
    load.run(&mut speakers, &heard, &server, (arguments.window, time / 5)).await?;
    let saturated = load.run(&mut speakers, &heard, &server, (arguments.window, time)).await?;
    let one_by_one = load.run(&mut speakers, &heard, &server, (1, time)).await?;
    report("saturated", &saturated, arguments.saturated_max);
    report("one by one", &one_by_one, arguments.one_by_one_max);
    ensure!(saturated.micros() <= arguments.saturated_max, "a saturated delivery costs too much");
    ensure!(one_by_one.micros() <= arguments.one_by_one_max, "a single delivery costs too much");
    Ok(())
}

/// What is sent.
struct Load {
    listeners: u64,
    body: String,
}

/// What was measured.
struct Measured {
    deliveries: u64,
    cpu: Duration,
    time: Duration,
}

impl Load {
    /// Sends for so long, with at most `window` messages not heard by everybody.
    async fn run(
        &self,
        speakers: &mut [Line],
        heard: &Heard,
        server: &Server,
        (window, time): (u64, Duration),
    ) -> Result<Measured> {
        let before = heard.messages.load(Ordering::Relaxed);
        let (cpu, started) = (server.cpu()?, Instant::now());
        let mut sent: u64 = 0;
        while started.elapsed() < time {
            let speaker = sent as usize % speakers.len();
            speakers[speaker]
                .send(&json!({"op": "send", "id": sent, "room": "load", "body": self.body}))
                .await?;
            sent += 1;
            let wanted = before + sent.saturating_sub(window - 1) * self.listeners;
            heard.until(wanted).await?;
        }
        heard.until(before + sent * self.listeners).await?;
        let deliveries = sent * self.listeners;
        Ok(Measured { deliveries, cpu: server.cpu()? - cpu, time: started.elapsed() })
    }
}

impl Heard {
    async fn until(&self, wanted: u64) -> Result<()> {
        while self.messages.load(Ordering::Relaxed) < wanted {
            timeout(Duration::from_secs(10), self.news.notified())
                .await
                .context("a delivery did not come")?;
        }
        Ok(())
    }
}

impl Measured {
    fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.deliveries as f64
    }
}

#[expect(clippy::print_stdout, reason = "it is a program that reports")]
fn report(what: &str, measured: &Measured, max: f64) {
    let rate = measured.deliveries as f64 / measured.time.as_secs_f64();
    println!(
        "{what}: {:.2} µs of server CPU per delivery (at most {max}), {:.0} deliveries/s, {} in all",
        measured.micros(),
        rate,
        measured.deliveries,
    );
}

/// A running server in a directory of its own.
struct Server {
    child: Child,
    address: SocketAddr,
    _data: tempfile::TempDir,
}

impl Server {
    async fn start(arguments: &Arguments) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let (address, metrics) = (free_address()?, free_address()?);
        let child = Command::new(&arguments.server)
            .args(["--listen", &address.to_string(), "--metrics-listen", &metrics.to_string()])
            .arg("--data-dir")
            .arg(data.path())
            .env("CAMPANILE_LIMITS__ENABLED", "false")
            .env(
                "CAMPANILE_LIMITS__CONNECTIONS_PER_USER_MAX",
                (arguments.listeners + SPEAKERS as u64).to_string(),
            )
            .env("CAMPANILE_LIMITS__OUTBOX_BYTES_MAX", (16 * 1024 * 1024).to_string())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}", arguments.server.display()))?;
        let server = Self { child, address, _data: data };
        let deadline = Instant::now() + Duration::from_secs(10);
        while minreq::get(server.url("/readyz")).send().is_err_and(|_| Instant::now() < deadline) {
            sleep(Duration::from_millis(10)).await;
        }
        Ok(server)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Makes a user and the room; the user's token.
    fn sign_up(&self) -> Result<String> {
        let who = json!({"name": "load", "password": "correct horse"});
        self.post("/api/v1/users", &who, "")?;
        let answer = self.post("/api/v1/login", &who, "")?;
        let token = answer["token"].as_str().context("a token")?.to_owned();
        self.post("/api/v1/rooms", &json!({"name": "load", "kind": "public"}), &token)?;
        Ok(token)
    }

    fn post(&self, path: &str, body: &Value, token: &str) -> Result<Value> {
        let answer = minreq::post(self.url(path))
            .with_header("Content-Type", "application/json")
            .with_header("Authorization", format!("Bearer {token}"))
            .with_body(body.to_string())
            .send()?;
        ensure!(answer.status_code < 300, "{path}: {}", answer.as_str()?);
        Ok(serde_json::from_slice(answer.as_bytes())?)
    }

    /// The CPU time of the server so far.
    fn cpu(&self) -> Result<Duration> {
        const TICKS_PER_SECOND: u64 = 100;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may have spaces; user and system time are the 12th and 13th
        // field after it.
        let (_, fields) = stat.rsplit_once(')').context("a name in parentheses")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        Ok(Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A WebSocket without a library, so that the client costs little beside the server.
struct Line {
    stream: TcpStream,
}

impl Line {
    /// Connects and joins the room.
    async fn connect(address: SocketAddr, token: &str) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        ensure!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        let mut line = Self { stream };
        line.send(&json!({"op": "join", "id": 0, "room": "load"})).await?;
        Ok(line)
    }

    /// A text frame, masked with zeros.
    async fn send(&mut self, request: &Value) -> Result<()> {
        let text = request.to_string();
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length @ 0..126) => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(text.len())?.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await?;
        // What the speaker hears is not counted; it must be read all the same.
        let mut unread = [0; 64 * 1024];
        while let Ok(1..) = self.stream.try_read(&mut unread) {}
        Ok(())
    }

    /// Counts messages until the server is gone.
    async fn listen(mut self, heard: Arc<Heard>) -> Result<()> {
        let mut buffer = bytes::BytesMut::with_capacity(64 * 1024);
        loop {
            while let Some(message) = next_frame(&mut buffer) {
                if message {
                    heard.messages.fetch_add(1, Ordering::Relaxed);
                }
            }
            heard.news.notify_one();
            if self.stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
    }
}

/// Takes one frame out of what was read; whether it tells of a message.
fn next_frame(buffer: &mut bytes::BytesMut) -> Option<bool> {
    let short = usize::from(*buffer.get(1)?);
    let (header, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(buffer.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(buffer.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, short),
    };
    let payload = buffer.get(header..header + length)?;
    let is_message = payload.starts_with(br#"{"op":"message""#);
    let _taken = buffer.split_to(header + length);
    Some(is_message)
}
