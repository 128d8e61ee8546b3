//! The compose file, with the fields and the spellings that we use: any other is a finding.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::super::typed;

/// The stack.
pub(super) const FILE: &str = "deploy/compose.yaml";

/// What differs in it where no image can be pulled.
pub(super) const STANDIN: &str = "deploy/compose.standin.yaml";

/// What the paths in it begin at.
const FOLDER: &str = "deploy";

/// How the key of what is only there to be referred to begins.
const ASIDE: &str = "x-";

pub(super) struct Compose {
    pub(super) file: ComposeFile,
    /// Its text, to find lines in.
    text: String,
    /// What differs in the services that have a stand-in.
    pub(super) standins: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
pub(super) struct ComposeFile {
    #[serde(default)]
    pub(super) name: String,
    pub(super) services: BTreeMap<String, Service>,
    #[serde(default)]
    pub(super) networks: BTreeMap<String, Network>,
    #[serde(default)]
    pub(super) volumes: BTreeMap<String, Volume>,
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, Secret>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Service {
    pub(super) image: String,
    pub(super) build: Option<Build>,
    pub(super) user: String,
    pub(super) entrypoint: Vec<String>,
    pub(super) command: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) ports: Vec<String>,
    pub(super) volumes: Vec<String>,
    pub(super) tmpfs: Vec<String>,
    pub(super) networks: Vec<String>,
    pub(super) secrets: Vec<String>,
    pub(super) depends_on: BTreeMap<String, Dependency>,
    pub(super) healthcheck: Option<Healthcheck>,
    pub(super) restart: String,
    pub(super) read_only: bool,
    pub(super) cap_drop: Vec<String>,
    pub(super) cap_add: Vec<String>,
    pub(super) security_opt: Vec<String>,
    pub(super) mem_limit: Option<String>,
    pub(super) cpus: Option<f64>,
    pub(super) pids_limit: Option<u32>,
    pub(super) logging: Option<Logging>,
    #[serde(rename = "shm_size")]
    _shm_size: Option<String>,
    #[serde(rename = "stop_grace_period")]
    _stop_grace_period: Option<String>,
    #[serde(rename = "working_dir")]
    _working_dir: Option<String>,
    #[serde(rename = "pid")]
    _pid: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Build {
    pub(super) context: String,
    pub(super) dockerfile: String,
}

#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) condition: String,
}

#[derive(Deserialize)]
pub(super) struct Healthcheck {
    pub(super) test: Vec<String>,
    pub(super) interval: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) retries: Option<u32>,
    pub(super) start_period: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Logging {
    pub(super) driver: String,
    #[serde(default)]
    pub(super) options: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(super) struct Network {
    #[serde(rename = "internal", default)]
    _internal: bool,
}

/// What ships leaves all of it to the engine.
#[derive(Deserialize, PartialEq, Eq, Default)]
#[serde(default)]
pub(super) struct Volume {
    driver: String,
    driver_opts: BTreeMap<String, String>,
}

#[derive(Deserialize)]
pub(super) struct Secret {
    pub(super) file: String,
}

/// What a path in a container is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// A file or a folder of the repository.
    Ours(String),
    /// A path of the host.
    Host(String),
    /// In a volume or in memory: it can be written.
    Writable,
    /// Whatever the image has there.
    Image,
}

/// A part of a service's `volumes`: what, where, and whether it can be written.
pub(super) struct Mount<'m> {
    pub(super) source: &'m str,
    pub(super) target: &'m str,
    pub(super) is_read_only: bool,
}

impl Compose {
    pub(super) fn read(tree: &Tree) -> (Option<Self>, Vec<Finding>) {
        let (file, mut findings) = read(tree, FILE);
        let (standin, wrong) = read(tree, STANDIN);
        findings.extend(wrong);
        let standins = standin.map(|file| file.services).unwrap_or_default();
        let text = tree.text(FILE).unwrap_or_default().to_owned();
        (file.map(|file| Self { file, text, standins }), findings)
    }

    /// A finding about a key of a service, at the line where the service begins.
    pub(super) fn wrong(&self, service: &str, key: &str, what: &str) -> Finding {
        self.wrong_at("services", service, &format!("`services.{service}.{key}` {what}"))
    }

