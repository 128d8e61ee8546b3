//! Where Alertmanager sends: it records every notification, and when it came. The servers ship their
//! logs here, too, where no Loki is, and tell here what happens in channels.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::live::Request;

/// Where servers send their logs, below the address.
const LOG_PATH: &str = "/loki/api/v1/push";

/// Where servers tell what happens in the channels of their application, below the address.
pub(crate) const WEBHOOK_PATH: &str = "/webhooks";

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
    record: Arc<Mutex<Record>>,
}

/// What came, and what is not to come.
#[derive(Default)]
struct Record {
    notices: Vec<Notice>,
    /// The receiver of Alertmanager whose notifications are refused.
    refused: Option<String>,
    refuses_logs: bool,
    refuses_webhooks: bool,
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
        let record = Arc::<Mutex<Record>>::default();
        let kept = Arc::clone(&record);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let record = Arc::clone(&record);
                // A server that hangs in the middle of a push holds up no notification.
                thread::spawn(move || {
                    if let Err(error) = receive(stream, &record) {
                        println!("  a request could not be read: {error:#}");
                    }
                });
            }
        });
        Ok(Self { address, record: kept })
    }

    /// Everything that came so far, in order.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        lock(&self.record).notices.clone()
    }

    /// Refuses from now on what one receiver of Alertmanager sends, or nothing.
    pub(crate) fn refuse(&self, receiver: Option<&str>) {
        lock(&self.record).refused = receiver.map(str::to_owned);
    }

    /// Refuses logs from now on, as a Loki that is ill, or takes them.
    pub(crate) fn refuse_logs(&self, refuses: bool) {
        lock(&self.record).refuses_logs = refuses;
    }

    /// Refuses webhooks from now on, or takes them.
    pub(crate) fn refuse_webhooks(&self, refuses: bool) {
        lock(&self.record).refuses_webhooks = refuses;
    }
}

impl Notice {
    pub(crate) fn is_of(&self, alert: &str) -> bool {
        self.labels.get("alertname").is_some_and(|name| name == alert)
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().expect("nobody panics with it")
}

/// One request: `POST /RECEIVER`, logs, or a webhook.
fn receive(mut stream: TcpStream, record: &Mutex<Record>) -> Result<()> {
    let request = Request::read(&stream)?;
    let path = request.path.as_str();
    if path == LOG_PATH {
        let refuses = lock(record).refuses_logs;
        let status = if refuses { "503 Service Unavailable" } else { "204 No Content" };
        return answer(&mut stream, status);
    }
    if path == WEBHOOK_PATH {
        let refuses = lock(record).refuses_webhooks;
        return answer(&mut stream, if refuses { "503 Service Unavailable" } else { "200 OK" });
    }
    let receiver = path.rsplit('/').next().unwrap_or_default();
    if lock(record).refused.as_deref() == Some(receiver) {
        return answer(&mut stream, "400 Bad Request");
    }
    answer(&mut stream, "200 OK")?;
    let notification: Notification =
        serde_json::from_slice(&request.body).context("the body is no notification")?;
    let at = Instant::now();
    let notices = notification.alerts.into_iter().map(|alert| Notice {
        at,
        receiver: receiver.to_owned(),
        firing: alert.status == "firing",
        labels: alert.labels,
    });
    lock(record).notices.extend(notices);
    Ok(())
}

fn answer(stream: &mut TcpStream, status: &str) -> Result<()> {
    // What has no content has no length of it.
    let length = if status.starts_with("204") { "" } else { "Content-Length: 0\r\n" };
    Ok(write!(stream, "HTTP/1.1 {status}\r\n{length}Connection: close\r\n\r\n")?)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use anyhow::ensure;

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

    #[test]
    fn logs_are_taken_or_refused_and_never_recorded() {
        let receiver = Receiver::start(Ipv4Addr::LOCALHOST.into()).expect("a port is free");
        let push = || {
            let url = format!("http://{}{LOG_PATH}", receiver.address);
            let request = minreq::post(url).with_body(&b"\0\xff"[..]).with_timeout(5);
            request.send().expect("it answers").status_code
        };
        assert_eq!(push(), 204);
        receiver.refuse_logs(true);
        assert_eq!(push(), 503);
        receiver.refuse_logs(false);
        assert_eq!((push(), receiver.notices().len()), (204, 0));
    }

    #[test]
    fn webhooks_are_taken_or_refused_and_never_recorded() {
        let receiver = Receiver::start(Ipv4Addr::LOCALHOST.into()).expect("a port is free");
        let tell = || {
            let url = format!("http://{}{WEBHOOK_PATH}", receiver.address);
            let request = minreq::post(url).with_body("{}").with_timeout(5);
            request.send().expect("it answers").status_code
        };
        assert_eq!(tell(), 200);
        receiver.refuse_webhooks(true);
        assert_eq!(tell(), 503);
        receiver.refuse_webhooks(false);
        assert_eq!((tell(), receiver.notices().len()), (200, 0));
    }
}
