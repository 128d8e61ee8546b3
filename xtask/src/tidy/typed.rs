//! A file of YAML as an object of a type: a field that the type does not have is found by name.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::finding::Finding;
use super::tree::Tree;

/// A file, as far as it has been read.
pub(super) struct File<'f> {
    pub(super) path: &'f str,
    pub(super) text: &'f str,
}

/// The object in the file at this path, and what is wrong with it.
pub(super) fn read<T: DeserializeOwned>(tree: &Tree, path: &str) -> (Option<T>, Vec<Finding>) {
    read_with(tree, path, |value| value)
}

/// The same of a file of which not every value is part of the object.
pub(super) fn read_with<T: DeserializeOwned>(
    tree: &Tree,
    path: &str,
    part: impl Fn(Value) -> Value,
) -> (Option<T>, Vec<Finding>) {
    let Some(text) = tree.text(path) else {
        return (None, vec![Finding::about(path, "is missing")]);
    };
    let file = File { path, text };
    let mut findings = Vec::new();
    let object = file.value().and_then(|value| file.object(part(value), &mut findings));
    match object {
        Ok(object) => (Some(object), findings),
        Err(why) => {
            findings.push(file.unreadable::<T>(&why));
            (None, findings)
        }
    }
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

    /// Says what is wrong where it is: read once more as text, which has lines.
    fn unreadable<T: DeserializeOwned>(&self, why: &str) -> Finding {
        let error = serde_saphyr::from_str::<T>(self.text).err();
        let number = error.and_then(|error| error.location()).map_or(1, |place| place.line());
        let number = usize::try_from(number).unwrap_or(1);
        let line = self.text.lines().nth(number - 1).unwrap_or_default();
        Finding::at(self.path, number, format!("cannot be read at `{}`: {why}", line.trim()))
    }
}

/// Whether the line has the key, alone or among others.
fn names(line: &str, key: &str) -> bool {
    let key = format!("{key}:");
    line.match_indices(&key).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric())
    })
}
