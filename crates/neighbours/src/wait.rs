//! Waiting for what one waits for, with a deadline; and ports that nobody uses.

use std::{
    net::{Ipv4Addr, TcpListener},
    time::{Duration, Instant},
};

const PAUSE: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// When there is none within `patience`.
#[track_caller]
pub fn until<T>(what: &str, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(started.elapsed() < patience, "{what}: not within {patience:?}");
        pause();
    }
}

/// A port of the loopback interface that nobody uses now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a free port");
    listener.local_addr().expect("it has an address").port()
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that pauses between attempts")]
fn pause() {
    std::thread::sleep(PAUSE);
}
