//! The stack under test with everything that looks at it: on a faster clock, and sending to us.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xshell::cmd;

use super::drills::is_called;
use super::faster::{self, Factor};
use super::receiver::{Receiver, WEBHOOK_PATH};
use super::routes::is_posted;
use crate::live::{LoadGenerator, Questions};
use crate::process::Background;
use crate::stack::{Options, OwnEngine, Stack, forget_targets, read, write, write_text};
use crate::workspace::Workspace;

/// How much faster than in production the clock of the rules goes.
pub(crate) const FACTOR: Factor = Factor(30);

/// The same for the error budgets, whose windows are hours and days.
pub(crate) const SLO_FACTOR: Factor = Factor(360);

/// How often targets are scraped and rules are evaluated.
const INTERVAL: &str = "1s";

/// The same for what is not ours, and dearer to ask.
const NEIGHBOURS_INTERVAL: &str = "3s";

/// For how long the servers' certificate holds while nothing is wrong with it.
pub(crate) const CERTIFICATE_DAYS: u32 = 90;

/// Where the engine mounts, on the machine, the small disk that a drill fills.
pub(crate) const HOST_DISK: &str = ".+_host-disk/_data";

/// Without a hyphen: Alloy takes the name of a service from that of its container.
pub(crate) const PROJECT: &str = "campanile_e2e";

pub(crate) struct Scene<'w> {
    pub(crate) workspace: &'w Workspace,
    pub(crate) stack: Stack,
    pub(crate) prometheus: Questions,
    pub(crate) alertmanager: SocketAddr,
    receiver: Receiver,
    load_generator: LoadGenerator,
    /// Where people come in: the balancer.
    pub(crate) front: SocketAddr,
    /// What was written for this run, and what it leaves behind.
    pub(crate) folder: PathBuf,
    /// What runs until the end.
    running: Mutex<Vec<Background>>,
    /// The container engine, when it runs for this only: it ends after the stack.
    _engine: Option<OwnEngine>,
}

impl<'w> Scene<'w> {
    /// Starts the stack with rules, scrapes and notifications on the faster clock.
    pub(crate) fn set(workspace: &'w Workspace, keep: bool) -> Result<Self> {
        let folder = workspace.folder("e2e")?;
        let mut engine = Stack::prepare(workspace)?;
        let load_generator = LoadGenerator::build(workspace)?;
        if keep && let Some(own) = engine.take() {
            own.leave();
        }
        let receiver = Receiver::start(bridge(workspace)?)?;
        write_configurations(&workspace.root, &folder, receiver.address)?;
        let options = Options {
            overrides: vec![workspace.task_file("e2e/compose.yaml")],
            environment: environment(&folder, receiver.address)?,
            // One server ships its lines to the real one, where it runs.
            where_runs: vec![("loki", LOKI_1, "http://loki:3100")],
            debug: true,
            random_ports: true,
            keep,
        };
        // What an earlier run left would be counted, and seen, as if it were of this one.
        Stack::clear(workspace, PROJECT)?;
        let stack = Stack::start(workspace, PROJECT, &options)?;
        forget(&folder, &stack)?;
        let prometheus = Questions { address: stack.address("prometheus", 9090)? };
        let alertmanager = stack.address("alertmanager", 9093)?;
        let front = stack.address("haproxy", 8080)?;
        Ok(Self {
            workspace,
            stack,
            prometheus,
            alertmanager,
            receiver,
            load_generator,
            front,
            folder,
            running: Mutex::default(),
            _engine: engine,
        })
    }

    /// When the receiver was told since then that the alert fires, or that it is over.
    pub(crate) fn received(&self, alert: &str, firing: bool, since: Instant) -> Vec<Instant> {
        let notices = self.receiver.notices();
        let matching = notices.iter().filter(|notice| {
            notice.firing == firing
                && notice.at >= since
                && is_called(alert, &notice.labels)
                && !is_posted(&notice.labels)
        });
        matching.map(|notice| notice.at).collect()
    }

    pub(crate) fn receiver(&self) -> &Receiver {
        &self.receiver
    }

    /// The load generator in the background, with its output in the run's folder.
    pub(crate) fn load(&self, name: &str, arguments: &[&str]) -> Result<Background> {
        self.load_at(self.front, name, arguments)
    }

    /// The same for another way in.
    pub(crate) fn load_at(
        &self,
        front: SocketAddr,
        name: &str,
        arguments: &[&str],
    ) -> Result<Background> {
        self.load_generator.start(front, arguments, &self.folder.join(format!("{name}.log")))
    }

