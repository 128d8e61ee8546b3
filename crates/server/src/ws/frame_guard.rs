//! The frame guard: follows frame headers in the raw inbound bytes and refuses an announced length
//! before a byte of it is buffered.
//!
//! The WebSocket library checks its limit only once a whole frame has arrived, so without this a
//! client that announces 2⁴⁰ bytes makes the server keep all it sends. Nothing is copied here.

use actix_web::{error::PayloadError, web::Bytes};
use campanile_metrics::BatchedCounter;
use futures_util::{Stream, ready};
use std::{
    error::Error,
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

/// How much a client may send at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimits {
    /// Longest frame, in bytes of payload.
    pub frame_bytes_max: u64,
    /// Longest message, over all its fragments.
    pub message_bytes_max: u64,
    /// Most fragments of one message.
    pub fragments_max: u32,
}

/// Why the guard ended the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    /// A frame or a message is longer than it may be, or in more fragments.
    #[error("a frame or message is too large")]
    TooLarge,
    /// A reserved bit is set, and no extension was agreed on.
    #[error("a reserved bit is set")]
    ReservedBit,
}

impl Violation {
    /// The violation behind an error that the stream gave, if it was one.
    pub(super) fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        if let Some(violation) = error.downcast_ref() {
            return Some(violation);
        }
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return error.get_ref().and_then(|inner| Self::behind(inner));
        }
        match error.downcast_ref::<PayloadError>() {
            Some(PayloadError::Io(error)) => Self::behind(error),
            _ => None,
        }
    }
}

/// A stream of inbound bytes, passed on for as long as what they announce is within the limits.
pub(super) struct FrameGuard<S> {
    inner: S,
    follower: Follower,
    received: Rc<BatchedCounter>,
    ended: Ended,
}

/// Whether the stream has ended.
#[derive(Clone, Copy)]
enum Ended {
    No,
    /// It has, and the bytes before the violation were just passed on. The WebSocket library reads
    /// on at once and puts an error before the frames it has; one turn of nothing lets them out.
    BehindGoodBytes(Violation),
    Said(Violation),
}

impl<S> FrameGuard<S> {
    /// A guard over `inner` that counts its bytes.
    pub(super) fn new(inner: S, limits: FrameLimits, received: Rc<BatchedCounter>) -> Self {
        Self { inner, follower: Follower::new(limits), received, ended: Ended::No }
    }
}

impl<S> Stream for FrameGuard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match this.ended {
            Ended::No => {}
            Ended::BehindGoodBytes(violation) => {
                this.ended = Ended::Said(violation);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Ended::Said(violation) => {
                return Poll::Ready(Some(Err(PayloadError::Io(io::Error::other(violation)))));
            }
        }
        let Some(mut bytes) = ready!(Pin::new(&mut this.inner).poll_next(context)?) else {
            return Poll::Ready(None);
        };
        this.received.add(bytes.len() as u64);
        if let Err((good, violation)) = this.follower.follow(&bytes) {
            this.ended = Ended::BehindGoodBytes(violation);
            bytes.truncate(good);
        }
        Poll::Ready(Some(Ok(bytes)))
    }
}

/// Where in a frame the bytes so far ended.
struct Follower {
    limits: FrameLimits,
    header: [u8; HEADER_BYTES_MAX],
    header_bytes: usize,
    payload_left: u64,
    message_bytes: u64,
    fragments: u32,
}

/// Two bytes, eight more for the length, four for the mask.
const HEADER_BYTES_MAX: usize = 14;

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const FIRST_CONTROL_OPCODE: u8 = 0x8;
const MASKED: u8 = 0x80;

impl Follower {
    fn new(limits: FrameLimits) -> Self {
        Self {
            limits,
            header: [0; HEADER_BYTES_MAX],
            header_bytes: 0,
            payload_left: 0,
            message_bytes: 0,
            fragments: 0,
        }
    }

    /// Follows the next bytes. On a violation, says how many bytes before the frame that commits it
    /// are good.
    fn follow(&mut self, bytes: &[u8]) -> Result<(), (usize, Violation)> {
        let mut at = 0;
        let mut frame_start = 0;
        while at < bytes.len() {
            if self.payload_left > 0 {
                let left = usize::try_from(self.payload_left).unwrap_or(usize::MAX);
                let skipped = left.min(bytes.len() - at);
                self.payload_left -= skipped as u64;
                at += skipped;
                continue;
            }
            if self.header_bytes == 0 {
                frame_start = at;
            }
            self.header[self.header_bytes] = bytes[at];
            self.header_bytes += 1;
            at += 1;
            if self.header[0] & RESERVED != 0 {
                return Err((frame_start, Violation::ReservedBit));
            }
            if let Some(payload_bytes) = self.announced() {
                self.header_bytes = 0;
                self.admit(payload_bytes).map_err(|violation| (frame_start, violation))?;
                self.payload_left = payload_bytes;
            }
        }
        Ok(())
    }

