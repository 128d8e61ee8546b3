//! The faults that take more than a line: how the stack is hurt, and healed.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use xshell::cmd;

use super::super::scene::{CERTIFICATE_DAYS, HOST_DISK, Scene};
use super::Heal;
use super::faults::{NODE, STEP_DEADLINE};
use crate::live::Visitor;
use crate::process::Background;
use crate::wait;

/// How long a load lasts that is not ended before; no drill is longer.
const LOAD_MAX: &str = "5m";

/// Asks PostgreSQL what comes behind it.
const PSQL: [&str; 6] =
    ["psql", "--username", "campanile", "--tuples-only", "--no-align", "--command"];

/// The key of the application that the stack has.
const APP_KEY: &str = "key-of-the-drills";

/// A load that is ended by the healing.
pub(super) fn load(scene: &Scene<'_>, arguments: &[&str]) -> Result<Heal> {
    let mut all = arguments.to_vec();
    all.extend(["--duration", LOAD_MAX]);
    let load = scene.load(&format!("drill-{}", arguments[0]), &all)?;
    Ok(Box::new(move |_| {
        drop(load);
        Ok(())
    }))
}

/// Past the engine's proxy of ports, in which megabytes would wait for a reader.
pub(super) fn slow_readers(scene: &Scene<'_>) -> Result<Heal> {
    let few = ["--count", "20", "--pause", "1", "--messages", "40", "--duration", LOAD_MAX];
    let arguments = [&["slow-reader"], &few[..]].concat();
    let front = scene.stack.inside("haproxy", 8080)?;
    let load = scene.load_at(front, "drill-slow-reader", &arguments)?;
    Ok(Box::new(move |_| {
        drop(load);
        Ok(())
    }))
}

/// Requests that need the store, so many a second.
pub(super) fn requests(scene: &Scene<'_>, rate: &str) -> Result<Background> {
    let arguments = [
        "requests",
        "--rate",
        rate,
        "--path",
        "/api/v1/me",
        "--authenticated",
        "--duration",
        LOAD_MAX,
    ];
    scene.load("requests", &arguments)
}

/// Each time it lives for as long as it takes to be scraped once.
pub(super) fn crash_loop(scene: &Scene<'_>) -> Result<Heal> {
    let since = format!("time() - process_start_time_seconds{{instance=\"{NODE}:9601\"}}");
    for _ in 0..4 {
        scene.stack.kill(NODE)?;
        let killed = Instant::now();
        scene.stack.begin_again(NODE)?;
        wait::patiently("it is scraped again", STEP_DEADLINE, || {
            let age = scene.prometheus.value(&since)?;
            ensure!(age < killed.elapsed().as_secs_f64(), "it is {age} s old");
            Ok(())
        })?;
    }
    Ok(Box::new(|scene| scene.stack.mend()))
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
    let (stop, go) = (format!("kill -STOP {process}"), format!("kill -CONT {process}"));
    stutter(scene, [(&stop, 4.0), (&go, 2.0)])
}

/// Stops PostgreSQL for so many seconds, again and again.
pub(super) fn store_stutters(scene: &Scene<'_>, seconds: f64) -> Result<Heal> {
    let container = scene.stack.container("postgres")?;
    let (stop, go) = (format!("docker pause {container}"), format!("docker unpause {container}"));
    stutter(scene, [(&stop, seconds), (&go, 0.4)])
}

/// Does two things in turn, each with the seconds after it, until it is ended; then the second is
/// done once more. It ends between two commands: one that is on its way to the engine would arrive
/// after all.
fn stutter(scene: &Scene<'_>, [(stop, stopped), (go, going)]: [(&str, f64); 2]) -> Result<Heal> {
    // It goes already when it is ended between the two.
    let end = format!("trap '{go}; exit 0' TERM");
    let script = format!("{end}; while :; do {stop}; sleep {stopped}; {go}; sleep {going}; done");
    let mut command = Command::new("sh");
    command.args(["-c", &script]);
    let stutter = Background::start(command, &scene.folder.join("stutter.log"))?;
    Ok(Box::new(move |_| stutter.finish(STEP_DEADLINE)))
}

/// Gives the servers a certificate again that is good for long.
pub(super) fn new_certificate(scene: &Scene<'_>) -> Result<()> {
    scene.write_certificate(CERTIFICATE_DAYS)?;
    scene.stack.signal("campanile-1", "HUP")?;
    scene.stack.signal(NODE, "HUP")
}

pub(super) fn table_locked(scene: &Scene<'_>) -> Result<Heal> {
    let requests = requests(scene, "10")?;
    let mut lock = lock_tables(scene)?;
    wait::patiently("the tables are locked", STEP_DEADLINE, || {
        // Of two that wait for each other PostgreSQL ends one, and it may be ours.
        if lock.check_running().is_err() {
            lock = lock_tables(scene)?;
        }
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        ensure!(psql(scene, asleep)? == "1", "they are waited for");
        Ok(())
    })?;
    Ok(Box::new(move |scene| {
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE query LIKE '%pg_sleep(150)%' AND pid <> pg_backend_pid()";
        psql(scene, end)?;
        drop((lock, requests));
        Ok(())
    }))
}

/// Holds them for as long as it runs.
fn lock_tables(scene: &Scene<'_>) -> Result<Background> {
    let lock = "BEGIN; LOCK TABLE accounts, sessions, members IN ACCESS EXCLUSIVE MODE; \
                SELECT pg_sleep(150); COMMIT;";
    let mut command = scene.stack.exec_command("postgres");
    command.args(PSQL).arg(lock);
    Background::start(command, &scene.folder.join("lock.log"))
}

