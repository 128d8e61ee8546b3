//! The accounts of a run: who they are, how they get in.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::Ask;
use crate::backoff::Backoff;
use crate::stop::Phase;
use crate::world::World;

/// What passwords are derived from, so that none has to be kept.
#[derive(Clone)]
pub struct Secret(String);

/// An account.
#[derive(Clone)]
pub struct Person {
    /// Its place among all; decides the address it comes from.
    pub number: usize,
    /// Its name.
    pub name: String,
    password: String,
}

/// An account that is logged in.
#[derive(Clone)]
pub struct Session {
    /// What proves it.
    pub token: String,
    /// Whether it may do what operators do.
    pub is_operator: bool,
}

impl Secret {
    /// One that nobody will know again.
    pub fn random() -> Self {
        Self(hex(&rand::random::<[u8; 32]>()))
    }

    /// The one in a file, which is made for its owner only when it is not there.
    pub fn of_file(path: &Path) -> Result<Self> {
        let told = || format!("the secret in {}", path.display());
        if !path.exists() {
            let secret = Self::random();
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(path);
            file.and_then(|mut file| writeln!(file, "{}", secret.0)).with_context(told)?;
            return Ok(secret);
        }
        let text = fs::read_to_string(path).with_context(told)?;
        if text.trim().len() < 16 {
            bail!("{} has fewer than 16 characters", told());
        }
        Ok(Self(text.trim().to_owned()))
    }
}

impl Person {
    /// The person of this name.
    pub fn new(secret: &Secret, number: usize, name: String) -> Self {
        let hash = Sha256::digest(format!("{}\n{name}", secret.0));
        Self { number, name, password: hex(&hash)[..40].to_owned() }
    }

    /// Name and password, as accounts are made and sessions opened with.
    pub fn credentials(&self) -> Value {
        json!({"name": self.name, "password": self.password})
    }

    /// Changes the password for the same one, which ends every session.
    pub fn same_password(&self) -> Value {
        json!({"old": self.password, "new": self.password})
    }

    /// Makes the account where it is not there, and logs in. Waits for a server that is away or
    /// busy; `None` once the run is over.
    pub async fn enter(&self, world: &World) -> Result<Option<Session>> {
        match self.insist(world, "/api/v1/users", Phase::Settling).await? {
            Some((201 | 409, _)) => self.open(world, Phase::Settling).await,
            Some((_, answer)) => bail!("{} gets no account: {answer}", self.name),
            None => Ok(None),
        }
    }

    /// Logs in once more, waiting as above; while the run settles too, as there may be messages
    /// still to be heard.
    pub async fn log_in(&self, world: &World) -> Result<Option<Session>> {
        self.open(world, Phase::Over).await
    }

    async fn open(&self, world: &World, until: Phase) -> Result<Option<Session>> {
        match self.insist(world, "/api/v1/login", until).await? {
            Some((200, answer)) => {
                let token = answer["token"].as_str().context("logging in gave no token")?;
                let is_operator = answer["user"]["operator"] == true;
                Ok(Some(Session { token: token.to_owned(), is_operator }))
            }
            Some((401, _)) => bail!(
                "{} has another password: run with the secret that the account was made with",
                self.name
            ),
            Some((_, answer)) => bail!("{} cannot log in: {answer}", self.name),
            None => Ok(None),
        }
    }

    /// Asks, until this phase, until there is an answer that more patience would not change.
    async fn insist(
        &self,
        world: &World,
        path: &str,
        until: Phase,
    ) -> Result<Option<(u16, Value)>> {
        let mut backoff = Backoff::default();
        let mut stop = world.stop.clone();
        loop {
            let ask = Ask::post(path, &self.credentials()).from(self.number);
            let wait = match world.api.ask(ask).await {
                Ok(reply) if !reply.is_away() => return Ok(Some((reply.status, reply.body))),
                Ok(reply) => backoff.fail(reply.retry_after),
                Err(_) => backoff.fail(None),
            };
            if !stop.sleep(wait, until).await {
                return Ok(None);
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_derived_and_differ() {
        let secret = Secret("a secret that is long enough".into());
        let ada = Person::new(&secret, 0, "ada".into());
        assert_eq!(ada.password, Person::new(&secret, 7, "ada".into()).password);
        assert_ne!(ada.password, Person::new(&secret, 0, "ben".into()).password);
        assert_ne!(ada.password, Person::new(&Secret::random(), 0, "ada".into()).password);
        assert_eq!(ada.password.len(), 40);
    }

    #[test]
    fn a_secret_is_made_once_and_is_its_owners() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let made = Secret::of_file(&path).unwrap();
        assert_eq!(made.0, Secret::of_file(&path).unwrap().0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "short").unwrap();
        assert!(Secret::of_file(&path).is_err());
    }
}
