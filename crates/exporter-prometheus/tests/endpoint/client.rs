//! A scraper that sends exactly the headers it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use campanile_metrics::testing::Probe;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Where to scrape, and from where.
pub(crate) struct Scraper {
    pub(crate) address: SocketAddr,
    source: Option<std::net::IpAddr>,
}

/// An answer.
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Scraper {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address, source: None }
    }

    /// The same from another address of this machine.
    pub(crate) fn from(&self, source: &str) -> Self {
        Self { address: self.address, source: Some(source.parse().expect("an address")) }
    }

    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut stream = self.connect();
        let request = self.head(method, path, headers);
        stream.write_all(request.as_bytes()).expect("sent");
        Response::read(stream)
    }

    /// The values of a scrape.
    pub(crate) fn probe(&self) -> Probe {
        Probe::of(&self.request("GET", "/metrics", &[]).text())
    }

    pub(crate) fn over_tls(
        &self,
        root: CertificateDer<'static>,
        headers: &[(&str, &str)],
    ) -> Response {
        let mut roots = RootCertStore::empty();
        roots.add(root).expect("a certificate");
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let config = ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()
            .expect("there are versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        let mut stream = StreamOwned::new(client, self.connect());
        stream.write_all(self.head("GET", "/metrics", headers).as_bytes()).expect("sent");
        Response::read(stream)
    }

    /// Waits until the server holds at least so many connections, seen from this process.
    pub(crate) fn wait_for_connections(&self, count: usize) {
        let port = format!(":{:04X}", self.address.port());
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let sockets = std::fs::read_to_string("/proc/net/tcp").expect("proc is mounted");
            let established = sockets.lines().filter(|line| {
                let mut fields = line.split_ascii_whitespace().skip(1);
                let local = fields.next().is_some_and(|local| local.ends_with(&port));
                // Established, and the request has been read.
                local && fields.nth(1) == Some("01") && fields.next() == Some("00000000:00000000")
            });
            if established.count() >= count {
                return;
            }
            assert!(Instant::now() < deadline, "the connections did not come");
            std::thread::yield_now();
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = match self.source {
            None => TcpStream::connect(self.address).expect("it listens"),
            Some(source) => from_address(source, self.address),
        };
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
        stream
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let named = headers.iter().any(|(name, _)| *name == "Host");
        let own = self.address.to_string();
        let host = (!named).then_some(("Host", own.as_str()));
        for (name, value) in headers.iter().copied().chain(host) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + "\r\n"
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers_named(name).first().copied()
    }

    pub(crate) fn headers_named(&self, name: &str) -> Vec<&str> {
        let named = self.headers.iter().filter(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("text")
    }

    fn read(mut stream: impl Read) -> Self {
        let mut bytes = Vec::new();
        // Over TLS the end may come without the proper farewell.
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        Self {
            status: status.expect("a status"),
            headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
            body: bytes[end + 4..].to_vec(),
        }
    }
}

fn from_address(source: std::net::IpAddr, to: SocketAddr) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let stream = runtime.expect("a runtime").block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(source, 0)).expect("an address of this machine");
        socket.connect(to).await.expect("it listens").into_std().expect("a socket")
    });
    stream.set_nonblocking(false).expect("a blocking socket");
    stream
}
