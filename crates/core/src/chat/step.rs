//! Keeping in step: where signals of other nodes may have been lost, what this node shows is
//! compared with the store, and put right.

use super::Chat;
use crate::{
    channel::Channel,
    event::{Audience, EndReason, EndedSessions, Envelope, Event, LeaveReason, Signal},
    fanout::{Compared, ComparedMembers},
    name::{RoomName, UserName},
    port::{Fault, Head},
    room::RoomKind,
    time::{Moment, Timestamp},
    user::TokenHash,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, sleep_until},
};

/// Rooms, sessions or members that are asked for in one call.
const ASKED_AT_ONCE: usize = 500;

/// Between two comparisons, however often signals are lost.
const PAUSE: Duration = Duration::from_millis(200);

/// After a comparison that the store did not answer.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What was lost was lost at most so long before it was noticed, the differences between the
/// nodes' clocks included.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// Where the loss of signals is told.
#[derive(Debug, Default)]
pub(super) struct Step {
    missed: Notify,
    missed_members: Notify,
}

/// Channels that are looked at at the same time.
const LOOKS_AT_ONCE: usize = 16;

/// Within so long after a store has lost its channels, or a node was cut off, every node has noted
/// its members again.
const NOTED_WITHIN: Duration = Duration::from_secs(15);

/// A time in which signals were lost.
struct Doubt {
    since: Timestamp,
    /// When a loss was last noticed.
    noticed: Moment,
    /// Changes of messages that listeners were told of: each once.
    told: HashMap<RoomName, Timestamp>,
}

impl Step {
    pub(super) fn missed(&self) {
        self.missed.notify_one();
        self.missed_members.notify_one();
    }
}

impl Chat {
    /// Puts right what this node shows whenever the bus says that signals may have been lost.
    /// Spawned once by whoever owns the chat; never ends by itself.
    pub async fn keep_in_step(&self) {
        tokio::join!(self.keep_rooms_in_step(), self.keep_members_in_step());
    }

    async fn keep_rooms_in_step(&self) {
        let mut doubt: Option<Doubt> = None;
        loop {
            self.step.missed.notified().await;
            let doubt = self.doubt(&mut doubt);
            let pause = match self.compare(doubt).await {
                Ok(()) => PAUSE,
                Err(_counted) => {
                    self.step.missed.notify_one();
                    STORE_PAUSE
                }
            };
            sleep(pause).await;
        }
    }

    /// The same of the members of channels, and of users that are watched: who has come is told at
    /// once, and who has gone when every node has had the time to note its own again, should the
    /// store have lost them.
    async fn keep_members_in_step(&self) {
        let mut sure_at: Option<Instant> = None;
        loop {
            let is_sure = async {
                match sure_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let is_sure = tokio::select! {
                () = self.step.missed_members.notified() => false,
                () = is_sure => true,
            };
            let began = Instant::now();
            let compared = self.compare_members(is_sure).await;
            if !is_sure {
                sure_at = Some(began + NOTED_WITHIN);
            } else if compared.is_ok() {
                sure_at = None;
            }
            // However many channels there are, the store is busy with them a fifth of the time.
            sleep(STORE_PAUSE.max(began.elapsed() * 4)).await;
        }
    }

    /// Looks at the channels of whose members somebody here is told, a few at a time.
    async fn compare_members(&self, is_sure: bool) -> Result<(), Fault> {
        let look = async |channel: Channel| {
            let seen = self.ports.channels.look(&channel).await?;
            Ok::<_, Fault>(ComparedMembers { channel, seen, is_sure })
        };
        let channels = self.directory().channels_with_members();
        let mut looks =
            stream::iter(channels.into_iter().map(look)).buffer_unordered(LOOKS_AT_ONCE);
        while let Some(compared) = looks.try_next().await? {
            self.shards.compare_members(Arc::new(compared)).await;
        }
        Ok(())
    }

    /// Closes the connections of this node whose session has ended without its hearing of it; how
    /// many sessions that were.
    pub async fn check_sessions(&self) -> Result<usize, Fault> {
        let roll = self.shards.roll().await;
        self.check_tokens(&roll.tokens.into_iter().collect::<Vec<_>>()).await
    }

    fn doubt<'a>(&self, doubt: &'a mut Option<Doubt>) -> &'a mut Doubt {
        let now = self.clock().moment();
        if doubt.as_ref().is_some_and(|doubt| now.since(doubt.noticed) > NOTICED_WITHIN) {
            *doubt = None;
        }
        let since = self.clock().now().minus(NOTICED_WITHIN);
        let doubt =
            doubt.get_or_insert_with(|| Doubt { since, noticed: now, told: HashMap::new() });
        doubt.noticed = now;
        doubt
    }

    async fn compare(&self, doubt: &mut Doubt) -> Result<(), Fault> {
        let rooms = self.directory().names();
        for rooms in rooms.chunks(ASKED_AT_ONCE) {
            let heads = self.ports.messages.heads(rooms).await?;
            let compared = rooms.iter().zip(heads).map(|(room, head)| Compared {
                room: room.clone(),
                place: head.map(|head| (head.epoch, head.last_seq)),
                changed: head.is_some_and(|head| doubt.is_news(room, head)),
            });
            self.shards.compare(compared.collect()).await;
        }
        let roll = self.shards.roll().await;
        self.check_tokens(&roll.tokens.into_iter().collect::<Vec<_>>()).await?;
        self.check_members(&roll.listeners.into_iter().collect::<Vec<_>>()).await
    }

    async fn check_tokens(&self, tokens: &[TokenHash]) -> Result<usize, Fault> {
        let mut count = 0;
        for tokens in tokens.chunks(ASKED_AT_ONCE) {
            let ended = self.ports.sessions.ended(tokens, self.clock().now()).await?;
            for (token, _) in tokens.iter().zip(ended).filter(|(_, ended)| *ended) {
                count += 1;
                let ended = EndedSessions::Token(*token);
                self.show(Signal::EndSessions(ended, EndReason::LoggedOut)).await;
            }
        }
        Ok(count)
    }

    async fn check_members(&self, listeners: &[(RoomName, UserName)]) -> Result<(), Fault> {
        for listeners in listeners.chunks(ASKED_AT_ONCE) {
            let roles = self.ports.members.roles(listeners).await?;
            let gone = listeners.iter().zip(roles).filter(|(_, role)| role.is_none());
            for ((room, user), _) in gone {
                let left = Event::Left {
                    room: room.clone(),
                    user: user.clone(),
                    reason: LeaveReason::Removed,
                };
                let audience = Audience::Room(room.clone(), RoomKind::Private);
                self.show(Signal::Tell(audience, left)).await;
                let (room, user) = (room.clone(), Some(user.clone()));
                self.show(Signal::Unsubscribe { room, user }).await;
            }
        }
        Ok(())
    }

    /// Tells this node only.
    async fn show(&self, signal: Signal) {
        let (signal, accepted) = (Arc::new(signal), self.clock().moment().into());
        self.shards.deliver(Arc::new(Envelope { signal, accepted, remote: true })).await;
    }
}

impl Doubt {
    /// Whether messages of the room were changed when signals were lost, and listeners were not
    /// told yet.
    fn is_news(&mut self, room: &RoomName, head: Head) -> bool {
        let Some(at) = head.amended_at.filter(|at| *at >= self.since) else {
            return false;
        };
        self.told.insert(room.clone(), at) != Some(at)
    }
}
