//! `cargo xtask up --demo`: people and an application on the stack that people start, until its
//! boards have something to show; then every panel is asked for it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use minreq::Method;
use serde_json::{Value, json};

use crate::e2e::{Report, Settings, ask_panels};
use crate::live::{Client, LoadGenerator, Visitor};
use crate::stack::{self, Stack};
use crate::wait;
use crate::workspace::Workspace;

/// Long enough for every rate, and for every rule that records.
pub(crate) const USUAL: Duration = Duration::from_secs(5 * 60);

/// People who talk, within the limits that one address has, and who do nothing that is wrong.
const TRAFFIC: &[&str] = &[
    "steady",
    "--users",
    "20",
    "--rooms",
    "4",
    "--rate",
    "10",
    "--errands",
    "0.1",
    "--mischief",
    "0",
    "--slow-readers",
    "0",
];

/// The operator whom the demonstration needs, and what its application is called.
const OPERATOR: &str = "demo";
const APPLICATION: &str = "demo";

const VISITORS: usize = 3;

/// Traffic that nobody ends any more ends by itself, so long after it should.
const TRAFFIC_LINGERS: Duration = Duration::from_secs(15 * 60);

/// How long it may take until what was on its way has arrived.
const TRAFFIC_ENDS: Duration = Duration::from_secs(60);

/// Starts the stack, uses it for so long, and asks its boards. Says whether nothing failed; the stack
/// goes on either way.
pub(crate) fn run(workspace: &Workspace, duration: Duration) -> Result<bool> {
    let load_generator = LoadGenerator::build(workspace)?;
    let stack = stack::start(workspace)?;
    let front = stack.address("haproxy", 8080)?;
    let key = application_key(&stack, front)?;
    let log = workspace.folder("up")?.join("demo.log");
    let lasts = format!("{}s", (duration + TRAFFIC_LINGERS).as_secs());
    let arguments = [TRAFFIC, &["--duration", &lasts]].concat();
    let mut people = load_generator.start(front, &arguments, &log)?;
    let visitors: Vec<Visitor> = (0..VISITORS).map(|_| Visitor::start(front, &key)).collect();
    println!(
        "\npeople talk for {} s, then the boards are asked: {}",
        duration.as_secs(),
        log.display()
    );
    wait::through(duration, || people.check_running())?;
    let mut report = Report::new("1×".to_owned());
    ask_panels(workspace, &stack, Settings::Shipped, &mut report)?;
    drop(visitors);
    report.check("traffic", "whatever was acknowledged arrived, once and in order", || {
        people.finish(TRAFFIC_ENDS)
    });
    print!("\n{}", report.boards());
    Ok(report.failed() == 0)
}

/// A key of the application, which an operator makes where there is none. The operator has a new
/// password each time.
fn application_key(stack: &Stack, front: SocketAddr) -> Result<String> {
    let password = stack::random()?;
    stack.operator(OPERATOR, &password)?;
    println!("\nthe operator of /console: {OPERATOR}, {password}");
    let operator = Client::let_in(&format!("http://{front}/api/v1"), OPERATOR, &password)?;
    let known = operator.request(Method::Get, "/apps", &Value::Null)?;
    if let Some(key) = known_key(&known) {
        return Ok(key.to_owned());
    }
    let made = json!({"id": APPLICATION, "name": "Demonstration"});
    let made = operator.request(Method::Post, "/apps", &made)?;
    Ok(made["key"].as_str().context("a new application has a key")?.to_owned())
}

/// The first key of the application, in the list of all.
fn known_key(apps: &Value) -> Option<&str> {
    let apps = apps["apps"].as_array()?;
    let app = apps.iter().find(|app| app["id"] == APPLICATION)?;
    app["keys"][0]["key"].as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_of_an_earlier_time_is_used_again() {
        let app = |id: &str, key: &str| json!({"id": id, "keys": [{"key": key}, {"key": "later"}]});
        let apps = json!({"apps": [app("1001", "theirs"), app(APPLICATION, "ours")]});
        assert_eq!(known_key(&apps), Some("ours"));
        assert_eq!(known_key(&json!({"apps": [app("1001", "theirs")]})), None);
    }
}
