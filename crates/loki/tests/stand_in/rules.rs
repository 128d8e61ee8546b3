//! What Loki takes, as its documentation and its default limits have it.

use loki_api::{
    logproto::{EntryAdapter, PushRequest, StreamAdapter},
    prost::Message,
};
use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// `max_line_size`.
const LINE_BYTES_MAX: usize = 256 * 1024;
/// `max_label_names_per_series`.
const LABELS_MAX: usize = 15;
/// `max_label_name_length`.
const LABEL_NAME_BYTES_MAX: usize = 1_024;
/// `max_label_value_length`.
const LABEL_VALUE_BYTES_MAX: usize = 2_048;
/// `reject_old_samples_max_age`.
const AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);
/// `creation_grace_period`.
const FUTURE_MAX: Duration = Duration::from_secs(10 * 60);
/// Half of `max_chunk_age`: how far behind the newest of its stream a line may be.
const BEHIND_MAX: Duration = Duration::from_secs(3_600);

/// A line that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The labels of its stream.
    pub(crate) labels: BTreeMap<String, String>,
    /// When it was logged.
    pub(crate) time: SystemTime,
    /// The line.
    pub(crate) line: String,
}

/// What has to be remembered: the newest line of each stream.
#[derive(Default)]
pub(crate) struct Rules {
    newest: HashMap<String, SystemTime>,
}

impl Entry {
    /// The text that was logged.
    pub(crate) fn message(&self) -> String {
        self.field("message")
    }

    /// The trace that was logged.
    pub(crate) fn trace(&self) -> String {
        self.field("trace_id")
    }

    fn field(&self, name: &str) -> String {
        let line: serde_json::Value = serde_json::from_str(&self.line).expect("a JSON line");
        line[name].as_str().unwrap_or_default().to_owned()
    }
}

impl Rules {
    /// The lines of a push that are taken, and what is said of the first that is not. A push that
    /// cannot be read is refused as a whole.
    #[expect(clippy::disallowed_methods, reason = "Loki compares with the time of now")]
    pub(crate) fn judge(&mut self, body: &[u8]) -> Result<(Vec<Entry>, Option<String>), String> {
        let plain = snap::raw::Decoder::new().decompress_vec(body).map_err(|e| e.to_string())?;
        let request = PushRequest::decode(plain.as_slice()).map_err(|e| e.to_string())?;
        if request.streams.is_empty() {
            return Err("no streams".to_owned());
        }
        let (mut taken, mut complaint) = (Vec::new(), None);
        for StreamAdapter { labels, entries, .. } in request.streams {
            let read = read_labels(&labels).and_then(|read| check_labels(&read).map(|()| read));
            let read = match read {
                Ok(read) => read,
                Err(error) => {
                    complaint.get_or_insert(format!("{error} for stream '{labels}'"));
                    continue;
                }
            };
            for entry in entries {
                match self.take(&labels, &entry, SystemTime::now()) {
                    Ok(time) => {
                        taken.push(Entry { labels: read.clone(), time, line: entry.line });
                    }
                    Err(error) => drop(complaint.get_or_insert(error)),
                }
            }
        }
        Ok((taken, complaint))
    }

    fn take(
        &mut self,
        labels: &str,
        entry: &EntryAdapter,
        now: SystemTime,
    ) -> Result<SystemTime, String> {
        if entry.line.len() > LINE_BYTES_MAX {
            let length = entry.line.len();
            return Err(format!(
                "Max entry size '{LINE_BYTES_MAX}' bytes exceeded for stream '{labels}' \
                 while adding an entry with length '{length}' bytes"
            ));
        }
        let time = entry.timestamp.as_ref().ok_or("an entry has no timestamp")?;
        let time = UNIX_EPOCH + Duration::new(time.seconds as u64, time.nanos as u32);
        if now.duration_since(time).is_ok_and(|age| age > AGE_MAX) {
            return Err(format!("entry for stream '{labels}' has timestamp too old"));
        }
        if time.duration_since(now).is_ok_and(|ahead| ahead > FUTURE_MAX) {
            return Err(format!("entry for stream '{labels}' has timestamp too new"));
        }
        let newest = self.newest.entry(labels.to_owned()).or_insert(time);
        if newest.duration_since(time).is_ok_and(|behind| behind > BEHIND_MAX) {
            return Err(format!("entry too far behind for stream '{labels}'"));
        }
        *newest = time.max(*newest);
        Ok(time)
    }
}

/// How many lines a push has.
pub(crate) fn count(body: &[u8]) -> u64 {
    let plain = snap::raw::Decoder::new().decompress_vec(body).expect("snappy");
    let request = PushRequest::decode(plain.as_slice()).expect("protobuf");
    request.streams.iter().map(|stream| stream.entries.len() as u64).sum()
}

fn check_labels(labels: &BTreeMap<String, String>) -> Result<(), String> {
    if labels.is_empty() {
        return Err("error at least one label pair is required per stream".to_owned());
    }
    if labels.len() > LABELS_MAX {
        return Err("has too many label names".to_owned());
    }
    for (name, value) in labels {
        if name.len() > LABEL_NAME_BYTES_MAX || value.len() > LABEL_VALUE_BYTES_MAX {
            return Err(format!("label '{name}' is too long"));
        }
    }
    Ok(())
}

/// Reads `{name="value",…}` as Loki does: names as Prometheus has them, values as Go quotes them.
fn read_labels(text: &str) -> Result<BTreeMap<String, String>, String> {
    let refused = || format!("error parsing labels {text:?}");
    let mut labels = BTreeMap::new();
    let inside = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let mut rest = inside.ok_or_else(refused)?;
    while !rest.is_empty() {
        let (name, behind) = rest.split_once("=\"").ok_or_else(refused)?;
        let is_name = |place: usize, character: char| {
            character == '_'
                || character.is_ascii_alphabetic()
                || place > 0 && character.is_ascii_digit()
        };
        if name.is_empty() || !name.char_indices().all(|(place, c)| is_name(place, c)) {
            return Err(refused());
        }
        let (mut value, mut characters) = (String::new(), behind.chars());
        loop {
            match characters.next().ok_or_else(refused)? {
                '"' => break,
                '\\' => match characters.next().ok_or_else(refused)? {
                    'n' => value.push('\n'),
                    't' => value.push('\t'),
                    'r' => value.push('\r'),
                    same @ ('"' | '\\') => value.push(same),
                    _ => return Err(refused()),
                },
                '\n' => return Err(refused()),
                other => value.push(other),
            }
        }
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(refused());
        }
        rest = characters.as_str();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Ok(labels)
}
