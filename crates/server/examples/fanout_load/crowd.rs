//! Everybody who is connected to one server: who listens where, who speaks, what is heard.

use crate::{
    heard::Heard,
    line::{self, MESSAGE, Speaker},
    server::Server,
};
use anyhow::Result;
use serde_json::json;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Who speaks to a room whose listeners are silent: several, so that one commit of the store
/// takes the messages of many.
const OUTSIDERS: usize = 32;

/// People in a room of a chat.
const CHAT_ROOM: usize = 10;

/// How people are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scene {
    /// One room that everybody listens to, and a few who speak from outside.
    Fanout,
    /// Rooms of ten, where everybody speaks.
    Chat,
}

/// Everybody who is connected to one server.
pub(crate) struct Crowd {
    people: Vec<(Speaker, String)>,
    /// The place of the first who speaks; those before only listen.
    speakers_from: usize,
    listeners_per_room: u64,
    heard: Arc<Heard>,
    sent: u64,
}

impl Crowd {
    /// Connects everybody.
    pub(crate) async fn gather(server: &Server, scene: Scene, listeners: usize) -> Result<Self> {
        let token = server.sign_up()?;
        let listeners_per_room = match scene {
            Scene::Fanout => listeners,
            Scene::Chat => CHAT_ROOM,
        };
        let rooms = (0..listeners / listeners_per_room).map(|number| format!("load-{number}"));
        let rooms: Vec<String> = rooms.collect();
        for room in &rooms {
            server.make_room(room, &token)?;
        }
        let heard = Arc::new(Heard::default());
        let mut people = Vec::new();
        for room in rooms.iter().cycle().take(rooms.len() * listeners_per_room) {
            let (mut speaker, listener) = line::connect(server.address, &token).await?;
            speaker.send(&json!({"op": "join", "id": 0, "room": room})).await?;
            tokio::spawn(listener.listen(MESSAGE, heard.clone()));
            people.push((speaker, room.clone()));
        }
        let mut speakers_from = 0;
        if scene == Scene::Fanout {
            speakers_from = people.len();
            for _ in 0..OUTSIDERS {
                let (speaker, listener) = line::connect(server.address, &token).await?;
                tokio::spawn(listener.listen(MESSAGE, Arc::default()));
                people.push((speaker, rooms[0].clone()));
            }
        }
        let listeners_per_room = listeners_per_room as u64;
        Ok(Self { people, speakers_from, listeners_per_room, heard, sent: 0 })
    }

    /// Sends for so long, with at most `window` messages not heard by everybody; how many
    /// deliveries that made.
    pub(crate) async fn saturate(
        &mut self,
        body_bytes: usize,
        window: u64,
        time: Duration,
    ) -> Result<u64> {
        let (before, started) = (self.sent, Instant::now());
        let body = "x".repeat(body_bytes);
        while started.elapsed() < time {
            self.say(&body).await?;
            let heard_by_all = self.sent.saturating_sub(window - 1);
            self.heard.until(heard_by_all * self.listeners_per_room).await?;
        }
        self.heard.until(self.sent * self.listeners_per_room).await?;
        Ok((self.sent - before) * self.listeners_per_room)
    }

    /// Sends at a steady rate, however late the server is, for so long; how late each delivery
    /// was after the message was due.
    pub(crate) async fn keep_pace(
        &mut self,
        body_bytes: usize,
        per_second: u32,
        time: Duration,
    ) -> Result<Vec<Duration>> {
        let started = Instant::now();
        for number in 0.. {
            let due = Duration::from_secs(1) * number / per_second;
            if due >= time {
                break;
            }
            sleep((started + due).saturating_duration_since(Instant::now())).await;
            let body = self.heard.due(started + due, body_bytes);
            self.say(&body).await?;
        }
        self.heard.until(self.sent * self.listeners_per_room).await?;
        Ok(self.heard.take_latenesses())
    }

    /// How many messages were sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    async fn say(&mut self, body: &str) -> Result<()> {
        let speakers = &mut self.people[self.speakers_from..];
        let place = self.sent as usize % speakers.len();
        let (speaker, room) = &mut speakers[place];
        speaker.send(&json!({"op": "send", "id": self.sent, "room": room, "body": body})).await?;
        self.sent += 1;
        Ok(())
    }
}
