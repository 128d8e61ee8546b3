//! The drills: each fault as it happens to operators, and the alerts that it sets off.

use std::fs;
use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use super::Drill;
use super::hurts::{
    crash_loop, few_files, host_disk_filled, little_cpu, little_memory, load, log_store_gone,
    loki_stopped, new_certificate, node_stutters, push_service_gone, redis_full, requests,
    servers_forgotten, slow_readers, store_stutters, table_locked, webhooks_refused,
};
use crate::wait;

/// The server that is hurt where one is enough.
pub(crate) const NODE: &str = "campanile-2";

pub(super) const STEP_DEADLINE: Duration = Duration::from_secs(60);

/// Alerts that cannot be drilled here, and why.
pub(crate) const NOT_DRILLED: &[(&str, &str)] = &[
    (
        "ChatMetricsSeriesNearBudget",
        "with more applications than have labels a server shows 89 % of its series, and nothing else \
         that people do makes more",
    ),
    ("Watchdog", "it always rings: the routes are seen with it"),
];

/// The alerts of Loki's ruler, each with the drill that sets it off where Loki runs.
pub(crate) const ON_LOGS: &[(&str, &str)] = &[
    ("ChatErrorsLogged", "postgres-stopped"),
    ("ChatSlowStatementsLogged", "store-slow"),
    ("ChatAuthFailuresLogged", "wrong-passwords"),
    ("ChatRateLimitHitsLogged", "flood"),
];

/// Drills that hurt a service which not everybody has.
pub(crate) const NEEDS: &[(&str, &str)] = &[("loki-stopped", "loki")];

// In an order in which what one leaves ringing for a while does not ring in the next.
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
            "ChatDeliveryErrorBudgetBurn:critical",
            "ChatDeliveryErrorBudgetBurn:warning",
            "ChatApiErrorBudgetBurn:critical",
            "ChatApiErrorBudgetBurn:warning",
        ],
        hurt: |scene| {
            scene.stack.stop("postgres")?;
            let requests = requests(scene, "10")?;
            Ok(Box::new(move |scene| {
                scene.stack.start_again("postgres")?;
                drop(requests);
                Ok(())
            }))
        },
    },
    Drill {
        name: "servers-forgotten",
        fault: "the servers are no longer among the targets",
        alerts: &["ChatServerAbsent"],
        hurt: servers_forgotten,
    },
    Drill {
        name: "node-stutters",
        fault: "a server hangs for some seconds, again and again",
        alerts: &["ChatSchedulerLagHigh"],
        hurt: node_stutters,
    },
    Drill {
        name: "crash-loop",
        fault: "a server is killed again and again, and starts again",
        alerts: &["ChatServerCrashLooping"],
        hurt: crash_loop,
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
        name: "redis-stopped",
        fault: "Redis is stopped",
        alerts: &["ChatBrokerDown", "ChatCacheDown"],
        hurt: |scene| {
            scene.stack.stop("redis")?;
            Ok(Box::new(|scene| scene.stack.start_again("redis")))
        },
    },
    Drill {
        name: "store-slow",
        fault: "PostgreSQL hangs for more than a second, again and again, as on a bad disk",
        alerts: &[
            "ChatDeliveryLatencyHigh",
            "messenger/HighMessageLatency:warning",
            "ChatLatencyErrorBudgetBurn:critical",
            "ChatLatencyErrorBudgetBurn:warning",
        ],
        hurt: |scene| store_stutters(scene, 1.5),
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
        hurt: slow_readers,
    },
    Drill {
        name: "store-very-slow",
        fault: "PostgreSQL hangs for more than two seconds, again and again",
        // It mutes those of the one above.
        alerts: &["ChatDeliveryLatencyVeryHigh", "messenger/HighMessageLatency:critical"],
        hurt: |scene| store_stutters(scene, 2.7),
    },
    Drill {
        name: "flood",
        fault: "a client asks faster than it may",
        alerts: &["ChatRateLimitRejectionsHigh"],
        hurt: |scene| load(scene, &["flood", "--rate", "200", "--what", "messages"]),
    },
    Drill {
        name: "many-connections",
        fault: "more clients connect than the servers take",
        alerts: &[
            "ChatConnectionsNearLimit",
            "sockudo/SockudoHighConnections",
            "websocket/TooManyWebSocketConnections",
            "chatsdk/HighWebSocketConnections",
            "ChatConnectErrorBudgetBurn:critical",
            "ChatConnectErrorBudgetBurn:warning",
        ],
        // More than both take together: some are turned away.
        hurt: |scene| load(scene, &["connections", "--count", "400", "--rate", "20"]),
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
        fault: "a server may use a little less CPU than it does",
        alerts: &["ChatCpuHigh", "chatsdk/HighCPUUsage", "messenger/HighCPUUsage"],
        hurt: little_cpu,
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
            // What else lies there may leave less room: then it is filled to the brim.
            let fill = format!("dd if=/dev/zero bs=1M count=15 of={file} || test -s {file}");
            scene.stack.exec(NODE, &["sh", "-c", &fill])?;
            Ok(Box::new(move |scene| scene.stack.exec(NODE, &["rm", file]).map(drop)))
        },
    },
    Drill {
        name: "host-disk-filled",
        fault: "a small disk of the machine is filled",
        alerts: &["HostDiskFilling"],
        hurt: host_disk_filled,
    },
    Drill {
        name: "certificate-expiring",
        fault: "the certificate ends in ten days",
        alerts: &["ChatCertificateExpiring"],
        hurt: |scene| {
            scene.write_certificate(10)?;
            scene.stack.signal(NODE, "HUP")?;
            Ok(Box::new(new_certificate))
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
            Ok(Box::new(new_certificate))
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
            // Of five that are claimed, three are not there.
            let few = ["--errands", "4", "--prekeys", "2"];
            let quiet = ["--mischief", "0", "--slow-readers", "0"];
            let people = ["steady", "--users", "6", "--rate", "6"];
            load(scene, &[&people[..], &few, &quiet].concat())
        },
    },
    Drill {
        name: "push-service-gone",
        fault: "the push service of a browser refuses connections",
        alerts: &["ChatNotificationFailuresHigh", "ChatQueueStale", "sockudo/SockudoQueueBacklog"],
        hurt: push_service_gone,
    },
    Drill {
        name: "webhooks-refused",
        fault: "the receiver of an application's webhooks refuses them",
        alerts: &["ChatWebhookFailuresHigh"],
        hurt: webhooks_refused,
    },
    Drill {
        name: "log-store-gone",
        fault: "Loki refuses logs, while much is logged",
        alerts: &["ChatLogShipperStalled", "ChatLogEntriesDropped"],
        hurt: log_store_gone,
    },
    Drill {
        name: "loki-stopped",
        fault: "Loki is stopped, while much is logged",
        alerts: &["ChatLogShipperStalled", "ChatLogEntriesDropped"],
        hurt: loki_stopped,
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
