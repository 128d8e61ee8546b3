//! Who is named in logs: as they are, or as a hash that only this installation can make.

use crate::{
    config::{Config, LogUsers},
    private_file, token,
};
use sha2::{Digest, Sha256};
use std::{
    fmt, fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// The file of the key, in the data directory.
const KEY_FILE: &str = "log.key";

/// Bytes of a hash that are shown: enough that no two of a billion users look the same.
const HASH_BYTES: usize = 8;

/// The key of the process, as its logs are the process's; none where names are plain.
static KEY: OnceLock<Key> = OnceLock::new();

/// What names are hashed with.
///
/// The key stands before the name, which is safe with SHA-256 here: the key has one length, and of
/// the hash too little is shown to go on from.
pub(super) struct Key([u8; 32]);

/// Why names cannot be hashed.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {} (log.users): {source}", file.display())]
pub(crate) struct KeyError {
    file: PathBuf,
    source: io::Error,
}

/// Somebody, or where they are, as logs name them.
pub(crate) struct Named<T>(pub(crate) T);

/// Names people from now on as the settings say. The first word counts, for the whole process.
///
/// # Errors
///
/// When names are to be hashed, and the key can neither be read nor made.
pub(super) fn begin(config: &Config) -> Result<(), KeyError> {
    if config.log.users == LogUsers::Hashed {
        let _begun_before = KEY.set(Key::of(config)?);
    }
    Ok(())
}

impl Key {
    /// The key that is set, else the one that is kept for this node alone.
    fn of(config: &Config) -> Result<Self, KeyError> {
        if let Some(set) = &config.log.users_key {
            return Ok(Self(Sha256::digest(set.reveal().as_bytes()).into()));
        }
        let file = config.server.data_dir.join(KEY_FILE);
        let kept = kept(&file);
        kept.map(Self).map_err(|source| KeyError { file, source })
    }

    fn hash(&self, name: &str) -> String {
        let hash = Sha256::new().chain_update(self.0).chain_update(name.as_bytes()).finalize();
        token::hex(&hash[..HASH_BYTES])
    }
}

impl<T: fmt::Display> fmt::Display for Named<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match KEY.get() {
            None => self.0.fmt(formatter),
            Some(key) => formatter.write_str(&key.hash(&self.0.to_string())),
        }
    }
}

/// What the file keeps, which is made where it is not there, for its owner only.
fn kept(file: &Path) -> io::Result<[u8; 32]> {
    match fs::read(file) {
        Ok(bytes) => bytes.try_into().map_err(|_| io::Error::other("it is no key of 32 bytes")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(directory) = file.parent() {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
            }
            let key: [u8; 32] = rand::random();
            private_file::keep(file, &key)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn config(home: &Path, key: Option<&str>) -> Config {
        let mut config = Config::default();
        config.server.data_dir = home.to_owned();
        config.log.users_key = key.map(Secret::new);
        config
    }

    #[test]
    fn a_name_is_the_same_after_a_restart_and_another_elsewhere() {
        let homes = [0; 2].map(|_| tempfile::tempdir().expect("a directory"));
        let hash = |home: &Path, key| Key::of(&config(home, key)).expect("a key").hash("ada");
        let [here, there] = homes.each_ref().map(|home| home.path());
        assert_eq!(hash(here, None), hash(here, None));
        assert_ne!(hash(here, None), hash(there, None));
        assert_eq!(hash(here, Some("shared")), hash(there, Some("shared")));
        assert_ne!(hash(here, Some("shared")), hash(here, Some("another")));
        assert_eq!(hash(here, None).len(), 2 * HASH_BYTES);
    }

    #[test]
    fn a_file_that_is_no_key_is_an_error() {
        let home = tempfile::tempdir().expect("a directory");
        fs::write(home.path().join(KEY_FILE), "short").expect("written");
        let error = Key::of(&config(home.path(), None)).err().expect("it is no key");
        assert!(error.to_string().contains("log.key"), "{error}");
    }
}
