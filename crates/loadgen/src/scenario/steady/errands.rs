//! What is done over REST beside the talk: every part of the interface comes up in turn.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use campanile_protocol::SentMessage;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::{Options, places};
use crate::api::{Ask, Reply, Unreachable};
use crate::pace::Pace;
use crate::people::{Person, Session};
use crate::stop::Phase;
use crate::world::World;

/// Errands that may be under way at once; what is due beyond is left out.
const AT_ONCE: usize = 32;

/// People who write to somebody who is not there.
const CALLERS: u64 = 50;

/// Bundles of prekeys claimed at a time.
const CLAIMS: u64 = 5;

/// Somebody who runs errands, and those for whom some of them are.
pub(super) struct Runner {
    world: World,
    options: Options,
    person: Person,
    session: Session,
    other: Person,
    /// Somebody who is never there, where pushes are wanted.
    absent: Option<(Person, Session)>,
    /// Those of the callers who have written to them.
    callers: Mutex<HashMap<u64, Session>>,
    number: AtomicU64,
}

const EXAMPLE_POINT: &str =
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const EXAMPLE_SECRET: &str = "BTBZMqHH6r4Tts7J_aSIgg";

/// Pages that are read in turn.
const PAGES: &[(&str, Method)] = &[
    ("/", Method::GET),
    ("/", Method::HEAD),
    ("/console", Method::GET),
    ("/favicon.ico", Method::GET),
    ("/livez", Method::GET),
    ("/readyz", Method::GET),
    ("/api/openapi.json", Method::GET),
    ("/api/v1/registration", Method::GET),
];

/// Runs errands until the traffic ends.
pub(super) async fn run(runner: Runner) -> Result<()> {
    let mut pace = Pace::per_second(runner.options.rate * runner.options.errands);
    let mut stop = runner.world.stop.clone();
    let runner = Arc::new(runner);
    runner.settle_in().await;
    let mut running = JoinSet::new();
    for turn in 0.. {
        tokio::select! {
            () = sleep_until(pace.due()) => {}
            () = stop.reached(Phase::Settling) => break,
        }
        pace.catch_up(0, Instant::now());
        pace.step();
        while running.try_join_next().is_some() {}
        if running.len() < AT_ONCE {
            let runner = runner.clone();
            let undecided = runner.world.tally.undecided.enter();
            running.spawn(async move {
                let _undecided = undecided;
                // Who is not reached is counted where it is asked.
                let _ = runner.errand(turn).await;
            });
        }
    }
    running.join_all().await;
    Ok(())
}

impl Runner {
    /// Makes the accounts, before all others: on a new server the first one is an operator's.
    pub(super) async fn enter(options: &Options, world: &World) -> Result<Option<Self>> {
        let (person, other) = (world.special("runner"), world.special("other"));
        let Some(session) = person.enter(world).await? else { return Ok(None) };
        if other.enter(world).await?.is_none() {
            return Ok(None);
        }
        let mut absent = None;
        if options.push_endpoint.is_some() {
            let person = world.special("absent");
            let Some(session) = person.enter(world).await? else { return Ok(None) };
            absent = Some((person, session));
        }
        let (options, world) = (options.clone(), world.clone());
        let (callers, number) = (Mutex::default(), 0.into());
        Ok(Some(Self { world, options, person, session, other, absent, callers, number }))
    }

    /// Becomes a member of a public room, to which its errands lead; tried until it is one.
    async fn settle_in(&self) {
        let mut stop = self.world.stop.clone();
        let path = format!("/api/v1/rooms/{}/members/{}", self.room(), self.person.name);
        loop {
            let entered = self.ask(Ask::put(path.clone(), &json!({}))).await;
            if entered.is_ok_and(|reply| reply.is_ok()) {
                return;
            }
            if !stop.sleep(Duration::from_secs(1), Phase::Settling).await {
                return;
            }
        }
    }

    async fn errand(&self, turn: usize) -> Result<(), Unreachable> {
        match turn % 12 {
            0 => self.say(None).await,
            1 => self.read().await,
            2 => self.look_around().await,
            3 => self.upload().await,
            4 => self.keys().await,
            5 => self.room_of_a_day().await,
            6 => self.page(turn / 12).await,
            7 => self.say(Some(1)).await,
            8 => self.operate().await,
            // Passwords cost the server work, and it counts who tries them.
            9 if turn % 24 == 9 => self.log_in_and_out().await,
            9 => self.page(turn / 12).await,
            10 => self.say_twice().await,
            _ => self.push().await,
        }
    }

