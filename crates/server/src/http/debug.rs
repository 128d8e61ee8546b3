//! What passes in an application, as it passes: a stream of events for operators.
//!
//! It ends with the server, and when who asked is no operator any more.

use super::{asked::Operator, edge::Edge, of_app::OfApp};
use crate::{
    logs::events,
    pusher::socket_id,
    reply::Refused,
    sse::MEDIA_TYPE,
    token,
    ws::{DrainWatch, Worker, stamp},
};
use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data, Path},
};
use campanile_core::{
    channel,
    chat::{AuthenticateError, Passed, Passing, Watching},
    port::ConnectionId,
    user::TokenHash,
};
use campanile_protocol::{HEARTBEAT, Stamp};
use futures_util::stream;
use serde::Serialize;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep_until};

/// How often the line is proved to be there, and who asked to be an operator still. Who has gone is
/// found out by what is written, and should soon make room for another.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What client events are called.
const CLIENT_EVENT: &str = "client-";

/// One who watches.
struct Stream {
    edge: Data<Edge>,
    watching: Watching,
    token: TokenHash,
    drain: DrainWatch,
    look_at: Instant,
    /// What is written first.
    greeting: Option<Bytes>,
}

/// What happens to a stream.
enum Happening {
    Passed(Passed),
    /// It is time to look whether it may go on.
    Look,
    /// The node is stopping.
    Draining,
}

/// Something that passed, as it is told.
#[derive(Default, Serialize)]
struct Told<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Stamp>,
    channel: &'a str,
    /// The name of an event, or of what a webhook tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'a str>,
    /// What an event carries: the text, or the JSON where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    socket_id: Option<String>,
    /// The receiver of a webhook.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
}

/// Tells what passes in an application's channels, as it passes.
///
/// It begins with an event `watching`, which names the node. Then come events `passed`: `kind` is
/// `event` or `client_event`, with `event`, `data` and perhaps `user`; `member_added` or
/// `member_removed`, with `user`; `subscribed` or `unsubscribed`, with `socket_id`; or `webhook`,
/// with `event` and `url`, once it is queued. Each has `at` and `channel`. Events and members are of
/// all nodes, subscriptions and webhooks of the one that answers. Who does not read fast enough
/// misses something: `missed` says in `count` how much.
#[utoipa::path(
    get, path = "/api/v1/apps/{app}/debug", tag = "operators", operation_id = "watchApp",
    params(OfApp),
    responses(
        (status = 200, description = "Events, until the session or the server ends.", body = String,
            content_type = "text/event-stream"),
        (status = 403, description = "The asker is no operator."),
        (status = 404, description = "There is no such application."),
        (status = 429, description = "As many operators watch as may."),
    ),
)]
pub(super) async fn watch(
    edge: Data<Edge>,
    worker: Data<Worker>,
    operator: Operator,
    of: Path<OfApp>,
) -> Result<HttpResponse, Refused> {
    let app = of.find(&edge)?;
    let watching = edge.chat.watch(&app.id)?;
    events::AppWatched { app: app.id.as_str() }.emit();
    let greeting = frame("watching", &serde_json::json!({ "node": edge.node.name }));
    let stream = Stream {
        watching,
        token: operator.token,
        drain: worker.lobby.drain_watch(),
        look_at: Instant::now() + LOOK_EVERY,
        greeting: Some(greeting),
        edge,
    };
    let body = stream::unfold(stream, |mut stream| async {
        let next = stream.next().await?;
        Some((Ok::<_, Infallible>(next), stream))
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // For proxies that would gather events before they pass them on.
        .insert_header(("X-Accel-Buffering", "no"))
        .force_close()
        .streaming(Box::pin(body)))
}

impl Stream {
    /// What is written next; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(greeting) = self.greeting.take() {
            return Some(greeting);
        }
        let missed = self.watching.missed();
        if missed > 0 {
            return Some(frame("missed", &serde_json::json!({ "count": missed })));
        }
        match self.happening().await {
            Happening::Passed(passed) => Some(frame("passed", &told(&passed))),
            Happening::Look if self.may_go_on().await => {
                self.look_at = Instant::now() + LOOK_EVERY;
                Some(Bytes::from_static(HEARTBEAT))
            }
            Happening::Look | Happening::Draining => None,
        }
    }

    async fn happening(&mut self) -> Happening {
        tokio::select! {
            biased;
            _ = self.drain.begun() => Happening::Draining,
            () = sleep_until(self.look_at) => Happening::Look,
            passed = self.watching.next() => Happening::Passed(passed),
        }
    }

    /// While the store is away nobody is found out to be none.
    async fn may_go_on(&self) -> bool {
        match token::authenticate(&self.edge.chat, self.token).await {
            Ok(session) => session.operator,
            Err(AuthenticateError::Fault(_)) => true,
            Err(AuthenticateError::Refused) => false,
        }
    }
}

