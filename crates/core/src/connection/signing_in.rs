//! A connection of an application signs in as a user, and is told who else of those it watches has.

use super::{AppConnection, Shard};
use crate::{
    channel::{Channel, ChannelKind, ChannelMember},
    fanout::Subscriber,
    port::{ChannelSeen, Entrant},
};
use futures_util::future::join_all;
use std::{collections::BTreeSet, rc::Rc, sync::Arc};

/// Users that a connection watches from now on, and how they are. Until it is dropped, what becomes
/// of them is held back.
pub struct Watching {
    shard: Shard,
    subscriber: Rc<Subscriber>,
    from: Vec<(Channel, ChannelSeen)>,
    /// Those who have a connection that is signed in, on any node.
    pub online: Vec<Arc<str>>,
    /// Those who have none.
    pub offline: Vec<Arc<str>>,
}

impl AppConnection {
    /// Notes who has signed in over it, and tells those who watch this user if nobody had before.
    pub async fn sign_in(&self, user: &Arc<str>) {
        // Whatever becomes of this call, a departure forgets what it has noted.
        self.shard.hub().sign_in(&self.subscriber, user);
        let channel = Channel::of_signed_in(&self.subscriber.app, user);
        let member = ChannelMember { user: user.clone(), info: None };
        // One user is its only member.
        let entrant = Some(Entrant { member: &member, members_max: 1 });
        let (chat, place) = (self.shard.chat(), (&channel, ChannelKind::Presence));
        // A store that fails is put right when it is back, and tells then.
        if let Ok(change) = chat.subscribed(place, self.id(), entrant).await {
            chat.tell_change(&channel, change, None).await;
        }
    }

    /// Is told of these users when they sign in and when they are gone, and of no others. Those that
    /// cannot be asked for now are told of when something becomes of them.
    pub async fn watch(&self, users: impl IntoIterator<Item = Arc<str>>) -> Watching {
        let users: BTreeSet<Arc<str>> = users.into_iter().collect();
        let of = |user: &Arc<str>| Channel::of_signed_in(&self.subscriber.app, user);
        let channels: Vec<Channel> = users.iter().map(of).collect();
        let (shard, subscriber) = (self.shard.clone(), self.subscriber.clone());
        let from =
            channels.iter().map(|channel| (channel.clone(), ChannelSeen::default())).collect();
        let (online, offline) = (Vec::new(), Vec::new());
        // Listening begins before looking, so that nothing falls between the two.
        shard.hub().watch(&subscriber, &channels);
        let mut watching = Watching { shard, subscriber, from, online, offline };
        let looks = channels.iter().map(|channel| self.shard.chat().channel(channel));
        let seen = join_all(looks).await;
        for ((user, from), seen) in users.into_iter().zip(&mut watching.from).zip(seen) {
            let Ok(seen) = seen else { continue };
            match seen.subscriptions {
                0 => watching.offline.push(user),
                _ => watching.online.push(user),
            }
            from.1 = seen;
        }
        watching
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        for (channel, seen) in &self.from {
            self.shard.hub().watches_from(&self.subscriber, channel, seen);
        }
    }
}