    /// The same about an entry of a section.
    pub(super) fn wrong_at(&self, section: &str, name: &str, what: &str) -> Finding {
        let lines = self.text.lines().enumerate();
        let mut within =
            lines.skip_while(|(_, line)| !line.starts_with(&format!("{section}:"))).skip(1);
        let line = within.find(|(_, line)| line.starts_with(&format!("  {name}:")));
        Finding::at(FILE, line.map_or(1, |(index, _)| index + 1), what)
    }

    /// What is at a path in the container of a service: what is mounted nearest above it says so.
    pub(super) fn inside(&self, service: &str, path: &str) -> Inside {
        let Some(service) = self.file.services.get(service) else { return Inside::Image };
        let mounts = service.mounts().filter_map(|mount| {
            let rest = rest_below(path, mount.target)?;
            Some((mount.target.len(), mount.gives(rest)))
        });
        let memory = service.tmpfs.iter().filter_map(|tmpfs| {
            let target = tmpfs.split(':').next().unwrap_or_default();
            rest_below(path, target).map(|_| (target.len(), Inside::Writable))
        });
        let nearest = mounts.chain(memory).max_by_key(|(length, _)| *length);
        nearest.map_or(Inside::Image, |(_, inside)| inside)
    }

    /// Why a service cannot reach another at this address, if it cannot.
    pub(super) fn unreachable(&self, from: &str, address: &str) -> Option<String> {
        let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
        let bare = bare.split('/').next().unwrap_or_default();
        let Some((host, port)) = bare.rsplit_once(':') else {
            return Some(format!("`{address}` has no port"));
        };
        if port.parse::<u16>().is_err() {
            return Some(format!("`{address}` has no port"));
        }
        if host == "localhost" {
            return None;
        }
        let Some(other) = self.file.services.get(host) else {
            return Some(format!("there is no service `{host}`"));
        };
        let ours = self.file.services.get(from).map(|service| service.networks.as_slice());
        let meet = ours.unwrap_or_default().iter().any(|name| other.networks.contains(name));
        (!meet).then(|| format!("`{from}` and `{host}` are in no network together"))
    }
}

impl Mount<'_> {
    /// What it has at the rest of a path.
    fn gives(&self, rest: &str) -> Inside {
        match self.source.chars().next() {
            Some('.') => Inside::Ours(format!("{}{rest}", of_repository(self.source))),
            Some('/') => Inside::Host(format!("{}{rest}", self.source.trim_end_matches('/'))),
            _ => Inside::Writable,
        }
    }
}

impl Service {
    pub(super) fn mounts(&self) -> impl Iterator<Item = Mount<'_>> {
        self.volumes.iter().map(|volume| {
            let mut parts = volume.split(':');
            let mut next = || parts.next().unwrap_or_default();
            Mount { source: next(), target: next(), is_read_only: next() == "ro" }
        })
    }

    /// Everything that its container is told, or told to run.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let test = self.healthcheck.iter().flat_map(|check| &check.test);
        let told = self.entrypoint.iter().chain(&self.command).chain(self.environment.values());
        told.chain(test).map(String::as_str)
    }
}

/// What is left of a path below, or at, a folder.
fn rest_below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// A path of the compose file as one of the repository.
pub(super) fn of_repository(path: &str) -> String {
    let mut parts = vec![FOLDER];
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// A text with the variables in it as they are when nobody sets them.
pub(super) fn usual(text: &str) -> String {
    let mut usual = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (variable, after) = after.split_once('}').unwrap_or((after, ""));
        let value = variable.split_once('-').map_or("", |(_, value)| value);
        usual.push_str(before);
        usual.push_str(value);
        rest = after;
    }
    usual + rest
}

/// A compose file, and what is wrong with reading it.
pub(super) fn read(tree: &Tree, path: &str) -> (Option<ComposeFile>, Vec<Finding>) {
    typed::read_with(tree, path, |mut value| {
        if let Value::Object(sections) = &mut value {
            sections.retain(|name, _| !name.starts_with(ASIDE));
        }
        value
    })
}
