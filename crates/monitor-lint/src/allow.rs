//! Exceptions that stand beside what they allow: `# lint: allow <id> because …`.

use std::ops::RangeInclusive;

use crate::finding::{Finding, Report};
use crate::rules::{ALLOW_UNUSED, ALLOW_WITHOUT_REASON, rule};
use crate::source::{File, Place};

const MARK: &str = "lint: allow ";

/// What a comment begins with.
const SIGNS: [&str; 3] = ["#", "<!--", "//"];

struct Allowance<'f> {
    place: Place<'f>,
    id: String,
    lines: RangeInclusive<usize>,
}

/// Takes out what is allowed, and adds what is wrong with the exceptions.
pub(crate) fn apply(files: &[File], report: &mut Report) {
    for file in files.iter().filter(|file| file.text.contains(MARK)) {
        for allowance in read(file, report) {
            let count = report.findings.len();
            report.findings.retain(|finding| !allows(&allowance, finding));
            if report.findings.len() == count {
                let why = format!("nothing here breaks {}", allowance.id);
                report.at(&ALLOW_UNUSED, allowance.place, why, "take the exception away");
            }
        }
    }
}

fn allows(allowance: &Allowance<'_>, finding: &Finding) -> bool {
    finding.file == allowance.place.file.path
        && finding.rule.id == allowance.id
        && allowance.lines.contains(&finding.line)
}

fn read<'f>(file: &'f File, report: &mut Report) -> Vec<Allowance<'f>> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((before, rest)) = line.split_once(MARK) else { continue };
        // What quotes an exception, as a document does, makes none.
        let comment = before.trim_end();
        let Some(code) = SIGNS.iter().find_map(|sign| comment.strip_suffix(sign)) else { continue };
        if !code.is_empty() && !code.ends_with([' ', '\t']) {
            continue;
        }
        let place = Place { file, line: index + 1, column: before.len() + 1 };
        let (ids, reason) = rest.split_once(" because ").unwrap_or((rest, ""));
        let ids = ids.trim_end_matches("-->").trim();
        if reason.trim_end_matches("-->").trim().is_empty() {
            report.at(
                &ALLOW_WITHOUT_REASON,
                place,
                "whoever reads it later cannot know whether it still holds",
                format!("{MARK}{ids} because …"),
            );
            continue;
        }
        let stands_alone = code.trim().is_empty();
        let covered = if stands_alone { block(&lines, index + 1) } else { index + 1..=index + 1 };
        for id in ids.split(',').map(str::trim) {
            if rule(id).is_none() {
                report.at(
                    &ALLOW_UNUSED,
                    place,
                    format!("there is no rule {id}"),
                    "monitor-lint --rules lists them",
                );
                continue;
            }
            found.push(Allowance { place, id: id.to_owned(), lines: covered.clone() });
        }
    }
    found
}

/// The lines of what comes next: all that lie deeper than its first one, and a fence to its end.
fn block(lines: &[&str], from: usize) -> RangeInclusive<usize> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let is_comment = |line: &&str| line.trim_start().starts_with('#') || line.trim().is_empty();
    let first = (from..lines.len()).find(|at| !is_comment(&lines[*at])).unwrap_or(from);
    let Some(line) = lines.get(first) else { return from..=from };
    let is_end = |at: &usize| {
        let line_at = lines[*at];
        if line.trim_start().starts_with("```") {
            return line_at.trim() == "```";
        }
        !line_at.trim().is_empty() && depth(line_at) <= depth(line)
    };
    let end = (first + 1..lines.len()).find(is_end).unwrap_or(lines.len());
    from + 1..=end.max(first + 1)
}
