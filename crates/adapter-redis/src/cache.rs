//! A cache that all nodes share.

use crate::{
    codec::{Code, Junk, Reader},
    core::Core,
    link::Link,
    metrics::{Call, Eviction, RedisMetrics, Server},
    script::Script,
    trouble::Trouble,
};
use async_trait::async_trait;
use campanile_core::port::{Cache, CacheKey, CacheSize, Cached, FORGET_GUARD, Fault};
use redis::{Cmd, InfoDict, Value, from_redis_value};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The shape of entries that this version writes and reads.
const VERSION: u8 = 1;

/// What stands where something was forgotten.
const FORGOTTEN: &[u8] = b"-";

/// Keys to be forgotten that are remembered while Redis is away.
const OWED_MAX: usize = 10_000;

/// Takes an entry in unless the key was just forgotten.
static PUT: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then
           redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
         end",
    )
});

/// The cache of all nodes that use one Redis with one prefix.
#[derive(Clone)]
pub struct RedisCache(pub(crate) Arc<Core>);

/// What this node owes the cache.
#[derive(Debug)]
pub(crate) struct CacheState {
    lifetime: Duration,
    owed: Mutex<Owed>,
}

/// What was to be forgotten while Redis was away: an entry of before must not be given as soon as
/// it is back.
#[derive(Debug, Default)]
struct Owed {
    keys: HashSet<String>,
    /// There were too many to remember: nothing is given until all entries of before are over.
    all_until: Option<Instant>,
}

impl CacheState {
    pub(crate) fn new(lifetime: Duration) -> Self {
        Self { lifetime, owed: Mutex::default() }
    }

    fn owe(&self, keys: Vec<String>) {
        let mut owed = self.owed();
        if owed.keys.len() + keys.len() > OWED_MAX {
            owed.all_until = Some(Instant::now() + self.lifetime);
        } else {
            owed.keys.extend(keys);
        }
    }

    fn is_owed(&self, key: &str) -> bool {
        let owed = self.owed();
        let all = owed.all_until.is_some_and(|until| Instant::now() < until);
        all || !owed.keys.is_empty() && owed.keys.contains(key)
    }

    /// Forgets what was to be forgotten while Redis was away.
    pub(crate) async fn settle(&self, link: &Link) -> Result<(), Trouble> {
        let keys: Vec<_> = self.owed().keys.iter().cloned().collect();
        if keys.is_empty() {
            return Ok(());
        }
        forget(link, &keys).await?;
        let mut owed = self.owed();
        for key in keys {
            owed.keys.remove(&key);
        }
        Ok(())
    }

    fn owed(&self) -> MutexGuard<'_, Owed> {
        self.owed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &CacheKey) -> Result<Option<Cached>, Fault> {
        let name = self.key(key);
        if self.0.cache.is_owed(&name) {
            return Ok(None);
        }
        let get = redis::cmd("GET").arg(&name).take();
        let bytes: Option<Vec<u8>> = self.0.link.call(Call::CacheGet, &get).await?;
        // What another version wrote is not there for this one.
        Ok(bytes.and_then(|bytes| read(key, &bytes).ok()))
    }

    async fn put(&self, key: &CacheKey, value: &Cached) -> Result<(), Fault> {
        let name = self.key(key);
        if self.0.cache.is_owed(&name) {
            return Ok(());
        }
        let mut entry = vec![VERSION];
        value.put(&mut entry);
        let lifetime = self.0.cache.lifetime.as_millis().to_string();
        // Arguments are bytes to Redis, and text to our scripts but for this one.
        let put = |verb: &str, script: &str| {
            let mut command = redis::cmd(verb);
            command.arg(script).arg(1).arg(&name).arg(FORGOTTEN).arg(&entry).arg(&lifetime);
            command
        };
        Ok(PUT.send((&self.0.link, Call::CachePut), put).await?)
    }

    async fn forget(&self, keys: &[CacheKey]) -> Result<(), Fault> {
        let keys: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
        let forgotten = forget(&self.0.link, &keys).await;
        if forgotten.is_err() {
            self.0.cache.owe(keys);
        }
        Ok(forgotten?)
    }

    async fn size(&self) -> Result<CacheSize, Fault> {
        Ok(size(&self.0.link).await?)
    }
}

impl RedisCache {
    fn key(&self, key: &CacheKey) -> String {
        let prefix = &self.0.prefix;
        match key {
            CacheKey::Session(token) => {
                let digits: String = token.0.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{prefix}cache:session:{digits}")
            }
            CacheKey::Room(room) => format!("{prefix}cache:room:{room}"),
            // No name has a slash.
            CacheKey::Role(room, user) => format!("{prefix}cache:role:{room}/{user}"),
        }
    }
}

