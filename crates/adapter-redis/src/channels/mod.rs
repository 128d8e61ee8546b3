//! Channels over all nodes.
//!
//! Each node knows its own subscriptions, and keeps in Redis how many it has of each channel and
//! which users are members by them. So a call needs one script on the keys of one channel, whatever
//! is lost can be noted again, and a node that dies takes its subscriptions with it.

mod local;
mod reconcile;
mod record;
mod scripts;
mod words;

use crate::{codec::Junk, core::Core, metrics::Call, trouble::Trouble};
use async_trait::async_trait;
use campanile_core::{
    channel::{AppId, Channel, ChannelMember, Edition, Kept, Published, Version},
    port::{
        ChannelChange, ChannelCount, ChannelSeen, ChannelStore, Clock, ConnectionId, Entrant,
        Fault, NodeId,
    },
    time::Timestamp,
};
use futures_util::future::try_join_all;
use local::{Local, PARTS, Step, hash_of, part_of};
use std::{
    sync::{Arc, MutexGuard, PoisonError, atomic::AtomicUsize},
    time::Duration,
};
use words::{Answer, Became, Telling, Word};

/// Channels that may be told of at the same time; the calls for one come one after the other.
const TURNS: usize = 256;

/// Names that are asked for in one call.
const NAMES_AT_ONCE: usize = 500;

/// Channels over all nodes that use one Redis with one prefix.
#[derive(Clone)]
pub struct RedisChannels {
    core: Arc<Core>,
    clock: Arc<dyn Clock>,
    /// How much longer Redis keeps events than it was told.
    kept_longer: Duration,
}

/// What this node knows by itself.
pub(crate) struct ChannelsState {
    local: std::sync::Mutex<Local>,
    turns: Vec<tokio::sync::Mutex<()>>,
    /// The part that is looked at next.
    next_part: AtomicUsize,
    /// For which connection to Redis everything was looked at.
    sure_of: std::sync::Mutex<Option<u64>>,
}

/// Fields of a hash.
type Fields = Vec<(Vec<u8>, Vec<u8>)>;

impl ChannelsState {
    pub(crate) fn new() -> Self {
        let turns = (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect();
        let (next_part, sure_of) = (AtomicUsize::new(0), std::sync::Mutex::new(None));
        Self { local: std::sync::Mutex::default(), turns, next_part, sure_of }
    }

    fn local(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A channel's turn: while it is held nobody else tells of the same channel.
    async fn turn(&self, channel: &Channel) -> tokio::sync::MutexGuard<'_, ()> {
        self.turns[hash_of(channel) as usize % TURNS].lock().await
    }
}

#[async_trait]
impl ChannelStore for RedisChannels {
    async fn subscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
        entrant: Option<Entrant<'_>>,
    ) -> Result<ChannelChange, Fault> {
        let step = self.state().local().subscribe(channel, connection, entrant);
        Ok(self.change(channel, step, connection).await?)
    }

    async fn unsubscribe(
        &self,
        channel: &Channel,
        connection: ConnectionId,
    ) -> Result<ChannelChange, Fault> {
        let step = self.state().local().unsubscribe(channel, connection);
        Ok(self.change(channel, step, connection).await?)
    }

    async fn look(&self, channel: &Channel) -> Result<ChannelSeen, Fault> {
        let clock = self.clock_key(part_of(channel));
        let keys = [self.at_key(channel), self.members_key(channel), self.kept_key(channel), clock];
        let call = (&*self.core.link, Call::ChannelsGet);
        let answer = scripts::LOOK.run(call, &keys, &[""; 0]).await;
        let (subscriptions, version, members, kept): (u64, u64, Fields, Option<Vec<u8>>) =
            answer.map_err(Fault::from)?;
        let members = members.iter().map(|(user, value)| record::read_member(user, value));
        let kept = kept.and_then(|kept| self.unless_junk(record::read_kept(&kept)));
        Ok(ChannelSeen {
            subscriptions,
            members: members.filter_map(|member| self.unless_junk(member)).collect(),
            version: Version(version),
            kept: kept.filter(|kept| kept.until > self.clock.now()),
        })
    }

    async fn occupied(&self, app: &AppId, prefix: &str) -> Result<Vec<ChannelCount>, Fault> {
        let parts = (0..PARTS).map(|part| self.occupied_in(part, app, prefix));
        let mut counts = try_join_all(parts).await?.concat();
        counts.sort_by(|one, other| one.channel.cmp(&other.channel));
        Ok(counts)
    }