    /// Gives the servers a certificate that holds for so many days; they have yet to read it.
    pub(crate) fn write_certificate(&self, days: u32) -> Result<()> {
        write_certificate(&self.folder, "", self.receiver.address.ip(), days)
    }

    /// Lets a program run until everything ends.
    pub(crate) fn keep_running(&self, program: Background) {
        self.running.lock().expect("nobody panics with it").push(program);
    }

    /// What is sent to Alertmanager's `/api/v2/…`.
    pub(crate) fn alertmanager_post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("http://{}/api/v2/{path}", self.alertmanager);
        let request = minreq::post(url).with_header("Content-Type", "application/json");
        let answer = request.with_body(body.to_string()).with_timeout(10).send()?;
        anyhow::ensure!(answer.status_code == 200, "{path}: {}", answer.as_str()?);
        Ok(serde_json::from_str(answer.as_str()?).unwrap_or_default())
    }
}

/// The variables of the compose file that lies over ours: the run's folder, what takes logs in the
/// place of Loki, the host as containers know it, and what takes webhooks.
pub(crate) const VARIABLES: [&str; 5] =
    ["CAMPANILE_E2E", "CAMPANILE_E2E_LOKI", LOKI_1, "CAMPANILE_E2E_HOST", "CAMPANILE_E2E_WEBHOOKS"];

/// The server that ships its lines to the Loki of the stack.
const SHIPS: &str = "campanile-1";

/// Where it ships them.
const LOKI_1: &str = "CAMPANILE_E2E_LOKI_1";

fn environment(folder: &Path, receiver: SocketAddr) -> Result<Vec<(String, String)>> {
    let values = [
        folder.to_str().context("the folder has an odd name")?.to_owned(),
        format!("http://{receiver}"),
        format!("http://{receiver}"),
        receiver.ip().to_string(),
        format!("http://{receiver}{WEBHOOK_PATH}"),
    ];
    Ok(VARIABLES.map(str::to_owned).into_iter().zip(values).collect())
}

/// The address of this machine that containers reach: the gateway of the engine's bridge, which is
/// the first address of its network unless it says otherwise.
fn bridge(workspace: &Workspace) -> Result<IpAddr> {
    let shell = workspace.shell()?;
    let format = "{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}";
    let answer = cmd!(shell, "docker network inspect bridge --format {format}").quiet().read()?;
    let (address, is_network) = match answer.trim().split_once('/') {
        Some((network, _)) => (network, 1),
        None => (answer.trim(), 0),
    };
    let address: Ipv4Addr =
        address.parse().with_context(|| format!("`{answer}` is no address of the bridge"))?;
    Ok(Ipv4Addr::from(u32::from(address) + is_network).into())
}

/// Copies of the configurations of Prometheus and Alertmanager: the same but for the clock, and
/// for where notifications go.
fn write_configurations(root: &Path, folder: &Path, receiver: SocketAddr) -> Result<()> {
    let prometheus = read(&root.join("deploy/prometheus/prometheus.yml"))?;
    write(&folder.join("prometheus/prometheus.yml"), &hurried_prometheus(prometheus))?;
    for of in ["", "push-"] {
        write_certificate(folder, of, receiver.ip(), CERTIFICATE_DAYS)?;
    }
    let haproxy = fs::read_to_string(root.join("deploy/haproxy.cfg"))?;
    // The servers speak TLS here, so that their certificate can be seen to expire.
    let haproxy = haproxy.replace("init-addr", "ssl verify none init-addr");
    // Little lies on the way to a client that does not read, so that its server soon knows.
    let small = "global\n    tune.rcvbuf.server 65536\n    tune.sndbuf.client 65536\n";
    let haproxy = haproxy.replacen("global\n", small, 1);
    write_text(&folder.join("haproxy.cfg"), &haproxy)?;
    let alertmanager = read(&root.join("deploy/alertmanager/alertmanager.yml"))?;
    write(&folder.join("alertmanager/alertmanager.yml"), &to_us(alertmanager, receiver)?)?;
    let rules = folder.join("rules");
    // A rule that is gone from the repository is gone from here.
    if rules.exists() {
        fs::remove_dir_all(&rules)?;
    }
    let loki = read(&root.join("deploy/loki/loki.yaml"))?;
    write(&folder.join("loki/loki.yaml"), &hurried_loki(loki))?;
    let alloy = fs::read_to_string(root.join("deploy/alloy/config.alloy"))?;
    write_text(&folder.join("alloy/config.alloy"), &without_shipped(&alloy)?)?;
    let log_rules = folder.join("loki-rules");
    if log_rules.exists() {
        fs::remove_dir_all(&log_rules)?;
    }
    for entry in fs::read_dir(root.join("alerts/loki")).context("there are no rules on logs")? {
        let path = entry?.path();
        let fast = faster::log_rules(&fs::read_to_string(&path)?, FACTOR)
            .with_context(|| format!("cannot make {} faster", path.display()))?;
        let name = path.file_name().context("a file has a name")?;
        write_text(&log_rules.join(name), &fast)?;
    }
    for (sub, profile) in [("alerts", false), ("alerts/profiles", true)] {
        for entry in fs::read_dir(root.join(sub)).with_context(|| format!("there are no {sub}"))? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let stem = path.file_stem().and_then(|stem| stem.to_str()).context("an odd name")?;
            let text = fs::read_to_string(&path)?;
            let factor = if stem == "slo" { SLO_FACTOR } else { FACTOR };
            let fast = faster::rules(&text, profile.then_some(stem), factor)
                .with_context(|| format!("cannot make {} faster", path.display()))?;
            let name =
                if profile { format!("profile-{stem}.yaml") } else { format!("{stem}.yaml") };
            write_text(&rules.join(name), &fast)?;
        }
    }
    Ok(())
}