fn read(key: &CacheKey, bytes: &[u8]) -> Result<Cached, Junk> {
    let mut reader = Reader::new(bytes);
    if u8::take(&mut reader)? != VERSION {
        return Err(Junk);
    }
    let value = Cached::take(&mut reader)?;
    reader.end()?;
    let fits = match (key, &value) {
        (CacheKey::Session(token), Cached::Session(session)) => session.token == *token,
        (CacheKey::Room(_), Cached::Room(_)) | (CacheKey::Role(..), Cached::Role(_)) => true,
        _ => false,
    };
    if fits { Ok(value) } else { Err(Junk) }
}

async fn forget(link: &Link, keys: &[String]) -> Result<(), Trouble> {
    let guard = FORGET_GUARD.as_millis() as u64;
    let forget = |key: &String| -> Cmd {
        redis::cmd("SET").arg(key).arg(FORGOTTEN).arg("PX").arg(guard).take()
    };
    link.each::<Value>(Call::CacheForget, keys.iter().map(forget).collect()).await.map(drop)
}

/// How much the servers hold, all of them together. Other users of the same servers are in it.
async fn size(link: &Link) -> Result<CacheSize, Trouble> {
    Ok(sizes(link).await?.values().fold(CacheSize::default(), |sum, size| CacheSize {
        entries: Some(sum.entries.unwrap_or(0) + size.entries.unwrap_or(0)),
        used_bytes: sum.used_bytes + size.used_bytes,
        max_bytes: sum.max_bytes + size.max_bytes,
        evicted: sum.evicted + size.evicted,
        expired: sum.expired + size.expired,
    }))
}

/// How much each server holds, by what it calls itself since it was started.
async fn sizes(link: &Link) -> Result<HashMap<String, CacheSize>, Trouble> {
    let answers = link.everywhere(Call::Info, redis::cmd("INFO")).await?;
    let sizes = answers.into_iter().map(|answer| {
        let info: InfoDict = from_redis_value(answer).map_err(|_| Trouble::corrupt())?;
        let number = |key: &str| info.get::<u64>(key).unwrap_or(0);
        let size = CacheSize {
            entries: Some(keys(&info)),
            used_bytes: number("used_memory"),
            max_bytes: number("maxmemory"),
            evicted: number("evicted_keys"),
            expired: number("expired_keys"),
        };
        Ok((info.get("run_id").unwrap_or_default(), size))
    });
    sizes.collect()
}

/// How many keys a server has, in all its databases.
fn keys(info: &InfoDict) -> u64 {
    let is_database = |name: &str| {
        let number = name.strip_prefix("db").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    let databases = info.keys().filter(|name| is_database(name));
    let said = databases.filter_map(|name| info.get::<String>(name));
    said.filter_map(|said| said.strip_prefix("keys=")?.split(',').next()?.parse::<u64>().ok()).sum()
}

/// Shows how much the servers hold.
#[derive(Debug)]
pub(crate) struct Gauge {
    metrics: RedisMetrics,
    /// What each server has told: one that starts again, or takes the place of another, counts from
    /// nothing.
    told: HashMap<String, CacheSize>,
}

impl Gauge {
    pub(crate) fn new(metrics: RedisMetrics) -> Self {
        Self { metrics, told: HashMap::new() }
    }

    /// Asks, and shows it.
    pub(crate) async fn look(&mut self, link: &Link) {
        let sizes = sizes(link).await;
        self.metrics.cache_up.set(u64::from(sizes.is_ok()), Server::Redis);
        let Ok(sizes) = sizes else {
            return;
        };
        let sum = |of: fn(&CacheSize) -> u64| sizes.values().map(of).sum::<u64>();
        self.metrics.cache_entries.set(sum(|size| size.entries.unwrap_or(0)), Server::Redis);
        self.metrics.cache_used.set(sum(|size| size.used_bytes), Server::Redis);
        self.metrics.cache_max.set(sum(|size| size.max_bytes), Server::Redis);
        for (server, size) in &sizes {
            let told = self.told.get(server).copied().unwrap_or_default();
            let more = |eviction, now: u64, before| {
                let evictions = &self.metrics.evictions;
                evictions.add(now.saturating_sub(before), Server::Redis, eviction);
            };
            more(Eviction::Size, size.evicted, told.evicted);
            more(Eviction::Ttl, size.expired, told.expired);
        }
        self.told = sizes;
    }
}
