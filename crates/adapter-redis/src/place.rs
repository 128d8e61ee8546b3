//! Where Redis is: the URL, taken apart.

use std::fmt;

/// The port of a Redis server that is given without one.
const REDIS_PORT: u16 = 6379;

/// The port of a sentinel that is given without one.
const SENTINEL_PORT: u16 = 26379;

/// Where Redis is, and as whom to go there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) kind: PlaceKind,
    pub(crate) tls: bool,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// Names or addresses with their ports; at least one.
    pub(crate) hosts: Vec<(String, u16)>,
}

/// How Redis is set up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PlaceKind {
    /// One server, and the number of the database in it.
    Single { database: i64 },
    /// A cluster; the hosts are some of its nodes.
    Cluster,
    /// A master among replicas; the hosts are sentinels, which know it by this name.
    Sentinel { master: String },
}

/// Why a text is no URL of Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// It begins with something else.
    #[error("it begins with redis://, rediss://, redis-cluster:// or redis-sentinel://")]
    Scheme,
    /// There is no host.
    #[error("it names no host")]
    Host,
    /// What follows the colon is no port.
    #[error("a port is a number from 1 to 65535")]
    Port,
    /// One server has one host.
    #[error("only redis-cluster:// and redis-sentinel:// have several hosts")]
    Hosts,
    /// What follows the slash is no database.
    #[error("what follows the slash is the number of a database")]
    Database,
    /// A cluster has nothing after the slash.
    #[error("a cluster has one database, so nothing follows its hosts")]
    Path,
    /// The name of the master is missing.
    #[error("the name of the master follows the sentinels: redis-sentinel://host,host/name")]
    Master,
    /// A per cent sign without two hexadecimal digits.
    #[error("special characters of user and password are written as %XX")]
    Escape,
}

impl Place {
    /// Takes a URL apart.
    pub(crate) fn parse(url: &str) -> Result<Self, PlaceError> {
        let (scheme, rest) = url.split_once("://").ok_or(PlaceError::Scheme)?;
        let (secure, family) = match scheme.strip_prefix("rediss") {
            Some(family) => (true, family),
            None => (false, scheme.strip_prefix("redis").ok_or(PlaceError::Scheme)?),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let port = if family == "-sentinel" { SENTINEL_PORT } else { REDIS_PORT };
        let hosts =
            hosts.split(',').map(|host| parse_host(host, port)).collect::<Result<Vec<_>, _>>()?;
        let kind = PlaceKind::parse(family, path, &hosts)?;
        let (user, password) = parse_login(login)?;
        Ok(Self { kind, tls: secure, user, password, hosts })
    }
}

impl PlaceKind {
    fn parse(family: &str, path: &str, hosts: &[(String, u16)]) -> Result<Self, PlaceError> {
        match family {
            "" if hosts.len() > 1 => Err(PlaceError::Hosts),
            "" if path.is_empty() => Ok(Self::Single { database: 0 }),
            "" => match path.parse::<u16>() {
                Ok(database) => Ok(Self::Single { database: database.into() }),
                Err(_) => Err(PlaceError::Database),
            },
            "-cluster" if path.is_empty() => Ok(Self::Cluster),
            "-cluster" => Err(PlaceError::Path),
            "-sentinel" if path.is_empty() || path.contains('/') => Err(PlaceError::Master),
            "-sentinel" => Ok(Self::Sentinel { master: path.to_owned() }),
            _ => Err(PlaceError::Scheme),
        }
    }
}

fn parse_host(text: &str, port_else: u16) -> Result<(String, u16), PlaceError> {
    // An address of IPv6 stands in brackets, since it has colons itself.
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(PlaceError::Host)?;
            (host, if rest.is_empty() { None } else { Some(rest) })
        }
        None => match text.find(':') {
            Some(colon) => (&text[..colon], Some(&text[colon..])),
            None => (text, None),
        },
    };
    let port = match port {
        None => port_else,
        Some(port) => {
            let number = port.strip_prefix(':').and_then(|port| port.parse().ok());
            number.filter(|port| *port != 0).ok_or(PlaceError::Port)?
        }
    };
    if host.is_empty() { Err(PlaceError::Host) } else { Ok((host.to_owned(), port)) }
}

