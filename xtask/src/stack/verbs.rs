//! `cargo xtask up`, `down` and `images`: the stack for people.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::engine::Engine;
use super::{Compose, Options, Stack, configurations, forget_targets, secrets};
use crate::live::Questions;
use crate::wait;
use crate::workspace::Workspace;

/// The project that people start; `name:` in the compose file says the same.
const PROJECT: &str = "campanile";

/// Some scrapes.
const SCRAPED_DEADLINE: Duration = Duration::from_secs(60);

/// Starts the stack and says where everything is, and how to fill its boards.
pub(crate) fn up(workspace: &Workspace) -> Result<bool> {
    start(workspace)?;
    println!("the boards fill as people chat: `cargo xtask up --demo` has some who do");
    Ok(true)
}

/// Starts the stack and says where everything is. It stays.
pub(crate) fn start(workspace: &Workspace) -> Result<Stack> {
    let folder = workspace.folder("up")?;
    secrets::make(&workspace.root.join(secrets::FOLDER))?;
    let silent = configurations::write_for_people(workspace, &folder)?;
    let overrides = vec![folder.join("compose.json")];
    let options = Options { overrides, keep: true, ..Options::default() };
    let stack = Stack::start(workspace, PROJECT, &options)?;
    forget_targets(&folder, stack.left_out())?;
    for reads_again in ["prometheus", "alertmanager"] {
        stack.signal(reads_again, "HUP")?;
    }
    let scraped = if stack.runs("prometheus") { scrape_all(&stack, &folder)? } else { 0 };
    println!("\nPrometheus scrapes every target: {scraped} of {scraped} are up\n");
    let pages = [
        ("chat", "haproxy", 8080, "/"),
        ("console", "haproxy", 8080, "/console"),
        ("Prometheus", "prometheus", 9090, "/"),
        ("Alertmanager", "alertmanager", 9093, "/"),
        ("Grafana", "grafana", 3000, "/"),
    ];
    for (name, service, port, path) in pages {
        if stack.runs(service) {
            println!("{name:<13} http://{}{path}", stack.address(service, port)?);
        }
    }
    if stack.runs("grafana") {
        let password = secrets::value(workspace, "grafana_admin_password")?;
        println!("{:<13} admin, {password}", "");
    }
    if !stack.left_out().is_empty() {
        println!("\nleft out, since there is no image here: {}", stack.left_out().join(", "));
        println!("Prometheus is told of none of them");
    }
    if !silent.is_empty() {
        let silent: Vec<&str> = silent.iter().map(String::as_str).collect();
        println!("\nnobody is told by these receivers of alerts: {}", silent.join(", "));
        println!("until their secrets are set (deploy/README.md); then run this again");
    }
    println!("\n`cargo xtask down` ends it, `cargo xtask down --volumes` forgets it too");
    Ok(stack)
}

/// Waits until every target is up that Prometheus is told of; how many they are.
fn scrape_all(stack: &Stack, folder: &Path) -> Result<usize> {
    let prometheus = Questions { address: stack.address("prometheus", 9090)? };
    let targets = configurations::targets(folder)?;
    wait::patiently("every target is up", SCRAPED_DEADLINE, || {
        let is_down = |(job, instance): &&(String, String)| {
            let up = prometheus.value(&format!("up{{job=\"{job}\",instance=\"{instance}\"}}"));
            up.ok() != Some(1.0)
        };
        let down = targets.iter().filter(is_down).map(|(_, instance)| instance.as_str());
        let down: Vec<&str> = down.collect();
        ensure!(down.is_empty(), "Prometheus does not reach {}", down.join(", "));
        Ok(targets.len())
    })
}

/// Ends the stack; with `volumes` what it stored goes too.
pub(crate) fn down(workspace: &Workspace, volumes: bool) -> Result<bool> {
    let engine = Engine::find(workspace)?;
    Compose::new(workspace, engine, PROJECT, &Options::default())?.down(volumes)?;
    println!("the stack is down");
    Ok(true)
}

/// Provides the images, and says which there are not.
pub(crate) fn images(workspace: &Workspace) -> Result<bool> {
    let engine = Engine::find(workspace)?;
    let mut compose = Compose::new(workspace, engine, PROJECT, &Options::default())?;
    let images = compose.provide_images(workspace, false)?;
    if images.stood_in.is_empty() && images.left_out.is_empty() {
        println!("every image is here");
    }
    if !images.stood_in.is_empty() {
        let stood_in: Vec<&str> = images.stood_in.iter().map(String::as_str).collect();
        println!("Debian's packages stand in for {}", stood_in.join(", "));
    }
    if !images.left_out.is_empty() {
        println!("no image here: {}", images.left_out.join(", "));
    }
    Ok(true)
}
