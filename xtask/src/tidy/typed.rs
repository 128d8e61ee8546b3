//! A file of YAML as an object of a type: a field that the type does not have is found by name.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::finding::Finding;

/// A file, as far as it has been read.
pub(super) struct File<'f> {
    pub(super) path: &'f str,
    pub(super) text: &'f str,
}

impl File<'_> {
    pub(super) fn value(&self) -> Result<Value, String> {
        serde_saphyr::from_str(self.text).map_err(|error| error.to_string())
    }

    /// Makes the object of its values. A field that nobody reads is a finding.
    pub(super) fn object<T: DeserializeOwned>(
        &self,
        value: Value,
        findings: &mut Vec<Finding>,
    ) -> Result<T, String> {
        let mut unread = Vec::new();
        let object = serde_ignored::deserialize(value, |field| unread.push(field.to_string()));
        for field in unread {
            // Optional values stand in the path as question marks.
            let field = field.replace(".?", "");
            let key = field.rsplit('.').next().unwrap_or_default();
            let line = self.text.lines().position(|line| names(line, key));
            let what = format!("there is no field `{field}`");
            findings.push(Finding::at(self.path, line.map_or(1, |index| index + 1), what));
        }
        object.map_err(|error: serde_json::Error| error.to_string())
    }
}

/// Whether the line has the key, alone or among others.
fn names(line: &str, key: &str) -> bool {
    let key = format!("{key}:");
    line.match_indices(&key).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric())
    })
}
