//! Putting presence right: what nodes left behind that died, and what Redis lost of this one.

use super::{
    RedisPresence,
    local::{PARTS, Said, part_of},
};
use crate::{metrics::Call, script::Script, trouble::Trouble};
use campanile_core::{name::UserName, port::NodeId, user::Status};
use futures_util::{StreamExt, stream};
use std::{
    collections::HashSet,
    sync::{LazyLock, PoisonError, atomic::Ordering},
};

/// Users who are told of at the same time.
const TOLD_AT_ONCE: usize = 64;

/// Users who are asked for, or forgotten, in one call.
const ASKED_AT_ONCE: usize = 200;

/// With so few users everybody is looked at each time; else one part after the other.
const FEW: usize = 512;

/// Forgets what a dead node said. Whoever takes a user out of the node's set is the one who tells:
/// answers for each of them what the dead node said and what those that count say.
static FORGET: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local node, online, dead, users = KEYS[1], KEYS[2], ARGV[1], #KEYS - 2
         local counts = {}
         for index = users + 2, #ARGV do counts[ARGV[index]] = true end
         local answer = {}
         for index = 1, users do
           local user, name = KEYS[index + 2], ARGV[index + 1]
           local said = redis.call('HGET', user, dead)
           if redis.call('SREM', node, name) == 1 and said then
             redis.call('HDEL', user, dead)
             local row = {name, said}
             local fields = redis.call('HGETALL', user)
             for field = 1, #fields, 2 do
               if counts[fields[field]] then row[#row + 1] = fields[field + 1] end
             end
             if #fields == 0 then redis.call('SREM', online, name) end
             answer[#answer + 1] = row
           end
         end
         return answer",
    )
});

type Changes = Vec<(UserName, Status)>;

impl RedisPresence {
    /// Puts everything right that can be; whose status changed by it.
    pub(super) async fn put_right(&self) -> Changes {
        let mut changes = Vec::new();
        // Each change is to be told, also when what comes next fails.
        if let Err(trouble) = self.try_to_put_right(&mut changes).await {
            self.count(&trouble);
        }
        changes
    }

    async fn try_to_put_right(&self, changes: &mut Changes) -> Result<(), Trouble> {
        self.tell_the_untold(changes).await?;
        self.look_at_own().await?;
        self.tell_the_untold(changes).await?;
        self.forget_the_dead(changes).await
    }

    /// Tells Redis of users of whom it may know something else.
    async fn tell_the_untold(&self, changes: &mut Changes) -> Result<(), Trouble> {
        let untold = self.0.presence.local().untold();
        let tell = |user: UserName| async move {
            let _turn = self.0.presence.turn(&user).await;
            let said = self.0.presence.local().said(&user);
            let told = self.tell(Call::PresenceReconcile, &user, said).await?;
            let with =
                |said: Option<Said>| Said::combine(said.into_iter().chain(told.others.clone()));
            let (before, after) = (with(told.before).status, with(said).status);
            Ok::<_, Trouble>((before != after).then_some((user, after)))
        };
        let mut answers = stream::iter(untold.into_iter().map(tell)).buffer_unordered(TOLD_AT_ONCE);
        while let Some(change) = answers.next().await {
            changes.extend(change?);
        }
        Ok(())
    }

    /// Looks whether Redis knows what this node says: of all users after a connection was lost or
    /// where the numbers differ, else of a part of them each time.
    async fn look_at_own(&self) -> Result<(), Trouble> {
        let generation = self.0.link.generation();
        let (is_unsure, is_few) = {
            let mut local = self.0.presence.local();
            (local.was_unsure(), local.users() <= FEW)
        };
        let sure_of = || self.0.presence.sure_of.lock().unwrap_or_else(PoisonError::into_inner);
        let all = is_unsure || is_few || *sure_of() != Some(generation);
        let next = self.0.presence.next_part.fetch_add(1, Ordering::Relaxed) % PARTS;
        let count = |part| redis::cmd("SCARD").arg(self.node_key(part, self.own())).take();
        let commands = (0..PARTS).map(count).collect();
        let counts = self.0.link.each::<usize>(Call::PresenceReconcile, commands).await?;
        for (part, count) in counts.into_iter().enumerate() {
            if all || part == next || count != self.0.presence.local().count_of(part) {
                self.look_at(part).await?;
            }
        }
        *sure_of() = Some(generation);
        Ok(())
    }

