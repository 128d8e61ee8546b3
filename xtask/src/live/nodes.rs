//! Two chat servers that share a real PostgreSQL and a real Redis.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::server::{self, Server};
use crate::workspace::Workspace;

/// The nodes, and what they share.
pub(crate) struct Nodes {
    servers: [Server; 2],
    _stores: Stores,
}

/// The program that holds the stores.
struct Stores {
    child: Child,
    database: String,
    redis: String,
}

impl Nodes {
    /// Starts both with these settings, and waits until they are ready.
    pub(crate) fn start(
        workspace: &Workspace,
        job: &str,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        server::build(workspace)?;
        let stores = Stores::start(workspace)?;
        let shared = [
            ("CAMPANILE_STORE__URL", stores.database.as_str()),
            ("CAMPANILE_BUS__URL", &stores.redis),
            ("CAMPANILE_CLUSTER__NODES", "2"),
        ];
        let start = |name| {
            let own = [("CAMPANILE_CLUSTER__NODE", name)];
            let settings = [settings, &shared, &own].concat();
            Server::start(workspace, &format!("{job}-{name}"), &settings)
        };
        Ok(Self { servers: [start("north")?, start("south")?], _stores: stores })
    }

    /// Where people come in, node by node.
    pub(crate) fn urls(&self) -> [String; 2] {
        self.servers.each_ref().map(|server| server.url(""))
    }

    /// Fails when one of them is no longer there, with what it said last.
    pub(crate) fn check_running(&mut self) -> Result<()> {
        self.servers.iter_mut().try_for_each(Server::check_running)
    }
}

impl Stores {
    fn start(workspace: &Workspace) -> Result<Self> {
        let mut command = Command::new(workspace.built("examples/stores"));
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.context("cannot start the stores")?;
        let output = child.stdout.take().expect("standard output was asked for");
        let lines = BufReader::new(output).lines().take(2).collect::<Result<Vec<_>, _>>();
        let mut stores = Self { child, database: String::new(), redis: String::new() };
        let lines = lines.context("cannot read where the stores are")?;
        ensure!(lines.len() == 2, "the stores do not start: what is missing is said above");
        [stores.database, stores.redis] = [lines[0].clone(), lines[1].clone()];
        Ok(stores)
    }
}

impl Drop for Stores {
    fn drop(&mut self) {
        // The end of its input has it end the stores first.
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}
