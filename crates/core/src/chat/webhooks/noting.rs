//! What happens in channels and rooms becomes jobs.

use super::{Chat, QUEUE, Task, Unqueued};
use crate::{
    channel::Channel,
    chat::Passing,
    labels::{WebhookEvent, WebhookFailure},
    limits::{Rate, WEBHOOKS_QUEUED_TOGETHER},
    message::Message,
    port::{ChannelChange, Fault, Limiter, LimiterContext, NewJob, Verdict},
    room::RoomKind,
    time::Timestamp,
    webhook::{Happening, Hook, RoomMessage, What},
};
use std::time::Duration;

/// How long to wait for a store that did not take them.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How often it is tried at the end.
const LAST_TRIES: usize = 3;

/// Of those who find nothing kept in a channel, one is told of within this time.
const MISS_EVERY: Duration = Duration::from_secs(5);

impl Chat {
    /// Remembers what happened, if its application is told of it. Never waits.
    pub(crate) fn note(&self, channel: &Channel, what: What) {
        self.note_at(channel, what, self.clock().now());
    }

    fn note_at(&self, channel: &Channel, what: What, at: Timestamp) {
        let event = what.event();
        if !self.is_wanted(channel, event) || channel.is_of_signed_in() {
            return;
        }
        let happening = Happening { channel: channel.clone(), at, what };
        let may = self.noted.keeps_pace(channel.app(), self.clock().moment());
        if !may || self.noted.sender.try_send(happening).is_err() {
            self.count_webhook(event, WebhookFailure::Overflow);
        }
    }

    /// The same of a message that was sent to a room, for each application that is told of such.
    pub(crate) fn note_message(&self, message: &Message, kind: RoomKind) {
        let Some(webhooks) = &self.ports.webhooks else { return };
        for app in webhooks.hooks.hearing(kind) {
            let (id, user, body) = (message.id, message.from.clone(), Some(message.body.clone()));
            let what = What::Message(RoomMessage { kind, id, user, body });
            self.note_at(&Channel::new(&app, message.room.as_str()), what, message.at);
        }
    }

    /// Remembers it if a channel has come to life by a change, or has gone. The store tells one node
    /// of each change.
    pub(crate) fn note_occupancy(&self, channel: &Channel, change: &ChannelChange) {
        match (change.before, change.after) {
            (0, 1..) => self.note(channel, What::Occupied),
            (1.., 0) => self.note(channel, What::Vacated),
            _ => {}
        }
    }

    /// The same of members that have come or gone by it.
    pub(crate) fn note_members(&self, channel: &Channel, change: &ChannelChange) {
        for member in &change.added {
            self.note(channel, What::MemberAdded(member.user.clone()));
        }
        for member in &change.removed {
            self.note(channel, What::MemberRemoved(member.user.clone()));
        }
    }

