//! What an operator's command opens, beside running servers or without one.

use super::{
    AdapterError, BusKind, Close, StoreKind,
    bus::redis_config,
    kind,
    store::{postgres_config, sqlite_config},
};
use crate::config::Config;
use campanile_adapter_memory::SystemClock;
use campanile_adapter_postgres::Looked;
use campanile_adapter_redis::Redis;
use campanile_core::{
    application::Applications,
    instrumented::{Backend, Driver},
    limits::Rate,
    name::UserName,
    port::{
        AccountStore, AppStore, Cache, CacheKey, Fault, InviteStore, Limiter, LimiterContext,
        NodeId, RateLimiter, SessionStore,
    },
};
use campanile_metrics::Registry;
use std::{path::Path, sync::Arc};

/// Accounts, invitations and sessions, for a command that ends soon.
pub struct Administration {
    /// The accounts.
    pub accounts: Arc<dyn AccountStore>,
    /// The invitations.
    pub invites: Arc<dyn InviteStore>,
    /// How many invitations may be kept.
    pub invites_max: u64,
    sessions: Arc<dyn SessionStore>,
    redis: Option<Redis>,
    close: Close,
}

impl Administration {
    /// Opens the store, and the cache before it; `None` where nothing is kept.
    pub async fn open(config: &Config) -> Result<Option<Self>, AdapterError> {
        let (store, bus) = kinds(config)?;
        let unseen = unseen();
        let redis = match bus {
            BusKind::Memory => None,
            BusKind::Redis => Some(join(config, &unseen).await?),
        };
        let invites_max = config.limits.invites_max;
        Ok(match store {
            StoreKind::Memory => None,
            StoreKind::Sqlite(path) => {
                let store = sqlite_config(&path, config).open_beside(&unseen).await?;
                let store = Arc::new(store);
                let closed = store.clone();
                let close = Box::new(move || Box::pin(async move { closed.close().await }) as _);
                Some(Self::of(store, invites_max, redis, close))
            }
            StoreKind::Postgres => {
                let store = Arc::new(postgres_config(config).connect(&unseen).await?);
                let closed = store.clone();
                let close = Box::new(move || Box::pin(async move { closed.close().await }) as _);
                Some(Self::of(store, invites_max, redis, close))
            }
        })
    }

    fn of<S>(store: Arc<S>, invites_max: u64, redis: Option<Redis>, close: Close) -> Self
    where
        S: AccountStore + InviteStore + SessionStore + 'static,
    {
        Self {
            accounts: store.clone(),
            invites: store.clone(),
            sessions: store,
            invites_max,
            redis,
            close,
        }
    }

    /// Ends all sessions of a user. Servers notice, and close the connections that are open now.
    pub async fn end_sessions(&self, user: &UserName) -> Result<(), Fault> {
        let ended = self.sessions.end_all(user).await?;
        let keys: Vec<_> = ended.into_iter().map(CacheKey::Session).collect();
        match &self.redis {
            Some(redis) if !keys.is_empty() => redis.cache().forget(&keys).await,
            _ => Ok(()),
        }
    }

    /// Lets go of everything.
    pub async fn close(self) {
        (self.close)().await;
        if let Some(redis) = self.redis {
            redis.close().await;
        }
    }
}

/// A store that can be had and used.
pub struct LookedAt {
    /// Where it is.
    pub place: String,
    /// The applications that operators have made; `None` where it has none yet, or not this
    /// version's schema.
    pub apps: Option<Applications>,
}

/// Whether the store can be had and used, or what is wrong. Changes nothing that was kept.
pub async fn look_at_store(config: &Config) -> Result<LookedAt, String> {
    let (store, _) = kinds(config).map_err(|error| error.to_string())?;
    match store {
        StoreKind::Memory => {
            let place = "nothing is kept when the server stops".to_owned();
            Ok(LookedAt { place, apps: None })
        }
        StoreKind::Sqlite(path) => look_at_file(&path, config).await,
        StoreKind::Postgres => {
            let looked = postgres_config(config).look(&unseen()).await;
            let Looked { place, version, apps } = looked.map_err(|error| error.to_string())?;
            let has = match version {
                0 => "is empty".to_owned(),
                version => format!("has schema {version}"),
            };
            Ok(LookedAt { place: format!("{place} {has}, and can be written"), apps })
        }
    }
}

/// Whether the bus can be had; what it is, or what is wrong.
pub async fn look_at_bus(config: &Config) -> Result<String, String> {
    let (_, bus) = kinds(config).map_err(|error| error.to_string())?;
    if bus == BusKind::Memory {
        return Ok("this node is alone".to_owned());
    }
    let redis = join(config, &unseen()).await.map_err(|error| error.to_string())?;
    // Something small that is written, and forgotten by itself.
    let rate = Rate { per_second: 1.0, burst: 1 };
    let asked = (Limiter::Api, LimiterContext::Global);
    let written = redis.rate_limiter().check(asked.0, asked.1, "campanile check", rate).await;
    redis.close().await;
    written.map_err(|fault| format!("redis cannot be used: {}", fault.source))?;
    Ok("redis answers, and lets this node do what it needs".to_owned())
}

async fn look_at_file(path: &Path, config: &Config) -> Result<LookedAt, String> {
    let store = sqlite_config(path, config).open_beside(&unseen()).await;
    let store = store.map_err(|error| error.to_string())?;
    let looked = async {
        store.probe().await?;
        AppStore::list(&store).await
    };
    let looked = looked.await;
    store.close().await;
    match looked {
        Ok(apps) => {
            let place = format!("{} can be read and written", path.display());
            Ok(LookedAt { place, apps: Some(apps) })
        }
        Err(fault) => Err(format!("{}: {fault}: {}", path.display(), fault.source)),
    }
}

fn kinds(config: &Config) -> Result<(StoreKind, BusKind), AdapterError> {
    let (store, bus) = (StoreKind::of(config)?, BusKind::of(config)?);
    kind::check(&store, &bus, config.cluster.nodes)?;
    Ok((store, bus))
}

/// Connects to Redis without being taken for a node.
async fn join(config: &Config, registry: &Registry) -> Result<Redis, AdapterError> {
    let mut redis = redis_config(config, NodeId(rand::random()));
    redis.is_seen = false;
    Ok(redis.connect(registry, Arc::new(SystemClock::new())).await?)
}

/// Counts for nobody.
fn unseen() -> Registry {
    Registry::builder().values::<Backend>(["redis"]).values::<Driver>(["redis"]).build()
}
