//! Scripts that Redis runs: sent by their digest, and whole where it does not know them yet.

use crate::{link::Link, metrics::Call, trouble::Trouble};
use redis::{Cmd, FromRedisValue, ToRedisArgs};

/// A script in Lua.
pub(crate) struct Script {
    source: &'static str,
    digest: String,
}

impl Script {
    pub(crate) fn new(source: &'static str) -> Self {
        Self { source, digest: redis::Script::new(source).get_hash().to_owned() }
    }

    /// Runs it. In a cluster all keys lie in one slot.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        (link, call): (&Link, Call),
        keys: &[impl ToRedisArgs],
        arguments: &[impl ToRedisArgs],
    ) -> Result<T, Trouble> {
        let command = |verb: &str, script: &str| {
            let mut command = redis::cmd(verb);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        self.send((link, call), command).await
    }

    /// Runs the command that `command` makes of a verb and the script, or its digest.
    pub(crate) async fn send<T: FromRedisValue>(
        &self,
        (link, call): (&Link, Call),
        command: impl Fn(&str, &str) -> Cmd,
    ) -> Result<T, Trouble> {
        match link.call(call, &command("EVALSHA", &self.digest)).await {
            Err(trouble) if trouble.no_script => {
                link.call(call, &command("EVAL", self.source)).await
            }
            answer => answer,
        }
    }
}