    /// The length that the header announces, once all of the header is there.
    fn announced(&self) -> Option<u64> {
        if self.header_bytes < 2 {
            return None;
        }
        let short = self.header[1] & !MASKED;
        let length_bytes = match short {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask_bytes = if self.header[1] & MASKED == 0 { 0 } else { 4 };
        if self.header_bytes < 2 + length_bytes + mask_bytes {
            return None;
        }
        let length = &self.header[2..2 + length_bytes];
        match length_bytes {
            0 => Some(u64::from(short)),
            _ => Some(length.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))),
        }
    }

    fn admit(&mut self, payload_bytes: u64) -> Result<(), Violation> {
        let first = self.header[0];
        if payload_bytes > self.limits.frame_bytes_max {
            return Err(Violation::TooLarge);
        }
        if first & OPCODE >= FIRST_CONTROL_OPCODE {
            return Ok(());
        }
        self.fragments += 1;
        self.message_bytes = self.message_bytes.saturating_add(payload_bytes);
        let too_long = self.message_bytes > self.limits.message_bytes_max;
        if too_long || self.fragments > self.limits.fragments_max {
            return Err(Violation::TooLarge);
        }
        if first & FINAL != 0 {
            self.fragments = 0;
            self.message_bytes = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: FrameLimits =
        FrameLimits { frame_bytes_max: 100, message_bytes_max: 150, fragments_max: 3 };

    /// A masked frame, as a client sends it.
    fn frame(first: u8, payload_bytes: u64) -> Vec<u8> {
        let mut frame = vec![first];
        match payload_bytes {
            0..126 => frame.push(0x80 | u8::try_from(payload_bytes).expect("short")),
            126..65_536 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(payload_bytes).expect("short").to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend(payload_bytes.to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.resize(frame.len() + usize::try_from(payload_bytes.min(1_000)).expect("short"), 0xff);
        frame
    }

    /// Whatever pieces the bytes come in, the verdict is the same.
    fn check(frames: &[Vec<u8>], expected: Result<(), (usize, Violation)>) {
        let bytes = frames.concat();
        assert_eq!(Follower::new(LIMITS).follow(&bytes), expected);
        let mut follower = Follower::new(LIMITS);
        let one_by_one = bytes.iter().try_for_each(|byte| follower.follow(&[*byte]));
        assert_eq!(
            one_by_one.map_err(|(_, violation)| violation),
            expected.map_err(|(_, violation)| violation)
        );
    }

    #[test]
    fn what_is_within_the_limits_passes() {
        check(&[frame(0x81, 100), frame(0x82, 0), frame(0x89, 5), frame(0x88, 2)], Ok(()));
        check(&[frame(0x01, 50), frame(0x89, 99), frame(0x00, 50), frame(0x80, 50)], Ok(()));
        let many = vec![frame(0x81, 100); 20];
        check(&many, Ok(()));
    }

    #[test]
    fn an_announced_length_is_refused_at_its_header() {
        let good = frame(0x81, 10);
        for announced in [101, 126, 65_535, 65_536, 1 << 40, u64::MAX] {
            let frames = [good.clone(), frame(0x81, announced)];
            check(&frames, Err((good.len(), Violation::TooLarge)));
        }
        check(&[frame(0x89, 101)], Err((0, Violation::TooLarge)));
    }

    #[test]
    fn a_message_is_counted_over_its_fragments() {
        let (first, next) = (frame(0x01, 100), frame(0x00, 51));
        check(&[first.clone(), next], Err((first.len(), Violation::TooLarge)));
        let fragments = [frame(0x01, 0), frame(0x00, 0), frame(0x00, 0), frame(0x00, 0)];
        check(&fragments, Err((18, Violation::TooLarge)));
        let fragments = [frame(0x01, 0), frame(0x00, 0), frame(0x80, 0), frame(0x01, 0)];
        check(&fragments, Ok(()));
    }

    #[test]
    fn a_reserved_bit_is_refused() {
        check(&[frame(0xc1, 1)], Err((0, Violation::ReservedBit)));
    }

    #[test]
    fn the_violation_is_found_behind_the_errors_around_it() {
        let error = PayloadError::Io(io::Error::other(Violation::TooLarge));
        let error = io::Error::other(error);
        assert_eq!(Violation::behind(&error), Some(&Violation::TooLarge));
        assert_eq!(Violation::behind(&io::Error::other("else")), None);
    }
}
