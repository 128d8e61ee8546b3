//! What was written to be replaced, and what everybody knows.

use crate::finding::{Report, Rule};
use crate::source::{Document, Kind, Node, Setup};

pub(super) const PLACEHOLDER: Rule =
    Rule::warning("placeholder", "a value was written to be replaced");
pub(super) const DEFAULT_PASSWORD: Rule =
    Rule::error("default-password", "a password is one that everybody tries first");

/// Parts of values that only stand for others.
const PLACEHOLDERS: [&str; 13] = [
    "yourdomain",
    "your-domain",
    "your_domain",
    "your-server",
    "your-password",
    "yourpassword",
    "/YOUR/",
    "YOUR_",
    "/XXX",
    "<your",
    "changeme",
    "CHANGE_ME",
    "REPLACE_ME",
];

/// Domains that are for documentation (RFC 2606): nothing there is anybody's.
const DOCUMENTATION: [&str; 3] = ["example.com", "example.org", "example.net"];

const PASSWORDS: [&str; 8] =
    ["admin", "password", "secret", "123456", "grafana", "root", "test", "prom-operator"];

/// Names of what is secret.
const SECRETS: [&str; 5] = ["password", "passwd", "secret", "token", "api_key"];

const LOOKED_AT: [Kind; 5] =
    [Kind::Prometheus, Kind::Alertmanager, Kind::Loki, Kind::Compose, Kind::Provisioning];

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for document in setup.documents.iter().filter(|one| LOOKED_AT.contains(&one.kind)) {
        document.node.walk("", &mut |name, node| look(document, name, node, report));
    }
}

fn look(document: &Document<'_>, name: &str, node: &Node, report: &mut Report) {
    let Some(text) = node.text() else { return };
    let place = document.origin.of_node(node);
    // In a list of the environment, the name stands before the value.
    let assigned = text.split_once('=').filter(|(name, _)| {
        name.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_')
    });
    let (name, value) = assigned.unwrap_or((name, text));
    if is_secret(name) && PASSWORDS.contains(&value) {
        let why = format!("{name} is \"{value}\", which is tried before any other");
        report.at(&DEFAULT_PASSWORD, place, why, format!("a random one, in a file that is no part of the repository: {name}_file, or an environment variable"));
    } else if let Some(found) = placeholder(value) {
        let why = format!(
            "\"{found}\" stands for a value that only you know: as it is, nothing arrives there"
        );
        report.at(
            &PLACEHOLDER,
            place,
            why,
            "your own value; a secret in a file beside it (…_file)",
        );
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRETS.iter().any(|word| name.ends_with(word))
}

fn placeholder(text: &str) -> Option<&str> {
    let found = PLACEHOLDERS.iter().find(|part| text.contains(**part));
    let of_documentation = || {
        DOCUMENTATION.iter().find(|domain| {
            text.match_indices(**domain).any(|(at, _)| {
                let after = text[at + domain.len()..].chars().next();
                let before = text[..at].chars().next_back();
                !after.is_some_and(|letter| letter.is_alphanumeric() || letter == '.')
                    && !before.is_some_and(char::is_alphanumeric)
            })
        })
    };
    found.or_else(of_documentation).copied()
}
