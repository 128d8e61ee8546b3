//! Putting channels right: what nodes left behind that died, and what Redis lost of this one.

use super::{
    RedisChannels,
    local::{PARTS, Should},
    record, scripts, text_of,
    words::Said,
};
use crate::{codec::Junk, metrics::Call, trouble::Trouble};
use campanile_core::{
    channel::{Channel, ChannelMember, Version},
    port::{ChannelChange, NodeId},
};
use futures_util::{StreamExt, stream};
use std::{
    collections::HashSet,
    sync::{PoisonError, atomic::Ordering},
};

/// Channels that are told of at the same time.
const TOLD_AT_ONCE: usize = 64;

/// Channels that are asked for, or forgotten, in one call.
const ASKED_AT_ONCE: usize = 200;

/// With so few channels all are looked at each time; else one part after the other.
const FEW: usize = 512;

type Changes = Vec<(Channel, ChannelChange)>;

impl RedisChannels {
    /// Puts everything right that can be, and adds to `changes` what has changed by it, also when
    /// what comes next fails.
    pub(super) async fn put_right(&self, changes: &mut Changes) -> Result<(), Trouble> {
        self.look_at_own().await?;
        self.tell_the_untold(changes).await?;
        self.forget_the_dead(changes).await
    }

    /// Tells Redis of channels of which it may know something else.
    async fn tell_the_untold(&self, changes: &mut Changes) -> Result<(), Trouble> {
        let untold = self.state().local().untold();
        let tell = async |channel: Channel| {
            let change = self.tell_all(&channel).await?;
            Ok::<_, Trouble>(change.map(|change| (channel, change)))
        };
        let mut answers = stream::iter(untold.into_iter().map(tell)).buffer_unordered(TOLD_AT_ONCE);
        let mut told = Ok(());
        // What others on their way have changed is not lost by one that fails.
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(change) => changes.extend(change),
                Err(trouble) => told = Err(trouble),
            }
        }
        told
    }

    /// Tells Redis all that this node says of a channel; what has changed by it.
    async fn tell_all(&self, channel: &Channel) -> Result<Option<ChannelChange>, Trouble> {
        let _turn = self.state().turn(channel).await;
        if !self.state().local().is_untold(channel) {
            return Ok(None);
        }
        let keys = [self.at_key(channel), self.members_key(channel)];
        let call = (&*self.core.link, Call::ChannelsReconcile);
        let (said, noted): (Vec<u8>, Vec<Vec<u8>>) =
            scripts::KNOWN.run(call, &keys, &[self.own().to_string()]).await?;
        let noted = noted.iter().filter_map(|user| self.unless_junk(record::read_text(user)));
        let noted: HashSet<_> = noted.map(Into::into).collect();
        // Whatever else stands there is not what it is expected to be, and is written anew.
        let said = String::from_utf8(said).unwrap_or_default();
        let before = Said::read_count(&said);
        let telling = self.state().local().telling_all(channel, (said, &noted));
        let answer = self.tell(Call::ChannelsReconcile, channel, &telling).await?;
        let (before, after) = (answer.others + before, answer.others + telling.said.count);
        let mut change = ChannelChange { before, after, ..ChannelChange::default() };
        answer.add_to(&mut change);
        Ok(is_change(&change).then_some(change))
    }

    /// Looks whether Redis knows what this node says: of all channels after a connection was lost or
    /// where the numbers differ, else of a part of them each time.
    async fn look_at_own(&self) -> Result<(), Trouble> {
        let generation = self.core.link.generation();
        let (is_unsure, is_few) = {
            let mut local = self.state().local();
            (local.was_unsure(), local.channels() <= FEW)
        };
        let sure_of = || self.state().sure_of.lock().unwrap_or_else(PoisonError::into_inner);
        let all = is_unsure || is_few || *sure_of() != Some(generation);
        if is_unsure {
            // Until all were looked at.
            *sure_of() = None;
        }
        let next = self.state().next_part.fetch_add(1, Ordering::Relaxed) % PARTS;
        let count = |part| redis::cmd("SCARD").arg(self.node_key(part, self.own())).take();
        let commands = (0..PARTS).map(count).collect();
        let counts = self.core.link.each::<usize>(Call::ChannelsReconcile, commands).await?;
        for (part, count) in counts.into_iter().enumerate() {
            if all || part == next || count != self.state().local().count_of(part) {
                self.look_at(part).await?;
            }
        }
        *sure_of() = Some(generation);
        Ok(())
    }

    async fn look_at(&self, part: usize) -> Result<(), Trouble> {
        let own = self.own().to_string();
        let should_be = self.state().local().should_be(part);
        let members = redis::cmd("SMEMBERS").arg(self.node_key(part, self.own())).take();
        let noted: HashSet<Vec<u8>> =
            self.core.link.call(Call::ChannelsReconcile, &members).await?;
        for should_be in should_be.chunks(ASKED_AT_ONCE) {
            let (mut keys, mut arguments) = (Vec::new(), vec![own.clone()]);
            for Should { channel, .. } in should_be {
                let names = self.names_key(part, channel.app());
                keys.extend([self.at_key(channel), self.members_key(channel), names]);
                arguments.push(channel.name().to_owned());
            }
            let call = (&*self.core.link, Call::ChannelsReconcile);
            let rows: Vec<(Vec<u8>, u64, bool)> =
                scripts::CHECK.run(call, &keys, &arguments).await?;
            let mut local = self.state().local();
            for (should, (said, members, is_named)) in should_be.iter().zip(rows) {
                let is_known = said == should.said.as_bytes() && members >= should.members;
                let is_noted = noted.contains(text_of(&should.channel).as_bytes());
                if !is_known || !is_named || !is_noted {
                    local.mistrust(should.channel.clone());
                }
            }
        }
        let noted = noted.iter().map(|channel| record::read_full_channel(channel, part));
        let noted: Vec<_> = noted.filter_map(|channel| self.unless_junk(channel)).collect();
        let own: HashSet<_> = should_be.iter().map(|should| &should.channel).collect();
        let mut local = self.state().local();
        for channel in noted.into_iter().filter(|channel| !own.contains(channel)) {
            local.mistrust(channel);
        }
        Ok(())
    }

    /// Forgets what nodes said that are dead.
    async fn forget_the_dead(&self, changes: &mut Changes) -> Result<(), Trouble> {
        // Redis may have forgotten it.
        self.core.announce(Call::ChannelsReconcile).await?;
        let key = self.core.channel_nodes_key();
        let members = redis::cmd("SMEMBERS").arg(&key).take();
        let ids: Vec<String> = self.core.link.call(Call::ChannelsReconcile, &members).await?;
        let nodes = ids.iter().filter_map(|id| u64::from_str_radix(id, 16).ok()).map(NodeId);
        for dead in nodes.filter(|node| self.core.roster.is_dead(*node)) {
            for part in 0..PARTS {
                self.forget(dead, part, changes).await?;
            }
            let remove = redis::cmd("SREM").arg(&key).arg(dead.to_string()).take();
            self.core.link.call::<u64>(Call::ChannelsReconcile, &remove).await?;
        }
        Ok(())
    }

    async fn forget(
        &self,
        dead: NodeId,
        part: usize,
        changes: &mut Changes,
    ) -> Result<(), Trouble> {
        let node = self.node_key(part, dead);
        loop {
            let some = redis::cmd("SRANDMEMBER").arg(&node).arg(ASKED_AT_ONCE).take();
            let noted: Vec<Vec<u8>> = self.core.link.call(Call::ChannelsReconcile, &some).await?;
            if noted.is_empty() {
                return Ok(());
            }
            let channels = noted.iter().map(|channel| record::read_full_channel(channel, part));
            let channels: Vec<_> = channels.filter_map(|name| self.unless_junk(name)).collect();
            if channels.len() < noted.len() {
                self.drop_junk(&node, part, &noted).await?;
            }
            let mut keys = vec![node.clone(), self.clock_key(part)];
            let mut arguments = vec![dead.to_string()];
            for channel in &channels {
                let names = self.names_key(part, channel.app());
                keys.extend([self.at_key(channel), self.members_key(channel), names]);
                arguments.extend([text_of(channel), channel.name().to_owned()]);
            }
            let call = (&*self.core.link, Call::ChannelsReconcile);
            let rows: Vec<Vec<Vec<u8>>> = scripts::FORGET.run(call, &keys, &arguments).await?;
            let changed = rows.iter().map(|row| self.read_forgotten(row, part));
            let changed = changed.filter_map(|row| self.unless_junk(row));
            changes.extend(changed.filter(|(_, change)| is_change(change)));
        }
    }

    /// Nobody writes such names; whoever looks for a channel there would never come to an end.
    async fn drop_junk(&self, node: &str, part: usize, noted: &[Vec<u8>]) -> Result<(), Trouble> {
        let is_junk = |name: &&Vec<u8>| record::read_full_channel(name, part).is_err();
        let junk: Vec<_> = noted.iter().filter(is_junk).collect();
        let remove = redis::cmd("SREM").arg(node).arg(junk).take();
        self.core.link.call::<u64>(Call::ChannelsReconcile, &remove).await.map(drop)
    }

    /// What has changed in a channel that was forgotten.
    fn read_forgotten(
        &self,
        row: &[Vec<u8>],
        part: usize,
    ) -> Result<(Channel, ChannelChange), Junk> {
        let [channel, own, others, version, gone @ ..] = row else {
            return Err(Junk);
        };
        let number = |bytes: &[u8]| record::read_text(bytes)?.parse::<u64>().map_err(|_| Junk);
        let (own, after, version) = (number(own)?, number(others)?, Version(number(version)?));
        let channel = record::read_full_channel(channel, part)?;
        let member = |gone: &[Vec<u8>]| {
            let user = self.unless_junk(record::read_text(&gone[0]))?.into();
            let info = self.unless_junk(record::read_info(&gone[1])).flatten();
            Some(ChannelMember { user, info })
        };
        let removed = gone.chunks_exact(2).filter_map(member).collect();
        let before = after.saturating_add(own);
        let change = ChannelChange { before, after, removed, version, ..ChannelChange::default() };
        Ok((channel, change))
    }
}

fn is_change(change: &ChannelChange) -> bool {
    let ChannelChange { before, after, added, removed, .. } = change;
    before != after || !added.is_empty() || !removed.is_empty()
}
