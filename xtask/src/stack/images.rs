//! The images of the stack: pulled, or stand-ins made of Debian's packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use xshell::cmd;

use super::dockerfile::bases;
use super::engine::{Engine, output};
use super::pulls::{self, Shelf};
use crate::debian::{MIRROR, RELEASE};
use crate::process;
use crate::provide;
use crate::workspace::Workspace;

/// The one image that stands in for all services of which Debian has a package.
const STANDIN: &str = "campanile-standin:trixie";

/// The same with the chat server.
const SERVER: &str = "campanile-standin:server";

/// A pull that takes longer than this will not come.
const PULL_SECONDS_MAX: &str = "900";
const PULL_TIME_MAX: Duration = Duration::from_secs(900);

const PACKAGES: &str = "ca-certificates,wget,postgresql-17,redis-server,redis-tools,haproxy,\
prometheus,prometheus-alertmanager,prometheus-node-exporter,prometheus-postgres-exporter,\
prometheus-redis-exporter,victoria-metrics";

/// Folders that the usual images have, each with the user who writes into it.
const FOLDERS: &[(&str, u32)] = &[
    ("/var/lib/postgresql/data", 999),
    ("/data", 999),
    ("/prometheus", 65534),
    ("/alertmanager", 65534),
    ("/victoria-metrics-data", 65534),
    ("/var/lib/campanile", 10001),
];

/// The chat server is built, not pulled: what is pulled is what it is built on.
const RECIPE: &str = "deploy/Dockerfile";

/// How the names of its services begin.
const SERVERS: &str = "campanile-";

/// What became of the services whose images cannot be had here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Images {
    /// Debian's packages stand in for them.
    pub(crate) stood_in: BTreeSet<String>,
    pub(crate) left_out: Vec<String>,
}

impl Images {
    /// Of the services that lack an image, `with_standin` have a stand-in.
    fn without(lacking: impl Iterator<Item = String>, with_standin: &BTreeSet<String>) -> Self {
        let (stood_in, left_out): (BTreeSet<String>, BTreeSet<String>) =
            lacking.partition(|service| with_standin.contains(service));
        Self { stood_in, left_out: left_out.into_iter().collect() }
    }

    /// Whether the chat server is one that was built beside the stand-in.
    pub(crate) fn server_stood_in(&self) -> bool {
        self.stood_in.iter().any(|service| service.starts_with(SERVERS))
    }
}

/// Makes sure of the images: `wanted` names each service with its image, and `with_standin` those
/// of which there is a stand-in. Who lacks one is named.
pub(crate) fn provide(
    workspace: &Workspace,
    engine: &Engine,
    wanted: &BTreeMap<String, String>,
    with_standin: &BTreeSet<String>,
    program: impl FnOnce() -> Result<PathBuf>,
) -> Result<Images> {
    let recipe = fs::read_to_string(workspace.root.join(RECIPE))
        .with_context(|| format!("cannot read {RECIPE}"))?;
    let lacking = pulls::refused(&pulled(wanted, &recipe), engine);
    for (service, image) in &lacking {
        let instead = match with_standin.contains(service) {
            true => "Debian's packages stand in",
            false => "it is left out",
        };
        println!("{service}: {instead}, without {image}");
    }
    let images = Images::without(lacking.into_keys(), with_standin);
    if !images.stood_in.is_empty() {
        build_standin(workspace, engine)?;
    }
    if images.server_stood_in() {
        build_server(workspace, engine, &program()?)?;
    }
    Ok(images)
}

/// The images that are pulled for each service.
fn pulled(wanted: &BTreeMap<String, String>, recipe: &str) -> BTreeMap<String, Vec<String>> {
    let bases: Vec<String> = bases(recipe).into_iter().map(str::to_owned).collect();
    let images = |(service, image): (&String, &String)| {
        let is_built = service.starts_with(SERVERS);
        (service.clone(), if is_built { bases.clone() } else { vec![image.clone()] })
    };
    wanted.iter().map(images).collect()
}

impl Shelf for Engine {
    fn has(&self, image: &str) -> bool {
        output(self.docker().args(["image", "inspect", "--format", "{{.Id}}", image])).is_ok()
    }

    fn pull(&self, image: &str) -> Result<()> {
        // `docker` is told when to stop: a registry that swallows packets says nothing for minutes.
        let docker = self.docker();
        let mut command = Command::new("timeout");
        command.args([PULL_SECONDS_MAX, "docker", "pull", "--quiet", image]);
        for (key, value) in docker.get_envs() {
            command.env(key, value.unwrap_or_default());
        }
        let started = Instant::now();
        output(&mut command).map(drop).map_err(|error| {
            if started.elapsed() >= PULL_TIME_MAX {
                anyhow!("no answer in {PULL_SECONDS_MAX} s")
            } else {
                error
            }
        })
    }
}