    async fn say(&self, reply_to: Option<u64>) -> Result<(), Unreachable> {
        let (key, body) = self.message(reply_to);
        self.post_message(&key, &body).await
    }

    async fn say_twice(&self) -> Result<(), Unreachable> {
        let (key, body) = self.message(None);
        self.post_message(&key, &body).await?;
        self.world.tally.repeated.add();
        self.post_message(&key, &body).await
    }

    fn message(&self, reply_to: Option<u64>) -> (String, Value) {
        let key = format!("{}-errand-{}", self.world.run.name(), self.next());
        let mut body = json!({"body": self.world.run.body(Instant::now())});
        if let Some(reply_to) = reply_to {
            body["reply_to"] = reply_to.into();
        }
        self.world.tally.sent.add();
        (key, body)
    }

    async fn post_message(&self, key: &str, body: &Value) -> Result<(), Unreachable> {
        let (room, at) = (self.room(), Instant::now());
        let ask = Ask::post(format!("/api/v1/rooms/{room}/messages"), body);
        let reply = self.ask(ask.header("idempotency-key", key.to_owned())).await?;
        if let Ok(sent) = serde_json::from_value::<SentMessage>(reply.body) {
            self.world.ledger.acknowledged(&room, key, &sent);
            if !sent.duplicate {
                self.world.tally.acknowledged.add();
                self.world.tally.acknowledged_after(at.elapsed());
            }
        }
        Ok(())
    }

    async fn read(&self) -> Result<(), Unreachable> {
        let path = format!("/api/v1/rooms/{}/messages", self.room());
        let page = self.ask(Ask::get(format!("{path}?limit=20"))).await?;
        let last = page.number("/last_seq").unwrap_or(1);
        self.ask(Ask::get(format!("{path}?before={last}&limit=5"))).await.map(drop)
    }

    async fn look_around(&self) -> Result<(), Unreachable> {
        let room = format!("/api/v1/rooms/{}", self.room());
        for path in ["/api/v1/me", "/api/v1/rooms?limit=10", &room, "/api/v1/push-key"] {
            self.ask(Ask::get(path)).await?;
        }
        Ok(())
    }

    async fn upload(&self) -> Result<(), Unreachable> {
        let path = format!("/api/v1/rooms/{}/uploads", self.room());
        let lines = rand::random_range(1..200);
        let text = "all is well\n".repeat(lines);
        let kept = self.ask(form(Ask::new(Method::POST, path), &text)).await?;
        if let Some(id) = kept.text("/upload/id") {
            self.ask(Ask::get(format!("/api/v1/uploads/{id}"))).await?;
        }
        Ok(())
    }

    /// Publishes a few prekeys and claims them.
    async fn keys(&self) -> Result<(), Unreachable> {
        self.ask(Ask::put("/api/v1/keys", &self.prekeys())).await?;
        self.ask(Ask::get("/api/v1/keys/count")).await?;
        for _ in 0..CLAIMS {
            let path = format!("/api/v1/keys/{}/claim", self.person.name);
            self.ask(Ask::new(Method::POST, path)).await?;
        }
        Ok(())
    }

    fn prekeys(&self) -> Value {
        let material = || STANDARD.encode(rand::random::<[u8; 32]>());
        let signed = |id: u64| json!({"id": id, "key": material(), "signature": material()});
        // Ids only rise under one identity key; each run has its own.
        let id = self.next() * 10;
        let one_time: Vec<_> = (0..self.options.prekeys)
            .map(|more| json!({"id": id + more, "key": material()}))
            .collect();
        json!({
            "identity_key": STANDARD.encode(self.world.run.name().repeat(4)),
            "signed_prekey": signed(id),
            "last_resort_kem_prekey": signed(id),
            "one_time_prekeys": one_time,
            "kem_prekeys": [signed(id + 1)],
        })
    }

    /// A private room that is made, changed, entered, left and deleted.
    async fn room_of_a_day(&self) -> Result<(), Unreachable> {
        let room = self.world.room(&format!("day-{}", self.next()));
        let path = format!("/api/v1/rooms/{room}");
        let member = format!("{path}/members/{}", self.other.name);
        self.ask(Ask::post("/api/v1/rooms", &json!({"name": room, "kind": "private"}))).await?;
        let topic = json!({"topic": "for a day"});
        self.ask(Ask::new(Method::PATCH, path.clone()).json(&topic)).await?;
        self.ask(Ask::put(member.clone(), &json!({"role": "member"}))).await?;
        self.ask(Ask::delete(member)).await?;
        self.ask(Ask::delete(path)).await.map(drop)
    }

