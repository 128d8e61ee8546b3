//! Something between clients and a server that spoils one message.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// What becomes of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// It does not arrive.
    Drop,
    /// It arrives twice.
    Double,
    /// It arrives after the next one.
    Swap,
    /// It says that it is of a stream that nobody speaks in.
    Misdirect,
    /// The connection ends in its place, and one in which nothing is said ends soon.
    Cut,
    /// Nothing of this kind: it is an answer over HTTP that is held up for half a second.
    Stall,
    /// Nothing of this kind: every answer over HTTP ends its connection.
    HangUp,
}

/// The how manieth answer is held up, and for how long.
const STALLED: u64 = 40;
pub(crate) const STALL: Duration = Duration::from_millis(500);

/// The how manieth message of all is spoiled.
const SPOILED: u64 = 20;

/// How long nothing may be said before a connection is cut, where some are.
const QUIET: Duration = Duration::from_millis(700);

/// Listens in the place of the server.
pub(crate) fn start(server: SocketAddr, spoil: Spoil) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let seen = Arc::<AtomicU64>::default();
    // It lives as long as the test program, as do its connections at most.
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(server).expect("the server listens");
            let (mut from, mut to) = pair(&client, &server);
            thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            let seen = seen.clone();
            thread::spawn(move || {
                let (mut to, from) = pair(&client, &server);
                relay(from, &mut to, spoil, &seen);
                let _ = to.shutdown(Shutdown::Both);
            });
        }
    });
    address
}

fn pair(client: &TcpStream, server: &TcpStream) -> (TcpStream, TcpStream) {
    (client.try_clone().expect("a clone"), server.try_clone().expect("a clone"))
}

/// Relays what the server says, frame by frame once there are frames.
fn relay(mut from: TcpStream, to: &mut TcpStream, spoil: Spoil, seen: &AtomicU64) {
    let patience = (spoil == Spoil::Cut).then_some(QUIET);
    from.set_read_timeout(patience).expect("a stream takes a time-out");
    let (mut bytes, mut is_socket, mut held) = (Vec::new(), false, Vec::new());
    let mut buffer = [0; 64 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut buffer) else { return };
        bytes.extend_from_slice(&buffer[..read]);
        if !is_socket {
            is_socket = bytes.starts_with(b"HTTP/1.1 101");
            let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4);
            let head = if is_socket { head.expect("a head comes whole") } else { bytes.len() };
            let mut head: Vec<u8> = bytes.drain(..head).collect();
            let hangs_up = !is_socket && spoil_answer(&mut head, spoil, seen);
            if to.write_all(&head).is_err() || hangs_up {
                return;
            }
        }
        while let Some(length) = frame(&bytes) {
            let frame: Vec<u8> = bytes.drain(..length).collect();
            let Some(mut out) = spoiled(frame, spoil, seen, &mut held) else { return };
            if !out.is_empty() && !held.is_empty() && spoil == Spoil::Swap {
                out.append(&mut held);
            }
            if to.write_all(&out).is_err() {
                return;
            }
        }
    }
}

/// Spoils an answer over HTTP, which comes whole; whether its connection ends with it.
fn spoil_answer(answer: &mut Vec<u8>, spoil: Spoil, seen: &AtomicU64) -> bool {
    match spoil {
        Spoil::Stall if seen.fetch_add(1, Ordering::Relaxed) + 1 == STALLED => {
            let (_sender, nobody) = mpsc::sync_channel::<()>(0);
            let _ = nobody.recv_timeout(STALL);
            // The channel has a sender, so all of it was waited for.
            false
        }
        Spoil::HangUp => {
            let line = answer.windows(2).position(|two| two == b"\r\n").expect("a status line");
            answer.splice(line..line, *b"\r\nConnection: close");
            true
        }
        _ => false,
    }
}

/// What goes out in the place of a frame; `None` where the connection ends.
fn spoiled(
    mut frame: Vec<u8>,
    spoil: Spoil,
    seen: &AtomicU64,
    held: &mut Vec<u8>,
) -> Option<Vec<u8>> {
    let mark = frame.windows(5).position(|five| five == b"bell-");
    // An answer to a message holds its mark nowhere, so these are messages on their way to readers.
    let Some(mark) = mark.filter(|_| !matches!(spoil, Spoil::Stall | Spoil::HangUp)) else {
        return Some(frame);
    };
    if seen.fetch_add(1, Ordering::Relaxed) + 1 != SPOILED {
        return Some(frame);
    }
    match spoil {
        Spoil::Drop => Some(Vec::new()),
        Spoil::Double => Some(frame.repeat(2)),
        Spoil::Swap => {
            held.append(&mut frame);
            Some(Vec::new())
        }
        Spoil::Misdirect => {
            let stream = mark + "bell-00000000-".len();
            frame[stream..stream + 8].copy_from_slice(b"000fffff");
            Some(frame)
        }
        Spoil::Cut => None,
        Spoil::Stall | Spoil::HangUp => unreachable!("they spoil answers"),
    }
}

/// The length of the first frame, where it is whole.
fn frame(bytes: &[u8]) -> Option<usize> {
    let length = match *bytes.get(1)? {
        126 => 4 + usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        127 => 10 + u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?) as usize,
        length => 2 + usize::from(length),
    };
    (bytes.len() >= length).then_some(length)
}
