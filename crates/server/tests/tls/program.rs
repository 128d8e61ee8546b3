//! The program with a certificate, and what monitoring sees of its TLS.

use crate::support::{
    PATIENCE,
    program::{Program as Started, campanile},
    send, until,
};
use campanile_metrics::testing::Probe;
use serde_json::Value;
use std::{
    fmt::Debug,
    fs, iter,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

/// A certificate and its key, in two files.
pub(crate) struct Identity {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

impl Identity {
    /// The files of this name in a directory.
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        let file = |end| directory.join(format!("{name}.{end}"));
        Self { cert: file("crt"), key: file("key") }
    }

    /// Makes a certificate that is valid from one year to another; its bytes.
    pub(crate) fn write(&self, from: i32, until: i32) -> rcgen::Certificate {
        let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let cert = params.self_signed(&key).expect("a certificate");
        fs::write(&self.cert, cert.pem()).expect("written");
        fs::write(&self.key, key.serialize_pem()).expect("written");
        cert
    }
}

/// The program in this directory, with this certificate.
pub(crate) fn command(directory: &Path, tls: Option<&Identity>) -> Command {
    let mut command = campanile(directory);
    command.env("CAMPANILE_LIMITS__ENABLED", "false").env("CAMPANILE_SERVER__DRAIN_SECONDS", "0");
    if let Some(tls) = tls {
        command.env("CAMPANILE_SERVER__TLS__CERT", &tls.cert);
        command.env("CAMPANILE_SERVER__TLS__KEY", &tls.key);
    }
    command
}

/// A running program.
pub(crate) struct Program {
    pub(crate) started: Started,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it and waits until it serves.
    pub(crate) fn start(command: &mut Command) -> Self {
        let started = Started::start(command);
        let (_scheme, address) = started.url.split_once("://").expect("a URL");
        let address = address.parse().expect("an address");
        Self { started, address }
    }

    /// Waits for a line with this message.
    pub(crate) fn logged(&self, message: &str) -> Value {
        let mut lines = iter::from_fn(|| self.started.lines.recv_timeout(PATIENCE).ok());
        let told = lines.find(|line| line["message"] == message);
        told.unwrap_or_else(|| panic!("{message:?} is not told"))
    }

    /// Waits until it has ended by itself; how.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the end", || self.started.child.try_wait().expect("it is our child"))
    }

    /// What monitoring sees.
    pub(crate) fn scrape(&self) -> Probe {
        Probe::of(&send(minreq::get(&self.started.metrics)).body)
    }

    /// The value of one series, if there is one.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.scrape().value(name, labels)
    }

    /// How many handshakes went well, how many did not, and how many of those are errors of
    /// connections: all.
    pub(crate) fn handshakes(&self) -> [f64; 3] {
        let seen = self.scrape();
        let value = |name, labels: &[_]| seen.value(name, labels).expect("it is counted");
        [
            value("chat_tls_handshakes_total", &[("result", "ok")]),
            value("chat_tls_handshakes_total", &[("result", "error")]),
            value("chat_connection_errors_total", &[("app", "native"), ("error_type", "tls")]),
        ]
    }
}

/// Waits until something is as it should be.
#[track_caller]
pub(crate) fn eventually<T: PartialEq + Debug>(look: impl Fn() -> T, wanted: &T) {
    until(&format!("{wanted:?}"), || (look() == *wanted).then_some(()));
}
