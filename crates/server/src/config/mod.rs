//! What can be set, from where, and what is wrong with it.

pub mod apps;
pub mod limits;
pub mod log;
pub mod loki;
pub mod metrics;
pub mod people;
pub mod push;
pub mod reference;
pub mod secret;
pub mod setting;
pub mod sources;
mod validate;
pub mod webhooks;

pub use apps::{App, AppKey, AppLimits, AppWebhook};
pub use limits::Limits;
pub use log::{Log, LogFormat, LogUsers};
pub use loki::{Loki, LokiLabels};
pub use metrics::{BasicAuth, Metrics, Prometheus, Tls};
pub use people::{Bus, Cluster, Registration, Server, ServerTls, Store, WebSocket};
pub use push::Push;
pub use secret::Secret;
pub use sources::{ConfigError, Flags, Sources};
pub use webhooks::Webhooks;

use setting::{Described, Setting, section};
use std::path::PathBuf;

section! {
    /// Everything that can be set.
    pub struct Config {
        /// Where people come in, and how they are let in.
        server: Server = Server::default();
        /// Native connections.
        websocket: WebSocket = WebSocket::default();
        /// Where everything is kept.
        store: Store = Store::default();
        /// What connects the nodes.
        bus: Bus = Bus::default();
        /// This node among the others.
        cluster: Cluster = Cluster::default();
        /// Notifications to the browsers of users who are not there.
        push: Push = Push::default();
        /// What applications are told over HTTP.
        webhooks: Webhooks = Webhooks::default();
        /// What monitoring sees, and who may look.
        metrics: Metrics = Metrics::default();
        /// What the program says about itself.
        log: Log = Log::default();
        /// Bounds, by name. What bites is counted: each says where.
        limits: Limits = Limits::default();
        /// Applications, which speak Pusher Channels.
        apps: Vec<App> = Vec::new();
    }
}

impl Config {
    /// Every key there is, in the order of the reference: each section whole.
    pub fn settings() -> Vec<Setting> {
        let mut settings = Vec::new();
        Self::default().describe("", "", &mut settings);
        let mut sections: Vec<String> = Vec::new();
        for setting in &settings {
            if !sections.iter().any(|section| section == setting.section()) {
                sections.push(setting.section().to_owned());
            }
        }
        settings.sort_by_key(|setting| sections.iter().position(|one| one == setting.section()));
        settings
    }

    /// Where the bytes of uploads are.
    pub fn uploads_dir(&self) -> PathBuf {
        self.server.data_dir.join("uploads")
    }

    /// The name of this node: as set, else that of its host with its port.
    pub fn node_name(&self) -> String {
        self.cluster.node.clone().unwrap_or_else(|| {
            let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let port = self.server.listen.rsplit_once(':').map_or("", |(_, port)| port);
            format!("{host}:{port}")
        })
    }

    /// Where the store is: as set, else a file in the data directory.
    pub fn store_url(&self) -> String {
        self.store.url.clone().unwrap_or_else(|| {
            let file: PathBuf = self.server.data_dir.join("campanile.db");
            format!("sqlite://{}", file.display())
        })
    }
}
