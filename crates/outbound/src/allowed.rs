//! Which addresses may be asked: others say where, and must not make this server ask its neighbours.

use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::LazyLock,
};

/// Networks that are not of the public internet, or that lead to others (IANA's registries of
/// special-purpose addresses; RFC 6890).
static NOT_PUBLIC: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    let networks = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        // Those with an address of version 4 in them, whatever it is.
        "::/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/23",
        "2002::/16",
        "100::/64",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];
    networks.iter().filter_map(|text| text.parse().ok()).collect()
});

/// Longest name of a host, in bytes.
const HOST_BYTES_MAX: usize = 253;

/// Who may be asked.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    everything: bool,
    networks: Vec<IpNet>,
    /// In small letters.
    hosts: Vec<String>,
}

/// A text says nothing that can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is neither a network such as 10.1.0.0/16, nor an address, nor the name of a host")]
pub struct AllowedError;

impl Allowed {
    /// The public internet, and nothing else.
    pub fn public() -> Self {
        Self::default()
    }

    /// Everything, private networks and this machine too.
    pub fn everything() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// One more network, address or host, as it is written. Of a host whatever its name stands for.
    pub fn and(mut self, text: &str) -> Result<Self, AllowedError> {
        let address = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if let Ok(address) = address {
            self.networks.push(unmapped(address).into());
        } else if let Ok(network) = text.parse::<IpNet>() {
            self.networks.push(network);
        } else if is_host(text) {
            self.hosts.push(text.trim_end_matches('.').to_ascii_lowercase());
        } else {
            return Err(AllowedError);
        }
        Ok(self)
    }

    /// Whether an address may be asked for a host.
    pub(crate) fn lets(&self, host: &str, address: IpAddr) -> bool {
        let address = unmapped(address);
        self.everything
            || is_public(address)
            || self.networks.iter().any(|network| network.contains(&address))
            || self.hosts.iter().any(|one| one.eq_ignore_ascii_case(host.trim_end_matches('.')))
    }
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !label.is_empty() && label.bytes().all(is_allowed)
    };
    // What ends in a number is an address that is written badly.
    let ends_in_number = |name: &str| {
        let last = name.rsplit('.').next().unwrap_or_default();
        last.bytes().all(|byte| byte.is_ascii_digit())
    };
    let name = text.trim_end_matches('.');
    text.len() <= HOST_BYTES_MAX && name.split('.').all(is_label) && !ends_in_number(name)
}

/// Whether an address is one of the public internet.
fn is_public(address: IpAddr) -> bool {
    let address = unmapped(address);
    !NOT_PUBLIC.iter().any(|network| network.contains(&address))
}

fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => unmapped_v6(address),
        address => address,
    }
}

fn unmapped_v6(address: Ipv6Addr) -> IpAddr {
    address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_understood() {
        assert_eq!(NOT_PUBLIC.len(), 27);
    }

    #[test]
    fn neighbours_are_not_asked() {
        for text in [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "fd00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(text.parse().expect("an address")), "{text}");
        }
        for text in ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(text.parse().expect("an address")), "{text}");
        }
    }

    #[test]
    fn what_is_named_is_allowed() {
        let allow = |texts: &[&str]| {
            texts.iter().try_fold(Allowed::public(), |allowed, text| allowed.and(text))
        };
        let allowed = allow(&["10.1.0.0/16", "::1", "Hooks.Internal", "192.168.0.7"]).unwrap();
        for (host, address, is_allowed) in [
            ("any", "10.1.2.3", true),
            ("any", "::ffff:10.1.2.3", true),
            ("any", "10.2.0.1", false),
            ("any", "::1", true),
            ("any", "127.0.0.1", false),
            ("hooks.internal", "127.0.0.1", true),
            ("HOOKS.internal.", "fd00::1", true),
            ("not-hooks.internal", "fd00::1", false),
            ("any", "192.168.0.7", true),
            ("any", "192.168.0.8", false),
            ("any", "1.1.1.1", true),
        ] {
            let lets = allowed.lets(host, address.parse().unwrap());
            assert_eq!(lets, is_allowed, "{host} {address}");
        }
        assert!(Allowed::everything().lets("any", "127.0.0.1".parse().unwrap()));
        for bad in ["", ".", "a b", "http://a", "10.0.0.0/33", "10.0.0", "a..b", "a:80", "*.a"] {
            assert_eq!(allow(&[bad]).unwrap_err(), AllowedError, "{bad:?}");
        }
    }
}
