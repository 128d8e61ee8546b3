//! The faults that take more than a line: how the stack is hurt, and healed.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::json;
use xshell::cmd;

use super::super::scene::Scene;
use super::Heal;
use super::faults::NODE;
use crate::process::Background;

/// How long a load lasts that is not ended before; no drill is longer.
const LOAD_MAX: &str = "5m";

/// A load that is ended by the healing.
pub(super) fn load(scene: &Scene<'_>, arguments: &[&str]) -> Result<Heal> {
    let mut all = arguments.to_vec();
    all.extend(["--duration", LOAD_MAX]);
    let load = scene.load(arguments[0], &all)?;
    Ok(Box::new(move |_| {
        drop(load);
        Ok(())
    }))
}

/// Requests that need the store.
pub(super) fn requests(scene: &Scene<'_>) -> Result<Background> {
    let arguments = [
        "requests",
        "--rate",
        "10",
        "--path",
        "/api/v1/me",
        "--authenticated",
        "--duration",
        LOAD_MAX,
    ];
    scene.load("requests", &arguments)
}

pub(super) fn servers_forgotten(scene: &Scene<'_>) -> Result<Heal> {
    let path = scene.folder.join("prometheus/prometheus.yml");
    let before = fs::read_to_string(&path)?;
    let mut configuration: serde_json::Value = serde_json::from_str(&before)?;
    let mut jobs = configuration["scrape_configs"].as_array_mut().into_iter().flatten();
    let chat = jobs.find(|job| job["job_name"] == "chat").context("there is no job of the chat")?;
    // The job stays and finds nothing, as when discovery fails.
    chat["static_configs"] = json!([]);
    fs::write(&path, configuration.to_string())?;
    scene.stack.signal("prometheus", "HUP")?;
    Ok(Box::new(move |scene| {
        fs::write(&path, before)?;
        scene.stack.signal("prometheus", "HUP")
    }))
}

/// Stops the process for some seconds, and lets it go for a moment in which it can be scraped.
pub(super) fn node_stutters(scene: &Scene<'_>) -> Result<Heal> {
    let process = scene.stack.process(NODE)?;
    let script = format!(
        "trap 'kill -CONT {process}; exit' TERM; \
         while :; do kill -STOP {process}; sleep 4; kill -CONT {process}; sleep 2; done"
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    let stutter = Background::start(command, &scene.folder.join("stutter.log"))?;
    Ok(Box::new(move |_| {
        drop(stutter);
        let shell = xshell::Shell::new()?;
        let process = process.to_string();
        Ok(cmd!(shell, "kill -CONT {process}").quiet().run()?)
    }))
}

pub(super) fn table_locked(scene: &Scene<'_>) -> Result<Heal> {
    let requests = requests(scene)?;
    let lock = "BEGIN; LOCK TABLE accounts, sessions, members IN ACCESS EXCLUSIVE MODE; \
                SELECT pg_sleep(150); COMMIT;";
    let mut command = scene.stack.exec_command("postgres");
    command.args(["psql", "--username", "campanile", "--command", lock]);
    let locked = Background::start(command, &scene.folder.join("lock.log"))?;
    Ok(Box::new(move |scene| {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE query LIKE '%pg_sleep(150)%' AND pid <> pg_backend_pid()";
        scene.stack.exec("postgres", &["psql", "--username", "campanile", "--command", end])?;
        drop((locked, requests));
        Ok(())
    }))
}

fn redis(scene: &Scene<'_>, command: &str) -> Result<String> {
    let script =
        format!("REDISCLI_AUTH=\"$(cat /run/secrets/redis_password)\" redis-cli {command}");
    scene.stack.exec("redis", &["sh", "-c", &script])
}

pub(super) fn redis_full(scene: &Scene<'_>) -> Result<Heal> {
    let before = redis(scene, "config get maxmemory | tail -n 1")?;
    let used = redis(scene, "info memory")?;
    let used: u64 = used
        .lines()
        .find_map(|line| line.trim().strip_prefix("used_memory:")?.parse().ok())
        .context("Redis does not say what it uses")?;
    redis(scene, &format!("config set maxmemory {}", used + used / 50))?;
    Ok(Box::new(move |scene| {
        redis(scene, &format!("config set maxmemory {}", before.trim())).map(drop)
    }))
}

pub(super) fn little_memory(scene: &Scene<'_>) -> Result<Heal> {
    let resident = format!("max(process_resident_memory_bytes{{instance=\"{NODE}:9601\"}})");
    let resident = scene.prometheus.value(&resident)?;
    // What the kernel keeps for it counts, too, against its limit.
    let limit = format!("{}", (resident * 1.08) as u64);
    let set = |limit: &str| ["--memory".to_owned(), limit.to_owned()];
    let limits = set(&limit);
    scene.stack.limit(NODE, &limits.each_ref().map(String::as_str))?;
    Ok(Box::new(move |scene| {
        let limits = set("1g");
        scene.stack.limit(NODE, &limits.each_ref().map(String::as_str))
    }))
}

pub(super) fn few_files(scene: &Scene<'_>) -> Result<Heal> {
    let process = scene.stack.process(NODE)?.to_string();
    let open = format!("max(process_open_fds{{instance=\"{NODE}:9601\"}})");
    let few = (scene.prometheus.value(&open)? * 1.15).ceil();
    let shell = scene.workspace.shell()?;
    let before = cmd!(shell, "prlimit --pid {process} --nofile --noheadings --output SOFT");
    let before = before.quiet().read()?.trim().to_owned();
    let limit = format!("--nofile={few}:");
    cmd!(shell, "prlimit --pid {process} {limit}").quiet().run()?;
    Ok(Box::new(move |scene| {
        let shell = scene.workspace.shell()?;
        let limit = format!("--nofile={before}:");
        Ok(cmd!(shell, "prlimit --pid {process} {limit}").quiet().run()?)
    }))
}

pub(super) fn push_service_gone(scene: &Scene<'_>) -> Result<Heal> {
    let host = scene.receiver().address.ip();
    let port = crate::live::free_address()?.port();
    let endpoint = format!("https://{host}:{port}/push");
    let arguments = [
        "steady",
        "--users",
        "6",
        "--rate",
        "6",
        "--push-endpoint",
        &endpoint,
        "--duration",
        LOAD_MAX,
    ];
    let load = scene.load("push", &arguments)?;
    Ok(Box::new(move |scene| {
        drop(load);
        // The service is back: what waits is taken.
        let mut command = Command::new("python3");
        command.arg(scene.workspace.task_file("python/push_service.py"));
        command.args([host.to_string(), port.to_string()]);
        command.args(["cert.pem", "key.pem"].map(|file| scene.folder.join("tls").join(file)));
        let service = Background::start(command, &scene.folder.join("push-service.log"))?;
        scene.keep_running(service);
        Ok(())
    }))
}
