//! `campanile check` and `campanile top` where everything is served over TLS.

use crate::{
    program::{Identity, Program, command},
    support::program::campanile,
};
use std::{path::Path, process::Command};
use tempfile::TempDir;

const TOKEN: &str = "a token that nobody guesses";

/// A program that serves people and metrics over TLS, with the same certificate.
struct Site {
    program: Program,
    identity: Identity,
    proof: &'static [(&'static str, &'static str)],
    directory: TempDir,
}

/// Who asks for metrics has to bring a token.
const BY_TOKEN: &[(&str, &str)] = &[("CAMPANILE_METRICS__BEARER_TOKEN", TOKEN)];

/// Who asks for metrics has to say a password.
const BY_PASSWORD: &[(&str, &str)] = &[
    ("CAMPANILE_METRICS__BASIC_AUTH__USER", "prometheus"),
    ("CAMPANILE_METRICS__BASIC_AUTH__PASSWORD", "a password that nobody guesses"),
];

fn start(proof: &'static [(&'static str, &'static str)]) -> Site {
    let directory = tempfile::tempdir().expect("a directory");
    let identity = Identity::new(directory.path(), "server");
    identity.write(2020, 2040);
    let mut command = command(directory.path(), Some(&identity));
    with_metrics(&mut command, &identity, proof);
    let program = Program::start(&mut command);
    Site { program, identity, proof, directory }
}

fn with_metrics(command: &mut Command, identity: &Identity, proof: &[(&str, &str)]) {
    command.env("CAMPANILE_METRICS__TLS__CERT", &identity.cert);
    command.env("CAMPANILE_METRICS__TLS__KEY", &identity.key);
    command.envs(proof.iter().copied());
}

impl Site {
    /// Where metrics are: the address, without what is around it.
    fn metrics(&self) -> &str {
        let url = self.program.started.metrics.as_str();
        let address = url.strip_prefix("https://").expect("it is served over TLS");
        address.strip_suffix("/metrics").expect("a path")
    }

    /// Runs a command with the settings of the program.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut command = command(self.directory.path(), Some(&self.identity));
        with_metrics(&mut command, &self.identity, self.proof);
        command.args(["--listen", &self.program.address.to_string()]);
        command.args(["--metrics-listen", self.metrics()]).args(arguments);
        said(&mut command)
    }

    /// Runs a command that knows of no settings.
    fn run_bare(&self, arguments: &[&str]) -> (Option<i32>, String) {
        said(campanile(self.directory.path()).args(arguments))
    }
}

fn said(command: &mut Command) -> (Option<i32>, String) {
    let output = command.output().expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

fn path(file: &Path) -> &str {
    file.to_str().expect("a plain path")
}

#[test]
fn what_is_configured_is_asked_and_believed() {
    for proof in [BY_TOKEN, BY_PASSWORD] {
        let site = start(proof);
        let (code, text) = site.run(&["check", "modules"]);
        assert_eq!(code, Some(0), "{text}");
        assert_eq!(text.matches("is served by this program").count(), 2, "{text}");
        let (code, text) = site.run(&["check", "metrics"]);
        assert_eq!(code, Some(0), "{text}");
        let (code, text) = site.run(&["top", "--once"]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.contains("delivery"), "{text}");
    }
}

#[test]
fn another_certificate_than_the_configured_one_is_told() {
    let site = start(BY_TOKEN);
    site.identity.write(2020, 2050);
    let (code, text) = site.run(&["check", "metrics"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("it has another certificate than that in"), "{text}");
}

#[test]
fn an_authority_is_named_and_a_token_is_given() {
    let site = start(BY_TOKEN);
    let port = site.metrics().rsplit_once(':').expect("a port").1;
    let url = format!("https://localhost:{port}/metrics");
    let ca = path(&site.identity.cert);
    let (code, text) =
        site.run_bare(&["top", "--once", "--url", &url, "--ca", ca, "--token", TOKEN]);
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = site.run_bare(&["top", "--once", "--url", &url, "--ca", ca]);
    assert!(code == Some(1) && text.contains("wants a token"), "{text}");
    let (code, text) = site.run_bare(&["top", "--once", "--url", &url, "--token", TOKEN]);
    assert!(code == Some(1) && text.contains("--ca FILE"), "{text}");
    // The certificate has another name.
    let by_number = site.program.started.metrics.as_str();
    let (code, text) = site.run_bare(&["top", "--once", "--url", by_number, "--ca", ca]);
    assert!(code == Some(1) && text.contains("certificate"), "{text}");
    // What is configured is not told to whoever is named.
    let (code, text) = site.run(&["top", "--once", "--url", &url, "--ca", ca]);
    assert!(code == Some(1) && text.contains("wants a token"), "{text}");
}
