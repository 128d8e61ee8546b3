//! Presence over all nodes.
//!
//! Each node knows its own connections, and keeps what they say together in one field of a hash
//! for each user. What a node said counts while the node is there. So a call needs one script on
//! one key, a node that dies takes its users with it, and a node that loses Redis goes on with
//! what it knows itself.

mod local;
mod reconcile;

use crate::{core::Core, metrics::Call, script::Script, trouble::Trouble};
use async_trait::async_trait;
use campanile_core::{
    name::UserName,
    port::{ConnectionId, Fault, PresenceChange, PresenceStore},
    user::Status,
};
use local::{Local, PARTS, Said, part_of};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, MutexGuard, PoisonError, atomic::AtomicUsize},
};

/// Users who may be told of at the same time; the calls for one user come one after the other.
const TURNS: usize = 256;

/// Writes what this node says of a user, or that it says nothing more. Answers what it said
/// before, and what the nodes that count say.
static TELL: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local user, online, node = KEYS[1], KEYS[2], KEYS[3]
         local own, said, name = ARGV[1], ARGV[2], ARGV[3]
         local counts = {}
         for index = 4, #ARGV do counts[ARGV[index]] = true end
         local answer = {''}
         local fields = redis.call('HGETALL', user)
         for index = 1, #fields, 2 do
           if fields[index] == own then
             answer[1] = fields[index + 1]
           elseif counts[fields[index]] then
             answer[#answer + 1] = fields[index + 1]
           end
         end
         if said == '' then
           redis.call('HDEL', user, own)
           redis.call('SREM', node, name)
           if redis.call('EXISTS', user) == 0 then redis.call('SREM', online, name) end
         else
           redis.call('HSET', user, own, said)
           redis.call('SADD', node, name)
           redis.call('SADD', online, name)
         end
         return answer",
    )
});

/// Presence over all nodes that use one Redis with one prefix.
#[derive(Clone)]
pub struct RedisPresence(pub(crate) Arc<Core>);

/// What this node knows by itself.
pub(crate) struct PresenceState {
    local: std::sync::Mutex<Local>,
    turns: Vec<tokio::sync::Mutex<()>>,
    /// The part that is looked at next.
    next_part: AtomicUsize,
    /// For which connection to Redis everything was looked at.
    sure_of: std::sync::Mutex<Option<u64>>,
}

/// What Redis answers when it is told.
struct Told {
    /// What it knew of this node.
    before: Option<Said>,
    /// What the other nodes say.
    others: Vec<Said>,
}

impl PresenceState {
    pub(crate) fn new() -> Self {
        let turns = (0..TURNS).map(|_| tokio::sync::Mutex::default()).collect();
        let (next_part, sure_of) = (AtomicUsize::new(0), std::sync::Mutex::new(None));
        Self { local: std::sync::Mutex::default(), turns, next_part, sure_of }
    }

    fn local(&self) -> MutexGuard<'_, Local> {
        self.local.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A user's turn: while it is held nobody else tells of the same user.
    async fn turn(&self, user: &UserName) -> tokio::sync::MutexGuard<'_, ()> {
        let turn = crate::bus::fnv(&[user.as_str()]) as usize % TURNS;
        self.turns[turn].lock().await
    }
}

#[async_trait]
impl PresenceStore for RedisPresence {
    async fn put(
        &self,
        user: &UserName,
        connection: ConnectionId,
        status: Status,
    ) -> Result<PresenceChange, Fault> {
        let put = |said: &mut local::Connections| {
            said.retain(|(known, _)| *known != connection);
            said.push((connection, status));
        };
        Ok(self.change(user, put).await)
    }

    async fn remove(
        &self,
        user: &UserName,
        connection: ConnectionId,
    ) -> Result<PresenceChange, Fault> {
        let remove = |said: &mut local::Connections| said.retain(|(known, _)| *known != connection);
        Ok(self.change(user, remove).await)
    }

    async fn statuses(&self, users: &[UserName]) -> Result<Vec<Status>, Fault> {
        Ok(self.said(users).await.into_iter().map(|said| said.status).collect())
    }

    async fn connections(&self, users: &[UserName]) -> Result<Vec<usize>, Fault> {
        Ok(self.said(users).await.into_iter().map(|said| said.connections).collect())
    }

