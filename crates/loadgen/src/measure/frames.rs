//! WebSocket frames (RFC 6455, section 5), read in place: a server's whole text messages out of the
//! bytes that came, and a client's frames.

/// Longest message that is taken.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// Something whole that a server sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// A message.
    Message(&'a [u8]),
    /// It wants this back.
    Ping(&'a [u8]),
    /// The end, with its code.
    Close(Option<u16>),
}

/// These bytes are no frames of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoFrame;

/// Bytes that are not whole yet. It holds no memory between whole frames.
#[derive(Debug, Default)]
pub(super) struct Frames {
    partial: Vec<u8>,
    /// Of a message in several frames, those that came.
    fragments: Option<Vec<u8>>,
}

impl Frames {
    /// Hands on everything that these bytes complete.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        mut on: impl FnMut(Piece<'_>),
    ) -> Result<(), NoFrame> {
        if self.partial.is_empty() {
            let rest = self.take_all(bytes, &mut on)?;
            self.partial.extend_from_slice(rest);
            return Ok(());
        }
        let mut partial = std::mem::take(&mut self.partial);
        partial.extend_from_slice(bytes);
        let rest = self.take_all(&partial, &mut on)?.len();
        if rest > 0 {
            partial.drain(..partial.len() - rest);
            self.partial = partial;
        }
        Ok(())
    }

    /// Bytes that came before the first feeding.
    pub(super) fn put_back(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
    }

    /// Whether a whole frame is there before anything more is fed.
    pub(super) fn has_whole(&self) -> bool {
        // Feeding leaves none; and what is no frame is found out by feeding.
        !self.partial.is_empty() && !matches!(Frame::split(&self.partial), Ok(None))
    }

    /// Takes whole frames; what is behind them.
    fn take_all<'b>(
        &mut self,
        mut bytes: &'b [u8],
        on: &mut impl FnMut(Piece<'_>),
    ) -> Result<&'b [u8], NoFrame> {
        while let Some((frame, rest)) = Frame::split(bytes)? {
            self.take(&frame, on)?;
            bytes = rest;
        }
        Ok(bytes)
    }

    fn take(&mut self, frame: &Frame<'_>, on: &mut impl FnMut(Piece<'_>)) -> Result<(), NoFrame> {
        match (frame.opcode, &mut self.fragments) {
            (Opcode::Text | Opcode::Binary, None) if frame.is_last => {
                on(Piece::Message(frame.payload));
            }
            (Opcode::Text | Opcode::Binary, none @ None) => *none = Some(frame.payload.to_vec()),
            (Opcode::Continuation, Some(fragments)) => {
                fragments.extend_from_slice(frame.payload);
                if fragments.len() > MESSAGE_BYTES_MAX {
                    return Err(NoFrame);
                }
                if frame.is_last {
                    let whole = self.fragments.take().unwrap_or_default();
                    on(Piece::Message(&whole));
                }
            }
            (Opcode::Ping, _) => on(Piece::Ping(frame.payload)),
            (Opcode::Pong, _) => {}
            (Opcode::Close, _) => {
                let code = frame.payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                on(Piece::Close(code));
            }
            (Opcode::Text | Opcode::Binary, Some(_)) | (Opcode::Continuation, None) => {
                return Err(NoFrame);
            }
        }
        Ok(())
    }
}

struct Frame<'a> {
    opcode: Opcode,
    is_last: bool,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first frame, and what is behind it; `None` where it is not whole.
    fn split(bytes: &'a [u8]) -> Result<Option<(Self, &'a [u8])>, NoFrame> {
        let [first, second, behind @ ..] = bytes else { return Ok(None) };
        // Extensions were not asked for, and only clients mask.
        if first & RESERVED != 0 || second & MASKED != 0 {
            return Err(NoFrame);
        }
        let opcode = Opcode::of(first & 0x0f).ok_or(NoFrame)?;
        let (length, behind) = match second {
            126 => match behind.split_first_chunk() {
                Some((length, behind)) => (usize::from(u16::from_be_bytes(*length)), behind),
                None => return Ok(None),
            },
            127 => match behind.split_first_chunk() {
                Some((length, behind)) => {
                    (usize::try_from(u64::from_be_bytes(*length)).map_err(|_| NoFrame)?, behind)
                }
                None => return Ok(None),
            },
            length => (usize::from(*length), behind),
        };
        if length > MESSAGE_BYTES_MAX {
            return Err(NoFrame);
        }
        let Some((payload, rest)) = behind.split_at_checked(length) else { return Ok(None) };
        Ok(Some((Self { opcode, is_last: first & FIN != 0, payload }, rest)))
    }
}

