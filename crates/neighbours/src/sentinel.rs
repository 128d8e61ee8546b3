//! A private Redis with replicas, and sentinels that watch over it.

use crate::{
    program::{Program, find},
    redis::Redis,
    wait::{free_port, until},
};
use std::{fs, process::Command, time::Duration};
use tempfile::TempDir;

/// What the sentinels call the master.
const MASTER: &str = "main";

/// How long the set may take to find together.
const PATIENCE: Duration = Duration::from_secs(60);

/// A master, two replicas, and three sentinels that make a replica the master within seconds of
/// its loss.
#[derive(Debug)]
pub struct RedisSentinels {
    servers: Vec<Redis>,
    sentinels: Vec<Sentinel>,
}

#[derive(Debug)]
struct Sentinel {
    port: u16,
    _program: Program,
    _directory: TempDir,
}

impl RedisSentinels {
    /// Starts the set.
    ///
    /// # Panics
    ///
    /// When there is no Redis, or the sentinels do not find the others.
    pub fn start() -> Self {
        let master = Redis::start();
        let port = master.port().to_string();
        let mut servers = vec![master];
        for _ in 0..2 {
            servers.push(Redis::start_with(&["--replicaof", "127.0.0.1", &port]));
        }
        let sentinels = (0..3).map(|_| Sentinel::start(&port)).collect();
        let set = Self { servers, sentinels };
        until("the sentinels know the set", PATIENCE, || set.is_known().then_some(()));
        set
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let hosts = self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port));
        format!("redis-sentinel://{}/{MASTER}", hosts.collect::<Vec<_>>().join(","))
    }

    /// Kills the master; which server that was.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn kill_master(&mut self) -> usize {
        let is_master = |server: &Redis| server.ask(&["ROLE"]).starts_with("master");
        let index = self.servers.iter().position(is_master).expect("there is a master");
        self.servers[index].kill();
        index
    }

    /// Starts a server again that was killed.
    pub fn start_again(&mut self, index: usize) {
        self.servers[index].start_again();
    }

    fn is_known(&self) -> bool {
        let replicated = self.servers[0].ask(&["INFO", "replication"]);
        replicated.matches("state=online").count() == 2
            && self.sentinels.iter().all(|sentinel| {
                let about = sentinel.ask(&["SENTINEL", "MASTER", MASTER]);
                let lines: Vec<_> = about.lines().collect();
                let says = |what: &str, count: &str| {
                    lines.windows(2).any(|pair| pair[0] == what && pair[1] == count)
                };
                says("num-slaves", "2") && says("num-other-sentinels", "2")
            })
    }
}

impl Sentinel {
    fn start(master_port: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory can be made");
        let (port, file) = (free_port(), directory.path().join("sentinel.conf"));
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\n\
             sentinel monitor {MASTER} 127.0.0.1 {master_port} 2\n\
             sentinel down-after-milliseconds {MASTER} 1000\n\
             sentinel failover-timeout {MASTER} 5000\n",
            directory.path().display()
        );
        fs::write(&file, settings).expect("a file can be written");
        let mut command = Command::new(find("redis-server", &[], "redis-server"));
        command.arg(&file).arg("--sentinel");
        let program = Program::start(command, &directory.path().join("log"));
        Self { port, _program: program, _directory: directory }
    }

    fn ask(&self, words: &[&str]) -> String {
        let mut client = Command::new(find("redis-cli", &[], "redis-tools"));
        let answer = client.args(["-p", &self.port.to_string()]).args(words).output();
        String::from_utf8_lossy(&answer.expect("redis-cli can be started").stdout).into_owned()
    }
}
