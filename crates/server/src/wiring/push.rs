//! What notifies the browsers of users who are not there, by the settings.

use super::adapters::StoreKind;
use crate::{
    config::{Config, Push},
    logs::events,
    private_file,
};
use campanile_adapter_webpush::{Authority, KeyError, OpenError, VapidKey, WebPush};
use campanile_core::port::{Clock, PushService};
use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

/// The file of the key, in the data directory.
pub const KEY_FILE: &str = "vapid.key";

/// Why nobody can be notified.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// What is kept is no key.
    #[error("{}: {source}; remove it for a new one, and every browser has to subscribe again", file.display())]
    KeyFile {
        /// The file.
        file: PathBuf,
        /// Why not.
        source: KeyError,
    },
    /// A file cannot be read or written.
    #[error("cannot use {} ({setting}): {source}", file.display())]
    File {
        /// What names the file.
        setting: &'static str,
        /// The file.
        file: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The authorities are none.
    #[error("setting push.ca: {0}")]
    Authorities(OpenError),
}

/// Prepares to notify; `None` where the settings say so, or where it cannot be done here.
pub fn open(
    config: &Config,
    store: &StoreKind,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<dyn PushService>>, PushError> {
    let push = &config.push;
    if !push.enabled {
        return Ok(None);
    }
    let authorities = authorities(push)?;
    let Some(key) = key(config, store)? else {
        let reason = "nodes that share a store have to share push.vapid_key, and none is set";
        events::PushOff { reason, error: None }.emit();
        return Ok(None);
    };
    let config = campanile_adapter_webpush::Config {
        key,
        contact: push.contact.clone(),
        time_to_live: Duration::from_secs(push.ttl_seconds),
        allow_private: push.allow_private,
        authorities,
    };
    match WebPush::new(config, clock) {
        Ok(service) => Ok(Some(Arc::new(service))),
        Err(error) => {
            // A machine without authorities can still chat.
            let reason = "push services cannot be asked from here";
            events::PushOff { reason, error: Some(&error) }.emit();
            Ok(None)
        }
    }
}

fn authorities(push: &Push) -> Result<Vec<Authority>, PushError> {
    let Some(file) = &push.ca else {
        return Ok(Vec::new());
    };
    let failed = |source| PushError::File { setting: "push.ca", file: file.clone(), source };
    Authority::parse(&fs::read(file).map_err(failed)?).map_err(PushError::Authorities)
}

/// The key: as set, else the one that is kept for this node alone.
fn key(config: &Config, store: &StoreKind) -> Result<Option<VapidKey>, PushError> {
    if let Some(key) = &config.push.vapid_key {
        return Ok(Some(VapidKey::parse(key.reveal()).expect("it was checked with the others")));
    }
    if *store == StoreKind::Postgres {
        return Ok(None);
    }
    let file = config.server.data_dir.join(KEY_FILE);
    let failed =
        |source| PushError::File { setting: "server.data_dir", file: file.clone(), source };
    match fs::read_to_string(&file) {
        Ok(text) => {
            let key = VapidKey::parse(&text);
            key.map(Some).map_err(|source| PushError::KeyFile { file, source })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = VapidKey::generate();
            let text = format!("{}\n", key.to_text());
            private_file::keep(&file, text.as_bytes()).map_err(failed)?;
            Ok(Some(key))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use campanile_adapter_memory::SystemClock;

    #[test]
    fn nodes_that_share_a_store_notify_with_a_key_they_are_given() {
        let home = tempfile::tempdir().expect("a directory");
        let mut config = Config::default();
        config.server.data_dir = home.path().to_owned();
        let open =
            |config: &Config| open(config, &StoreKind::Postgres, Arc::new(SystemClock::new()));
        assert!(open(&config).expect("it can chat").is_none());
        assert!(!home.path().join(KEY_FILE).exists(), "each node would have one of its own");
        let key = VapidKey::generate();
        config.push.vapid_key = Some(Secret::new(key.to_text()));
        let service = open(&config).expect("it can chat").expect("it notifies");
        assert_eq!(service.application_key(), key.public());
    }
}
