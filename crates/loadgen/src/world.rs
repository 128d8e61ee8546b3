//! What all clients of a run share.

use std::sync::Arc;

use anyhow::Result;
use tokio::sync::Semaphore;

use crate::api::Api;
use crate::body::Run;
use crate::delivery::Ledger;
use crate::people::{Person, Secret};
use crate::stop::Stop;
use crate::tally::Tally;
use crate::target::Target;

/// The server, the people, and what is written down about both.
#[derive(Clone)]
pub struct World {
    /// Where traffic goes.
    pub target: Arc<Target>,
    /// The same over REST.
    pub api: Api,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// What has to arrive.
    pub ledger: Arc<Ledger>,
    /// Which run this is.
    pub run: Run,
    /// When it ends.
    pub stop: Stop,
    /// What names of accounts and rooms begin with.
    pub prefix: String,
    /// Through which users come in, a few at a time and in order.
    pub door: Arc<Semaphore>,
    secret: Secret,
}

/// How many users log in at a time: checking passwords is work for a server.
const AT_ONCE: usize = 8;

/// How its people are known on the server.
pub struct Names {
    /// What names of accounts and rooms begin with.
    pub prefix: String,
    /// What passwords are derived from.
    pub secret: Secret,
}

impl World {
    /// A world in which nothing has happened.
    pub fn new(target: Target, names: Names, stop: Stop) -> Result<Self> {
        let (target, tally) = (Arc::new(target), Arc::<Tally>::default());
        let api = Api::new(target.clone(), tally.clone())?;
        let Names { prefix, secret } = names;
        let (ledger, run) = (Arc::default(), Run::begin());
        let door = Arc::new(Semaphore::new(AT_ONCE));
        Ok(Self { target, api, tally, ledger, run, stop, prefix, door, secret })
    }

    /// One of many users.
    pub fn user(&self, number: usize) -> Person {
        Person::new(&self.secret, number, format!("{}-{number}", self.prefix))
    }

    /// Somebody with a task of their own.
    pub fn special(&self, role: &str) -> Person {
        Person::new(&self.secret, 0, format!("{}-{role}", self.prefix))
    }

    /// The name of a room.
    pub fn room(&self, what: &str) -> String {
        format!("{}-{what}", self.prefix)
    }
}
