//! A node that joins, says something, and shows what it hears of the others until it is stopped.
//!
//! `nodes URL NAME`

use campanile_adapter_memory::SystemClock;
use campanile_adapter_redis::Config;
use campanile_core::{
    event::{Audience, Event, Signal},
    name::{RoomName, UserName},
    port::{Bus, Clock, Heard, NodeId},
    room::RoomKind,
};
use campanile_metrics::Registry;
use std::{error::Error, sync::Arc};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: nodes URL NAME")?;
    let name = arguments.next().ok_or("usage: nodes URL NAME")?;
    let clock = Arc::new(SystemClock::new());
    // A server draws a number; here the time does.
    let id = NodeId(clock.now().0.unsigned_abs());
    let redis = Config::new(url, id, &name, "0.1.0").connect(Registry::global(), clock).await?;
    let bus = redis.bus();
    let mut heard = bus.subscribe().await?;
    for node in bus.nodes().await? {
        println!("{} is there: {}", node.name, node.alive);
    }
    let (room, user) = (RoomName::parse("lobby")?, UserName::parse(&name)?);
    let typing = Event::Typing { room: room.clone(), user, on: true };
    bus.publish(Arc::new(Signal::Tell(Audience::Room(room, RoomKind::Public), typing))).await?;
    loop {
        tokio::select! {
            next = heard.receive() => match next {
                Some(Heard::Signal(signal, way)) => println!("after {way:?}: {signal:?}"),
                Some(Heard::Own(_)) => println!("what this node published in order is back"),
                Some(Heard::Mark(_)) => println!("a mark of this node is heard"),
                Some(Heard::Missed) => println!("something was missed"),
                None => break,
            },
            _ = tokio::signal::ctrl_c() => break,
        }
    }
    redis.close().await;
    Ok(())
}
