//! How often the server writes to the network: once for all frames that wait together.

use crate::server::{Server, Setup, serve_over, start_served};
use actix_web::rt::net::TcpStream;
use campanile_core::{
    chat::Source,
    event::Event,
    fanout::Encoder,
    labels::Transport,
    message::Draft,
    name::{RoomName, UserName},
    room::RoomKind,
};
use campanile_protocol::Request;
use campanile_server::ws;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const FRAMES: usize = 200;
/// Writes that so many frames may take: a worker takes 64 events in a turn, and lets connections
/// write in between.
const WRITES_MAX: usize = FRAMES / 20;

/// Attempts of a server to write so far, on all connections.
type Writes = Arc<AtomicUsize>;

/// A network connection whose writes are counted.
struct Counted {
    stream: TcpStream,
    writes: Writes,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // Before, since the client may have read it before this goes on.
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A server that counts its writes, as the one over TLS is served: over streams of another kind.
fn start(setup: Setup) -> (Server, Writes) {
    let writes = Writes::default();
    let counter = writes.clone();
    let wrap = move |stream| Counted { stream, writes: counter.clone() };
    let serve = |listener, worker| serve_over(listener, worker, wrap, |_, _| {});
    (start_served(setup, serve), writes)
}

/// An encoder that is held up, and all that its worker does, as long as this is locked.
fn held_by(gate: &Arc<Mutex<()>>) -> Arc<dyn Fn() -> Encoder + Send + Sync> {
    let gate = gate.clone();
    Arc::new(move || {
        let (gate, encoder) = (gate.clone(), ws::encoder());
        Box::new(move |event| {
            if matches!(event, Event::Message(_)) {
                drop::<MutexGuard<()>>(gate.lock().expect("not poisoned"));
            }
            encoder(event)
        })
    })
}

#[tokio::test]
#[expect(clippy::await_holding_lock, reason = "the worker waits as long as messages are sent")]
async fn messages_that_wait_together_leave_in_one_write() {
    let gate = Arc::new(Mutex::new(()));
    let (server, writes) = start(Setup { encoder: held_by(&gate), ..Setup::default() });
    let mut bob = server.client("bob").await;
    server.room("bob", "lobby", RoomKind::Public).await;
    bob.join("lobby").await;
    // What joining told may still be on its way.
    for _ in 0..3 {
        bob.ask(Request::Ping).await;
    }
    let before = writes.load(Ordering::SeqCst);
    let held = gate.lock().expect("not poisoned");
    for number in 0..FRAMES {
        let draft = Draft {
            room: RoomName::parse("lobby").expect("a name"),
            from: UserName::parse("bob").expect("a name"),
            body: format!("{number}").into(),
            key: None,
            reply_to: None,
        };
        let source = Source { transport: Transport::WebSocket, trace: None };
        server.chat.send(draft, source).await.expect("sent");
    }
    drop(held);
    for seq in 1..=FRAMES as u64 {
        assert_eq!(bob.message().await.seq, seq);
    }
    let took = writes.load(Ordering::SeqCst) - before;
    assert!((1..=WRITES_MAX).contains(&took), "{took} writes for {FRAMES} messages");
}

#[tokio::test]
async fn answers_that_wait_together_leave_in_one_write() {
    let (server, writes) = start(Setup::default());
    let mut ada = server.client("ada").await;
    let before = writes.load(Ordering::SeqCst);
    let mut asked = Vec::new();
    for _ in 0..FRAMES {
        asked.push(ada.queue(Request::Ping).await);
    }
    ada.flush().await;
    for id in asked {
        ada.answer(id).await.expect("an answer");
    }
    let took = writes.load(Ordering::SeqCst) - before;
    assert!((1..=WRITES_MAX).contains(&took), "{took} writes for {FRAMES} answers");
}
