//! Users who write all the time, and what became of what they wrote.

use campanile_conformance::{START, Stores, room, user};
use campanile_core::{
    message::Draft,
    name::{RoomName, UserName},
    port::AppendError,
    room::RoomKind,
};
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const ROOMS: usize = 2;

const WRITERS: usize = 6;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(10);

/// Users who write all the time. What fails they try again with the same key, as clients do.
pub(crate) struct Load {
    stores: Stores,
    seen: Arc<Seen>,
    tasks: JoinSet<HashMap<Key, u64>>,
}

/// Where a message was written, and its key.
type Key = (RoomName, String);

#[derive(Default)]
struct Seen {
    acknowledged: AtomicUsize,
    faults: AtomicUsize,
    slowest_ms: AtomicUsize,
    ends: AtomicBool,
}

impl Load {
    /// Makes the rooms, and begins.
    pub(crate) async fn start(stores: Stores) -> Self {
        let owner = stores.account("owner").await;
        for number in 0..ROOMS {
            stores.room(&room_name(number), RoomKind::Public, &owner).await;
        }
        let (seen, mut tasks) = (Arc::new(Seen::default()), JoinSet::new());
        for writer in 0..WRITERS {
            let work = (stores.clone(), seen.clone());
            tasks.spawn(write(work, room(&room_name(writer % ROOMS)), writer));
        }
        Self { stores, seen, tasks }
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.seen.acknowledged.load(Ordering::SeqCst)
    }

    pub(crate) fn faults(&self) -> usize {
        self.seen.faults.load(Ordering::SeqCst)
    }

    /// The longest that somebody waited for an answer, good or bad.
    pub(crate) fn slowest(&self) -> Duration {
        Duration::from_millis(self.seen.slowest_ms.load(Ordering::SeqCst) as u64)
    }

    /// Waits until more is acknowledged; for how long.
    pub(crate) async fn goes_on(&self, patience: Duration) -> Duration {
        let (started, before) = (Instant::now(), self.acknowledged());
        let what = format!("appends after {before}");
        super::eventually(&what, patience, || self.acknowledged() > before).await;
        started.elapsed()
    }

    /// Ends, and sees that everything acknowledged is there, where it was said to be, once, and
    /// that there are no gaps. How many messages there are.
    pub(crate) async fn prove(mut self) -> usize {
        self.seen.ends.store(true, Ordering::SeqCst);
        let mut acknowledged = HashMap::new();
        while let Some(written) = self.tasks.join_next().await {
            acknowledged.extend(written.expect("a writer does not panic"));
        }
        let mut found = HashMap::new();
        for number in 0..ROOMS {
            let room = room(&room_name(number));
            for (place, message) in self.stores.all(&room).await.into_iter().enumerate() {
                assert_eq!(message.seq().0, place as u64 + 1, "{room} has a gap");
                let key = message.key.as_deref().expect("every message has a key").to_owned();
                let first = found.insert((room.clone(), key.clone()), message.seq().0);
                assert_eq!(first, None, "{key} is in {room} twice");
            }
        }
        for (key, seq) in &acknowledged {
            assert_eq!(found.get(key), Some(seq), "{key:?} was acknowledged");
        }
        assert_eq!(acknowledged.len(), self.seen.acknowledged.load(Ordering::SeqCst));
        found.len()
    }
}

fn room_name(number: usize) -> String {
    format!("room-{number}")
}

async fn write(
    (stores, seen): (Stores, Arc<Seen>),
    room: RoomName,
    writer: usize,
) -> HashMap<Key, u64> {
    let from: UserName = user(&format!("writer-{writer}"));
    stores.account(from.as_str()).await;
    stores.join(&room, &from).await;
    let mut acknowledged = HashMap::new();
    let mut number = 0;
    while !seen.ends.load(Ordering::SeqCst) {
        let key = format!("{writer}-{number}");
        let draft = Draft {
            room: room.clone(),
            from: from.clone(),
            body: body(number).into(),
            key: Some(key.as_str().into()),
            reply_to: None,
        };
        let started = Instant::now();
        let appended = stores.append(draft, START).await;
        seen.slowest_ms.fetch_max(started.elapsed().as_millis() as usize, Ordering::SeqCst);
        match appended {
            Ok(appended) => {
                acknowledged.insert((room.clone(), key), appended.message.seq().0);
                seen.acknowledged.fetch_add(1, Ordering::SeqCst);
                number += 1;
            }
            Err(AppendError::Fault(_)) => {
                seen.faults.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    acknowledged
}

/// About a kilobyte.
fn body(number: usize) -> String {
    format!("message {number} ").repeat(60)
}
