//! Ports of this machine that nobody listens on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

use anyhow::{Context, Result};

/// Below those that the system gives to clients.
const QUIET: Range<u16> = 20_000..32_000;

/// An address of this machine that nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

/// Ports for what is stopped and started again while clients ask for it: none that a client is given
/// by chance, which could be its own when it asks for it.
pub(crate) fn quiet_ports() -> impl Iterator<Item = u16> {
    // Two that look at once begin at different places.
    let start = std::process::id() as usize * 16 % QUIET.len();
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    QUIET.cycle().skip(start).take(QUIET.len()).filter(is_free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_taken_is_passed_over() {
        let taken: Vec<u16> = quiet_ports().take(2).collect();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, taken[0])).expect("it is free");
        assert_eq!(quiet_ports().next(), Some(taken[1]));
        drop(listener);
        assert!(taken.iter().all(|port| QUIET.contains(port)), "{taken:?}");
    }
}
