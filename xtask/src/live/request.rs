//! A request as it comes in over a socket, for what stands in for other services.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Result, ensure};

const TIME_MAX: Duration = Duration::from_secs(5);

/// What is sent to us is far smaller.
const BODY_BYTES_MAX: usize = 4 << 20;

pub(crate) struct Request {
    /// With what is asked behind it.
    pub(crate) path: String,
    /// Names in small letters.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads one whose body has a length that is announced.
    pub(crate) fn read(stream: &TcpStream) -> Result<Self> {
        stream.set_read_timeout(Some(TIME_MAX))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let mut first = String::new();
        reader.read_line(&mut first)?;
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut request = Self { path, headers: Vec::new(), body: Vec::new() };
        loop {
            let mut line = String::new();
            ensure!(reader.read_line(&mut line)? > 0, "the request ends within its head");
            let Some((name, value)) = line.split_once(':') else { break };
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").unwrap_or("0").parse()?;
        ensure!(length <= BODY_BYTES_MAX, "{length} bytes are too many");
        request.body = vec![0; length];
        reader.read_exact(&mut request.body)?;
        Ok(request)
    }

    /// The value of a header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| known == name);
        header.map(|(_, value)| value.as_str())
    }
}