    /// Makes jobs of what has happened; ends never. For the server to spawn, once.
    pub async fn queue_webhooks(&self) {
        let mut unqueued = self.noted.unqueued.lock().await;
        loop {
            let Unqueued { receiver, happenings, jobs } = &mut *unqueued;
            if happenings.is_empty() && jobs.is_empty() {
                receiver.recv_many(happenings, WEBHOOKS_QUEUED_TOGETHER).await;
            }
            if self.queue_noted(&mut unqueued).await.is_err() {
                // It stays where it is; what happens meanwhile waits behind it.
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }

    /// Makes jobs of what is left at the end, once nothing more happens.
    pub async fn queue_last_webhooks(&self) {
        let mut unqueued = self.noted.unqueued.lock().await;
        let mut tries = 0;
        while tries < LAST_TRIES {
            let Unqueued { receiver, happenings, jobs } = &mut *unqueued;
            while happenings.len() < WEBHOOKS_QUEUED_TOGETHER
                && let Ok(happening) = receiver.try_recv()
            {
                happenings.push(happening);
            }
            if happenings.is_empty() && jobs.is_empty() {
                return;
            }
            if self.queue_noted(&mut unqueued).await.is_err() {
                tries += 1;
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
        let Unqueued { happenings, jobs, .. } = &*unqueued;
        let lost = happenings.iter().map(|happening| happening.what.event());
        for event in lost.chain(jobs.iter().map(|(event, _)| *event)) {
            self.count_webhook(event, WebhookFailure::Overflow);
        }
    }

    async fn queue_noted(&self, unqueued: &mut Unqueued) -> Result<(), Fault> {
        let Unqueued { happenings, jobs, .. } = unqueued;
        if jobs.is_empty() {
            let mut made = Vec::new();
            for happening in happenings.iter() {
                if self.is_news(happening).await {
                    self.write_jobs(happening, &mut made);
                }
            }
            happenings.clear();
            *jobs = made;
            self.cut_to_room(jobs);
        }
        if jobs.is_empty() {
            return Ok(());
        }
        let new: Vec<NewJob> = jobs.iter().map(|(_, job)| job.clone()).collect();
        self.ports.jobs.push(&new).await?;
        self.noted.tally.added(new.len() as u64);
        self.show_queued(&new);
        jobs.clear();
        self.noted.queued.notify_one();
        Ok(())
    }

    /// Shows to who watches what was queued.
    fn show_queued(&self, jobs: &[NewJob]) {
        if !self.is_watched() {
            return;
        }
        for task in jobs.iter().filter_map(|job| Task::decode(&job.payload)) {
            let (event, url) = (task.happening.what.event(), task.hook.url);
            self.show_passing(&task.happening.channel, || Passing::Webhook(event, url));
        }
    }

    /// Whether an application has to hear of it: many who miss an event at once are told of once,
    /// over all nodes.
    async fn is_news(&self, happening: &Happening) -> bool {
        if happening.what != What::CacheMiss {
            return true;
        }
        let channel = &happening.channel;
        // No user and no address has such a name.
        let key = format!("cache_miss {} {}", channel.app(), channel.name());
        let rate = Rate::new(1.0 / MISS_EVERY.as_secs_f64(), 1);
        let asked = (Limiter::Message, LimiterContext::App);
        let verdict = self.ports.limiter.check(asked.0, asked.1, &key, rate).await;
        verdict.unwrap_or(Verdict::Allowed) == Verdict::Allowed
    }

    fn write_jobs(&self, happening: &Happening, jobs: &mut Vec<(WebhookEvent, NewJob)>) {
        let Some(webhooks) = &self.ports.webhooks else { return };
        let event = happening.what.event();
        for hook in webhooks.hooks.wanting(happening.channel.app(), event) {
            let linger = match happening.what {
                What::Vacated | What::MemberRemoved(_) => hook.linger,
                _ => Duration::ZERO,
            };
            let Some(happening) = for_hook(&hook, happening) else { continue };
            let at = happening.at;
            let task = Task { hook: hook.id.clone(), happening };
            let job = NewJob {
                queue: QUEUE.to_owned(),
                payload: task.encode().into(),
                due: at.plus(linger),
                given_at: at,
            };
            jobs.push((event, job));
        }
    }

    /// Leaves as many jobs as there is room for.
    fn cut_to_room(&self, jobs: &mut Vec<(WebhookEvent, NewJob)>) {
        let given = self.noted.tally.backlog().pending;
        let room = self.limits().webhook_queue_max.saturating_sub(given);
        let room = jobs.len().min(usize::try_from(room).unwrap_or(usize::MAX));
        for (event, _) in jobs.drain(room..) {
            self.count_webhook(event, WebhookFailure::Overflow);
        }
    }
}

/// What a webhook is told of a message: nothing of rooms that it does not hear, and of direct ones no
/// more than it is to know.
fn for_hook(hook: &Hook, happening: &Happening) -> Option<Happening> {
    let mut happening = happening.clone();
    if let What::Message(message) = &mut happening.what {
        if !hook.hears(message.kind) {
            return None;
        }
        if message.kind == RoomKind::Direct && !hook.direct_bodies {
            message.body = None;
        }
    }
    Some(happening)
}
