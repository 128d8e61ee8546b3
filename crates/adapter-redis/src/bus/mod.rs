//! The bus: publish and subscribe over a fixed number of channels.
//!
//! Redis keeps no signal, and forgets whoever is not there. So every signal is counted on its
//! channel by its sender, each node says twice a second how far it has counted, and whoever hears
//! a number that does not follow says that something was missed.

pub(crate) mod frame;
mod outbox;
mod unechoed;
mod voice;
mod hearing;
mod inbox;
mod ear;

pub(crate) use ear::{Ear, EarCounts, HearingBounds, Listener};
pub(crate) use voice::{Bounds, Counts, Voices};

use crate::{core::Core, trouble::Trouble};
use async_trait::async_trait;
use campanile_core::{
    event::{Envelope, Signal, Topic},
    port::{Bus, BusError, BusReceiver, Mark, Node, Passage},
};
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;

/// Channels over which the topics are spread: as many parts of a cluster can share the work.
pub(crate) const CHANNELS: usize = 16;

/// Each node says so often on each channel that it is there.
pub(crate) const BEAT: Duration = Duration::from_millis(500);

/// How long a subscription, or a farewell, may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The bus between the nodes that use one Redis with one prefix.
#[derive(Clone)]
pub struct RedisBus(pub(crate) Arc<Core>);

#[async_trait]
impl Bus for RedisBus {
    /// Hands the signal to the task that publishes, which does so at once and with whatever else
    /// waits. While Redis is away signals wait for as long as the configuration says; later ones
    /// are refused.
    async fn publish(&self, signal: Arc<Signal>) -> Result<(), BusError> {
        self.0.voices.publish(&signal)
    }

    /// The order is the one in which Redis passes signals on, which is the same for all who are
    /// subscribed, this node among them.
    async fn publish_in_order(&self, envelope: Arc<Envelope>) -> Result<Passage, BusError> {
        self.0.voices.until_heard().await?;
        self.0.voices.publish_in_order(envelope).map(Passage::Underway)
    }

    async fn mark(&self, topic: Topic<'_>) -> Result<Arc<Mark>, BusError> {
        self.0.voices.mark(topic)
    }

    async fn subscribe(&self) -> Result<Box<dyn BusReceiver>, BusError> {
        let receiver = self.0.ear.open_inbox();
        // What was published before has passed when our own voice has come back, twice: once for
        // what was on its way, and once for what was about to be.
        let heard = timeout(PATIENCE, async {
            for _ in 0..2 {
                let beat = self.0.voices.beat();
                self.0.ear.echo(beat).await;
            }
        });
        heard.await.map_err(|_| BusError::Timeout)?;
        self.0.ear.begin();
        Ok(Box::new(receiver))
    }

    async fn nodes(&self) -> Result<Vec<Node>, BusError> {
        Ok(self.0.roster.nodes(&self.0.link).await?)
    }

    async fn leave(&self) -> Result<(), BusError> {
        // The others are told, so that they do not wait for what never comes; when they cannot
        // be, they notice.
        let _ = timeout(PATIENCE, self.0.voices.leave()).await;
        self.0.roster.leave(&self.0.link).await.map_err(|trouble: Trouble| trouble.into())
    }
}

/// The channel of a topic. It is the same on every node, whatever its version.
fn channel_of(topic: Topic<'_>) -> usize {
    let hash = match topic {
        Topic::Room(room) => fnv(&["room", room.as_str()]),
        Topic::User(user) => fnv(&["user", user.as_str()]),
        Topic::Channel(channel) => fnv(&["channel", channel.app().as_str(), channel.name()]),
        Topic::Cluster => 0,
    };
    hash as usize % CHANNELS
}

/// A hash that stays as it is.
pub(crate) fn fnv(parts: &[&str]) -> u32 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// The names of the channels.
pub(crate) fn channel_names(prefix: &str) -> Arc<[String]> {
    (0..CHANNELS).map(|channel| format!("{prefix}bus:{channel}")).collect()
}

/// The number of a channel.
fn channel_number(names: &[String], name: &[u8]) -> Option<usize> {
    names.iter().position(|known| known.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_stays_as_it_is() {
        assert_eq!(fnv(&[]), 0x811c_9dc5);
        assert_eq!(fnv(&["room", "lobby"]), fnv(&["room", "lobby"]));
        assert_ne!(fnv(&["room", "lobby"]), fnv(&["user", "lobby"]));
        assert_ne!(fnv(&["a", "bc"]), fnv(&["ab", "c"]));
    }
}
