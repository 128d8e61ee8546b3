//! The server that traffic goes to, and the addresses that it comes from.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};
use reqwest::Url;
use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// Where a server answers: one node, or whatever stands before many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    base: Url,
    authority: String,
    sources: u16,
}

/// How much of what the server says is taken from the network before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// As much as the system finds right.
    Usual,
    /// Little, so that a client that hardly reads is noticed soon.
    Narrow,
}

/// A small receive buffer. A segment has to fit in, or the sender's system finds the line dead.
const NARROW_BYTES: u32 = 128 * 1024;

impl Target {
    /// Takes an `http` URL. With more than one source, clients come from `127.0.0.1`, `127.0.0.2`
    /// and so on, which only a server on this machine can be reached from.
    pub fn parse(url: &str, sources: u16) -> Result<Self> {
        let base = Url::parse(url)?;
        ensure!(base.scheme() == "http", "only http:// is spoken, not {}://", base.scheme());
        ensure!(base.path() == "/", "the URL has no path: http://HOST:PORT");
        let host = base.host_str().unwrap_or_default();
        let port = base.port_or_known_default().unwrap_or(80);
        let authority = format!("{host}:{port}");
        let is_here = matches!(host, "localhost" | "127.0.0.1");
        ensure!((1..=250).contains(&sources), "there are 1 to 250 source addresses");
        ensure!(sources == 1 || is_here, "source addresses are spread on this machine only");
        Ok(Self { base, authority, sources })
    }

    /// The whole URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }

    /// Host and port.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// How many addresses clients come from.
    pub fn sources(&self) -> u16 {
        self.sources
    }

    /// The address that a client comes from; `None` where the system chooses.
    pub fn source(&self, client: usize) -> Option<IpAddr> {
        let number = client % usize::from(self.sources);
        let last = u8::try_from(number + 1).expect("there are at most 250");
        (self.sources > 1).then(|| Ipv4Addr::new(127, 0, 0, last).into())
    }

    /// A connection of a client.
    pub async fn connect(&self, client: usize, window: Window) -> io::Result<TcpStream> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in lookup_host(&self.authority).await? {
            let source = self.source(client);
            // Source addresses are of the older kind.
            if source.is_some() && !address.is_ipv4() {
                continue;
            }
            match connect_to(address, source, window).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

async fn connect_to(
    address: SocketAddr,
    source: Option<IpAddr>,
    window: Window,
) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    if window == Window::Narrow {
        socket.set_recv_buffer_size(NARROW_BYTES)?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_host_and_nothing_more() {
        let target = Target::parse("http://127.0.0.1:8080", 1).unwrap();
        assert_eq!(target.url("/ws"), "http://127.0.0.1:8080/ws");
        assert_eq!(target.authority(), "127.0.0.1:8080");
        assert_eq!(
            Target::parse("http://chat.example/", 1).unwrap().authority(),
            "chat.example:80"
        );
        for wrong in ["https://chat.example", "http://chat.example/chat", "chat.example"] {
            assert!(Target::parse(wrong, 1).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sources_take_turns_on_this_machine_only() {
        let target = Target::parse("http://localhost:80", 3).unwrap();
        assert_eq!(target.source(0), Some(Ipv4Addr::new(127, 0, 0, 1).into()));
        assert_eq!(target.source(5), Some(Ipv4Addr::new(127, 0, 0, 3).into()));
        assert_eq!(Target::parse("http://localhost:80", 1).unwrap().source(5), None);
        assert!(Target::parse("http://chat.example", 2).is_err());
        assert!(Target::parse("http://localhost", 0).is_err());
    }
}
