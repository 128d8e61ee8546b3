//! What services write lies where they can: in a volume or in memory, and in a folder that is theirs.

use super::super::finding::Finding;
use super::compose::{Compose, Inside, Service};
use super::services::Wrong;

/// How it is known where a service writes.
enum Place {
    /// Its image says so.
    At(&'static str),
    /// This flag does.
    Flag(&'static str),
    /// This variable does.
    Variable(&'static str),
}

use Place::{At, Flag, Variable};

/// Where each service writes, now that the rest of its file system is read-only.
const PLACES: &[(&str, &[Place])] = &[
    ("campanile-1", &[At("/var/lib/campanile")]),
    ("campanile-2", &[At("/var/lib/campanile")]),
    ("haproxy", &[]),
    ("postgres", &[Variable("PGDATA"), At("/run/postgresql"), At("/tmp")]),
    ("redis", &[At("/data")]),
    ("prometheus", &[Flag("--storage.tsdb.path=")]),
    ("alertmanager", &[Flag("--storage.path=")]),
    ("grafana", &[At("/var/lib/grafana"), At("/tmp")]),
    // Its configuration says where, and is looked at with the rest of it.
    ("loki", &[]),
    ("alloy", &[Flag("--storage.path=")]),
    ("node-exporter", &[]),
    ("postgres-exporter", &[]),
    ("redis-exporter", &[]),
    ("cadvisor", &[]),
];

/// Folders of the images, and the user to whom each belongs.
const FOLDERS: &[(&str, &str, u32)] = &[
    ("campanile-1", "/var/lib/campanile", 10001),
    ("campanile-2", "/var/lib/campanile", 10001),
    ("postgres", "/var/lib/postgresql/data", 999),
    ("redis", "/data", 999),
    ("prometheus", "/prometheus", 65534),
    ("alertmanager", "/alertmanager", 65534),
    ("grafana", "/var/lib/grafana", 472),
    ("loki", "/loki", 10001),
    ("alloy", "/var/lib/alloy/data", 473),
];

/// Whose a new volume is where the image has no folder. Nobody else can write to it.
const NOBODYS: u32 = 0;

pub(super) fn check(compose: &Compose) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, service) in &compose.file.services {
        let mut wrong = places(compose, name, service);
        wrong.extend(owners(name, service));
        findings.extend(wrong.iter().map(|(key, what)| compose.wrong(name, key, what)));
    }
    findings
}

/// Whether everything that it writes is in a volume or in memory.
fn places(compose: &Compose, name: &str, service: &Service) -> Wrong {
    let Some((_, places)) = PLACES.iter().find(|(known, _)| *known == name) else {
        return vec![("volumes", "may be too few: it is not known where it writes".to_owned())];
    };
    let mut wrong = Vec::new();
    for place in *places {
        let (path, said) = match place {
            At(path) => (Some(*path), *path),
            Flag(flag) => (service.command.iter().find_map(|word| word.strip_prefix(flag)), *flag),
            Variable(name) => (service.environment.get(*name).map(String::as_str), *name),
        };
        match path {
            None => wrong.push(("command", format!("does not say where it writes: `{said}`"))),
            Some(path) if compose.inside(name, path) != Inside::Writable => wrong.push((
                "volumes",
                format!("has nothing at `{path}`, where it writes: it is read-only"),
            )),
            Some(_) => {}
        }
    }
    wrong
}

/// Whether each of its volumes, once it is new, belongs to it. A new volume is as the folder of the
/// image at just that place, or root's where there is none. That goes for root too: what it may do
/// here does not include writing to what is another's.
fn owners(name: &str, service: &Service) -> Wrong {
    let user = service.user.split(':').next().unwrap_or_default();
    // That it is no number is said elsewhere.
    let Ok(user) = user.parse::<u32>() else { return Vec::new() };
    let mut wrong = Vec::new();
    for mount in service.mounts().filter(|mount| !mount.source.starts_with(['.', '/', '$'])) {
        let of_image = FOLDERS.iter().find(|(of, path, _)| (*of, *path) == (name, mount.target));
        let owner = of_image.map_or(NOBODYS, |(_, _, owner)| *owner);
        if owner != user {
            wrong.push((
                "volumes",
                format!(
                    "mounts `{}` at `{}`, where it is user {owner}'s when it is new: user {user} cannot write to it",
                    mount.source, mount.target
                ),
            ));
        }
    }
    wrong
}
