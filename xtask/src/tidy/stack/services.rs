//! What each service may do, what it may use, and how it is asked after.

use std::net::IpAddr;

use super::super::finding::Finding;
use super::compose::{Compose, Healthcheck, Logging, STANDIN, Service, usual};

/// Services that run as root, and why.
const ROOT: &[(&str, &str)] = &[
    ("alloy", "the files of the engine that it reads belong to root"),
    ("cadvisor", "the folders of the engine that it reads belong to root"),
];

/// All that root may still do.
const ROOT_MAY: &str = "DAC_READ_SEARCH";

/// Alloy reads the files that this driver writes, and takes the service from the tag.
const LOG_DRIVER: &str = "json-file";
const LOG_TAG: (&str, &str) = ("tag", "{{.Name}}");

/// What is wrong with a key.
pub(super) type Wrong = Vec<(&'static str, String)>;

pub(super) fn check(compose: &Compose) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, service) in &compose.file.services {
        let wrong = wrong(name, service);
        findings.extend(wrong.iter().map(|(key, what)| compose.wrong(name, key, what)));
    }
    let unknown = compose.standins.keys().filter(|name| !compose.file.services.contains_key(*name));
    findings.extend(unknown.map(|name| {
        Finding::about(STANDIN, format!("`services.{name}` stands in for no service"))
    }));
    findings
}

/// What is wrong with a service by itself.
pub(super) fn wrong(name: &str, service: &Service) -> Wrong {
    let mut wrong = image(name, service);
    wrong.extend(rights(name, service));
    wrong.extend(limits(service));
    wrong.extend(health(service.healthcheck.as_ref()));
    wrong.extend(logging(service.logging.as_ref()));
    wrong.extend(ports(service));
    wrong
}

fn image(name: &str, service: &Service) -> Wrong {
    let mut wrong = Vec::new();
    let image = usual(&service.image);
    let tag = image.rsplit('/').next().and_then(|last| last.split_once(':'));
    let is_pinned = tag.is_some_and(|(_, tag)| tag.contains(|letter: char| letter.is_numeric()));
    // What is built here is of today.
    if !is_pinned && service.build.is_none() {
        wrong.push(("image", format!("is not pinned: `{image}`")));
    }
    let of = if service.build.is_some() { "campanile" } else { name };
    let variable = format!("CAMPANILE_IMAGE_{}", of.to_uppercase().replace('-', "_"));
    if !service.image.starts_with(&format!("${{{variable}:-")) {
        wrong.push(("image", format!("cannot be replaced by {variable}: `{}`", service.image)));
    }
    wrong
}

fn rights(name: &str, service: &Service) -> Wrong {
    let mut wrong = Vec::new();
    let ids = service.user.split_once(':').map(|(user, group)| (user.parse(), group.parse()));
    let is_root = match ids {
        Some((Ok(0), _)) | Some((_, Ok(0))) => true,
        Some((Ok::<u32, _>(_), Ok::<u32, _>(_))) => false,
        _ => {
            wrong.push(("user", format!("is no number with a group: `{}`", service.user)));
            false
        }
    };
    if is_root && !ROOT.iter().any(|(root, _)| *root == name) {
        wrong.push(("user", "is root, and no reason is known".to_owned()));
    }
    if !service.read_only {
        wrong.push(("read_only", "is not set: the root file system can be written".to_owned()));
    }
    if service.cap_drop != ["ALL"] {
        wrong.push(("cap_drop", "leaves capabilities: it is not [ALL]".to_owned()));
    }
    let more = service.cap_add.iter().filter(|added| !is_root || *added != ROOT_MAY);
    wrong.extend(more.map(|added| ("cap_add", format!("gives {added}"))));
    if !service.security_opt.iter().any(|option| option == "no-new-privileges:true") {
        wrong.push(("security_opt", "has not `no-new-privileges:true`".to_owned()));
    }
    if service.restart != "unless-stopped" {
        wrong.push(("restart", format!("is `{}`, not `unless-stopped`", service.restart)));
    }
    wrong
}

fn limits(service: &Service) -> Wrong {
    let limits = [
        ("mem_limit", service.mem_limit.is_some()),
        ("cpus", service.cpus.is_some_and(|cpus| cpus > 0.0)),
        ("pids_limit", service.pids_limit.is_some_and(|limit| limit > 0)),
    ];
    let missing = limits.into_iter().filter(|(_, is_set)| !is_set);
    missing.map(|(key, _)| (key, "is not set: it has no limit".to_owned())).collect()
}

fn health(check: Option<&Healthcheck>) -> Wrong {
    let Some(check) = check else {
        return vec![("healthcheck", "is missing".to_owned())];
    };
    let mut wrong = Vec::new();
    if !matches!(check.test.as_slice(), [how, _, ..] if how == "CMD" || how == "CMD-SHELL") {
        wrong.push(("healthcheck.test", format!("runs nothing: {:?}", check.test)));
    }
    let times = [
        ("healthcheck.interval", check.interval.is_some()),
        ("healthcheck.timeout", check.timeout.is_some()),
        ("healthcheck.retries", check.retries.is_some_and(|retries| retries > 0)),
        ("healthcheck.start_period", check.start_period.is_some()),
    ];
    let missing = times.into_iter().filter(|(_, is_set)| !is_set);
    wrong.extend(missing.map(|(key, _)| (key, "is not set".to_owned())));
    wrong
}

fn logging(logging: Option<&Logging>) -> Wrong {
    let Some(logging) = logging else {
        return vec![("logging", "is missing: the log of the container grows for ever".to_owned())];
    };
    let mut wrong = Vec::new();
    if logging.driver != LOG_DRIVER {
        wrong.push(("logging.driver", format!("is `{}`, not `{LOG_DRIVER}`", logging.driver)));
    }
    for option in ["max-size", "max-file"] {
        if !logging.options.contains_key(option) {
            wrong.push(("logging.options", format!("has no `{option}`: the log is not rotated")));
        }
    }
    let (tag, value) = LOG_TAG;
    if logging.options.get(tag).is_none_or(|given| given != value) {
        wrong.push(("logging.options", format!("has not `{tag}: {value}`, which Alloy reads")));
    }
    wrong
}

fn ports(service: &Service) -> Wrong {
    let open = service.ports.iter().filter(|port| !is_on_loopback(&usual(port)));
    open.map(|port| ("ports", format!("lets in more than this machine: `{port}`"))).collect()
}

/// `127.0.0.1:8080:8080`; without an address it is every one.
fn is_on_loopback(port: &str) -> bool {
    let address = port.rsplitn(3, ':').nth(2).unwrap_or_default();
    let address = address.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