/// A certificate `of` the servers, or of a push service on the host, that holds for so many days.
fn write_certificate(folder: &Path, of: &str, host: IpAddr, days: u32) -> Result<()> {
    let folder = folder.join("tls");
    fs::create_dir_all(&folder)?;
    let shell = xshell::Shell::new()?;
    shell.change_dir(&folder);
    let (key, certificate) = (format!("{of}key.pem"), format!("{of}cert.pem"));
    let days = days.to_string();
    let names = "DNS:localhost,DNS:campanile-1,DNS:campanile-2,IP:127.0.0.1";
    let names = format!("subjectAltName={names},IP:{host}");
    cmd!(
        shell,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days {days}
            -subj /CN=campanile -addext {names} -addext basicConstraints=critical,CA:FALSE
            -keyout {key} -out {certificate}"
    )
    .quiet()
    .ignore_stderr()
    .run()
    .context("openssl makes no certificate")?;
    // The servers read it as somebody else.
    fs::set_permissions(folder.join(key), fs::Permissions::from_mode(0o644))?;
    Ok(())
}

/// What has no image here is no target either: it would be missed all the time.
fn forget(folder: &Path, stack: &Stack) -> Result<()> {
    forget_targets(folder, stack.left_out())?;
    stack.signal("prometheus", "HUP")
}

fn hurried_prometheus(mut configuration: Value) -> Value {
    configuration["global"]["scrape_interval"] = INTERVAL.into();
    configuration["global"]["scrape_timeout"] = INTERVAL.into();
    configuration["global"]["evaluation_interval"] = INTERVAL.into();
    let receivers = configuration["alerting"]["alertmanagers"].as_array_mut();
    for receiver in receivers.into_iter().flatten() {
        receiver["timeout"] = INTERVAL.into();
    }
    for job in configuration["scrape_configs"].as_array_mut().into_iter().flatten() {
        if job["job_name"] == "node" {
            // A disk of memory does not count as one of a host, and no other is at hand everywhere.
            job["metric_relabel_configs"] = json!([{
                "source_labels": ["mountpoint", "fstype"], "regex": format!("{HOST_DISK};tmpfs"),
                "target_label": "fstype", "replacement": "ext4",
            }]);
        }
        let is_chat = job["job_name"] == "chat";
        if let Some(job) = job.as_object_mut().filter(|_| !is_chat) {
            job.insert("scrape_interval".to_owned(), NEIGHBOURS_INTERVAL.into());
        }
    }
    configuration
}

/// The same Loki, whose ruler looks as often as Prometheus does, and which keeps lines for a day and
/// deletes at once what is older.
fn hurried_loki(mut configuration: Value) -> Value {
    configuration["ruler"]["evaluation_interval"] = INTERVAL.into();
    configuration["ruler"]["poll_interval"] = NEIGHBOURS_INTERVAL.into();
    configuration["limits_config"]["retention_period"] = "24h".into();
    configuration["compactor"]["compaction_interval"] = "5s".into();
    configuration["compactor"]["retention_delete_delay"] = "1s".into();
    configuration["storage_config"]["tsdb_shipper"] = json!({"resync_interval": "5s"});
    // What is old is asked for where it is as long as it was not written, which it is at the end.
    configuration["querier"] = json!({"query_ingesters_within": "0s"});
    configuration["ingester"] = json!({"wal": {"enabled": false}});
    configuration
}

