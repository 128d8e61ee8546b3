//! The ports of this machine that the stack publishes: looked at before anything starts.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use anyhow::{Result, bail};
use serde_json::Value;

/// Fails where a port that one of these services, as compose tells of them, is to publish is
/// somebody else's.
pub(super) fn check<'s>(services: impl Iterator<Item = (&'s String, &'s Value)>) -> Result<()> {
    for (service, definition) in services {
        for (host, port) in published(definition) {
            if let Err(error) = TcpListener::bind((host, port))
                && error.kind() == ErrorKind::AddrInUse
            {
                bail!(
                    "{service} is to be reached at {host}:{port}, where something else listens: \
                     end that, or choose another port (deploy/README.md)"
                );
            }
        }
    }
    Ok(())
}

/// The addresses at which a service is reached from outside, but for those that the engine chooses.
fn published(definition: &Value) -> impl Iterator<Item = (IpAddr, u16)> {
    let ports = definition["ports"].as_array().into_iter().flatten();
    ports.filter_map(|port| {
        let host = port["host_ip"].as_str().and_then(|host| host.parse().ok());
        let published = port["published"].as_str()?.parse().ok().filter(|port| *port > 0)?;
        Some((host.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), published))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn checked(published: &Value) -> Result<()> {
        let ports = json!({"ports": [{"host_ip": "127.0.0.1", "published": published}]});
        check(Map::from_iter([("prometheus".to_owned(), ports)]).iter())
    }

    #[test]
    fn a_port_of_somebody_else_is_named_before_anything_starts() {
        let theirs = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = theirs.local_addr().expect("it listens").port().to_string();
        let error = checked(&json!(port)).expect_err("it is taken").to_string();
        assert!(error.starts_with(&format!("prometheus is to be reached at 127.0.0.1:{port}")));
        drop(theirs);
        assert!(checked(&json!(port)).is_ok());
    }

    #[test]
    fn what_the_engine_chooses_is_never_taken() {
        for chosen in [json!(""), json!("0"), json!(null)] {
            assert!(checked(&chosen).is_ok(), "{chosen}");
        }
        assert!(check(Map::from_iter([("redis".to_owned(), json!({}))]).iter()).is_ok());
    }
}