fn frame(name: &str, data: &impl Serialize) -> Bytes {
    // JSON has no line breaks but escaped ones.
    let data = serde_json::to_string(data).expect("it has text keys");
    format!("event: {name}\ndata: {data}\n\n").into()
}

fn told(passed: &Passed) -> Told<'_> {
    let told =
        Told { at: Some(stamp(passed.at)), channel: passed.channel.name(), ..Told::default() };
    match &passed.what {
        Passing::Published(published) => Told {
            kind: if published.event.starts_with(CLIENT_EVENT) { "client_event" } else { "event" },
            event: Some(&published.event),
            data: text(&published.data),
            user: published.user.as_deref(),
            ..told
        },
        Passing::MemberAdded(user) => Told { kind: "member_added", user: Some(user), ..told },
        Passing::MemberRemoved(user) => Told { kind: "member_removed", user: Some(user), ..told },
        Passing::Subscribed(connection, user) => Told {
            kind: "subscribed",
            user: user.as_deref(),
            socket_id: Some(name(*connection)),
            ..told
        },
        Passing::Unsubscribed(connection) => {
            Told { kind: "unsubscribed", socket_id: Some(name(*connection)), ..told }
        }
        Passing::Webhook(event, url) => {
            Told { kind: "webhook", event: Some(event.values()[0]), url: Some(url), ..told }
        }
    }
}

fn name(connection: ConnectionId) -> String {
    socket_id(connection).to_string()
}

/// The text that an event carries, or its JSON where it is no text.
fn text(data: &channel::Data) -> Option<String> {
    match data {
        channel::Data::Nothing => None,
        channel::Data::Text(text) => Some(text.as_ref().to_owned()),
        channel::Data::Raw(json) => {
            let text: Result<String, _> = serde_json::from_str(json);
            Some(text.unwrap_or_else(|_| json.as_ref().to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::{
        channel::{AppId, Channel, Published},
        time::Timestamp,
    };

    fn line(event: &str, json: &str) -> String {
        let app = AppId::parse("shop").expect("an id");
        let data = channel::Data::Raw(json.into());
        let published = Published { event: event.into(), data, user: None };
        let passed = Passed {
            at: Timestamp(0),
            channel: Channel::new(&app, "news"),
            what: Passing::Published(published),
        };
        String::from_utf8(frame("passed", &told(&passed)).to_vec()).expect("text")
    }

    #[test]
    fn what_an_event_carries_breaks_no_line() {
        let line = line("client-moved", "{\n  \"x\": 1\r\n}");
        assert!(line.contains(r#""kind":"client_event""#), "{line}");
        assert!(line.contains(r#""data":"{\n  \"x\": 1\r\n}""#), "{line}");
        assert_eq!(line.matches('\n').count(), 3, "{line}");
        assert!(!line.contains('\r'), "{line}");
    }

    #[test]
    fn a_text_is_told_without_its_quotes() {
        let line = line("sold", r#""{\"id\":7}""#);
        assert!(
            line.contains(r#""kind":"event""#) && line.contains(r#""data":"{\"id\":7}""#),
            "{line}"
        );
    }
}
