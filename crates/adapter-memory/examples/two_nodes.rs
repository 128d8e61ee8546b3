//! Two nodes in one process: what one publishes the other hears.

use campanile_adapter_memory::{MemoryHub, SystemClock};
use campanile_core::{
    event::{Audience, Event, Signal},
    name::{RoomName, UserName},
    port::{Bus, BusError, Clock, Heard, Node, NodeId},
    room::RoomKind,
};
use std::sync::Arc;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), BusError> {
    let (hub, clock) = (MemoryHub::new(), SystemClock::new());
    let north = hub.join(Node::new(NodeId(1), "north", "0.1.0", clock.now()));
    let south = hub.join(Node::new(NodeId(2), "south", "0.1.0", clock.now()));
    for node in north.nodes().await? {
        println!("node {} runs {}", node.id, node.version);
    }

    let mut heard_in_the_south = south.subscribe().await?;
    let room = RoomName::parse("lobby").expect("it is a name");
    let user = UserName::parse("ada").expect("it is a name");
    let typing = Event::Typing { room: room.clone(), user, on: true };
    let signal = Signal::Tell(Audience::Room(room, RoomKind::Public), typing);
    north.publish(Arc::new(signal)).await?;
    if let Some(Heard::Signal(signal, _)) = heard_in_the_south.receive().await {
        println!("the south heard {signal:?}");
    }
    Ok(())
}