impl Opcode {
    fn of(number: u8) -> Option<Self> {
        let all =
            [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong];
        all.into_iter().find(|opcode| *opcode as u8 == number)
    }
}

/// A client's whole frame, behind what is in `into`. It is masked, as it has to be, but with
/// zeros: what is sent is made here, so there is nobody to be protected from.
pub(super) fn put_frame(opcode: Opcode, payload: &[u8], into: &mut Vec<u8>) {
    into.push(FIN | opcode as u8);
    match payload.len() {
        length @ 0..=125 => into.push(MASKED | length as u8),
        length @ 126..=0xffff => {
            into.push(MASKED | 126);
            into.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            into.push(MASKED | 127);
            into.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    into.extend_from_slice(&[0; 4]);
    into.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a server's frame.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..=125 => bytes.push(length as u8),
            length @ 126..=0xffff => {
                bytes.push(126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    fn pieces(frames: &mut Frames, bytes: &[u8]) -> Result<Vec<String>, NoFrame> {
        let mut pieces = Vec::new();
        frames.feed(bytes, |piece| {
            pieces.push(match piece {
                Piece::Message(text) => format!("{}:{}", text.len(), text.first().unwrap_or(&0)),
                Piece::Ping(payload) => format!("ping {}", payload.len()),
                Piece::Close(code) => format!("close {code:?}"),
            });
        })?;
        Ok(pieces)
    }

    #[test]
    fn messages_of_any_length_are_read_however_they_are_cut() {
        let mut bytes = Vec::new();
        for length in [0, 1, 125, 126, 127, 65_535, 65_536] {
            bytes.extend(frame(0x81, &vec![7; length]));
        }
        bytes.extend(frame(0x89, b"hi"));
        bytes.extend(frame(0x8a, b""));
        bytes.extend(frame(0x88, &1013_u16.to_be_bytes()));
        let expected = pieces(&mut Frames::default(), &bytes).unwrap();
        assert_eq!(expected.len(), 9);
        assert_eq!(expected[7..], ["ping 2", "close Some(1013)"]);
        for size in [1, 2, 3, 7, 1000, 65_537] {
            let mut frames = Frames::default();
            let cut = bytes.chunks(size).flat_map(|chunk| pieces(&mut frames, chunk).unwrap());
            assert_eq!(cut.collect::<Vec<_>>(), expected, "in pieces of {size}");
            assert_eq!(frames.partial.capacity(), 0, "nothing is held");
        }
    }

    #[test]
    fn fragments_are_one_message_and_others_come_between() {
        let mut bytes = frame(0x01, b"abc");
        bytes.extend(frame(0x89, b""));
        bytes.extend(frame(0x00, b"d"));
        bytes.extend(frame(0x80, b"e"));
        assert_eq!(pieces(&mut Frames::default(), &bytes).unwrap(), ["ping 0", "5:97"]);
    }

    #[test]
    fn what_is_no_frame_of_a_server_is_refused() {
        let masked = [0x81, 0x80, 0, 0, 0, 0];
        let huge = [0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255];
        let compressed = [0xc1, 0];
        let unknown = [0x83, 0];
        let orphan = [0x80, 0];
        for bytes in [&masked[..], &huge, &compressed, &unknown, &orphan] {
            assert_eq!(pieces(&mut Frames::default(), bytes), Err(NoFrame), "{bytes:?}");
        }
    }

    #[test]
    fn a_clients_frame_says_its_length() {
        for (length, head) in [(5, 2), (126, 4), (65_536, 10)] {
            let mut bytes = Vec::new();
            put_frame(Opcode::Text, &vec![1; length], &mut bytes);
            assert_eq!(bytes.len(), head + 4 + length);
            assert_eq!(bytes[1] & MASKED, MASKED);
        }
    }
}
