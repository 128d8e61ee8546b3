//! The core's values as the native protocol writes them, and back.

use campanile_core as core;
use campanile_core::{event, fanout::Encoder, message::Amendment, time::Timestamp};
use campanile_protocol as wire;
use campanile_protocol::{JsonV1, ServerFrame};

use super::frame;

/// Makes the frame of an event, once for all who hear it.
pub fn encoder() -> Encoder {
    Box::new(|event| Some(frame::text(&JsonV1, &ServerFrame::Event(self::event(event)?))))
}

/// An event in the native protocol, which says nothing of channels.
pub(crate) fn event(event: &event::Event) -> Option<wire::Event> {
    use event::Event;
    Some(match event {
        Event::Message(message) => wire::Event::Message(self::message(message)),
        Event::Amended { room, seq, amendment, by, at } => {
            let place = (room.to_string(), seq.0);
            amended(place, amendment, by.to_string(), stamp(*at))
        }
        Event::Typing { room, user, on } => wire::Event::Typing(wire::Typing {
            room: room.to_string(),
            user: user.to_string(),
            on: *on,
        }),
        Event::Read { room, user, seq } => wire::Event::Read(wire::Read {
            room: room.to_string(),
            user: user.to_string(),
            seq: seq.0,
        }),
        Event::Presence(presence) => wire::Event::Presence(wire::PresenceChanged {
            user: presence.user.to_string(),
            status: status(presence.status),
            last_seen: presence.last_seen.map(stamp),
        }),
        Event::Joined { room, user, role } => wire::Event::Joined(wire::Joined {
            room: room.to_string(),
            user: user.to_string(),
            role: self::role(*role),
        }),
        Event::Left { room, user, reason } => wire::Event::Left(wire::Left {
            room: room.to_string(),
            user: user.to_string(),
            reason: leave_reason(*reason),
        }),
        Event::Resync { room, reason } => wire::Event::Resync(wire::Resync {
            room: room.to_string(),
            reason: resync_reason(*reason),
        }),
        Event::Draining { after_ms } => {
            wire::Event::Draining(wire::Draining { after_ms: *after_ms })
        }
        Event::Channel(..) => return None,
    })
}

fn amended(
    (room, seq): (String, u64),
    amendment: &Amendment,
    by: String,
    at: wire::Stamp,
) -> wire::Event {
    match amendment {
        Amendment::Edit { body } => {
            let body = body.to_string();
            wire::Event::Edited(wire::Edited { room, seq, body, by, at })
        }
        Amendment::Delete => wire::Event::Deleted(wire::Deleted { room, seq, by, at }),
        Amendment::React { emoji, on } => {
            let (emoji, on) = (emoji.to_string(), *on);
            wire::Event::Reaction(wire::Reacted { room, seq, emoji, on, by, at })
        }
    }
}

/// A stored message, the same over REST.
pub fn message(message: &core::message::Message) -> wire::Message {
    let epoch = self::epoch(message.id.epoch);
    wire::Message {
        room: message.room.to_string(),
        seq: message.id.seq.0,
        message_id: wire::Message::id(epoch, message.id.seq.0),
        from: message.from.to_string(),
        body: message.body.to_string(),
        at: stamp(message.at),
        key: message.key.as_deref().map(str::to_owned),
        reply_to: message.reply_to.map(|seq| seq.0),
        edited_at: message.edited_at.map(stamp),
        deleted: message.deleted,
        reactions: message.reactions.iter().map(reaction).collect(),
    }
}

fn reaction(reaction: &core::message::Reaction) -> wire::Reaction {
    wire::Reaction {
        emoji: reaction.emoji.to_string(),
        users: reaction.users.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn member((member, there): &(core::room::Member, core::user::Status)) -> wire::Member {
    wire::Member {
        user: member.user.to_string(),
        role: role(member.role),
        status: status(*there),
        last_seen: member.last_seen.map(stamp),
        read_seq: member.read_seq.0,
    }
}

/// A point in time as the wire has it.
pub fn stamp(at: Timestamp) -> wire::Stamp {
    wire::Stamp::from_millis(at.0)
}

pub(crate) fn epoch(epoch: core::message::Epoch) -> wire::Epoch {
    wire::Epoch(epoch.0)
}

pub(super) fn kind(kind: core::room::RoomKind) -> wire::RoomKind {
    match kind {
        core::room::RoomKind::Public => wire::RoomKind::Public,
        core::room::RoomKind::Private => wire::RoomKind::Private,
        core::room::RoomKind::Direct => wire::RoomKind::Direct,
    }
}

fn role(role: core::room::Role) -> wire::Role {
    match role {
        core::room::Role::Owner => wire::Role::Owner,
        core::room::Role::Member => wire::Role::Member,
    }
}

fn status(status: core::user::Status) -> wire::Status {
    match status {
        core::user::Status::Available => wire::Status::Available,
        core::user::Status::Away => wire::Status::Away,
        core::user::Status::DoNotDisturb => wire::Status::Dnd,
        core::user::Status::Unavailable => wire::Status::Unavailable,
    }
}

pub(super) fn status_said(status: wire::Status) -> core::user::Status {
    match status {
        wire::Status::Available => core::user::Status::Available,
        wire::Status::Away => core::user::Status::Away,
        wire::Status::Dnd => core::user::Status::DoNotDisturb,
        wire::Status::Unavailable => core::user::Status::Unavailable,
    }
}

fn leave_reason(reason: event::LeaveReason) -> wire::LeaveReason {
    match reason {
        event::LeaveReason::Left => wire::LeaveReason::Left,
        event::LeaveReason::Removed => wire::LeaveReason::Removed,
        event::LeaveReason::RoomDeleted => wire::LeaveReason::RoomDeleted,
    }
}

fn resync_reason(reason: event::ResyncReason) -> wire::ResyncReason {
    match reason {
        event::ResyncReason::Gap => wire::ResyncReason::Gap,
        event::ResyncReason::Epoch => wire::ResyncReason::Epoch,
    }
}
