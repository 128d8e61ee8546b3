//! What is written is read again, and whatever else is read does no harm.

use super::{Code, Reader};
use crate::bus::frame::{Body, Frame};
use campanile_core::{
    event::{Audience, Event, Signal},
    message::{Epoch, Message, MessageId, Reaction, Sequence},
    name::{RoomName, UserName},
    port::NodeId,
    time::Timestamp,
};
use proptest::prelude::*;
use std::sync::Arc;

fn user() -> impl Strategy<Value = UserName> {
    "[a-z0-9._-]{1,64}".prop_map(|name| UserName::parse(&name).expect("it is a name"))
}

fn room() -> impl Strategy<Value = RoomName> {
    "[a-z0-9._-]{1,64}".prop_map(|name| RoomName::parse(&name).expect("it is a name"))
}

fn message() -> impl Strategy<Value = Message> {
    let head = (room(), user(), ".{0,200}", any::<u64>(), any::<u64>(), any::<i64>());
    let rest = (
        proptest::option::of(".{1,20}"),
        proptest::option::of(any::<u64>()),
        proptest::option::of(any::<i64>()),
        any::<bool>(),
        proptest::collection::vec((".{1,8}", proptest::collection::vec(user(), 0..5)), 0..5),
    );
    (head, rest).prop_map(|(head, rest)| {
        let (room, from, body, epoch, seq, at) = head;
        let (key, reply_to, edited_at, deleted, reactions) = rest;
        let reaction = |(emoji, users): (String, _)| Reaction { emoji: emoji.into(), users };
        Message {
            room,
            id: MessageId { epoch: Epoch(epoch), seq: Sequence(seq) },
            from,
            body: body.into(),
            at: Timestamp(at),
            key: key.map(Into::into),
            reply_to: reply_to.map(Sequence),
            edited_at: edited_at.map(Timestamp),
            deleted,
            reactions: reactions.into_iter().map(reaction).collect(),
        }
    })
}

fn signal() -> impl Strategy<Value = Signal> {
    (message(), proptest::collection::vec(room(), 0..20)).prop_map(|(message, rooms)| {
        Signal::Tell(Audience::Rooms(rooms), Event::Message(Arc::new(message)))
    })
}

fn frame(signal: &Signal) -> Vec<u8> {
    Frame::of_signal(NodeId(7), Timestamp(9), signal)
}

proptest! {
    #[test]
    fn what_is_written_is_read(signal in signal()) {
        let read = Frame::read(&frame(&signal)).expect("it was written so");
        prop_assert_eq!(read.body, Body::Signal(signal));
        prop_assert_eq!((read.sender, read.count, read.stamp), (NodeId(7), 0, Timestamp(9)));
    }

    #[test]
    fn a_part_is_junk_and_so_is_more(signal in signal(), cut in any::<prop::sample::Index>()) {
        let mut bytes = frame(&signal);
        prop_assert!(Frame::read(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(Frame::read(&bytes).is_err());
    }

    /// A damaged frame is junk or another frame, and never a panic. Another frame is written as it
    /// was read: there is one shape for each.
    #[test]
    fn damage_does_no_harm(
        signal in signal(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = frame(&signal);
        for (place, byte) in damage {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if let Ok(Frame { body: Body::Signal(signal), sender, stamp, count }) = Frame::read(&bytes) {
            let mut again = Frame::of_signal(sender, stamp, &signal);
            crate::bus::frame::put_count(&mut again, count);
            prop_assert_eq!(again, bytes);
        }
    }

    #[test]
    fn noise_does_no_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = Frame::read(&bytes);
        // Behind a good head it comes further.
        let mut framed = frame(&Signal::Tell(Audience::Everyone, Event::Draining { after_ms: 0 }));
        framed.truncate(26);
        framed.append(&mut bytes);
        let _ = Frame::read(&framed);
    }
}

#[test]
fn a_list_that_promises_more_than_there_is_takes_no_memory() {
    let mut bytes = u32::MAX.to_be_bytes().to_vec();
    bytes.extend([0; 64]);
    assert!(Vec::<u64>::take(&mut Reader::new(&bytes)).is_err());
    assert!(Arc::<str>::take(&mut Reader::new(&bytes)).is_err());
}

#[test]
fn another_version_is_junk() {
    let mut bytes = frame(&Signal::Tell(Audience::Everyone, Event::Draining { after_ms: 0 }));
    bytes[0] = 2;
    assert!(Frame::read(&bytes).is_err());
}
