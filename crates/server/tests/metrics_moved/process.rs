//! What the program tells of itself, compared with what the system tells of it.

use crate::{
    scene::{Scene, cases},
    support::{
        program::{Program, campanile},
        send, start, until,
    },
};
use campanile_metrics::testing::Probe;
use serde_json::json;
use std::{
    fs,
    net::TcpStream,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

cases! {
    the_process_is_told_as_the_system_tells_it moves [
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_virtual_memory_bytes",
        "process_start_time_seconds",
        "process_open_fds",
        "process_max_fds",
        "process_threads",
        "chat_uptime_seconds",
        "chat_memory_limit_bytes",
        "chat_cpu_limit_cores",
        "chat_allocator_allocated_bytes",
        "chat_allocator_resident_bytes",
        "chat_volume_available_bytes",
        "chat_volume_size_bytes",
        "chat_build_info",
        "chat_config_last_reload_successful",
        "chat_config_last_reload_success_timestamp_seconds",
    ] told;
    every_line_that_is_logged_is_counted moves [
        "chat_log_lines_total{level=warn|info}",
    ] logged;
    the_runtimes_are_watched moves [
        "chat_runtime_workers",
        "chat_runtime_tasks",
        "chat_runtime_worker_busy_seconds_total",
        "chat_runtime_scheduler_lag_seconds",
    ] watched;
}

fn told(scene: &Scene) {
    let home = tempfile::tempdir().expect("a directory");
    let began = now_seconds();
    let program = Program::start(&mut campanile(home.path()));
    let first = scrape(&program.metrics);
    let system = System::of(program.child.id());
    let second = scrape(&program.metrics);
    let value = |probe: &Probe, name: &str| {
        scene.note(name);
        probe.value(name, &[]).unwrap_or_else(|| panic!("{name} is there"))
    };
    // What grows lies between the two scrapes around the look at the system.
    for (name, seen) in [
        ("process_cpu_seconds_total", system.cpu_seconds),
        ("process_threads", system.threads),
        ("process_max_fds", system.files_max),
    ] {
        let (low, high) = (value(&first, name), value(&second, name));
        assert!(low <= seen && seen <= high, "{name}: {low} {seen} {high}");
    }
    for (name, seen) in [
        ("process_resident_memory_bytes", system.resident_bytes),
        ("process_virtual_memory_bytes", system.virtual_bytes),
    ] {
        let told = value(&second, name);
        assert!((told / seen - 1.0).abs() < 0.2, "{name}: {told} and {seen}");
    }
    let started = value(&second, "process_start_time_seconds");
    assert!((started - began).abs() < 30.0, "{started} and {began}");
    let loaded = value(&second, "chat_config_last_reload_success_timestamp_seconds");
    assert!((loaded - began).abs() < 30.0, "{loaded} and {began}");
    assert_eq!(value(&second, "chat_config_last_reload_successful"), 1.0);
    let memory = value(&second, "chat_memory_limit_bytes");
    assert!(0.0 < memory && memory <= system.machine_bytes, "{memory}");
    let cores = value(&second, "chat_cpu_limit_cores");
    let machine_cores = std::thread::available_parallelism().expect("known").get() as f64;
    assert!(0.0 < cores && cores <= machine_cores.max(cores.ceil()), "{cores}");
    let allocated = value(&second, "chat_allocator_allocated_bytes");
    let resident = value(&second, "chat_allocator_resident_bytes");
    assert!(1e5 < allocated && allocated <= resident, "{allocated} of {resident}");
    assert!(resident <= 2.0 * system.resident_bytes, "{resident}");
    files_and_time(scene, &program, &home);
    let labels = second.iter().find(|(name, ..)| *name == "chat_build_info");
    scene.note("chat_build_info");
    let (_, labels, _) = labels.expect("it is there");
    let version = ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    assert!(labels.contains(&version), "{labels:?}");
}

fn files_and_time(scene: &Scene, program: &Program, home: &tempfile::TempDir) {
    scene.note("process_open_fds");
    let told = || scrape(&program.metrics).sum("process_open_fds");
    let folder = format!("/proc/{}/fd", program.child.id());
    let seen = || fs::read_dir(&folder).expect("proc is mounted").count() as f64;
    // The scrape's own connection comes and goes between the two looks.
    let agree = |told: f64, seen: f64| (told - seen).abs() <= 2.0;
    until("the files are told", || agree(told(), seen()).then_some(()));
    let address = program.url.trim_start_matches("http://");
    let before = seen();
    let connections: Vec<_> =
        (0..20).map(|_| TcpStream::connect(address).expect("it listens")).collect();
    let opened = until("the connections are told", || {
        let open = seen();
        (open >= before + 18.0 && agree(told(), open)).then_some(open)
    });
    drop(connections);
    until("they are told no longer", || {
        let open = seen();
        // Meanwhile the store may have opened its file for further readers.
        (open <= opened - 10.0 && agree(told(), open)).then_some(())
    });
    scene.note("chat_uptime_seconds");
    let up = || scrape(&program.metrics).sum("chat_uptime_seconds");
    let (started, earlier) = (Instant::now(), up());
    until("time passes", || (started.elapsed() > Duration::from_millis(200)).then_some(()));
    let passed = up() - earlier;
    let really = started.elapsed().as_secs_f64();
    assert!(0.1 < passed && passed <= really + 0.1, "{passed} of {really}");
    let volume = rustix::fs::statvfs(home.path()).expect("a volume");
    let data = [("volume", "data")];
    let now = scrape(&program.metrics);
    for name in ["chat_volume_size_bytes", "chat_volume_available_bytes"] {
        scene.note(name);
    }
    let size = now.value("chat_volume_size_bytes", &data);
    assert_eq!(size, Some((volume.f_blocks * volume.f_frsize) as f64));
    let available = now.value("chat_volume_available_bytes", &data).expect("it is there");
    let seen = (volume.f_bavail * volume.f_frsize) as f64;
    assert!((available / seen - 1.0).abs() < 0.2, "{available} and {seen}");
}

fn logged(scene: &Scene) {
    scene.note("chat_log_lines_total");
    let home = tempfile::tempdir().expect("a directory");
    let program = Program::start(&mut campanile(home.path()));
    let lines = |level: &str| {
        let probe = scrape(&program.metrics);
        probe.value("chat_log_lines_total", &[("level", level)]).expect("it is there")
    };
    let (warnings, information) = (lines("warn"), lines("info"));
    let account = json!({"name": "ada", "password": "correct horse"});
    let users = format!("{}/api/v1/users", program.url);
    let post = |url: &str, body: &serde_json::Value| {
        send(crate::support::with_json(minreq::post(url), body)).status
    };
    assert_eq!(post(&users, &account), 201);
    let login = format!("{}/api/v1/login", program.url);
    let wrong = json!({"name": "ada", "password": "wrong horse"});
    assert_eq!((post(&login, &wrong), post(&login, &wrong)), (401, 401));
    assert_eq!(lines("warn") - warnings, 2.0);
    assert_eq!(lines("info") - information, 1.0);
    for level in ["warn", "info"] {
        scene.moved("chat_log_lines_total", &[("level", level)]);
    }
    let failures = std::iter::from_fn(|| program.lines.recv_timeout(Duration::from_secs(10)).ok())
        .filter(|line| line["auth_result"] == "failure")
        .take(2);
    for line in failures {
        assert_eq!((&line["level"], &line["reason"]), (&json!("warn"), &json!("bad_credentials")));
        assert!(line["message"].as_str().expect("a message").contains("authentication"));
    }
}

fn watched(scene: &Scene) {
    let server = start();
    let ada = server.user("ada");
    let workers = std::thread::available_parallelism().expect("known").get() as f64;
    // Each worker has a runtime, and one more runs what goes on beside them.
    scene.is(&server, "chat_runtime_workers", &[], workers + 1.0);
    let before = server.scrape();
    let _socket = crate::support::socket::Socket::of(&server, &ada);
    scene.rose(&server, &before, ("chat_runtime_tasks", &[]), 1.0);
    scene.note("chat_runtime_worker_busy_seconds_total");
    let busy = || server.scrape().sum("chat_runtime_worker_busy_seconds_total");
    let earlier = busy();
    until("the workers do something", || {
        server.get("/livez");
        (busy() > earlier).then_some(())
    });
    let ticks = ("chat_runtime_scheduler_lag_seconds_count", &[][..]);
    let earlier = server.scrape().value(ticks.0, ticks.1).expect("it is there");
    scene.becomes(&server, ticks, |now| now >= earlier + 3.0);
}

pub(crate) fn scrape(url: &str) -> Probe {
    let answer = send(minreq::get(url));
    assert_eq!(answer.status, 200, "{answer:?}");
    Probe::of(&answer.body)
}

/// What the system tells of a process.
struct System {
    cpu_seconds: f64,
    threads: f64,
    files_max: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    machine_bytes: f64,
}

impl System {
    fn of(process: u32) -> Self {
        let read = |path: &str| fs::read_to_string(path).expect("proc is mounted");
        let status = read(&format!("/proc/{process}/status"));
        let limits = read(&format!("/proc/{process}/limits"));
        let stat = read(&format!("/proc/{process}/stat"));
        // Behind the name, which may have spaces, the twelfth and thirteenth are ticks.
        let (_, fields) = stat.rsplit_once(')').expect("a name in brackets");
        let ticks: f64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<f64>().expect("a number"))
            .sum();
        Self {
            cpu_seconds: ticks / 100.0,
            threads: number(&status, "Threads:"),
            files_max: number(&limits, "Max open files"),
            resident_bytes: 1024.0 * number(&status, "VmRSS:"),
            virtual_bytes: 1024.0 * number(&status, "VmSize:"),
            machine_bytes: 1024.0 * number(&read("/proc/meminfo"), "MemTotal:"),
        }
    }
}

/// The first number of the line that begins so.
fn number(text: &str, start: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(start)).expect("the line is there");
    line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

#[expect(clippy::disallowed_methods, reason = "it is compared with the world's clock")]
fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}
