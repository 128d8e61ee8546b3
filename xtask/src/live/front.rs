//! Something in front of a metrics endpoint that asks it for one format, whatever it is asked for.
//!
//! Prometheus learnt only late to be told a format; this makes any version scrape either.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use anyhow::{Context, Result};

/// Listens until the program ends: its thread holds nothing but the listener.
pub(crate) struct Front {
    pub(crate) address: SocketAddr,
}

impl Front {
    /// Passes every request on to `metrics` with this `Accept` header.
    pub(crate) fn start(metrics: SocketAddr, accept: &'static str) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        let address = listener.local_addr()?;
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A scrape that fails is seen by the one who scrapes.
                let _ = pass_on(stream, metrics, accept);
            }
        });
        Ok(Self { address })
    }
}

fn pass_on(stream: TcpStream, metrics: SocketAddr, accept: &str) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let url = format!("http://{metrics}/metrics");
    let answer = minreq::get(url).with_header("Accept", accept).with_timeout(10).send()?;
    let kind = answer.header("content-type").unwrap_or_default();
    let (status, length) = (answer.status_code, answer.as_bytes().len());
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\n")?;
    write!(stream, "Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    stream.write_all(answer.as_bytes())?;
    Ok(())
}
