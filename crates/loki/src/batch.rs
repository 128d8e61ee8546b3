//! Lines of a push, as Loki's protocol has them: protobuf, compressed with snappy.

use loki_api::{
    logproto::{EntryAdapter, PushRequest, StreamAdapter},
    prost::{DecodeError, Message},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Why something is not a push.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BatchError {
    #[error("cannot decompress a push: {0}")]
    Snappy(#[from] snap::Error),
    #[error("cannot decode a push: {0}")]
    Protobuf(#[from] DecodeError),
}

/// Lines by stream, with what has to be known of them.
#[derive(Default)]
pub(crate) struct Batch {
    request: PushRequest,
    pub(crate) lines: u64,
    /// At most so many bytes, before compression.
    pub(crate) bytes: usize,
    pub(crate) span: Span,
}

/// When lines were logged: the oldest and the newest of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Span {
    pub(crate) oldest: Option<SystemTime>,
    pub(crate) newest: Option<SystemTime>,
}

impl Batch {
    /// Reads a push.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, BatchError> {
        let plain = snap::raw::Decoder::new().decompress_vec(body)?;
        let request = PushRequest::decode(plain.as_slice())?;
        let mut batch = Self::default();
        for stream in request.streams {
            for entry in stream.entries {
                batch.add(&stream.labels, entry);
            }
        }
        Ok(batch)
    }

    /// Adds a line to its stream.
    pub(crate) fn add(&mut self, labels: &str, entry: EntryAdapter) {
        self.lines += 1;
        self.bytes += self.room_for(labels, &entry);
        self.span.reach(time_of(&entry));
        match self.request.streams.iter_mut().find(|stream| stream.labels == labels) {
            Some(stream) => stream.entries.push(entry),
            None => {
                let labels = labels.to_owned();
                self.request.streams.push(StreamAdapter { labels, entries: vec![entry], hash: 0 });
            }
        }
    }

    /// Adds all lines of another one.
    pub(crate) fn append(&mut self, other: Self) {
        for (labels, entry) in other.into_lines() {
            self.add(&labels, entry);
        }
    }

    /// How many bytes a line would add.
    pub(crate) fn room_for(&self, labels: &str, entry: &EntryAdapter) -> usize {
        // A tag and up to five bytes of length before each entry, and before each stream's
        // entries and labels.
        let is_known = self.request.streams.iter().any(|stream| stream.labels == labels);
        let stream = if is_known { 0 } else { 12 + labels.len() };
        stream + 6 + entry.encoded_len()
    }

    /// Its lines, each with the labels of its stream.
    pub(crate) fn into_lines(self) -> impl Iterator<Item = (String, EntryAdapter)> {
        self.request.streams.into_iter().flat_map(|stream| {
            let StreamAdapter { labels, entries, .. } = stream;
            entries.into_iter().map(move |entry| (labels.clone(), entry))
        })
    }

    /// Writes a push. The lines of a stream are in the order in which they were logged.
    pub(crate) fn encode(&mut self) -> Vec<u8> {
        for stream in &mut self.request.streams {
            stream.entries.sort_by_key(time_of);
        }
        let compressed = snap::raw::Encoder::new().compress_vec(&self.request.encode_to_vec());
        compressed.expect("snappy takes up to 4 GiB, and a batch is bounded below that")
    }

    /// How many bytes lines may have so that their push, compressed, has at most `push_bytes_max`
    /// even if nothing in them repeats itself.
    pub(crate) fn plain_bytes_max(push_bytes_max: usize) -> usize {
        push_bytes_max.saturating_sub(32) / 7 * 6
    }
}

impl Span {
    pub(crate) fn reach(&mut self, time: SystemTime) {
        self.oldest = Some(self.oldest.map_or(time, |oldest| oldest.min(time)));
        self.newest = Some(self.newest.map_or(time, |newest| newest.max(time)));
    }

    pub(crate) fn cover(&mut self, other: Self) {
        other.oldest.into_iter().chain(other.newest).for_each(|time| self.reach(time));
    }
}

/// When a line was logged; what has no time is as old as can be.
fn time_of(entry: &EntryAdapter) -> SystemTime {
    let Some(time) = &entry.timestamp else { return UNIX_EPOCH };
    let seconds = Duration::from_secs(u64::try_from(time.seconds).unwrap_or_default());
    UNIX_EPOCH + seconds + Duration::from_nanos(u64::try_from(time.nanos).unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A line that was logged so many seconds after 1970.
    pub(crate) fn entry(seconds: u64, line: &str) -> EntryAdapter {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        EntryAdapter { timestamp: Some(time.into()), line: line.to_owned() }
    }

    #[test]
    fn what_is_encoded_is_decoded_in_order_of_time() {
        let mut batch = Batch::default();
        batch.add("{a}", entry(2, "second"));
        batch.add("{b}", entry(7, "other"));
        batch.add("{a}", entry(1, "first"));
        let plain_bytes_max = batch.bytes;
        let body = batch.encode();
        assert!(snap::raw::decompress_len(&body).expect("a length") <= plain_bytes_max);
        let batch = Batch::decode(&body).expect("a push");
        let at = |seconds| Some(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!((batch.lines, batch.span), (3, Span { oldest: at(1), newest: at(7) }));
        let lines: Vec<_> = batch.into_lines().map(|(labels, e)| (labels, e.line)).collect();
        let expected = [("{a}", "first"), ("{a}", "second"), ("{b}", "other")];
        assert_eq!(lines, expected.map(|(labels, line)| (labels.to_owned(), line.to_owned())));
    }

    #[test]
    fn a_batch_knows_at_most_how_long_it_will_be() {
        let mut batch = Batch::default();
        for line in 0..500 {
            batch.add(["{a}", "{bb}"][line % 2], entry(line as u64, &"x".repeat(line)));
        }
        let bytes_max = batch.bytes;
        assert!(snap::raw::decompress_len(&batch.encode()).expect("a length") <= bytes_max);
        assert!(snap::raw::max_compress_len(Batch::plain_bytes_max(1 << 20)) <= 1 << 20);
    }

    #[test]
    fn what_is_no_push_is_refused() {
        assert!(matches!(Batch::decode(b"\xff\xff"), Err(BatchError::Snappy(_))));
        let noise = snap::raw::Encoder::new().compress_vec(b"\xff\xff").expect("snappy");
        assert!(matches!(Batch::decode(&noise), Err(BatchError::Protobuf(_))));
    }
}
