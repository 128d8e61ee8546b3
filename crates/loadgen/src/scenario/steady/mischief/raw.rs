//! Wrong things below HTTP: what no library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use super::{Away, Rascal};
use crate::target::Window;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a half request is left lying.
const PAUSE: Duration = Duration::from_millis(300);

impl Rascal {
    /// Requests that are none, or too much of one.
    pub(super) async fn break_http(&self, turn: usize) -> Result<(), Away> {
        let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let (what, text, right) = match turn % 4 {
            0 => ("no HTTP", "HELLO\r\n\r\n".to_owned(), &[400][..]),
            1 => {
                let long = format!("X-Long: {}\r\n", "x".repeat(20_000));
                // What stands before a server may have a smaller measure.
                ("a long header", self.request("GET /livez", &long), &[400, 431][..])
            }
            2 => ("half a handshake", self.request("GET /ws", ""), &[400, 426][..]),
            _ => {
                let headers = format!("{upgrade}Origin: https://elsewhere.example\r\n");
                ("a foreign page", self.request("GET /ws", &headers), &[403][..])
            }
        };
        if let Some(status) = self.exchange(text.as_bytes()).await? {
            self.expect(what, status, right);
        }
        Ok(())
    }

    /// An upload whose sender goes away in the middle.
    pub(super) async fn break_off_upload(&self, path: &str) -> Result<(), Away> {
        let mut stream = self.world.target.connect(0, Window::Usual).await?;
        let head = self.upload_head(path, 100_000);
        let part =
            "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n";
        stream.write_all(format!("{head}{part}the beginning of").as_bytes()).await?;
        sleep(PAUSE).await;
        Ok(())
    }

    /// An upload that says it will be longer than any may be.
    pub(super) async fn announce_much(&self, path: &str) -> Result<(), Away> {
        let head = self.upload_head(path, 1 << 40);
        if let Some(status) = self.exchange(head.as_bytes()).await? {
            self.expect("an endless upload", status, &[413]);
        }
        Ok(())
    }

    fn upload_head(&self, path: &str, bytes: u64) -> String {
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: multipart/form-data; boundary=cut\r\n\
             Content-Length: {bytes}\r\n",
            self.session.token
        );
        self.request(&format!("POST {path}"), &headers)
    }

    fn request(&self, what: &str, headers: &str) -> String {
        format!("{what} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", self.world.target.authority())
    }

    /// Sends bytes; the status of the answer, where there is one.
    async fn exchange(&self, bytes: &[u8]) -> Result<Option<u16>, Away> {
        let mut stream = self.world.target.connect(0, Window::Usual).await?;
        stream.write_all(bytes).await?;
        let mut head = [0; 12];
        let read = timeout(PATIENCE, stream.read_exact(&mut head)).await;
        if !matches!(read, Ok(Ok(_))) {
            return Ok(None);
        }
        self.world.tally.answers.add();
        let status = std::str::from_utf8(&head[9..]).ok().and_then(|digits| digits.parse().ok());
        if let Some(status) = status.filter(|status| *status >= 400) {
            self.world.tally.refused(&format!("http {status} -"));
        }
        Ok(status)
    }
}
