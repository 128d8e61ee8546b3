//! The faults, each as it happens to operators, and the alerts that it sets off.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use xshell::cmd;

use super::super::scene::{CERTIFICATE_DAYS, Scene};
use super::{Drill, Heal};
use crate::process::Background;
use crate::wait;

const NODE: &str = "campanile-2";

/// How long a load lasts that is not ended before; no drill is longer.
const LOAD_MAX: &str = "5m";

const STEP_DEADLINE: Duration = Duration::from_secs(60);

/// Alerts that cannot be drilled here, and why.
pub(crate) const NOT_DRILLED: &[(&str, &str)] = &[
    (
        "ChatMetricsSeriesNearBudget",
        "the labels of a server with one application are closed: no use of it makes more series",
    ),
    ("HostDiskFilling", "it would fill the disk of the machine that the tests run on"),
    ("Watchdog", "it always rings: the routes are seen with it"),
];

pub(crate) const DRILLS: &[Drill] = &[
    Drill {
        name: "server-killed",
        fault: "one of two servers is killed",
        alerts: &[
            "ChatServerDown",
            "ChatClusterNodesMissing",
            "prosody/ProsodyDown",
            "sockudo/SockudoInstanceDown",
            "websocket/WebSocketMetricsDown",
            "chatsdk/APIServiceDown",
        ],
        hurt: |scene| {
            scene.stack.kill(NODE)?;
            Ok(Box::new(|scene| scene.stack.start_again(NODE)))
        },
    },
    Drill {
        name: "servers-forgotten",
        fault: "the servers are no longer among the targets",
        alerts: &["ChatServerAbsent"],
        hurt: servers_forgotten,
    },
    Drill {
        name: "crash-loop",
        fault: "a server is killed again and again, and starts again",
        alerts: &["ChatServerCrashLooping"],
        hurt: |scene| {
            for _ in 0..3 {
                scene.stack.kill(NODE)?;
                scene.stack.start_again(NODE)?;
            }
            Ok(Box::new(|_| Ok(())))
        },
    },
    Drill {
        name: "servers-frozen",
        fault: "both servers hang",
        alerts: &["BalancerWithoutServers"],
        hurt: |scene| {
            scene.stack.pause("campanile-1")?;
            scene.stack.pause(NODE)?;
            Ok(Box::new(|scene| {
                scene.stack.resume("campanile-1")?;
                scene.stack.resume(NODE)
            }))
        },
    },
    Drill {
        name: "node-stutters",
        fault: "a server hangs for some seconds, again and again",
        alerts: &[
            "ChatDeliveryLatencyHigh",
            "ChatDeliveryLatencyVeryHigh",
            "ChatSchedulerLagHigh",
            "messenger/HighMessageLatency",
        ],
        hurt: node_stutters,
    },
    Drill {
        name: "postgres-stopped",
        fault: "PostgreSQL is stopped",
        alerts: &[
            "ChatStorageDown",
            "ChatStorageErrorRatioHigh",
            "ChatHttpErrorRatioHigh",
            "prosody/ProsodyStorageErrors",
            "sockudo/SockudoHighErrorRate",
            "chatsdk/HighErrorRate",
            "messenger/HighErrorRate",
            "messenger/DatabaseConnectionIssues",
        ],
        hurt: |scene| {
            scene.stack.stop("postgres")?;
            let requests = requests(scene)?;
            Ok(Box::new(move |scene| {
                scene.stack.start_again("postgres")?;
                drop(requests);
                Ok(())
            }))
        },
    },
    Drill {
        name: "table-locked",
        fault: "a table of PostgreSQL is locked, and every connection of the pool waits for it",
        alerts: &[
            "ChatStoragePoolExhausted",
            "ChatHttpLatencyHigh",
            "prosody/ProsodyHighLatency",
            "sockudo/SockudoHighLatency",
            "chatsdk/HighResponseTime",
            "chatsdk/DatabasePoolExhausted",
        ],
        hurt: table_locked,
    },
    Drill {
        name: "redis-stopped",
        fault: "Redis is stopped",
        alerts: &["ChatBrokerDown", "ChatCacheDown"],
        hurt: |scene| {
            scene.stack.stop("redis")?;
            Ok(Box::new(|scene| scene.stack.start_again("redis")))
        },
    },
    Drill {
        name: "redis-full",
        fault: "Redis has hardly any memory left",
        alerts: &["ChatCacheMemoryHigh", "chatsdk/RedisMemoryFull"],
        hurt: redis_full,
    },
    Drill {
        name: "wrong-passwords",
        fault: "somebody tries passwords",
        alerts: &[
            "ChatAuthFailuresHigh",
            "prosody/ProsodyAuthFailures",
            "messenger/AuthenticationFailures",
        ],
        hurt: |scene| load(scene, &["wrong-passwords", "--rate", "20", "--accounts", "50"]),
    },
    Drill {
        name: "slow-readers",
        fault: "clients stop reading what they are sent",
        alerts: &["ChatSlowConsumers", "ChatMessagesDropped"],
        hurt: |scene| load(scene, &["slow-reader", "--count", "8", "--pause", "1"]),
    },
    Drill {
        name: "flood",
        fault: "a client asks faster than it may",
        alerts: &["ChatRateLimitRejectionsHigh"],
        hurt: |scene| load(scene, &["flood", "--rate", "200", "--what", "messages"]),
    },
    Drill {
        name: "many-connections",
        fault: "the servers take as many connections as they may",
        alerts: &[
            "ChatConnectionsNearLimit",
            "sockudo/SockudoHighConnections",
            "websocket/TooManyWebSocketConnections",
            "chatsdk/HighWebSocketConnections",
        ],
        hurt: |scene| load(scene, &["connections", "--count", "220", "--rate", "20"]),
    },
    Drill {
        name: "balancer-stopped",
        fault: "the balancer is stopped, and every client is cut off",
        alerts: &[
            "ChatConnectionsCollapsed",
            "MonitoringTargetDown",
            "websocket/NoWebSocketConnections",
        ],
        hurt: |scene| {
            scene.stack.stop("haproxy")?;
            Ok(Box::new(|scene| scene.stack.start_again("haproxy")))
        },
    },
    Drill {
        name: "little-memory",
        fault: "a server may use hardly more memory than it does",
        alerts: &[
            "ChatMemoryHigh",
            "prosody/ProsodyHighMemory",
            "chatsdk/HighMemoryUsage",
            "messenger/HighMemoryUsage",
        ],
        hurt: little_memory,
    },
    Drill {
        name: "little-cpu",
        fault: "a server may use hardly any CPU",
        alerts: &["ChatCpuHigh", "chatsdk/HighCPUUsage", "messenger/HighCPUUsage"],
        hurt: |scene| {
            scene.stack.limit(NODE, &["--cpus", "0.1"])?;
            Ok(Box::new(|scene| scene.stack.limit(NODE, &["--cpus", "2"])))
        },
    },
    Drill {
        name: "few-files",
        fault: "a server may open hardly more files than it has open",
        alerts: &["ChatFileDescriptorsLow"],
        hurt: few_files,
    },
    Drill {
        name: "disk-filled",
        fault: "the volume of a server is filled",
        alerts: &["ChatVolumeFilling", "chatsdk/DiskUsageHigh"],
        hurt: |scene| {
            let file = "/var/lib/campanile/ballast";
            scene
                .stack
                .exec(NODE, &["dd", "if=/dev/zero", "bs=1M", "count=15", &format!("of={file}")])?;
            Ok(Box::new(move |scene| scene.stack.exec(NODE, &["rm", file]).map(drop)))
        },
    },
    Drill {
        name: "certificate-expiring",
        fault: "the certificate ends in ten days",
        alerts: &["ChatCertificateExpiring"],
        hurt: |scene| {
            scene.write_certificate(10)?;
            scene.stack.signal(NODE, "HUP")?;
            Ok(Box::new(|scene| {
                scene.write_certificate(CERTIFICATE_DAYS)?;
                scene.stack.signal(NODE, "HUP")
            }))
        },
    },
    Drill {
        name: "broken-certificate",
        fault: "a server is told to read a certificate that is none",
        alerts: &["ChatConfigReloadFailed"],
        hurt: |scene| {
            // In place: the container sees the file, not its name.
            fs::write(scene.folder.join("tls/cert.pem"), "no certificate\n")?;
            scene.stack.signal(NODE, "HUP")?;
            Ok(Box::new(|scene| {
                scene.write_certificate(CERTIFICATE_DAYS)?;
                scene.stack.signal(NODE, "HUP")
            }))
        },
    },
    Drill {
        name: "stranger-scrapes",
        fault: "somebody without the token scrapes",
        alerts: &["ChatMetricsScrapesDenied"],
        hurt: |scene| {
            let ask = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do \
                       wget -q -O /dev/null http://campanile-2:9601/metrics; sleep 0.2; done; true";
            scene.stack.exec("prometheus", &["sh", "-c", ask])?;
            Ok(Box::new(|_| Ok(())))
        },
    },
    Drill {
        name: "prekeys-exhausted",
        fault: "bundles are handed out for which there is no one-time key",
        alerts: &["ChatPrekeysExhausted"],
        hurt: |scene| {
            // Each of its errands claims one key more than there are.
            load(
                scene,
                &["steady", "--users", "6", "--rate", "6", "--errands", "4", "--mischief", "0"],
            )
        },
    },
    Drill {
        name: "push-service-gone",
        fault: "the push service of a browser refuses connections",
        alerts: &["ChatNotificationFailuresHigh", "ChatQueueStale", "sockudo/SockudoQueueBacklog"],
        hurt: push_service_gone,
    },
    Drill {
        name: "rule-broken",
        fault: "a rule is loaded that cannot be evaluated",
        alerts: &["PrometheusRulesFailing"],
        hurt: |scene| {
            let rule = json!({"groups": [{"name": "broken", "rules": [
                {"record": "broken", "expr": "up * on () up"}]}]});
            fs::write(scene.folder.join("rules/broken.yaml"), rule.to_string())?;
            scene.stack.signal("prometheus", "HUP")?;
            Ok(Box::new(|scene| {
                fs::remove_file(scene.folder.join("rules/broken.yaml"))?;
                scene.stack.signal("prometheus", "HUP")
            }))
        },
    },
    Drill {
        name: "alertmanager-frozen",
        fault: "Alertmanager hangs for a while",
        alerts: &["PrometheusCannotNotify"],
        hurt: |scene| {
            scene.stack.pause("alertmanager")?;
            let rings = wait::patiently("Prometheus sees it", STEP_DEADLINE, || {
                let query = "ALERTS{alertname=\"PrometheusCannotNotify\",alertstate=\"firing\"}";
                ensure!(!scene.prometheus.rows(query)?.is_empty(), "it does not");
                Ok(())
            });
            // What nobody can be told is told as soon as somebody listens.
            scene.stack.resume("alertmanager")?;
            rings?;
            Ok(Box::new(|_| Ok(())))
        },
    },
    Drill {
        name: "receiver-refuses",
        fault: "a receiver of Alertmanager takes nothing",
        alerts: &["AlertmanagerCannotNotify"],
        hurt: |scene| {
            scene.receiver().refuse(Some("mail"));
            let info = json!([{"labels": {"alertname": "DrillMail", "severity": "info"}}]);
            scene.alertmanager_post("alerts", &info)?;
            Ok(Box::new(|scene| {
                scene.receiver().refuse(None);
                Ok(())
            }))
        },
    },
];

/// A load that is ended by the healing.
fn load(scene: &Scene<'_>, arguments: &[&str]) -> Result<Heal> {
    let mut all = arguments.to_vec();
    all.extend(["--duration", LOAD_MAX]);
    let load = scene.load(arguments[0], &all)?;
    Ok(Box::new(move |_| {
        drop(load);
        Ok(())
    }))
}

/// Requests that need the store.
fn requests(scene: &Scene<'_>) -> Result<Background> {
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

fn servers_forgotten(scene: &Scene<'_>) -> Result<Heal> {
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
fn node_stutters(scene: &Scene<'_>) -> Result<Heal> {
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

fn table_locked(scene: &Scene<'_>) -> Result<Heal> {
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

fn redis_full(scene: &Scene<'_>) -> Result<Heal> {
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

fn little_memory(scene: &Scene<'_>) -> Result<Heal> {
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

fn few_files(scene: &Scene<'_>) -> Result<Heal> {
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

fn push_service_gone(scene: &Scene<'_>) -> Result<Heal> {
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
