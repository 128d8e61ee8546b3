//! Listeners: the ports that people come in by, taken before anything else is done.

use socket2::{Domain, Protocol, Socket, Type};
use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
};

/// Connections that may wait to be accepted: many come back at once when a node returns.
const BACKLOG: i32 = 4_096;

/// The ports that people come in by.
pub struct Listeners {
    pub(crate) web: TcpListener,
    address: SocketAddr,
}

/// Why a port was not taken.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {source}")]
pub struct ListenError {
    /// The address as configured.
    pub address: String,
    /// Why.
    pub source: io::Error,
}

impl Listeners {
    /// Listens on this address, a name or numbers with a port.
    pub fn bind(address: &str) -> Result<Self, ListenError> {
        let bound = address.to_socket_addrs().and_then(|addresses| {
            let mut last = io::Error::other("the name has no address");
            for address in addresses {
                match listen(address) {
                    Ok(listener) => return Ok(listener),
                    Err(error) => last = error,
                }
            }
            Err(last)
        });
        bound
            .and_then(|web| Ok(Self { address: web.local_addr()?, web }))
            .map_err(|source| ListenError { address: address.to_owned(), source })
    }

    /// Where people come in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether only this machine can come in.
    pub fn is_loopback(&self) -> bool {
        self.address.ip().to_canonical().is_loopback()
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A server that starts again takes the port that its predecessor has just left.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named() {
        let first = Listeners::bind("127.0.0.1:0").expect("a free port");
        assert!(first.is_loopback());
        let address = first.address().to_string();
        let error = Listeners::bind(&address).err().expect("it is taken").to_string();
        assert!(error.contains(&address), "{error}");
    }

    #[test]
    fn an_address_that_is_none_is_named() {
        let error = Listeners::bind("nonsense").err().expect("refused").to_string();
        assert!(error.contains("nonsense"), "{error}");
    }
}
