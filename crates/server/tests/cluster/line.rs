//! A connection that may be cut: asks, hears, and says when it is over.

use crate::client::{Client, Heard};
use campanile_protocol::*;
use std::{collections::VecDeque, net::SocketAddr, time::Duration};
use tokio::time::timeout;

/// How long an answer may take before the connection counts as cut.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection of somebody to one node.
pub(crate) struct Line {
    client: Client,
    events: VecDeque<Event>,
}

/// The connection is over.
#[derive(Debug)]
pub(crate) struct Cut;

impl Line {
    /// Connects, and says who speaks.
    pub(crate) async fn open(address: SocketAddr, token: &str) -> Result<Self, Cut> {
        let client = timeout(PATIENCE, Client::try_connect(address, &[])).await;
        let client = client.map_err(|_| Cut)?.map_err(|_| Cut)?;
        let mut line = Self { client, events: VecDeque::new() };
        match line.ask(Request::Hello { token: Some(token.into()) }).await? {
            Ok(_) => Ok(line),
            Err(_refused) => Err(Cut),
        }
    }

    /// Asks; what it gave, or why not. Events meanwhile are kept.
    pub(crate) async fn ask(&mut self, request: Request) -> Result<Result<Answer, Refusal>, Cut> {
        let asked = self.client.try_send(request).await.map_err(|_| Cut)?;
        loop {
            let heard = timeout(PATIENCE, self.client.hear_some()).await.map_err(|_| Cut)?;
            match heard {
                Heard::Frame(ServerFrame::Ok { id, answer }) if id == asked => {
                    return Ok(Ok(answer));
                }
                Heard::Frame(ServerFrame::Error { id, refusal }) if id.as_ref() == Some(&asked) => {
                    return Ok(Err(refusal));
                }
                Heard::Frame(ServerFrame::Event(event)) => self.events.push_back(event),
                Heard::Frame(other) => panic!("nobody asked for this: {other:?}"),
                Heard::Closed(_) | Heard::Gone => return Err(Cut),
            }
        }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Result<Event, Cut> {
        if let Some(event) = self.events.pop_front() {
            return Ok(event);
        }
        match self.client.hear_some().await {
            Heard::Frame(ServerFrame::Event(event)) => Ok(event),
            Heard::Frame(other) => panic!("nobody asked for this: {other:?}"),
            Heard::Closed(_) | Heard::Gone => Err(Cut),
        }
    }

    /// Joins a room, and reads what was said after `since`; the room's epoch, its last number, and
    /// what was missed.
    pub(crate) async fn join(
        &mut self,
        room: &str,
        since: Option<Since>,
    ) -> Result<Option<(Since, Vec<Message>)>, Cut> {
        let asked = Request::Join { room: room.into(), since };
        let joined = match self.ask(asked).await? {
            Ok(Answer::Joined(joined)) => joined,
            Ok(other) => panic!("{other:?}"),
            Err(_unavailable) => return Ok(None),
        };
        let mut missed = joined.messages;
        if let Some(since) = since.filter(|_| joined.truncated) {
            assert_eq!(since.epoch, joined.epoch, "the room is the same");
            let mut last = since.seq;
            while last < joined.last_seq {
                let page = Request::History {
                    room: room.into(),
                    before: None,
                    after: Some(last),
                    limit: Some(200),
                };
                let Ok(Answer::History(page)) = self.ask(page).await? else { return Ok(None) };
                let page = page.messages.into_iter().filter(|said| said.seq <= joined.last_seq);
                missed.extend(page);
                last = missed.last().map_or(last, |message| message.seq);
            }
        }
        Ok(Some((Since { epoch: joined.epoch, seq: joined.last_seq }, missed)))
    }
}
