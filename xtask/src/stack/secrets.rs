//! The secrets of the stack: files that are made once, each with a value of its own.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use xshell::cmd;

use crate::workspace::Workspace;

/// Where they lie; git ignores it.
pub(super) const FOLDER: &str = "deploy/secrets";

/// Passwords and tokens that only the stack needs to know.
const RANDOM: &[&str] = &[
    "postgres_password",
    "monitor_password",
    "redis_password",
    "metrics_token",
    "grafana_admin_password",
];

/// What only the operator can know. Until they say, alerts reach nobody.
const YOURS: &[(&str, &str)] = &[
    ("alertmanager_smtp_password", "not-set"),
    ("alertmanager_slack_url", "http://127.0.0.1:9/slack-not-set"),
    ("alertmanager_pagerduty_key", "not-set"),
    ("alertmanager_webhook_url", "http://127.0.0.1:9/webhook-not-set"),
    ("alertmanager_watchdog_url", "http://127.0.0.1:9/watchdog-not-set"),
];

/// The private key by which push services know the servers.
const VAPID_KEY: &str = "vapid_key";

const RANDOM_BYTES: usize = 24;

/// The names of all secrets.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let yours = YOURS.iter().map(|(name, _)| *name);
    RANDOM.iter().copied().chain(yours).chain([VAPID_KEY])
}

/// Makes the secrets that are missing in the folder; what is there is left alone. The folder is
/// closed to others; the files in it can be read, since each container reads as its own user.
pub(crate) fn make(folder: &Path) -> Result<()> {
    if !folder.exists() {
        fs::DirBuilder::new().mode(0o700).create(folder).context("cannot make the secrets")?;
    }
    for name in RANDOM {
        write_missing(&folder.join(name), random)?;
    }
    for (name, value) in YOURS {
        write_missing(&folder.join(name), || Ok((*value).to_owned()))?;
    }
    write_missing(&folder.join(VAPID_KEY), || {
        let shell = xshell::Shell::new()?;
        let key = cmd!(shell, "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
        key.quiet().ignore_stderr().read().context("openssl makes no key")
    })
}

/// The value of a secret of the stack.
pub(crate) fn value(workspace: &Workspace, name: &str) -> Result<String> {
    read(&workspace.root.join(FOLDER), name)
}

/// Whether the operator has said what only they can know.
pub(super) fn is_set(workspace: &Workspace, name: &str) -> Result<bool> {
    let value = value(workspace, name)?;
    Ok(!YOURS.iter().any(|(of, placeholder)| *of == name && value == *placeholder))
}

fn read(folder: &Path, name: &str) -> Result<String> {
    let path = folder.join(name);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim().to_owned())
}

fn write_missing(path: &Path, value: impl FnOnce() -> Result<String>) -> Result<()> {
    if path.exists() {
        // The engine makes a folder of a file that it does not find.
        ensure!(path.is_file(), "{} is a folder, and should be a file", path.display());
        return Ok(());
    }
    fs::write(path, value()?).with_context(|| format!("cannot write {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))?;
    Ok(())
}

/// A value that nobody can guess.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; RANDOM_BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes).context("there is no chance here")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_made_once_and_differ() {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let secrets = folder.path().join("secrets");
        make(&secrets).expect("they are made");
        let first = read(&secrets, "redis_password").expect("it is there");
        assert_eq!(first.len(), 2 * RANDOM_BYTES);
        assert_ne!(first, read(&secrets, "postgres_password").expect("it is there"));
        make(&secrets).expect("they are there");
        assert_eq!(first, read(&secrets, "redis_password").expect("it is there"));
        assert!(read(&secrets, VAPID_KEY).expect("it is there").contains("PRIVATE KEY"));
        let mode = fs::metadata(&secrets).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
