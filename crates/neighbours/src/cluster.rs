//! A private Redis Cluster.

use crate::{
    program::find,
    redis::Redis,
    wait::{free_port, until},
};
use std::{process::Command, time::Duration};

/// Masters of the cluster; each has a replica.
const MASTERS: usize = 3;

/// How long making the cluster may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Six Redis servers that are a cluster: three masters, each with a replica that takes its place
/// about three seconds after it was lost.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When there is no Redis, or the nodes do not become a cluster.
    pub fn start() -> Self {
        let (mut nodes, mut addresses) = (Vec::new(), Vec::new());
        for _ in 0..2 * MASTERS {
            let bus_port = free_port().to_string();
            let node = Redis::start_with(&[
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &bus_port,
                "--cluster-node-timeout",
                "2000",
                "--cluster-require-full-coverage",
                "no",
            ]);
            addresses.push(format!("127.0.0.1:{}@{bus_port}", node.port()));
            nodes.push(node);
        }
        let mut create = Command::new(find("redis-cli", &[], "redis-tools"));
        create.args(["--cluster", "create"]).args(&addresses);
        let created = create.args(["--cluster-replicas", "1", "--cluster-yes"]).output();
        let created = created.expect("redis-cli can be started");
        assert!(
            created.status.success(),
            "no cluster: {}",
            String::from_utf8_lossy(&created.stdout)
        );
        let cluster = Self { nodes };
        until("the cluster is whole", PATIENCE, || cluster.is_whole().then_some(()));
        cluster
    }

    /// Where it is.
    pub fn url(&self) -> String {
        let hosts = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port()));
        format!("redis-cluster://{}", hosts.collect::<Vec<_>>().join(","))
    }

    /// Its nodes.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// Kills the master of a key; which node that was.
    ///
    /// # Panics
    ///
    /// When the key has no master.
    pub fn kill_master_of(&mut self, key: &str) -> usize {
        let slot = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", key]);
        let slot: u32 = slot.parse().expect("each key has a slot");
        let is_master = |node: &Redis| {
            let nodes = node.ask(&["CLUSTER", "NODES"]);
            let own = nodes.lines().find(|line| line.contains("myself,master"));
            own.is_some_and(|own| own.split(' ').skip(8).any(|range| holds(range, slot)))
        };
        let index = self.nodes.iter().position(is_master).expect("each slot has a master");
        self.nodes[index].kill();
        index
    }

    /// Starts a node again that was killed.
    pub fn start_again(&mut self, index: usize) {
        self.nodes[index].start_again();
    }

    fn is_whole(&self) -> bool {
        let replicas = |node: &Redis| {
            let nodes = node.ask(&["CLUSTER", "NODES"]);
            nodes.lines().filter(|line| line.contains("slave") && !line.contains("fail")).count()
        };
        self.nodes.iter().all(|node| {
            node.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok") && replicas(node) == MASTERS
        })
    }
}

fn holds(range: &str, slot: u32) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let bounds = (first.parse::<u32>(), last.parse::<u32>());
    matches!(bounds, (Ok(first), Ok(last)) if (first..=last).contains(&slot))
}