/// Made anew when what it is made of changes.
fn build_standin(workspace: &Workspace, engine: &Engine) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    (RELEASE, PACKAGES, FOLDERS).hash(&mut hasher);
    let recipe = format!("{:016x}", hasher.finish());
    let known = "{{index .Config.Labels \"recipe\"}}";
    let inspected =
        engine.docker().args(["image", "inspect", "--format", known, STANDIN]).output()?;
    if String::from_utf8_lossy(&inspected.stdout).trim() == recipe {
        return Ok(());
    }
    println!("making {STANDIN} of Debian's packages, which takes some minutes");
    let mmdebstrap = provide::program(&["mmdebstrap"], "mmdebstrap")?;
    let folder = workspace.folder("standin")?;
    let tar = folder.join("base.tar");
    let _ = fs::remove_file(&tar);
    // PostgreSQL asks who it is.
    let mut hooks =
        vec!["chroot \"$1\" useradd --uid 999 --user-group --no-create-home standin".to_owned()];
    hooks.extend(FOLDERS.iter().map(|(path, user)| {
        format!("install --directory --owner {user} --group {user} --mode 0700 \"$1{path}\"")
    }));
    let mut command = Command::new(mmdebstrap);
    command.args(["--quiet", "--variant=apt", "--mode=root"]);
    command.arg("--aptopt=APT::Install-Recommends \"false\"");
    for place in ["doc", "man", "locale", "info"] {
        command.arg(format!("--dpkgopt=path-exclude=/usr/share/{place}/*"));
    }
    command.arg(format!("--include={PACKAGES}"));
    command.args(hooks.iter().map(|hook| format!("--customize-hook={hook}")));
    command.arg(RELEASE).arg(&tar).arg(MIRROR);
    let log = workspace.folder("logs")?.join("mmdebstrap.log");
    let status = process::quietly(command, &log)?;
    anyhow::ensure!(status.success(), "the packages cannot be had: see {}", log.display());
    let mut command = engine.docker();
    command.args(["import", "--change", &format!("LABEL recipe={recipe}")]).arg(&tar).arg(STANDIN);
    output(&mut command).context("the image cannot be imported")?;
    fs::remove_file(&tar)?;
    Ok(())
}

fn build_server(workspace: &Workspace, engine: &Engine, program: &Path) -> Result<()> {
    let folder = workspace.folder("standin")?.join("server");
    fs::create_dir_all(&folder)?;
    fs::copy(program, folder.join("campanile"))
        .with_context(|| format!("cannot copy {}", program.display()))?;
    let recipe = workspace.root.join("deploy/standin/Dockerfile");
    let mut command = engine.docker();
    // The older builder needs no plug-in.
    command.env("DOCKER_BUILDKIT", "0");
    command.args(["build", "--quiet", "--tag", SERVER, "--file"]).arg(recipe).arg(&folder);
    output(&mut command).context("the image of the server cannot be built")?;
    Ok(())
}

/// The chat server, built as for use or as for tests.
pub(crate) fn build_program(workspace: &Workspace, release: bool) -> Result<PathBuf> {
    if release {
        let shell = workspace.shell()?;
        cmd!(shell, "cargo build --release --locked --package campanile-server --bin campanile")
            .run()?;
        Ok(workspace.released("campanile"))
    } else {
        crate::live::build(workspace)?;
        Ok(workspace.built("campanile"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn only_what_lacks_an_image_is_replaced_or_left_out() {
        let lacking = ["grafana", "redis"].map(str::to_owned).into_iter();
        let images = Images::without(lacking, &set(&["campanile-1", "postgres", "redis"]));
        let expected = Images { stood_in: set(&["redis"]), left_out: vec!["grafana".to_owned()] };
        assert_eq!(images, expected);
        assert!(!images.server_stood_in());
        let lacking = ["campanile-1".to_owned()].into_iter();
        assert!(Images::without(lacking, &set(&["campanile-1"])).server_stood_in());
    }

    #[test]
    fn for_the_server_is_pulled_what_it_is_built_on() {
        let wanted = [("campanile-1", "campanile:latest"), ("redis", "redis:8")];
        let wanted = wanted.map(|(service, image)| (service.to_owned(), image.to_owned()));
        let pulled = pulled(&wanted.into(), "FROM rust:1 AS build\nFROM debian:1\n");
        assert_eq!(pulled["campanile-1"], ["rust:1", "debian:1"]);
        assert_eq!(pulled["redis"], ["redis:8"]);
    }
}
