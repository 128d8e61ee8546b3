//! Which adapters the settings name.

use super::AdapterError;
use crate::config::Config;
use std::path::PathBuf;

/// Which store is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// One file.
    Sqlite(PathBuf),
    /// A database that many nodes share.
    Postgres,
    /// Nothing that lasts.
    Memory,
}

/// Which bus is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusKind {
    /// This process alone.
    Memory,
    /// What many nodes share.
    Redis,
}

impl StoreKind {
    /// The store that the URL names.
    pub fn of(config: &Config) -> Result<Self, AdapterError> {
        let url = config.store_url();
        let (scheme, rest) = scheme(&url);
        match scheme {
            "sqlite" if !rest.is_empty() => Ok(Self::Sqlite(rest.into())),
            "postgres" | "postgresql" => Ok(Self::Postgres),
            "memory" if rest.is_empty() => Ok(Self::Memory),
            _ => Err(AdapterError::Unknown {
                key: "store.url",
                scheme: scheme.to_owned(),
                known: "sqlite://FILE, postgres://USER@HOST/DATABASE, and memory: for tests",
            }),
        }
    }

    /// Its name, in labels and for operators.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres => "postgres",
            Self::Memory => "memory",
        }
    }

    /// The name of what holds the bytes of uploads.
    pub fn blobs_name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "file",
            Self::Postgres => "postgres",
            Self::Memory => "memory",
        }
    }
}

impl BusKind {
    /// The bus that the URL names.
    pub fn of(config: &Config) -> Result<Self, AdapterError> {
        let (scheme, rest) = scheme(&config.bus.url);
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            _ if scheme.starts_with("redis") => Ok(Self::Redis),
            _ => Err(AdapterError::Unknown {
                key: "bus.url",
                scheme: scheme.to_owned(),
                known: "redis://HOST, redis-cluster://HOST,HOST, redis-sentinel://HOST,HOST/NAME, \
                        each also as rediss…, and memory: for a single node",
            }),
        }
    }

    /// Its name, in labels and for operators.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }
}

/// Finds out whether a store and a bus go together.
pub(super) fn check(store: &StoreKind, bus: &BusKind, nodes: usize) -> Result<(), AdapterError> {
    match (store, bus) {
        (StoreKind::Sqlite(_) | StoreKind::Memory, BusKind::Redis) => {
            Err(AdapterError::Alone { store: store.name() })
        }
        (_, BusKind::Memory) if nodes > 1 => Err(AdapterError::Deaf { nodes }),
        _ => Ok(()),
    }
}

/// What a URL begins with, and the rest.
fn scheme(url: &str) -> (&str, &str) {
    let (scheme, rest) = url.split_once(':').unwrap_or((url, ""));
    (scheme, rest.strip_prefix("//").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(url: &str) -> Result<StoreKind, String> {
        let mut config = Config::default();
        config.store.url = Some(url.to_owned());
        StoreKind::of(&config).map_err(|error| error.to_string())
    }

    #[test]
    fn a_store_is_named_by_its_scheme() {
        assert_eq!(
            store("sqlite:///var/lib/chat.db"),
            Ok(StoreKind::Sqlite("/var/lib/chat.db".into()))
        );
        assert_eq!(store("postgres://campanile@localhost/chat"), Ok(StoreKind::Postgres));
        assert_eq!(store("postgresql://campanile@localhost/chat"), Ok(StoreKind::Postgres));
        assert_eq!(store("memory:"), Ok(StoreKind::Memory));
    }

    #[test]
    fn an_unknown_scheme_is_told_without_the_password_behind_it() {
        let error = store("postgre://campanile:hunter2@localhost/chat").expect_err("it is unknown");
        assert!(
            error.starts_with("setting store.url: there is no adapter for \"postgre\""),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn nodes_on_one_bus_share_a_store() {
        let sqlite = StoreKind::Sqlite("chat.db".into());
        assert!(matches!(check(&sqlite, &BusKind::Redis, 1), Err(AdapterError::Alone { .. })));
        assert!(matches!(
            check(&StoreKind::Postgres, &BusKind::Memory, 2),
            Err(AdapterError::Deaf { nodes: 2 })
        ));
        check(&StoreKind::Postgres, &BusKind::Redis, 2).expect("they go together");
        check(&StoreKind::Postgres, &BusKind::Memory, 1).expect("a single node needs no bus");
    }
}
