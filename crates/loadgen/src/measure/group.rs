//! Groups of clients: where they listen, who speaks there, and in what order they come.

use super::crew::Role;
use super::field::{Channel, Field};
use super::speaker::Pace;

/// Clients of one kind.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// What its channels are called.
    pub(super) name: &'static str,
    pub(super) channels: u32,
    /// In each channel.
    pub(super) listeners: u32,
    pub(super) speech: Speech,
}

/// Who speaks in the channels of a group.
#[derive(Clone, Copy, Debug)]
pub(super) enum Speech {
    /// Nobody.
    None,
    /// Everybody in turn: so many messages a second, all channels together.
    Listeners(f64),
    /// So many in each channel who do not listen.
    Publishers { each: u32, pace: Pace, by: By },
}

/// How those publish who do not listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// As is usual for the protocol: over a connection under the native one, over HTTP under
    /// Pusher's.
    Usual,
    /// Over HTTP.
    Http,
}

/// A group with its channels.
pub(super) struct Placed {
    pub(super) group: Group,
    pub(super) channels: Vec<Channel>,
    /// The numbers of its listeners.
    pub(super) listeners: std::ops::Range<usize>,
    /// The numbers of publishers that have a connection.
    pub(super) publishers: std::ops::Range<usize>,
}

impl Group {
    /// Streams in each of its channels.
    pub(super) fn streams_each(&self) -> u32 {
        match self.speech {
            Speech::None => 0,
            Speech::Listeners(_) => self.listeners,
            Speech::Publishers { each, .. } => each,
        }
    }

    /// How many connections listen.
    pub(super) fn connections(&self) -> usize {
        (self.channels * self.listeners) as usize
    }

    /// Whether it has publishers with connections.
    pub(super) fn publishes_on_sockets(&self, is_native: bool) -> bool {
        is_native && matches!(self.speech, Speech::Publishers { by: By::Usual, .. })
    }

    /// Connections of publishers.
    pub(super) fn publishing_connections(&self, is_native: bool) -> usize {
        let count = self.channels * self.streams_each();
        if self.publishes_on_sockets(is_native) { count as usize } else { 0 }
    }

    /// How many streams it has.
    pub(super) fn streams(&self) -> u32 {
        self.channels * self.streams_each()
    }
}

/// The channels of groups, as they are called on the wire and with their streams.
pub(super) fn channels(
    groups: &[Group],
    name: impl Fn(&Group, u32) -> String,
) -> Vec<(Group, Vec<Channel>)> {
    let (mut next, mut owner) = (0, 0..);
    let placed = groups.iter().map(|group| {
        let each = group.streams_each();
        let channels = (0..group.channels).map(|number| {
            let streams = next..next + each;
            next += each;
            let owner = owner.next().expect("it has no end");
            Channel { name: name(group, number).into(), streams, owner }
        });
        let channels = channels.collect();
        (group.clone(), channels)
    });
    placed.collect()
}

impl Placed {
    /// One client after the other, each in another channel than the one before.
    pub(super) fn roles(&self) -> Vec<Role> {
        let group = &self.group;
        let speaks = matches!(group.speech, Speech::Listeners(_));
        let seats = (0..group.listeners).flat_map(|seat| {
            self.channels.iter().map(move |channel| Role {
                channel: Some(channel.clone()),
                speaks: speaks.then(|| channel.streams.start + seat),
                account: None,
            })
        });
        seats.collect()
    }

    /// Deliveries that are to be made of what was said.
    pub(super) fn audience(&self, field: &Field, echoes: bool) -> u64 {
        let own = matches!(self.group.speech, Speech::Listeners(_)) && !echoes;
        let hearers = u64::from(self.group.listeners) - u64::from(own);
        let streams = self.channels.iter().flat_map(|channel| channel.streams.clone());
        streams
            .map(|stream| field.streams.lacking(stream, |sent, no| sent - no.count()))
            .sum::<u64>()
            * hearers
    }
}
