//! Commands that ask for something: what the shell and curl make of them.

use crate::finding::{Fix, Report, Rule};
use crate::source::{Command, Setup};

pub(super) const CURL_GLOBBING: Rule =
    Rule::error("curl-globbing", "curl takes brackets in an address for a list of addresses");

pub(super) fn check(setup: &Setup<'_>, report: &mut Report) {
    for command in &setup.commands {
        globbing(command, report);
    }
}

fn globbing(command: &Command<'_>, report: &mut Report) {
    let words = command.words();
    let is_off = words.iter().any(|word| {
        word == "--globoff"
            || word.starts_with('-') && !word.starts_with("--") && word.contains('g')
    });
    let address = words.iter().skip(1).find(|word| word.contains("://"));
    let Some(address) = address.filter(|_| !is_off) else { return };
    if let Some(at) = address.find(['[', '{']).filter(|_| !is_ipv6(address)) {
        let what = &address[at..=at];
        let why = if what == "[" {
            "curl reads [ … ] as a range, says \"bad range in URL\" and asks nothing"
        } else {
            "curl reads { … } as a list and takes the braces away: another query is asked than is written"
        };
        let (base, query) = address.split_once("?query=").unwrap_or((address, "…"));
        let better = format!("curl -G '{base}' --data-urlencode 'query={query}'");
        let finding = report.at(&CURL_GLOBBING, command.place(), why, better);
        finding.query = Some(query.to_owned());
        finding.fix = encoded(base, query);
    }
}

/// The address in single quotes becomes two words, where it is plain and asks for nothing else.
fn encoded(base: &str, query: &str) -> Option<Fix> {
    let is_plain = !query.contains(['\'', '%', '&', '$', '…']) && base.contains("/api/v1/query");
    is_plain.then(|| Fix::Replace {
        from: format!("'{base}?query={query}'"),
        to: format!("-G '{base}' --data-urlencode 'query={query}'"),
    })
}

fn is_ipv6(address: &str) -> bool {
    address.contains("://[") && !address.contains('{') && address.matches('[').count() == 1
}