fn parse_login(login: Option<&str>) -> Result<(Option<String>, Option<String>), PlaceError> {
    let Some(login) = login else {
        return Ok((None, None));
    };
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(unescape(password)?)),
        None => (login, None),
    };
    let user = Some(unescape(user)?).filter(|user| !user.is_empty());
    Ok((user, password))
}

fn unescape(text: &str) -> Result<String, PlaceError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(PlaceError::Escape)?;
        let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(PlaceError::Escape);
        let value = digit(digits[0])? * 16 + digit(digits[1])?;
        bytes.push(u8::try_from(value).map_err(|_| PlaceError::Escape)?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| PlaceError::Escape)
}

/// Without the password.
impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secure = if self.tls { "s" } else { "" };
        let (family, path) = match &self.kind {
            PlaceKind::Single { database: 0 } => ("", String::new()),
            PlaceKind::Single { database } => ("", format!("/{database}")),
            PlaceKind::Cluster => ("-cluster", String::new()),
            PlaceKind::Sentinel { master } => ("-sentinel", format!("/{master}")),
        };
        let hosts = self.hosts.iter().map(|(host, port)| match host.contains(':') {
            true => format!("[{host}]:{port}"),
            false => format!("{host}:{port}"),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        write!(formatter, "redis{secure}{family}://{hosts}{path}")
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        Place::parse(url).expect("it is a URL").to_string()
    }

    #[test]
    fn a_url_says_where_redis_is() {
        for (url, place) in [
            ("redis://localhost", "redis://localhost:6379"),
            ("rediss://10.0.0.7:7000/3", "rediss://10.0.0.7:7000/3"),
            ("redis://[::1]:7000/", "redis://[::1]:7000"),
            ("redis://[::1]", "redis://[::1]:6379"),
            ("redis-cluster://a,b:7001", "redis-cluster://a:6379,b:7001"),
            ("rediss-cluster://a", "rediss-cluster://a:6379"),
            ("redis-sentinel://a,b:7/main", "redis-sentinel://a:26379,b:7/main"),
        ] {
            assert_eq!(shown(url), place);
        }
    }

    #[test]
    fn a_url_says_as_whom_to_go_there() {
        for (url, user, password) in [
            ("redis://host", None, None),
            ("redis://:word@host", None, Some("word")),
            ("redis://chat:w%40r%64:@host", Some("chat"), Some("w@rd:")),
            ("redis-sentinel://chat:a@b@one,two/main", Some("chat"), Some("a@b")),
        ] {
            let place = Place::parse(url).expect("it is a URL");
            assert_eq!((place.user.as_deref(), place.password.as_deref()), (user, password));
            assert!(!format!("{place:?}{place}").contains("w@rd"), "it keeps the password");
        }
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for (url, why) in [
            ("", PlaceError::Scheme),
            ("localhost:6379", PlaceError::Scheme),
            ("http://localhost", PlaceError::Scheme),
            ("redis-farm://a", PlaceError::Scheme),
            ("redis://", PlaceError::Host),
            ("redis://a,b", PlaceError::Hosts),
            ("redis://a:port", PlaceError::Port),
            ("redis://a:0", PlaceError::Port),
            ("redis://a:70000", PlaceError::Port),
            ("redis://[::1", PlaceError::Host),
            ("redis://[::1]7", PlaceError::Port),
            ("redis://a/main", PlaceError::Database),
            ("redis-cluster://a,,b", PlaceError::Host),
            ("redis-cluster://a/1", PlaceError::Path),
            ("redis-sentinel://a", PlaceError::Master),
            ("redis://u:%4@a", PlaceError::Escape),
            ("redis://u:%zz@a", PlaceError::Escape),
        ] {
            assert_eq!(Place::parse(url), Err(why), "{url}");
        }
    }
}