    async fn page(&self, turn: usize) -> Result<(), Unreachable> {
        let (path, method) = &PAGES[turn % PAGES.len()];
        self.world.api.ask(Ask::new(method.clone(), *path)).await.map(drop)
    }

    /// What operators do; whoever is none is refused.
    async fn operate(&self) -> Result<(), Unreachable> {
        let paths = [
            "/api/v1/stats",
            "/api/v1/stats/rooms?top=5",
            "/api/v1/stats/connections",
            "/api/v1/nodes",
            "/api/v1/invites",
        ];
        if !self.session.is_operator {
            let path = paths[self.next() as usize % paths.len()];
            return self.ask(Ask::get(path)).await.map(drop);
        }
        for path in paths {
            self.ask(Ask::get(path)).await?;
        }
        let made = self.ask(Ask::post("/api/v1/invites", &json!({"uses": 1}))).await?;
        if let Some(id) = made.text("/invite/id") {
            self.ask(Ask::delete(format!("/api/v1/invites/{id}"))).await?;
        }
        let ban = format!("/api/v1/users/{}/ban", self.other.name);
        self.ask(Ask::put(ban.clone(), &json!({}))).await?;
        self.ask(Ask::delete(ban)).await.map(drop)
    }

    /// The other one logs in, changes the password for the same one, which ends its sessions,
    /// logs in again and out.
    async fn log_in_and_out(&self) -> Result<(), Unreachable> {
        let credentials = self.other.credentials();
        let token = |reply: &Reply| reply.text("/token").map(str::to_owned);
        let opened = self.world.api.ask(Ask::post("/api/v1/login", &credentials)).await?;
        let Some(session) = token(&opened) else { return Ok(()) };
        let password = Ask::put("/api/v1/me/password", &self.other.same_password());
        self.world.api.ask(password.by(&session)).await?;
        let opened = self.world.api.ask(Ask::post("/api/v1/login", &credentials)).await?;
        let Some(session) = token(&opened) else { return Ok(()) };
        let leave = Ask::new(Method::POST, "/api/v1/logout");
        self.world.api.ask(leave.by(&session)).await.map(drop)
    }

    /// Writes to somebody who is never there, and who wants to be told.
    async fn push(&self) -> Result<(), Unreachable> {
        let (Some(endpoint), Some((absent, session))) = (&self.options.push_endpoint, &self.absent)
        else {
            return self.page(self.next() as usize).await;
        };
        let Some(caller) = self.caller(self.next() % CALLERS).await else { return Ok(()) };
        let ask = async |ask: Ask| self.world.api.ask(ask.by(&caller.token)).await;
        let direct = json!({"kind": "direct", "with": absent.name});
        let room = ask(Ask::post("/api/v1/rooms", &direct)).await?;
        // The browser of the example in RFC 8291: nobody reads what it is told.
        let keys = json!({"p256dh": EXAMPLE_POINT, "auth": EXAMPLE_SECRET});
        let subscription = json!({"endpoint": endpoint, "keys": keys});
        let subscribe = Ask::put("/api/v1/push-subscriptions", &subscription);
        self.world.api.ask(subscribe.by(&session.token)).await?;
        let Some(room) = room.text("/room/name") else { return Ok(()) };
        let message = json!({"body": "are you there?"});
        ask(Ask::post(format!("/api/v1/rooms/{room}/messages"), &message)).await.map(drop)
    }

    /// One of those who write to somebody who is not there. They are many: of what one person says
    /// in one room only the newest is told.
    async fn caller(&self, number: u64) -> Option<Session> {
        if let Some(session) = self.callers.lock().await.get(&number) {
            return Some(session.clone());
        }
        let person = self.world.special(&format!("caller-{number}"));
        let session = person.enter(&self.world).await.ok().flatten()?;
        self.callers.lock().await.insert(number, session.clone());
        Some(session)
    }

    async fn ask(&self, ask: Ask) -> Result<Reply, Unreachable> {
        self.world.api.ask(ask.by(&self.session.token)).await
    }

    fn room(&self) -> String {
        places::name(&self.world, 0)
    }

    fn next(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }
}

/// A form with one small file.
pub(super) fn form(ask: Ask, text: &str) -> Ask {
    let boundary = "----bell-tower";
    let body = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"note.txt\"\r\n\
         Content-Type: text/plain\r\n\r\n{text}\r\n--{boundary}--\r\n"
    );
    ask.bytes(&format!("multipart/form-data; boundary={boundary}"), body.into_bytes())
}