    async fn keep(
        &self,
        channel: &Channel,
        published: &Published,
        until: Timestamp,
    ) -> Result<Edition, Fault> {
        let lifetime = until.since(self.clock.now()) + self.kept_longer;
        // One that is over already takes the place of the one before, and goes at once.
        let lifetime = (lifetime.as_millis() as u64).max(1);
        let kept = Kept { published: published.clone(), until, edition: Edition::default() };
        let keys = [self.kept_key(channel), self.clock_key(part_of(channel))];
        let arguments = [record::write_kept(&kept), lifetime.to_string().into()];
        let call = (&*self.core.link, Call::ChannelsPut);
        let edition = scripts::KEEP.run(call, &keys, &arguments).await;
        Ok(Edition(edition.map_err(Fault::from)?))
    }

    /// When Redis fails in the midst of it, the changes that were made until then are answered all
    /// the same.
    async fn reconcile(&self) -> Result<Vec<(Channel, ChannelChange)>, Fault> {
        let mut changes = Vec::new();
        match self.put_right(&mut changes).await {
            Err(trouble) if changes.is_empty() => return Err(trouble.into()),
            Err(trouble) => self.count(&trouble),
            Ok(()) => {}
        }
        Ok(changes)
    }
}

impl RedisChannels {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        let clock = core.clock.clone();
        Self { core, clock, kept_longer: Duration::ZERO }
    }

    /// The same channels by another clock, for tests, where time passes as they wish. Events are
    /// kept a minute longer, since Redis forgets them by its own.
    pub fn by_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept_longer: Duration::from_secs(60), ..self }
    }

    /// Tells Redis of a change. Whoever waits for a turn meanwhile tells of what has gathered.
    async fn change(
        &self,
        channel: &Channel,
        step: Step,
        connection: ConnectionId,
    ) -> Result<ChannelChange, Trouble> {
        let _turn = self.state().turn(channel).await;
        let (told, telling) = {
            let local = self.state().local();
            (local.told_since(channel, &step), local.telling(channel, step.user.as_ref()))
        };
        let mut change = ChannelChange::default();
        let others = if let Some(known) = told {
            change.version = known.version;
            known.others
        } else {
            let answer = self.tell(Call::ChannelsPut, channel, &telling).await?;
            if answer.is_full() {
                return self.turn_away(channel, connection).await;
            }
            answer.add_to(&mut change);
            answer.others
        };
        // What this node had before is what it told its callers, even if Redis forgot it.
        (change.before, change.after) = (others + step.before, others + step.after);
        Ok(change)
    }

    /// Takes back a subscription that was refused. The user's others come in their own turn.
    async fn turn_away(
        &self,
        channel: &Channel,
        connection: ConnectionId,
    ) -> Result<ChannelChange, Trouble> {
        let (count, telling) = {
            let mut local = self.state().local();
            let (step, telling) = local.turn_away(channel, connection);
            (step.after, telling)
        };
        let answer = self.tell(Call::ChannelsPut, channel, &telling).await?;
        let (count, version) = (answer.others + count, answer.version);
        let change = ChannelChange { before: count, after: count, version, ..Default::default() };
        Ok(ChannelChange { is_full: true, ..change })
    }

    /// Tells Redis what this node says of a channel, which must have the turn.
    async fn tell(
        &self,
        call: Call,
        channel: &Channel,
        telling: &Telling,
    ) -> Result<Answer, Trouble> {
        let part = part_of(channel);
        let keys = [
            self.at_key(channel),
            self.members_key(channel),
            self.node_key(part, self.own()),
            self.names_key(part, channel.app()),
            self.clock_key(part),
        ];
        let said = telling.said.text();
        let head = [&*self.own().to_string(), &said, &telling.expected, &text_of(channel)]
            .map(|text| text.as_bytes().to_vec());
        let mut arguments = Vec::from(head);
        arguments.push(channel.name().into());
        for Word { verb, member, members_max } in &telling.users {
            arguments.push(verb.text().into());
            arguments.push(member.user.as_bytes().into());
            arguments.push(record::write_info(member));
            arguments.push(members_max.map(|max| max.to_string()).unwrap_or_default().into());
        }
        type Told = (u64, u64, bool, Vec<Vec<Vec<u8>>>);
        let (others, version, is_whole, rows): Told =
            scripts::TELL.run((&self.core.link, call), &keys, &arguments).await?;
        let users = rows.iter().zip(&telling.users);
        let users = users.map(|(row, word)| self.read_row(row, word)).collect::<Result<_, _>>()?;
        let answer = Answer { others, version: Version(version), is_whole, users };
        self.state().local().told(channel, telling, &answer);
        Ok(answer)
    }

    fn read_row(&self, row: &[Vec<u8>], word: &Word) -> Result<(Became, ChannelMember), Trouble> {
        let [became, info] = row else {
            return Err(Trouble::corrupt());
        };
        let became = Became::read(became).ok_or_else(Trouble::corrupt)?;
        let info = self.unless_junk(record::read_info(info)).flatten();
        Ok((became, ChannelMember { user: word.member.user.clone(), info }))
    }

    async fn occupied_in(
        &self,
        part: usize,
        app: &AppId,
        prefix: &str,
    ) -> Result<Vec<ChannelCount>, Trouble> {
        let mut counts = Vec::new();
        // No text has this byte.
        let end = [b"(", prefix.as_bytes(), &[0xff]].concat();
        let mut from = [b"[", prefix.as_bytes()].concat();
        loop {
            let mut range = redis::cmd("ZRANGE");
            range.arg(self.names_key(part, app)).arg(&from).arg(&end).arg("BYLEX");
            range.arg("LIMIT").arg(0).arg(NAMES_AT_ONCE);
            let names: Vec<Vec<u8>> = self.core.link.call(Call::ChannelsGet, &range).await?;
            let Some(last) = names.last() else {
                return Ok(counts);
            };
            from = [b"(", &**last].concat();
            let channels = names.iter().map(|name| record::read_channel(app, name, part));
            let channels: Vec<_> = channels.filter_map(|name| self.unless_junk(name)).collect();
            counts.extend(self.count_all(channels).await?);
            if names.len() < NAMES_AT_ONCE {
                return Ok(counts);
            }
        }
    }

    /// Those of these channels of one part that are there.
    async fn count_all(&self, channels: Vec<Channel>) -> Result<Vec<ChannelCount>, Trouble> {
        if channels.is_empty() {
            return Ok(Vec::new());
        }
        let keys = channels.iter().flat_map(|name| [self.at_key(name), self.members_key(name)]);
        let keys: Vec<_> = keys.collect();
        let call = (&*self.core.link, Call::ChannelsGet);
        let counts: Vec<u64> = scripts::COUNT.run(call, &keys, &[""; 0]).await?;
        let counted = channels.into_iter().zip(counts.chunks_exact(2));
        let counted = counted.map(|(channel, counts)| ChannelCount {
            channel,
            subscriptions: counts[0],
            members: counts[1],
        });
        Ok(counted.filter(|count| count.subscriptions > 0).collect())
    }

    fn state(&self) -> &ChannelsState {
        &self.core.channels
    }

    fn own(&self) -> NodeId {
        self.core.roster.own()
    }

    /// Counts a failure that the caller does not hear of, since it was answered.
    fn count(&self, trouble: &Trouble) {
        self.core.storage.errors.increment(self.core.backend, trouble.into());
    }

    /// What is junk is not there, and is counted.
    fn unless_junk<T>(&self, read: Result<T, Junk>) -> Option<T> {
        read.inspect_err(|_| self.count(&Trouble::corrupt())).ok()
    }

    /// What the nodes say of a channel, by node, and the version of its members.
    fn at_key(&self, channel: &Channel) -> String {
        self.key(part_of(channel), "at", &text_of(channel))
    }

    /// The members of a channel.
    fn members_key(&self, channel: &Channel) -> String {
        self.key(part_of(channel), "of", &text_of(channel))
    }

    /// The last event of a channel.
    fn kept_key(&self, channel: &Channel) -> String {
        self.key(part_of(channel), "kept", &text_of(channel))
    }

    /// The names of the channels of a part that one application has.
    fn names_key(&self, part: usize, app: &AppId) -> String {
        self.key(part, "app", app.as_str())
    }

    /// The channels of a part of which one node says something.
    fn node_key(&self, part: usize, node: NodeId) -> String {
        self.key(part, "node", &node.to_string())
    }

    /// The last version of a part. It stays.
    fn clock_key(&self, part: usize) -> String {
        self.key(part, "version", "last")
    }

    fn key(&self, part: usize, kind: &str, name: &str) -> String {
        format!("{}channels:{{{part}}}:{kind}:{name}", self.core.prefix)
    }
}

/// A channel as it is written: no application has a slash.
fn text_of(channel: &Channel) -> String {
    format!("{}/{}", channel.app(), channel.name())
}
