//! Writing text into JSON strings, also into those that are JSON themselves.

use bytes::{BufMut, BytesMut};
use std::fmt;

/// Writes `text` as the inside of a JSON string.
pub(crate) fn put_text(text: &str, into: &mut BytesMut) {
    escape(text.as_bytes(), &mut |piece| into.put_slice(piece));
}

/// Writes `text` as the inside of a JSON string within JSON that is the inside of a JSON string.
pub(crate) fn put_inner_text(text: &str, into: &mut BytesMut) {
    escape(text.as_bytes(), &mut |piece| escape(piece, &mut |piece| into.put_slice(piece)));
}

/// How many bytes `put_text` writes.
pub(crate) fn text_bytes(text: &str) -> usize {
    let mut count = 0;
    escape(text.as_bytes(), &mut |piece| count += piece.len());
    count
}

/// Text that is written piece by piece as the inside of a JSON string.
pub(crate) struct TextWriter<'a>(pub(crate) &'a mut BytesMut);

impl fmt::Write for TextWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        put_text(text, self.0);
        Ok(())
    }
}

/// Hands out what stands between bytes that must be escaped, and the escapes for these.
fn escape(text: &[u8], emit: &mut impl FnMut(&[u8])) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| MUST_ESCAPE[usize::from(*byte)]) {
        if at > 0 {
            emit(&rest[..at]);
        }
        emit_escape(rest[at], emit);
        rest = &rest[at + 1..];
    }
    if !rest.is_empty() {
        emit(rest);
    }
}

fn emit_escape(byte: u8, emit: &mut impl FnMut(&[u8])) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        b'"' => emit(b"\\\""),
        b'\\' => emit(b"\\\\"),
        b'\n' => emit(b"\\n"),
        b'\r' => emit(b"\\r"),
        b'\t' => emit(b"\\t"),
        _ => {
            let [high, low] = [byte >> 4, byte & 15].map(|half| HEX[usize::from(half)]);
            emit(&[b'\\', b'u', b'0', b'0', high, low]);
        }
    }
}

const MUST_ESCAPE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    const HARD: &str = "plain \" \\ / \n\r\t\u{8}\u{0}\u{1f}\u{7f} é €😀 \u{2028}";

    #[test]
    fn what_is_written_once_is_read_once() {
        let mut json = BytesMut::from("\"");
        put_text(HARD, &mut json);
        assert_eq!(json.len(), 1 + text_bytes(HARD));
        json.put_u8(b'"');
        assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), HARD);
    }

    #[test]
    fn what_is_written_twice_is_read_twice() {
        let mut json = BytesMut::from("\"\\\"");
        put_inner_text(HARD, &mut json);
        json.put_slice(b"\\\"\"");
        let inner: String = serde_json::from_slice(&json).unwrap();
        assert_eq!(serde_json::from_str::<String>(&inner).unwrap(), HARD);
    }
}
