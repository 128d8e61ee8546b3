//! What travels over a channel: one frame, in this adapter's own shape.

use crate::codec::{Code, Junk, Reader};
use campanile_core::{event::Signal, port::NodeId, time::Timestamp};

/// The shape that this version writes and reads.
const VERSION: u8 = 1;

/// A frame as it arrived.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// Who sent it.
    pub(crate) sender: NodeId,
    /// How many signals the sender has published on this channel, this one included.
    pub(crate) count: u64,
    /// When it was published, by the sender's clock.
    pub(crate) stamp: Timestamp,
    /// What it says.
    pub(crate) body: Body,
}

/// What a frame says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// A signal.
    Signal(Signal),
    /// The sender is there. Its beats are numbered.
    Beat(u64),
    /// The sender leaves.
    Leave,
}

impl Frame {
    /// The bytes of a signal's frame, with room for the count.
    pub(crate) fn of_signal(sender: NodeId, stamp: Timestamp, signal: &Signal) -> Vec<u8> {
        let mut bytes = head(sender, stamp, 0);
        signal.put(&mut bytes);
        bytes
    }

    /// The bytes of a beat's frame.
    pub(crate) fn of_beat(sender: NodeId, stamp: Timestamp, count: u64, number: u64) -> Vec<u8> {
        let mut bytes = head(sender, stamp, 1);
        number.put(&mut bytes);
        put_count(&mut bytes, count);
        bytes
    }

    /// The bytes of a last frame.
    pub(crate) fn of_leave(sender: NodeId, stamp: Timestamp, count: u64) -> Vec<u8> {
        let mut bytes = head(sender, stamp, 2);
        put_count(&mut bytes, count);
        bytes
    }

    /// Reads a frame.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Junk> {
        let mut reader = Reader::new(bytes);
        if u8::take(&mut reader)? != VERSION {
            return Err(Junk);
        }
        let count = Code::take(&mut reader)?;
        let (sender, stamp) = (Code::take(&mut reader)?, Code::take(&mut reader)?);
        let body = match u8::take(&mut reader)? {
            0 => Body::Signal(Code::take(&mut reader)?),
            1 => Body::Beat(Code::take(&mut reader)?),
            2 => Body::Leave,
            _ => return Err(Junk),
        };
        reader.end()?;
        Ok(Self { sender, count, stamp, body })
    }
}

fn head(sender: NodeId, stamp: Timestamp, kind: u8) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    0_u64.put(&mut bytes);
    sender.put(&mut bytes);
    stamp.put(&mut bytes);
    bytes.push(kind);
    bytes
}

/// Writes the count, which is known only when the frame's place in the queue is.
pub(crate) fn put_count(frame: &mut [u8], count: u64) {
    frame[1..9].copy_from_slice(&count.to_be_bytes());
}