/// The same Alloy, which leaves out the lines of the server that ships them to the same Loki: each
/// would be there twice, and alerts on logs would ring at half the rate of what they are about.
fn without_shipped(configuration: &str) -> Result<String> {
    const BEFORE: &str = "  stage.output {\n";
    let (head, tail) = configuration
        .split_once(BEFORE)
        .context("the configuration of Alloy has no line to forward")?;
    let drop = format!(
        "  stage.match {{\n    selector = \"{{service=\\\"{SHIPS}\\\"}}\"\n    action   = \"drop\"\n  }}\n\n"
    );
    Ok(format!("{head}{drop}{BEFORE}{tail}"))
}

/// Every receiver keeps its name and its routes, and sends to us under that name.
fn to_us(mut configuration: Value, receiver: SocketAddr) -> Result<Value> {
    if let Some(global) = configuration["global"].as_object_mut() {
        global.retain(|key, _| key == "resolve_timeout");
    }
    for target in configuration["receivers"].as_array_mut().context("there are no receivers")? {
        let name = target["name"].as_str().context("a receiver has a name")?.to_owned();
        let url = format!("http://{receiver}/{name}");
        *target = json!({"name": name, "webhook_configs": [{"url": url, "send_resolved": true}]});
    }
    configuration.as_object_mut().context("a configuration is a map")?.remove("templates");
    hurry_route(&mut configuration["route"]);
    Ok(configuration)
}

fn hurry_route(route: &mut Value) {
    let Some(map) = route.as_object_mut() else { return };
    for (key, fast) in [("group_wait", "1s"), ("group_interval", "1s"), ("repeat_interval", "5m")] {
        if map.contains_key(key) {
            map.insert(key.to_owned(), fast.into());
        }
    }
    for route in route["routes"].as_array_mut().into_iter().flatten() {
        hurry_route(route);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_small_disk_of_the_drill_looks_like_another() {
        let jobs = json!([{"job_name": "chat"}, {"job_name": "node"}]);
        let alertmanagers = json!({"alertmanagers": [{}]});
        let shipped = json!({"global": {}, "alerting": alertmanagers, "scrape_configs": jobs});
        let hurried = hurried_prometheus(shipped);
        assert!(hurried["scrape_configs"][0]["metric_relabel_configs"].is_null());
        let relabel = &hurried["scrape_configs"][1]["metric_relabel_configs"][0];
        assert_eq!(
            (&relabel["target_label"], &relabel["replacement"]),
            (&json!("fstype"), &json!("ext4"))
        );
        assert_eq!(relabel["regex"], ".+_host-disk/_data;tmpfs");
    }

    #[test]
    fn alloy_leaves_out_who_ships_and_nobody_else() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a repository");
        let text = |path: &str| fs::read_to_string(root.join(path)).expect("it is there");
        let shipped = text("deploy/alloy/config.alloy");
        let ours = without_shipped(&shipped).expect("it has the place");
        let drop = "  stage.match {\n    selector = \"{service=\\\"campanile-1\\\"}\"\n    action   = \"drop\"\n  }\n\n";
        assert_eq!(ours.replacen(drop, "", 1), shipped, "nothing else differs");
        let at = |part: &str| ours.find(part).expect("it is there");
        // The label is there by then, and nothing was forwarded.
        assert!(
            at("values = {service = \"\"}") < at(drop) && at(drop) < at("forward_to = [loki.write")
        );
        assert!(without_shipped("").is_err());

        let overlay = text("xtask/e2e/compose.yaml");
        let own = overlay.split(&format!("  {SHIPS}:\n")).nth(1).expect("it is there");
        let own = own.split("\n\n").next().unwrap_or_default();
        assert!(own.contains(LOKI_1), "it is the one that ships");
        assert_eq!(overlay.matches("${CAMPANILE_E2E_LOKI_1}").count(), 1, "the only one");
        assert!(overlay.contains("/alloy:/etc/alloy:ro"));
    }

    #[test]
    fn routes_stay_and_receivers_become_ours() {
        let configuration = json!({
            "global": {"smtp_from": "a@example.org", "resolve_timeout": "5m"},
            "route": {"receiver": "mail", "group_wait": "30s", "routes": [
                {"matchers": ["severity=critical"], "receiver": "page", "group_interval": "5m"}]},
            "receivers": [{"name": "mail", "email_configs": [{"to": "b@example.org"}]},
                {"name": "page"}],
        });
        let ours = to_us(configuration, "172.17.0.1:9".parse().expect("it is an address"))
            .expect("it is whole");
        assert_eq!(ours["global"], json!({"resolve_timeout": "5m"}));
        assert_eq!(ours["route"]["routes"][0]["receiver"], "page");
        assert_eq!(ours["route"]["routes"][0]["group_interval"], "1s");
        assert_eq!(ours["receivers"][1]["webhook_configs"][0]["url"], "http://172.17.0.1:9/page");
    }
}