    async fn users_online(&self) -> Result<u64, Fault> {
        let count = |part| redis::cmd("SCARD").arg(self.online_key(part)).take();
        let counts = self.0.link.each::<u64>(Call::PresenceGet, (0..PARTS).map(count).collect());
        Ok(match counts.await {
            Ok(counts) => counts.into_iter().sum(),
            Err(trouble) => {
                self.count(&trouble);
                self.0.presence.local().users() as u64
            }
        })
    }

    async fn reconcile(&self) -> Result<Vec<(UserName, Status)>, Fault> {
        Ok(self.put_right().await)
    }
}

impl RedisPresence {
    async fn change(
        &self,
        user: &UserName,
        change: impl FnOnce(&mut local::Connections),
    ) -> PresenceChange {
        let _turn = self.0.presence.turn(user).await;
        let (before, after) = self.0.presence.local().change(user, change);
        let others = match self.tell(Call::PresencePut, user, after).await {
            Ok(told) => told.others,
            Err(trouble) => {
                self.count(&trouble);
                Vec::new()
            }
        };
        // What this node said before is what it told its callers, even if Redis forgot it.
        let with = |said: Option<Said>| Said::combine(said.into_iter().chain(others.clone()));
        let (before, after) = (with(before), with(after));
        PresenceChange {
            before: before.status,
            after: after.status,
            connections: after.connections,
        }
    }

    /// What the nodes that count say of these users; without Redis, what this one says.
    async fn said(&self, users: &[UserName]) -> Vec<Said> {
        let fields = self.fields(users).await.unwrap_or_else(|trouble| {
            self.count(&trouble);
            vec![HashMap::new(); users.len()]
        });
        let (live, own) = (self.0.roster.live(), self.0.roster.own().to_string());
        let local = self.0.presence.local();
        let said = |(user, fields): (&UserName, HashMap<String, String>)| {
            let others = fields.iter().filter(|(id, _)| **id != own && live.contains(id));
            let others = others.filter_map(|(_, said)| Said::read(said));
            Said::combine(local.said(user).into_iter().chain(others))
        };
        users.iter().zip(fields).map(said).collect()
    }

    /// Tells Redis what this node says of a user, who must have the turn.
    async fn tell(&self, call: Call, user: &UserName, said: Option<Said>) -> Result<Told, Trouble> {
        let part = part_of(user);
        let keys = [self.user_key(user), self.online_key(part), self.node_key(part, self.own())];
        let keys = [&*keys[0], &*keys[1], &*keys[2]];
        let (own, live) = (self.0.roster.own().to_string(), self.0.roster.live());
        let said = said.map(Said::text).unwrap_or_default();
        let mut arguments = vec![&*own, &*said, user.as_str()];
        arguments.extend(live.iter().map(String::as_str));
        let answer: Vec<String> = TELL.run((&self.0.link, call), &keys, &arguments).await?;
        self.0.presence.local().told(user);
        let (before, others) = answer.split_first().ok_or_else(Trouble::corrupt)?;
        let others = others.iter().filter_map(|said| Said::read(said)).collect();
        Ok(Told { before: Said::read(before), others })
    }

    async fn fields(&self, users: &[UserName]) -> Result<Vec<HashMap<String, String>>, Trouble> {
        let get = |user| redis::cmd("HGETALL").arg(self.user_key(user)).take();
        self.0.link.each(Call::PresenceGet, users.iter().map(get).collect()).await
    }

    /// Counts a failure that the caller does not hear of, since it was answered.
    fn count(&self, trouble: &Trouble) {
        self.0.storage.errors.increment(self.0.backend, trouble.into());
    }

    fn own(&self) -> campanile_core::port::NodeId {
        self.0.roster.own()
    }

    /// What the nodes say of a user, by node.
    fn user_key(&self, user: &UserName) -> String {
        format!("{}presence:{{{}}}:user:{user}", self.0.prefix, part_of(user))
    }

    /// The users of a part of whom any node says something.
    fn online_key(&self, part: usize) -> String {
        format!("{}presence:{{{part}}}:online", self.0.prefix)
    }

    /// The users of a part of whom one node says something.
    fn node_key(&self, part: usize, node: campanile_core::port::NodeId) -> String {
        format!("{}presence:{{{part}}}:node:{node}", self.0.prefix)
    }
}
