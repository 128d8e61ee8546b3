//! A runbook: four headings, and queries in fences.

/// The pages of the rules of `monitor-lint`, and its tests: what they ask is wrong on purpose.
const WRONG_ON_PURPOSE: [&str; 2] = ["docs/lint/", "crates/monitor-lint/tests/"];

/// Whether a document shows what is wrong, and asks nothing of ours.
pub(crate) fn is_wrong_on_purpose(path: &str) -> bool {
    WRONG_ON_PURPOSE.iter().any(|start| path.starts_with(start))
}

/// The headings of every runbook, in their order.
pub(crate) const HEADINGS: [&str; 4] = ["Meaning", "Impact", "Diagnosis", "Mitigation"];

pub(crate) struct Runbook<'t> {
    /// Each heading, and whether anything stands below it.
    pub(crate) headings: Vec<(&'t str, bool)>,
    pub(crate) fences: Vec<Fence>,
}

/// A fenced block.
#[derive(Debug, PartialEq)]
pub(crate) struct Fence {
    /// Of its first line of text, counted from 1.
    pub(crate) line: usize,
    /// What stands after the opening fence: `promql`, `sh`.
    pub(crate) language: String,
    pub(crate) text: String,
}

impl<'t> Runbook<'t> {
    pub(crate) fn parse(text: &'t str) -> Self {
        let mut headings: Vec<(&str, bool)> = Vec::new();
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("## ") {
                headings.push((heading.trim(), false));
            } else if let Some((_, filled)) = headings.last_mut() {
                *filled |= !line.trim().is_empty();
            }
        }
        Self { headings, fences: fences(text) }
    }
}

/// Every fenced block of a Markdown text.
pub(crate) fn fences(text: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<Fence> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(language)) => {
                let language = language.trim().to_owned();
                open = Some(Fence { line: index + 2, language, text: String::new() });
            }
            (Some(_), Some(_)) => fences.extend(open.take()),
            (Some(fence), None) => {
                fence.text.push_str(line);
                fence.text.push('\n');
            }
            (None, None) => {}
        }
    }
    fences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_know_whether_they_are_empty() {
        let runbook = Runbook::parse("# A\n\n## Meaning\n\nIt rings.\n\n## Impact\n\n");
        assert_eq!(runbook.headings, [("Meaning", true), ("Impact", false)]);
    }

    #[test]
    fn fences_have_a_language_and_a_line() {
        let runbook = Runbook::parse("# A\n\n```promql\nup == 0\n```\n\n```\nplain\n```\n");
        let fence = Fence { line: 4, language: "promql".to_owned(), text: "up == 0\n".to_owned() };
        assert_eq!(runbook.fences[0], fence);
        assert_eq!(runbook.fences[1].language, "");
    }
}
