//! What can be set, and what can be wrong with it.

use crate::batch::Batch;
use reqwest::{
    Certificate, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use std::{fmt, fs, io, path::PathBuf, time::Duration};

/// Where lines are shipped to, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where Loki is: `http://loki:3100`. What it is asked is `loki/api/v1/push` below that.
    pub url: String,
    /// Label of every line: what the program is for whoever collects.
    pub job: String,
    /// Label of every line: what the program is for whoever reads. None if empty.
    pub service: String,
    /// Label of every line: production, staging. None if empty.
    pub env: String,
    /// Label of every line: which of several servers. None if empty.
    pub instance: String,
    /// Whose lines they are, where Loki serves several tenants: `X-Scope-OrgID`.
    pub tenant: Option<String>,
    /// What is brought along so that lines are taken.
    pub auth: Option<Auth>,
    /// Who vouches for Loki, instead of the authorities of the system: a file in PEM.
    pub ca: Option<PathBuf>,
    /// Bytes of lines that wait in memory, compressed; the oldest go first.
    pub buffer_bytes_max: usize,
    /// Lines that wait, in memory and in the spool; the oldest go first.
    pub buffer_entries_max: u64,
    /// Keeps lines that wait on disk instead, where they outlive the process.
    pub spool: Option<SpoolConfig>,
    /// Bytes of one push, compressed.
    pub request_bytes_max: usize,
    /// Bytes of one line. Loki takes 256 KiB unless it is told otherwise.
    pub line_bytes_max: usize,
    /// Bytes of one text in a line, such as a field's value; what is longer is cut.
    pub value_bytes_max: usize,
    /// How long lines wait for others to go with.
    pub linger: Duration,
    /// How long Loki may take to answer one push.
    pub request_timeout: Duration,
    /// How long to wait after a first failure.
    pub backoff_min: Duration,
    /// How long to wait at most between failures.
    pub backoff_max: Duration,
    /// Lines that are older are given up. Loki takes a week unless it is told otherwise.
    pub age_max: Duration,
}

/// Keeps lines on disk until they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolConfig {
    /// The directory, which is made if it is not there. One process may have it.
    pub directory: PathBuf,
    /// Bytes of all files in it; the oldest go first.
    pub bytes_max: u64,
}

/// What is brought along so that lines are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// A user and a password.
    Basic {
        /// The user's name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// A token.
    Bearer(Secret),
}

/// Text that is not to be seen in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// That is not where a Loki can be.
    #[error("cannot ship logs to that URL: {0}")]
    Url(String),
    /// Loki would refuse the label.
    #[error("cannot use {value:?} as label {label} of log lines: {reason}")]
    Label {
        /// Its name.
        label: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// Nothing would be shipped.
    #[error("{0} of the log shipper must be more than 0")]
    Zero(&'static str),
    /// A setting does not fit another.
    #[error("{setting} of the log shipper must be at least {least}")]
    TooSmall {
        /// Which one.
        setting: &'static str,
        /// What it must be at least.
        least: String,
    },
    /// It is empty, or has characters that no header has.
    #[error("cannot use what is set as {0} of the log shipper: it is empty or no header's value")]
    Header(&'static str),
    /// There is no certificate in the file.
    #[error("cannot use {} to know the log store by: {reason}", file.display())]
    Authority {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What bounds the queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) memory_bytes: u64,
    pub(crate) spool_bytes: u64,
    pub(crate) entries: u64,
    /// Bytes of one push, before compression. A line that is longer goes alone.
    pub(crate) push_bytes: usize,
    /// Lines of one push.
    pub(crate) push_entries: u64,
    pub(crate) line_bytes: usize,
    pub(crate) value_bytes: usize,
    pub(crate) age: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:3100".to_owned(),
            job: "chat-server".to_owned(),
            service: String::new(),
            env: String::new(),
            instance: String::new(),
            tenant: None,
            auth: None,
            ca: None,
            buffer_bytes_max: 16 * 1024 * 1024,
            buffer_entries_max: 1_000_000,
            spool: None,
            request_bytes_max: 1024 * 1024,
            line_bytes_max: 256 * 1024,
            value_bytes_max: usize::MAX,
            linger: Duration::from_millis(200),
            request_timeout: Duration::from_secs(10),
            backoff_min: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            age_max: Duration::from_secs(7 * 24 * 3_600),
        }
    }
}