/// What PostgreSQL answers, without a frame around it.
fn psql(scene: &Scene<'_>, statement: &str) -> Result<String> {
    scene.stack.exec("postgres", &[&PSQL[..], &[statement]].concat())
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
    let resident =
        wait::patiently("it is scraped", STEP_DEADLINE, || scene.prometheus.value(&resident))?;
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

/// What the node uses of something, as an expression over the last fifteen seconds says, once they
/// saw nothing but what is steady.
fn steady_use(scene: &Scene<'_>, expression: &str) -> Result<f64> {
    let started = Instant::now();
    wait::patiently("what it uses is steady", STEP_DEADLINE, || {
        ensure!(started.elapsed() > Duration::from_secs(25), "it is being looked at");
        scene.prometheus.value(expression)
    })
}

/// What its clients do all day swings: a server that is asked steadily by others besides uses as much
/// as before, and more than it may.
pub(super) fn little_cpu(scene: &Scene<'_>) -> Result<Heal> {
    let requests = requests(scene, "150")?;
    let used = format!("max(rate(process_cpu_seconds_total{{instance=\"{NODE}:9601\"}}[15s]))");
    let used = steady_use(scene, &used)?;
    // The engine gives no less than a hundredth.
    let limit = format!("{:.3}", (used * 0.75).max(0.01));
    scene.stack.limit(NODE, &["--cpus", &limit])?;
    Ok(Box::new(move |scene| {
        drop(requests);
        scene.stack.limit(NODE, &["--cpus", "2"])
    }))
}

/// Most of its files are clients that do nothing, so that those who come and go change little.
pub(super) fn few_files(scene: &Scene<'_>) -> Result<Heal> {
    let clients = load(scene, &["connections", "--count", "300", "--rate", "30"])?;
    let process = scene.stack.process(NODE)?.to_string();
    let open = format!("min_over_time(process_open_fds{{instance=\"{NODE}:9601\"}}[15s])");
    let few = (steady_use(scene, &open)? * 1.1).ceil();
    // As the user of the server: not everybody who may start containers may change any limit.
    let shell = scene.workspace.shell()?;
    let user = cmd!(shell, "stat --format %u /proc/{process}").quiet().read()?;
    let prlimit = move |shell: &xshell::Shell, arguments: &[&str]| -> Result<String> {
        let given = ["prlimit", "--pid", &process];
        let as_user = ["--reuid", &user, "--regid", &user, "--clear-groups"];
        Ok(cmd!(shell, "setpriv {as_user...} {given...} {arguments...}").quiet().read()?)
    };
    let before = prlimit(&shell, &["--nofile", "--noheadings", "--output", "SOFT"])?;
    prlimit(&shell, &[&format!("--nofile={few}:")])?;
    Ok(Box::new(move |scene| {
        let shell = scene.workspace.shell()?;
        prlimit(&shell, &[&format!("--nofile={}:", before.trim())])?;
        clients(scene)
    }))
}

/// The small disk is a volume that the engine mounts on the machine: see the compose file over ours.
pub(super) fn host_disk_filled(scene: &Scene<'_>) -> Result<Heal> {
    let seen =
        format!("node_filesystem_size_bytes{{mountpoint=~\"{HOST_DISK}\",fstype!=\"tmpfs\"}}");
    wait::patiently("the small disk is seen on the machine", STEP_DEADLINE, || {
        ensure!(!scene.prometheus.rows(&seen)?.is_empty(), "{seen} gives nothing");
        Ok(())
    })?;
    let file = "/host-disk/ballast";
    let fill = ["dd", "if=/dev/zero", "bs=1M", "count=15", &format!("of={file}")];
    scene.stack.exec("node-exporter", &fill)?;
    Ok(Box::new(move |scene| scene.stack.exec("node-exporter", &["rm", file]).map(drop)))
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
        "--errands",
        "1",
        "--mischief",
        "0",
        "--slow-readers",
        "0",
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
        command.args(
            ["push-cert.pem", "push-key.pem"].map(|file| scene.folder.join("tls").join(file)),
        );
        let service = Background::start(command, &scene.folder.join("push-service.log"))?;
        scene.keep_running(service);
        Ok(())
    }))
}

/// While somebody comes to one channel after another.
pub(super) fn webhooks_refused(scene: &Scene<'_>) -> Result<Heal> {
    scene.receiver().refuse_webhooks(true);
    let visitor = Visitor::start(scene.front, APP_KEY);
    Ok(Box::new(move |scene| {
        // What waits is taken.
        scene.receiver().refuse_webhooks(false);
        drop(visitor);
        Ok(())
    }))
}

/// Each refused log-in is a line of the log.
fn talk(scene: &Scene<'_>) -> Result<Heal> {
    load(scene, &["wrong-passwords", "--rate", "40", "--accounts", "50"])
}

pub(super) fn loki_stopped(scene: &Scene<'_>) -> Result<Heal> {
    scene.stack.stop("loki")?;
    let talk = talk(scene)?;
    Ok(Box::new(move |scene| {
        scene.stack.start_again("loki")?;
        talk(scene)
    }))
}

pub(super) fn log_store_gone(scene: &Scene<'_>) -> Result<Heal> {
    scene.receiver().refuse_logs(true);
    let talk = talk(scene)?;
    Ok(Box::new(move |scene| {
        scene.receiver().refuse_logs(false);
        talk(scene)
    }))
}
