//! Those who speak: over a WebSocket, or over HTTP as the server of an application does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::dialect::Dialect;
use super::field::{Channel, Field};
use super::http::{Http, Request};
use super::socket::Writer;
use super::ticker::Ticker;

/// Somebody who says everything of one stream.
pub(super) struct Speaker {
    pub(super) field: Arc<Field>,
    pub(super) stream: u32,
    pub(super) channel: Channel,
    pub(super) way: Way,
}

/// How it is said.
pub(super) enum Way {
    /// On a connection of its own, without waiting for the answer.
    Socket(Arc<Writer>),
    /// By requests, one after the other. The token is that of an account, where there are any.
    Http(Box<Http>, Option<String>),
}

/// When things are said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// So many a second, all speakers of a group together, whatever the server does.
    Rate(f64),
    /// As fast as it goes with so many messages on their way.
    Saturating(u64),
}

/// How long a full house is waited for before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Speaker {
    /// Says the next message, which was due then.
    pub(super) async fn say(&mut self, due: Duration) {
        let Self { field, stream, channel, way } = self;
        match way {
            Way::Socket(writer) => say(field, writer, *stream, (channel, due)),
            Way::Http(http, token) => {
                let body = field.compose(*stream, due, true);
                publish(field, http, token.as_deref(), (channel, body))
                    .await
                    .note(field, *stream, due);
            }
        }
    }

    /// Speaks until the traffic ends: of so many speakers this one in its turn.
    pub(super) async fn speak(mut self, pace: Pace, (turn, of): (u32, u32)) -> Result<()> {
        let field = self.field.clone();
        let stop = field.world.stop.clone();
        match pace {
            Pace::Rate(rate) => {
                let mut ticker = Ticker::new()?;
                let every = Duration::from_secs_f64(f64::from(of) / rate);
                let (began, start) = (Instant::now(), field.now());
                let mut due = every * turn / of;
                while stop.is_running() {
                    wait(&field, &mut ticker, began + due).await?;
                    if stop.is_running() {
                        self.say(start + due).await;
                    }
                    due += every;
                }
            }
            Pace::Saturating(window) => {
                while stop.is_running() {
                    if field.gate.audience > 0 && field.is_full(window) {
                        // A permit that came before is as good.
                        let _ = timeout(LOOK_AGAIN, field.gate.told.notified()).await;
                    } else {
                        self.say(field.now()).await;
                        // Over a socket nothing was waited for; others have their turn too.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Waits until then, or until the traffic ends.
pub(super) async fn wait(field: &Field, ticker: &mut Ticker, due: Instant) -> Result<()> {
    let mut stop = field.world.stop.clone();
    tokio::select! {
        biased;
        waited = ticker.until(due) => Ok(waited?),
        () = stop.reached(crate::stop::Phase::Settling) => Ok(()),
    }
}

/// Says the next message of a stream on a connection.
pub(super) fn say(
    field: &Field,
    writer: &Arc<Writer>,
    stream: u32,
    (channel, due): (&Channel, Duration),
) {
    let is_answered = field.dialect.answers_messages();
    let body = field.compose(stream, due, is_answered);
    if writer.say(&field.dialect.message(&channel.name, body, due)).is_err() {
        field.world.tally.unreachable.add();
        if is_answered {
            field.streams.given_up(stream);
        }
    }
}

/// What became of a publication.
enum Published {
    Taken,
    Refused(u16),
    /// Nobody knows.
    Unanswered,
}

impl Published {
    fn note(self, field: &Field, stream: u32, due: Duration) {
        let tally = &field.world.tally;
        match self {
            Self::Taken => {
                field.streams.taken(stream);
                tally.acknowledged.add();
                field.meter.acknowledged(due, field.now());
            }
            Self::Refused(status) => {
                field.streams.refused(stream);
                tally.refused(&format!("http {status}"));
            }
            Self::Unanswered => {
                field.streams.refused(stream);
                tally.unreachable.add();
            }
        }
    }
}

async fn publish(
    field: &Field,
    http: &mut Http,
    token: Option<&str>,
    (channel, body): (&Channel, String),
) -> Published {
    let (path, headers, body) = match &field.dialect {
        Dialect::Pusher(application) => {
            let now = Field::unix_seconds();
            let (path, body) = application.publication(&channel.name, &body, now);
            (path, String::new(), body)
        }
        Dialect::Native => {
            let path = format!("/api/v1/rooms/{}/messages", channel.name);
            let headers = format!("Authorization: Bearer {}\r\n", token.unwrap_or_default());
            (path, headers, json!({"body": body}).to_string())
        }
    };
    let request = Request { method: "POST", path: &path, headers: &headers, body: &body };
    match http.ask(request).await {
        Ok(reply) if reply.is_ok() => Published::Taken,
        Ok(reply) => Published::Refused(reply.status),
        Err(_) => Published::Unanswered,
    }
}
