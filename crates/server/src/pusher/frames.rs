//! What happens in channels, as the protocol's frames.

use crate::ws;
use campanile_core::{
    channel::{self, ChannelEvent, Published},
    event::Event,
    fanout::Encoder,
};
use campanile_pusher::{Data, Present, ServerFrame, WatchlistChange};

use actix_web::web::Bytes;

/// Makes the frame of an event in a channel, once for all who hear it. What happens in rooms is
/// nothing that the protocol says.
pub fn encoder() -> Encoder {
    Box::new(|event| match event {
        Event::Channel(channel, event) if channel.is_of_signed_in() => watched(event),
        Event::Channel(channel, event) => Some(frame(channel.name(), event)),
        _ => None,
    })
}

/// A frame of the server as a frame of the WebSocket.
pub(super) fn text(frame: &ServerFrame<'_>) -> Bytes {
    ws::text_frame(|into| frame.encode(into))
}

/// An event that was published.
pub(super) fn published(channel: &str, published: &Published) -> Bytes {
    text(&ServerFrame::Event {
        event: &published.event,
        channel,
        data: data(&published.data),
        user_id: published.user.as_deref(),
    })
}

fn frame(channel: &str, event: &ChannelEvent) -> Bytes {
    match event {
        ChannelEvent::Published(published, _) => self::published(channel, published),
        ChannelEvent::MemberAdded(member, _) => {
            text(&ServerFrame::MemberAdded { channel, member: present(member) })
        }
        ChannelEvent::MemberRemoved(user, _) => {
            text(&ServerFrame::MemberRemoved { channel, user_id: user })
        }
        ChannelEvent::Counted(count) => {
            text(&ServerFrame::SubscriptionCount { channel, count: *count })
        }
    }
}

/// What becomes of users of a watchlist: who of them is there, and who is not. `None` where there is
/// nothing to tell.
pub(super) fn watchlist(online: &[&str], offline: &[&str]) -> Option<Bytes> {
    let changes = [WatchlistChange::Online(online), WatchlistChange::Offline(offline)];
    let changes: &[WatchlistChange<'_>] = match (online, offline) {
        ([], []) => return None,
        (_, []) => &changes[..1],
        ([], _) => &changes[1..],
        _ => &changes,
    };
    Some(text(&ServerFrame::Watchlist { changes }))
}

fn watched(event: &ChannelEvent) -> Option<Bytes> {
    match event {
        ChannelEvent::MemberAdded(member, _) => watchlist(&[&member.user], &[]),
        ChannelEvent::MemberRemoved(user, _) => watchlist(&[], &[user]),
        ChannelEvent::Published(..) | ChannelEvent::Counted(_) => None,
    }
}

pub(super) fn present(member: &channel::ChannelMember) -> Present<'_> {
    Present { user_id: &member.user, user_info: member.info.as_deref() }
}

fn data(data: &channel::Data) -> Option<Data<'_>> {
    match data {
        channel::Data::Nothing => None,
        channel::Data::Text(text) => Some(Data::Text(text)),
        channel::Data::Raw(json) => Some(Data::Json(json)),
    }
}
