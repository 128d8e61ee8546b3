//! The network stream under the HTTP of a connection, to which a WebSocket may write past HTTP.
//!
//! HTTP's dispatcher owns the stream and asks the body for what there is to write, each time in a
//! task that has to be woken. While it waits for the body and has written all it had, nothing is
//! lost when others write to the stream, and the waking is saved. That it has written all, it says
//! by flushing, which it does whenever its own buffer is empty.

use actix_web::dev::Extensions;
use std::{
    cell::{Cell, RefCell},
    io,
    pin::Pin,
    rc::{Rc, Weak},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A stream that HTTP reads and writes.
pub struct SharedStream(Rc<Shared>);

/// The way to a connection's stream past HTTP; part of the data that its requests share.
#[derive(Clone)]
pub(super) struct Bypass(Weak<Shared>);

struct Shared {
    tcp: RefCell<TcpStream>,
    turn: Cell<Turn>,
}

/// Who may write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// HTTP: there is no WebSocket yet, or none any more.
    Http,
    /// The body: what it gave may not be written yet.
    Body,
    /// Anyone, as the body has given nothing that is not written.
    Anyone,
}

impl SharedStream {
    /// Takes a stream that was accepted.
    pub fn new(tcp: TcpStream) -> Self {
        Self(Rc::new(Shared { tcp: RefCell::new(tcp), turn: Cell::new(Turn::Http) }))
    }

    /// Puts the way past HTTP among what the connection's requests share; for
    /// `HttpService::on_connect_ext`.
    pub fn share(&self, connection: &mut Extensions) {
        connection.insert(Bypass(Rc::downgrade(&self.0)));
    }
}

impl Bypass {
    /// The body is about to give something, or to say that it has nothing.
    pub(super) fn body_is_asked(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.turn.set(Turn::Body);
        }
    }

    /// The body is gone: what HTTP writes now is not for a WebSocket.
    pub(super) fn body_is_gone(&self) {
        if let Some(shared) = self.0.upgrade() {
            shared.turn.set(Turn::Http);
        }
    }

    /// Writes what goes out at once; how many bytes that were. Errors are left to HTTP, which meets
    /// them too.
    pub(super) fn write(&self, bytes: &[u8]) -> usize {
        match self.0.upgrade() {
            Some(shared) if shared.turn.get() == Turn::Anyone => {
                shared.tcp.borrow().try_write(bytes).unwrap_or(0)
            }
            _ => 0,
        }
    }
}

impl AsyncRead for SharedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.tcp.borrow_mut()).poll_read(context, buffer)
    }
}

impl AsyncWrite for SharedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0.tcp.borrow_mut()).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.turn.get() == Turn::Body {
            self.0.turn.set(Turn::Anyone);
        }
        Pin::new(&mut *self.0.tcp.borrow_mut()).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.tcp.borrow_mut()).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{direct::Direct, traffic::Traffic, wire::Wire},
        *,
    };
    use crate::metrics::ConnectionMetrics;
    use campanile_core::{
        fanout::DirectWriter,
        labels::Transport,
        metrics::{App, NATIVE_APP},
    };
    use campanile_metrics::{Batch, Registry};
    use std::time::Duration;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
        time::timeout,
    };

    async fn pair() -> (SharedStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let client = TcpStream::connect(address).await.expect("it listens");
        let (server, _) = listener.accept().await.expect("a connection");
        server.writable().await.expect("it is open");
        (SharedStream::new(server), client)
    }

    #[tokio::test]
    async fn past_http_goes_only_what_comes_behind_all_that_http_had() {
        let (mut stream, mut client) = pair().await;
        let bypass = Bypass(Rc::downgrade(&stream.0));
        stream.flush().await.expect("flushed");
        assert_eq!(bypass.write(b"no"), 0, "there is no WebSocket");
        bypass.body_is_asked();
        assert_eq!(bypass.write(b"no"), 0, "what it gave is not written");
        stream.write_all(b"1").await.expect("written");
        assert_eq!(bypass.write(b"no"), 0, "maybe not all that it gave is written");
        stream.flush().await.expect("flushed");
        assert_eq!((bypass.write(b"2"), bypass.write(b"3")), (1, 1));
        bypass.body_is_asked();
        assert_eq!(bypass.write(b"no"), 0, "it was asked again");
        stream.flush().await.expect("flushed");
        assert_eq!(bypass.write(b"4"), 1);
        bypass.body_is_gone();
        assert_eq!(bypass.write(b"no"), 0, "the WebSocket is over");
        stream.flush().await.expect("flushed");
        assert_eq!(bypass.write(b"no"), 0, "and stays so");
        drop(stream);
        assert_eq!(bypass.write(b"no"), 0, "nobody is there");
        let mut read = String::new();
        client.read_to_string(&mut read).await.expect("read");
        assert_eq!(read, "1234");
    }

    #[tokio::test]
    async fn what_a_peer_that_is_gone_does_not_take_is_left_to_http() {
        let (mut stream, client) = pair().await;
        let bypass = Bypass(Rc::downgrade(&stream.0));
        stream.0.turn.set(Turn::Anyone);
        client.set_zero_linger().expect("a socket lingers");
        drop(client);
        stream.read_u8().await.expect_err("it is reset");
        assert_eq!(bypass.write(b"no"), 0);
    }
    #[tokio::test]
    async fn who_reads_no_more_hears_when_enough_has_left_past_http() {
        let (stream, _client) = pair().await;
        stream.0.turn.set(Turn::Anyone);
        let registry = Registry::builder().values::<App>([NATIVE_APP]).build();
        let metrics = ConnectionMetrics::register(&registry);
        let sent = Traffic::new(&metrics, &Batch::new()).sent(Transport::WebSocket);
        let (bypass, wire) = (Bypass(Rc::downgrade(&stream.0)), Rc::new(Wire::default()));
        let direct = Direct { bypass, wire: wire.clone(), sent };
        let waiting = Cell::new(4);
        let write = async { waiting.set(4 - direct.write(b"12", 4)) };
        let below = wire.below(3, || waiting.get());
        let both = async { tokio::join!(below, write) };
        timeout(Duration::from_secs(5), both).await.expect("it is woken");
        assert_eq!(waiting.get(), 2);
    }
}
