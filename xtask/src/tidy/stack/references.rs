//! What the services name is there: files, volumes, networks, secrets, and each other.

use std::collections::{BTreeMap, BTreeSet};

use super::super::finding::Finding;
use super::super::tree::Tree;
use super::compose::{Compose, ComposeFile, FILE, Inside, STANDIN, Service, Volume, of_repository};
use super::services::Wrong;
use crate::stack::secret_names;

/// Where containers find their secrets.
const SECRET_FOLDER: &str = "/run/secrets/";

/// Below these an image has nothing of its own that we would name.
const OUR_FOLDERS: [&str; 2] = ["/etc/", "/usr/local/etc/"];

pub(super) fn check(tree: &Tree, compose: &Compose) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, service) in &compose.file.services {
        let mut wrong = build(tree, service);
        wrong.extend(named(tree, compose, (service, &compose.file)));
        if service.networks.is_empty() {
            wrong.push(("networks", "is missing: it is where everybody is".to_owned()));
        }
        wrong.extend(secrets(tree, service));
        wrong.extend(paths(tree, compose, name, service));
        findings.extend(wrong.iter().map(|(key, what)| compose.wrong(name, key, what)));
    }
    for (name, service) in &compose.standins {
        let missing = service.mounts().map(|mount| mount.source);
        let missing = missing.filter(|source| is_missing(tree, source));
        findings.extend(missing.map(|source| {
            Finding::about(STANDIN, format!("`services.{name}.volumes`: `{source}` is not there"))
        }));
    }
    findings.extend(unused(compose));
    let volumes = compose.file.volumes.iter().filter(|(_, volume)| **volume != Volume::default());
    findings.extend(volumes.map(|(name, _)| {
        compose.wrong_at("volumes", name, &format!("`volumes.{name}` is not left to the engine"))
    }));
    findings.extend(secret_files(compose));
    findings
}

/// What it names of the rest of the stack, or of what its own file declares, and what is not there.
pub(super) fn named(
    tree: &Tree,
    compose: &Compose,
    (service, file): (&Service, &ComposeFile),
) -> Wrong {
    let declared = [&compose.file.volumes, &file.volumes];
    let mut wrong = volumes(tree, declared, service);
    wrong.extend(networks(compose, service));
    wrong.extend(dependencies(compose, service));
    let unknown = service.secrets.iter().filter(|name| !compose.file.secrets.contains_key(*name));
    wrong.extend(unknown.map(|name| ("secrets", format!("names `{name}`, which is not declared"))));
    wrong
}

fn build(tree: &Tree, service: &Service) -> Wrong {
    let missing = service.build.iter().filter(|build| {
        let file = of_repository(&format!("{}/{}", build.context, build.dockerfile));
        !tree.exists(&file)
    });
    missing
        .map(|build| ("build", format!("names `{}`, which is not there", build.dockerfile)))
        .collect()
}

fn volumes(tree: &Tree, declared: [&BTreeMap<String, Volume>; 2], service: &Service) -> Wrong {
    let mut wrong = Vec::new();
    for mount in service.mounts() {
        let source = mount.source;
        let is_path = source.starts_with(['.', '/', '$']);
        if !is_path && !declared.iter().any(|volumes| volumes.contains_key(source)) {
            wrong.push(("volumes", format!("names `{source}`, which is not declared")));
        }
        if is_path && !mount.is_read_only {
            wrong.push(("volumes", format!("lets `{source}` be written: it has no `:ro`")));
        }
        if is_missing(tree, source) {
            wrong.push(("volumes", format!("names `{source}`, which is not there")));
        }
    }
    wrong
}

fn is_missing(tree: &Tree, source: &str) -> bool {
    source.starts_with('.') && !tree.exists(&of_repository(source))
}

fn networks(compose: &Compose, service: &Service) -> Wrong {
    let unknown = service.networks.iter().filter(|name| !compose.file.networks.contains_key(*name));
    unknown.map(|name| ("networks", format!("names `{name}`, which is not declared"))).collect()
}

