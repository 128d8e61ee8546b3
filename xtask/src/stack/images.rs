//! The images of the stack: pulled, or stand-ins made of Debian's packages.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use xshell::cmd;

use super::engine::{Engine, output};
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

/// Where the images come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// All are there, or were pulled.
    Usual,
    /// Debian's packages stand in; what has no package is there only if it was there before.
    StandIn,
}

/// The services without an image on this machine, and where the images of the others come from.
pub(crate) struct Images {
    pub(crate) source: Source,
    pub(crate) left_out: Vec<String>,
}

/// Makes sure of the images: `wanted` names each service with its image, and `with_standin` those
/// of which there is a stand-in.
pub(crate) fn provide(
    workspace: &Workspace,
    engine: &Engine,
    wanted: &BTreeMap<String, String>,
    with_standin: &BTreeSet<String>,
    program: impl FnOnce() -> Result<PathBuf>,
) -> Result<Images> {
    // The chat server is built, not pulled.
    let missing: Vec<(&String, &String)> = wanted
        .iter()
        .filter(|(service, image)| !service.starts_with("campanile-") && !is_here(engine, image))
        .collect();
    let refused = missing.iter().find_map(|(_, image)| pull(engine, image).err());
    let Some(refused) = refused else {
        return Ok(Images { source: Source::Usual, left_out: Vec::new() });
    };
    println!("images cannot be pulled here ({refused:#}): Debian's packages stand in");
    build_standin(workspace, engine)?;
    build_server(workspace, engine, &program()?)?;
    let left_out = missing.into_iter().map(|(service, _)| service.clone());
    let left_out = left_out.filter(|service| !with_standin.contains(service)).collect();
    Ok(Images { source: Source::StandIn, left_out })
}

fn is_here(engine: &Engine, image: &str) -> bool {
    output(engine.docker().args(["image", "inspect", "--format", "{{.Id}}", image])).is_ok()
}

fn pull(engine: &Engine, image: &str) -> Result<()> {
    println!("pulling {image}");
    // `docker` is told when to stop: a registry that swallows packets says nothing for minutes.
    let docker = engine.docker();
    let mut command = Command::new("timeout");
    command.args([PULL_SECONDS_MAX, "docker", "pull", "--quiet", image]);
    for (key, value) in docker.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    output(&mut command).map(drop)
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
