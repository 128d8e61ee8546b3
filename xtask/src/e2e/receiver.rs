//! Where Alertmanager sends: it records every notification, and when it came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;

/// A notification is far smaller.
const BODY_BYTES_MAX: usize = 4 << 20;

const REQUEST_TIME_MAX: Duration = Duration::from_secs(5);

/// One alert of one notification.
#[derive(Clone)]
pub(crate) struct Notice {
    pub(crate) at: Instant,
    /// The receiver of Alertmanager that sent it: the last part of the path.
    pub(crate) receiver: String,
    pub(crate) firing: bool,
    pub(crate) labels: BTreeMap<String, String>,
}

/// Listens until the program ends: its thread holds nothing but the listener and the record.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    notices: Arc<Mutex<Vec<Notice>>>,
    /// The receiver of Alertmanager whose notifications are refused.
    refused: Arc<Mutex<Option<String>>>,
}

#[derive(Deserialize)]
struct Notification {
    alerts: Vec<Alert>,
}

#[derive(Deserialize)]
struct Alert {
    status: String,
    labels: BTreeMap<String, String>,
}

impl Receiver {
    /// Listens on a free port of an address that containers reach.
    pub(crate) fn start(host: IpAddr) -> Result<Self> {
        let listener =
            TcpListener::bind((host, 0)).with_context(|| format!("no port is free on {host}"))?;
        let address = listener.local_addr()?;
        let notices = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&notices);
        let refused = Arc::new(Mutex::new(None));
        let refuses = Arc::clone(&refused);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                match receive(stream, &refuses) {
                    Ok(received) => record.lock().expect("nobody panics with it").extend(received),
                    Err(error) => println!("  a notification could not be read: {error:#}"),
                }
            }
        });
        Ok(Self { address, notices, refused })
    }

    /// Everything that came so far, in order.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.notices.lock().expect("nobody panics with it").clone()
    }

    /// Refuses from now on what one receiver of Alertmanager sends, or nothing.
    pub(crate) fn refuse(&self, receiver: Option<&str>) {
        *self.refused.lock().expect("nobody panics with it") = receiver.map(str::to_owned);
    }
}

impl Notice {
    pub(crate) fn is_of(&self, alert: &str) -> bool {
        self.labels.get("alertname").is_some_and(|name| name == alert)
    }
}

/// One request: `POST /RECEIVER` with a body whose length is announced.
fn receive(mut stream: TcpStream, refused: &Mutex<Option<String>>) -> Result<Vec<Notice>> {
    stream.set_read_timeout(Some(REQUEST_TIME_MAX))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "the request ends within its head");
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse()?;
        }
    }
    ensure!(length <= BODY_BYTES_MAX, "{length} bytes are too many");
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = first.split(' ').nth(1).unwrap_or_default();
    let receiver = path.rsplit('/').next().unwrap_or_default();
    let refuses = refused.lock().expect("nobody panics with it").as_deref() == Some(receiver);
    let status = if refuses { "400 Bad Request" } else { "200 OK" };
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    if refuses {
        return Ok(Vec::new());
    }
    let notification: Notification =
        serde_json::from_slice(&body).context("the body is no notification")?;
    let at = Instant::now();
    let notices = notification.alerts.into_iter().map(|alert| Notice {
        at,
        receiver: receiver.to_owned(),
        firing: alert.status == "firing",
        labels: alert.labels,
    });
    Ok(notices.collect())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_notification_is_recorded_with_its_receiver() {
        let receiver = Receiver::start(Ipv4Addr::LOCALHOST.into()).expect("a port is free");
        let before = Instant::now();
        let body = r#"{"alerts": [{"status": "firing", "labels": {"alertname": "A"}},
            {"status": "resolved", "labels": {"alertname": "B"}}]}"#;
        let url = format!("http://{}/critical", receiver.address);
        let answer = minreq::post(url).with_body(body).with_timeout(5).send().expect("it answers");
        assert_eq!(answer.status_code, 200);
        crate::wait::until("both are recorded", Duration::from_secs(5), || {
            ensure!(receiver.notices().len() == 2, "not yet");
            Ok(())
        })
        .expect("both are recorded");
        let notices = receiver.notices();
        assert!(notices[0].is_of("A") && notices[0].firing && notices[0].at >= before);
        assert!(notices[1].is_of("B") && !notices[1].firing);
        assert_eq!(notices[0].receiver, "critical");
        receiver.refuse(Some("mail"));
        let url = format!("http://{}/mail", receiver.address);
        let answer = minreq::post(url).with_body(body).with_timeout(5).send().expect("it answers");
        assert_eq!((answer.status_code, receiver.notices().len()), (400, 2));
    }
}