fn dependencies(compose: &Compose, service: &Service) -> Wrong {
    let mut wrong = Vec::new();
    for (name, dependency) in &service.depends_on {
        match compose.file.services.get(name) {
            None => wrong.push(("depends_on", format!("names `{name}`, which is no service"))),
            Some(_) if dependency.condition != "service_healthy" => {
                let condition = &dependency.condition;
                wrong.push(("depends_on", format!("waits until `{name}` is `{condition}`")));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// A service has the secrets that it reads, and no others: it, or a file that it is given, names
/// them.
fn secrets(tree: &Tree, service: &Service) -> Wrong {
    let mut named: BTreeSet<&str> = service.words().flat_map(secrets_in).collect();
    for mount in service.mounts().filter(|mount| mount.source.starts_with('.')) {
        let path = of_repository(mount.source);
        let folder = format!("{path}/");
        let files = tree.files().filter(|(file, _)| *file == path || file.starts_with(&folder));
        named.extend(files.flat_map(|(_, text)| secrets_in(text)));
    }
    let given: BTreeSet<&str> = service.secrets.iter().map(String::as_str).collect();
    let missing = named.difference(&given).map(|name| format!("has not `{name}`, which it reads"));
    let needless =
        given.difference(&named).map(|name| format!("has `{name}`, which it never reads"));
    missing.chain(needless).map(|what| ("secrets", what)).collect()
}

/// The names of the secrets that a text names by their paths.
fn secrets_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(SECRET_FOLDER).map(|(at, _)| {
        let name = &text[at + SECRET_FOLDER.len()..];
        let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        &name[..end.unwrap_or(name.len())]
    })
}

/// A path that a service is told of is one that it has.
fn paths(tree: &Tree, compose: &Compose, name: &str, service: &Service) -> Wrong {
    let words = service.words().flat_map(|word| word.split([' ', '=', '"', '\'', '\n']));
    let mut wrong = Vec::new();
    for path in words.filter(|word| word.starts_with('/')) {
        match compose.inside(name, path) {
            Inside::Ours(file) if !tree.exists(&file) => {
                wrong.push(("command", format!("names `{path}`, and `{file}` is not there")));
            }
            Inside::Image if OUR_FOLDERS.iter().any(|folder| path.starts_with(folder)) => {
                wrong.push(("command", format!("names `{path}`, where nothing is mounted")));
            }
            _ => {}
        }
    }
    wrong
}

/// Whatever is declared is used.
fn unused(compose: &Compose) -> Vec<Finding> {
    let services = || compose.file.services.values();
    let mounted: BTreeSet<&str> =
        services().flat_map(Service::mounts).map(|mount| mount.source).collect();
    let joined: BTreeSet<&str> =
        services().flat_map(|service| &service.networks).map(String::as_str).collect();
    let read: BTreeSet<&str> =
        services().flat_map(|service| &service.secrets).map(String::as_str).collect();
    let file = &compose.file;
    let all = [
        ("volumes", file.volumes.keys().collect::<Vec<_>>(), mounted),
        ("networks", file.networks.keys().collect(), joined),
        ("secrets", file.secrets.keys().collect(), read),
    ];
    let unused = all.into_iter().flat_map(|(section, declared, used)| {
        let unused = declared.into_iter().filter(move |name| !used.contains(name.as_str()));
        unused.map(move |name| (section, name))
    });
    unused
        .map(|(section, name)| {
            compose.wrong_at(section, name, &format!("`{section}.{name}` is used by no service"))
        })
        .collect()
}

/// The secrets are those that `cargo xtask up` makes.
fn secret_files(compose: &Compose) -> Vec<Finding> {
    let mut findings = Vec::new();
    let made: BTreeSet<&str> = secret_names().collect();
    for (name, secret) in &compose.file.secrets {
        let mut wrong = Vec::new();
        if !made.contains(name.as_str()) {
            wrong.push(format!("`secrets.{name}` is made by nobody"));
        }
        if secret.file != format!("./secrets/{name}") {
            wrong.push(format!("`secrets.{name}.file` is `{}`: it is made elsewhere", secret.file));
        }
        findings.extend(wrong.iter().map(|what| compose.wrong_at("secrets", name, what)));
    }
    let unknown = made.into_iter().filter(|name| !compose.file.secrets.contains_key(*name));
    findings.extend(
        unknown.map(|name| Finding::about(FILE, format!("`secrets.{name}` is not declared"))),
    );
    findings
}