    async fn look_at(&self, part: usize) -> Result<(), Trouble> {
        let own = self.own().to_string();
        let users = self.0.presence.local().users_of(part);
        let members = redis::cmd("SMEMBERS").arg(self.node_key(part, self.own())).take();
        let noted: HashSet<String> = self.0.link.call(Call::PresenceReconcile, &members).await?;
        for users in users.chunks(ASKED_AT_ONCE) {
            let get = |user| redis::cmd("HGET").arg(self.user_key(user)).arg(&own).take();
            let commands = users.iter().map(get).collect();
            let known: Vec<Option<String>> =
                self.0.link.each(Call::PresenceReconcile, commands).await?;
            let mut local = self.0.presence.local();
            for (user, known) in users.iter().zip(known) {
                let is_known = known.and_then(|said| Said::read(&said)) == local.said(user);
                if !is_known || !noted.contains(user.as_str()) {
                    local.mistrust(user.clone());
                }
            }
        }
        let mut local = self.0.presence.local();
        for user in noted.iter().filter_map(|name| UserName::parse(name).ok()) {
            if local.said(&user).is_none() {
                local.mistrust(user);
            }
        }
        Ok(())
    }

    /// Forgets what nodes said that are dead.
    async fn forget_the_dead(&self, changes: &mut Changes) -> Result<(), Trouble> {
        let key = self.0.presence_nodes_key();
        // Redis may have forgotten it.
        self.0.announce(Call::PresenceReconcile).await?;
        let members = redis::cmd("SMEMBERS").arg(&key).take();
        let ids: Vec<String> = self.0.link.call(Call::PresenceReconcile, &members).await?;
        let nodes = ids.iter().filter_map(|id| u64::from_str_radix(id, 16).ok()).map(NodeId);
        for dead in nodes.filter(|node| self.0.roster.is_dead(*node)) {
            for part in 0..PARTS {
                self.forget(dead, part, changes).await?;
            }
            let remove = redis::cmd("SREM").arg(&key).arg(dead.to_string()).take();
            self.0.link.call::<u64>(Call::PresenceReconcile, &remove).await?;
        }
        Ok(())
    }

    async fn forget(
        &self,
        dead: NodeId,
        part: usize,
        changes: &mut Changes,
    ) -> Result<(), Trouble> {
        let (node, online) = (self.node_key(part, dead), self.online_key(part));
        let (id, live) = (dead.to_string(), self.0.roster.live());
        loop {
            let mut some = redis::cmd("SRANDMEMBER");
            some.arg(&node).arg(ASKED_AT_ONCE);
            let names: Vec<String> = self.0.link.call(Call::PresenceReconcile, &some).await?;
            if names.is_empty() {
                return Ok(());
            }
            let users: Vec<_> =
                names.iter().filter_map(|name| UserName::parse(name).ok()).collect();
            let users = users.into_iter().filter(|user| part_of(user) == part);
            let user_keys: Vec<_> = users.map(|user| self.user_key(&user)).collect();
            if user_keys.len() < names.len() {
                // Nobody writes such names.
                return Err(Trouble::corrupt());
            }
            let mut keys = vec![&*node, &*online];
            keys.extend(user_keys.iter().map(String::as_str));
            let mut arguments = vec![&*id];
            arguments.extend(names.iter().map(String::as_str));
            arguments.extend(live.iter().map(String::as_str));
            let call = (&*self.0.link, Call::PresenceReconcile);
            let rows: Vec<Vec<String>> = FORGET.run(call, &keys, &arguments).await?;
            changes.extend(rows.iter().filter_map(|row| change(row)));
        }
    }
}

/// What a forgotten user's status has become, where it changed.
fn change(row: &[String]) -> Option<(UserName, Status)> {
    let [name, said, others @ ..] = row else {
        return None;
    };
    let others: Vec<_> = others.iter().filter_map(|said| Said::read(said)).collect();
    let before = Said::combine(others.iter().copied().chain(Said::read(said)));
    let after = Said::combine(others);
    let user = UserName::parse(name).ok()?;
    (before.status != after.status).then_some((user, after.status))
}
