//! The frames this server writes, each in one buffer: header and payload.

use bytes::{BufMut, Bytes, BytesMut};
use campanile_protocol::{Codec, ServerFrame};

/// Longest payload of a ping, a pong or a close.
const CONTROL_BYTES_MAX: usize = 125;

const FINAL: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// Longest header of a frame that is not masked.
const HEADER_BYTES_MAX: usize = 10;

/// A text frame that says `frame`.
pub(super) fn text(codec: &impl Codec, frame: &ServerFrame) -> Bytes {
    message(TEXT, |payload| codec.encode(frame, payload))
}

/// A text frame of any text, for servers that echo.
pub fn text_of(payload: &[u8]) -> Bytes {
    message(TEXT, |frame| frame.put_slice(payload))
}

/// A text frame of what `write` adds.
pub(crate) fn text_frame(write: impl FnOnce(&mut BytesMut)) -> Bytes {
    message(TEXT, write)
}

/// A binary frame, for servers that echo.
pub fn binary_of(payload: &[u8]) -> Bytes {
    message(0x2, |frame| frame.put_slice(payload))
}

/// A ping; what it carries comes back in the pong.
pub(super) fn ping(payload: &[u8]) -> Bytes {
    control(PING, payload)
}

/// The answer to a ping.
pub(super) fn pong(payload: &[u8]) -> Bytes {
    control(PONG, payload)
}

/// The frame that closes: with a code, or without one as an echo of a peer who gave none.
pub(super) fn close(code: Option<u16>) -> Bytes {
    match code {
        Some(code) => control(CLOSE, &code.to_be_bytes()),
        None => control(CLOSE, &[]),
    }
}

fn control(opcode: u8, payload: &[u8]) -> Bytes {
    let payload = &payload[..payload.len().min(CONTROL_BYTES_MAX)];
    message(opcode, |frame| frame.put_slice(payload))
}

/// The header's length depends on the payload's, which is not known before it is written: room for
/// the longest header is left, and what it does not need is cut off.
fn message(opcode: u8, write: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut frame = BytesMut::with_capacity(256);
    frame.put_bytes(0, HEADER_BYTES_MAX);
    write(&mut frame);
    let payload_bytes = frame.len() - HEADER_BYTES_MAX;
    let mut header = [0; HEADER_BYTES_MAX];
    header[0] = FINAL | opcode;
    let header_bytes = match payload_bytes {
        0..126 => {
            header[1] = u8::try_from(payload_bytes).expect("less than 126");
            2
        }
        126..65_536 => {
            header[1] = 126;
            let length = u16::try_from(payload_bytes).expect("less than 65536");
            header[2..4].copy_from_slice(&length.to_be_bytes());
            4
        }
        _ => {
            header[1] = 127;
            header[2..10].copy_from_slice(&(payload_bytes as u64).to_be_bytes());
            10
        }
    };
    let start = HEADER_BYTES_MAX - header_bytes;
    frame[start..HEADER_BYTES_MAX].copy_from_slice(&header[..header_bytes]);
    frame.freeze().slice(start..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_says_the_length_in_as_few_bytes_as_it_takes() {
        for (length, header) in [
            (0_usize, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 0xff, 0xff]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = text_of(&vec![b'x'; length]);
            assert_eq!(frame[..header.len()], header, "of {length} bytes");
            assert_eq!(frame.len(), header.len() + length);
        }
    }

    #[test]
    fn control_frames_are_short() {
        assert_eq!(ping(b"7")[..], [0x89, 1, b'7']);
        assert_eq!(pong(&[0; 200]).len(), 2 + CONTROL_BYTES_MAX);
        assert_eq!(close(Some(1013))[..], [0x88, 2, 0x03, 0xf5]);
        assert_eq!(close(None)[..], [0x88, 0]);
    }
}
