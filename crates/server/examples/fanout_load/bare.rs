//! What the system alone takes to write to many connections, one write each: what is left of a
//! delivery's cost when there is no server around it.

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use std::{
    io::Write,
    net::TcpStream as Written,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
};

/// Bytes of a frame around a body, about.
const AROUND_BODY: usize = 150;

/// Bytes that listeners have read.
#[derive(Default)]
struct Read {
    bytes: AtomicU64,
    news: Notify,
}

/// The CPU that one thread takes for each write of a frame, while it writes one to each of
/// `listeners`, and the next once everybody has read it.
pub(crate) async fn micros_per_write(
    listeners: usize,
    body_bytes: usize,
    time: Duration,
) -> Result<f64> {
    let frame_bytes = body_bytes + AROUND_BODY;
    let read = Arc::new(Read::default());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let mut written = Vec::new();
    for _ in 0..listeners {
        let (connected, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        tokio::spawn(count(connected?, read.clone()));
        let accepted = accepted?.0.into_std()?;
        accepted.set_nodelay(true)?;
        accepted.set_nonblocking(false)?;
        written.push(accepted);
    }
    let (turns, turn) = mpsc::channel(1);
    let writer = thread::spawn(move || write(written, &vec![b'x'; frame_bytes], turn));
    let started = Instant::now();
    let mut rounds = 0;
    while started.elapsed() < time {
        turns.send(()).await.context("writing ended early")?;
        rounds += 1;
        let wanted = rounds * (listeners * frame_bytes) as u64;
        while read.bytes.load(Ordering::Relaxed) < wanted {
            read.news.notified().await;
        }
    }
    drop(turns);
    let cpu = writer.join().ok().context("the writer has ended badly")??;
    Ok(cpu.as_secs_f64() * 1e6 / (rounds * listeners as u64) as f64)
}

/// Writes to each at every turn; the CPU that took, of this thread alone.
fn write(
    mut written: Vec<Written>,
    frame: &[u8],
    mut turn: mpsc::Receiver<()>,
) -> Result<Duration> {
    let started = clock_gettime(ClockId::ThreadCPUTime);
    while turn.blocking_recv().is_some() {
        for stream in &mut written {
            stream.write_all(frame)?;
        }
    }
    let ended = clock_gettime(ClockId::ThreadCPUTime);
    let taken = ended.checked_sub(started).context("a clock went back")?;
    Duration::try_from(taken).context("more than a clock holds")
}

async fn count(mut stream: TcpStream, read: Arc<Read>) {
    let mut buffer = vec![0; 4096];
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        read.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        read.news.notify_one();
    }
}
