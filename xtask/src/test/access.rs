//! Who may scrape: the address of the peer decides, and nothing that the peer claims.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Result, ensure};

use super::checks::Checks;
use super::report::Outcome;
use crate::live::{Server, status_from};
use crate::workspace::Workspace;

const ALLOWED: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));
const ALLOW_IPS: &str = "CAMPANILE_METRICS_ALLOW_IPS";
/// Every scrape holds it, and no refusal.
const METRIC: &str = "chat_build_info";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let server = Server::start(workspace, "access", &[(ALLOW_IPS, &ALLOWED.to_string())])?;
    let mut checks = Checks::default();
    checks.check("an allowed address is served", || {
        let (status, answer) = status_from(ALLOWED, server.metrics, &[])?;
        ensure!(status == 200 && answer.contains(METRIC), "{answer}");
        Ok(())
    });
    let refused = |headers: &[(&str, &str)]| {
        let (status, answer) = status_from(STRANGER, server.metrics, headers)?;
        ensure!(status == 403 && !answer.contains(METRIC), "{answer}");
        Ok(())
    };
    checks.check("another address is refused", || refused(&[]));
    let claim = ALLOWED.to_string();
    checks
        .check("who claims to be forwarded is refused", || refused(&[("X-Forwarded-For", &claim)]));
    checks.check("refusals are counted", || {
        let (_, answer) = status_from(ALLOWED, server.metrics, &[])?;
        let counted = answer.lines().find(|line| {
            line.starts_with("chat_metrics_scrapes_denied_total{")
                && line.contains("reason=\"address\"")
        });
        ensure!(counted.is_some_and(|line| line.ends_with(" 2")), "{counted:?}");
        Ok(())
    });
    checks.check("the listener for people serves no metrics", || {
        let (status, answer) = status_from(ALLOWED, server.address, &[])?;
        ensure!(status == 404 && !answer.contains(METRIC), "{answer}");
        Ok(())
    });
    let default = Server::start(workspace, "access-default", &[])?;
    checks.check("by default this machine is served", || {
        let (status, answer) = status_from(Ipv4Addr::LOCALHOST.into(), default.metrics, &[])?;
        ensure!(status == 200, "{answer}");
        Ok(())
    });
    checks.check("by default another address is refused", || {
        let (status, answer) = status_from(STRANGER, default.metrics, &[])?;
        ensure!(status == 403, "{answer}");
        Ok(())
    });
    let everywhere = SocketAddr::new(ALLOWED, default.metrics.port());
    checks.check("by default nothing listens on other addresses", || {
        ensure!(status_from(ALLOWED, everywhere, &[]).is_err(), "{everywhere} answers");
        Ok(())
    });
    checks.outcome()
}
