//! The records of the core that travel or are cached. A number that is given stays given.

use super::{Code, Junk, Reader, choice, record};
use campanile_core::{
    channel::{ChannelEvent, ChannelKind, ChannelMember, Data, Kept, Published},
    event::{
        Answer, Ask, Audience, EndReason, EndedSessions, Event, LeaveReason, Question,
        ResyncReason, Signal,
    },
    fanout::{ConnectionSeen, RoomSeen, Survey},
    labels::Transport,
    message::{Amendment, Message, MessageId, Reaction},
    port::Cached,
    room::{Role, RoomKind},
    user::{Presence, Session, Status},
};

choice!(Signal {
    0 = Tell(audience, event),
    1 = Unsubscribe { room, user },
    2 = EndSessions(sessions, reason),
    3 = Ask(ask),
    4 = Answer(answer),
    5 = EndUser(app, user),
    6 = AppsChanged,
});

choice!(Audience {
    0 = Room(room, kind),
    1 = Rooms(rooms),
    2 = User(user),
    3 = Everyone,
    4 = Channel(channel, kind, except),
});

choice!(Event {
    0 = Message(message),
    1 = Amended { room, seq, amendment, by, at },
    2 = Typing { room, user, on },
    3 = Read { room, user, seq },
    4 = Presence(presence),
    5 = Joined { room, user, role },
    6 = Left { room, user, reason },
    7 = Resync { room, reason },
    8 = Draining { after_ms },
    9 = Channel(channel, event),
});

choice!(ChannelEvent {
    0 = Published(published, edition),
    1 = MemberAdded(member, version),
    2 = MemberRemoved(user, version),
    3 = Counted(count),
});

choice!(Amendment { 0 = Edit { body }, 1 = Delete, 2 = React { emoji, on } });
choice!(LeaveReason { 0 = Left, 1 = Removed, 2 = RoomDeleted });
choice!(ResyncReason { 0 = Gap, 1 = Epoch });
choice!(EndedSessions { 0 = User(user), 1 = Token(token) });
choice!(EndReason { 0 = LoggedOut, 1 = PasswordChanged, 2 = Banned });
choice!(Question { 0 = Survey { connections_max, rooms_max } });
choice!(RoomKind { 0 = Public, 1 = Private, 2 = Direct });
choice!(Role { 0 = Owner, 1 = Member });
choice!(Status { 0 = Available, 1 = Away, 2 = DoNotDisturb, 3 = Unavailable });
choice!(Transport { 0 = WebSocket, 1 = Sse, 2 = LongPoll });
choice!(Cached { 0 = Session(session), 1 = Room(kind), 2 = Role(role) });

choice!(ChannelKind { 0 = Public, 1 = Private, 2 = Encrypted, 3 = Presence, 4 = Own });
choice!(Data { 0 = Nothing, 1 = Text(data), 2 = Raw(data) });

record!(Published { event, data, user });
record!(Kept { published, until, edition });
record!(ChannelMember { user, info });
record!(Message { room, id, from, body, at, key, reply_to, edited_at, deleted, reactions });
record!(MessageId { epoch, seq });
record!(Reaction { emoji, users });
record!(Presence { user, status, last_seen });
record!(Ask { id, from, question });
record!(Answer { ask, to, from, survey });
record!(Survey { connections_open, users, connections, rooms });
record!(ConnectionSeen { connection, user, transport, address, since, rooms, outbox_bytes });
record!(RoomSeen { room, kind, participants, messages });
record!(Session { user, token, operator, expires_at });