impl Config {
    /// Checks everything that can be checked without asking Loki; files are read.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.push_url()?;
        self.headers()?;
        self.authorities()?;
        for (label, value) in self.labels() {
            check_label(label, value)?;
        }
        let spool_bytes_max = self.spool.as_ref().map_or(1, |spool| spool.bytes_max);
        for (setting, is_zero) in [
            ("buffer_bytes_max", self.buffer_bytes_max == 0),
            ("buffer_entries_max", self.buffer_entries_max == 0),
            ("spool.bytes_max", spool_bytes_max == 0),
            ("request_bytes_max", self.request_bytes_max == 0),
            ("line_bytes_max", self.line_bytes_max == 0),
            ("value_bytes_max", self.value_bytes_max == 0),
            ("request_timeout", self.request_timeout.is_zero()),
            ("backoff_min", self.backoff_min.is_zero()),
            ("age_max", self.age_max.is_zero()),
        ] {
            if is_zero {
                return Err(ConfigError::Zero(setting));
            }
        }
        if self.backoff_max < self.backoff_min {
            let least = format!("backoff_min, {:?}", self.backoff_min);
            return Err(ConfigError::TooSmall { setting: "backoff_max", least });
        }
        // A line of the longest has to fit into a push, with its labels.
        let least = 2 * self.line_bytes_max.saturating_add(4_096);
        if self.request_bytes_max < least {
            let least = format!("{least}, for lines of line_bytes_max");
            return Err(ConfigError::TooSmall { setting: "request_bytes_max", least });
        }
        if self.buffer_bytes_max < self.request_bytes_max {
            let least = format!("request_bytes_max, {}", self.request_bytes_max);
            return Err(ConfigError::TooSmall { setting: "buffer_bytes_max", least });
        }
        Ok(())
    }

    /// Where pushes go.
    pub(crate) fn push_url(&self) -> Result<Url, ConfigError> {
        let refused = |reason: &str| Err(ConfigError::Url(reason.to_owned()));
        let mut url = match Url::parse(&self.url) {
            Ok(url) => url,
            Err(error) => return refused(&error.to_string()),
        };
        if !matches!(url.scheme(), "http" | "https") {
            return refused("it begins neither with http:// nor with https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("a user and a password have a setting of their own");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return refused("it has a query or a fragment");
        }
        let path = format!("{}/loki/api/v1/push", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(url)
    }

    /// What every push brings along.
    pub(crate) fn headers(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        if let Some(tenant) = &self.tenant {
            headers.insert("X-Scope-OrgID", header("tenant", tenant, tenant)?);
        }
        if let Some(Auth::Bearer(Secret(token))) = &self.auth {
            let mut value = header("auth", token, &format!("Bearer {token}"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        if let Some(Auth::Basic { user, password }) = &self.auth
            && (user.is_empty() || user.contains(':') || password.0.is_empty())
        {
            return Err(ConfigError::Header("auth"));
        }
        Ok(headers)
    }

    /// Who vouches for Loki.
    pub(crate) fn authorities(&self) -> Result<Vec<Certificate>, ConfigError> {
        let Some(file) = &self.ca else { return Ok(Vec::new()) };
        let unreadable = |source| ConfigError::Unreadable { file: file.clone(), source };
        let pem = fs::read(file).map_err(unreadable)?;
        let refused = |reason| ConfigError::Authority { file: file.clone(), reason };
        let found = Certificate::from_pem_bundle(&pem).map_err(|e| refused(e.to_string()))?;
        if found.is_empty() {
            return Err(refused("it has no certificate in PEM".to_owned()));
        }
        Ok(found)
    }

    /// Labels that every line has.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let labels = [
            ("job", &self.job),
            ("service", &self.service),
            ("env", &self.env),
            ("instance", &self.instance),
        ];
        labels
            .into_iter()
            .map(|(label, value)| (label, value.as_str()))
            .filter(|(label, value)| *label == "job" || !value.is_empty())
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let memory_bytes = self.buffer_bytes_max as u64;
        let spool_bytes = self.spool.as_ref().map_or(0, |spool| spool.bytes_max);
        // Whole pushes make room for others, so one must be a small part of what there can be.
        let part = |bytes: u64| usize::try_from(bytes / 8).unwrap_or(usize::MAX);
        let disk_part = if self.spool.is_some() { part(spool_bytes) } else { usize::MAX };
        let push_bytes = Batch::plain_bytes_max(self.request_bytes_max);
        Bounds {
            memory_bytes,
            spool_bytes,
            entries: self.buffer_entries_max,
            push_bytes: push_bytes.min(part(memory_bytes)).min(disk_part),
            push_entries: (self.buffer_entries_max / 8).max(1),
            line_bytes: self.line_bytes_max,
            value_bytes: self.value_bytes_max,
            age: self.age_max,
        }
    }
}

fn header(setting: &'static str, given: &str, value: &str) -> Result<HeaderValue, ConfigError> {
    let value = HeaderValue::from_str(value).ok().filter(|_| !given.is_empty());
    value.ok_or(ConfigError::Header(setting))
}

/// tracing-loki writes a value as Rust does, Loki reads it as Go does. They agree on what needs no
/// escape, on quotes and on backslashes.
fn check_label(label: &'static str, value: &str) -> Result<(), ConfigError> {
    let is_readable = |character: char| {
        matches!(character, '"' | '\\' | '\'') || character.escape_debug().count() == 1
    };
    let reason = if value.is_empty() {
        "it is empty"
    } else if value.len() > 2_048 {
        "it has more than 2048 bytes"
    } else if !value.chars().all(is_readable) {
        "it has characters that cannot be read"
    } else {
        return Ok(());
    };
    Err(ConfigError::Label { label, value: value.to_owned(), reason })
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests;
