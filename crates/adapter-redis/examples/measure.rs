//! Measures the bus: how long signals are under way at a steady rate, and what one costs.
//!
//! `measure URL [SIGNALS A SECOND] [SECONDS]`

use campanile_adapter_memory::SystemClock;
use campanile_adapter_redis::Config;
use campanile_core::{
    event::{Audience, Event, Signal},
    message::{Epoch, Message, MessageId, Sequence},
    name::{RoomName, UserName},
    port::{Bus, Heard, NodeId},
    room::RoomKind,
    time::Timestamp,
};
use campanile_metrics::Registry;
use std::{error::Error, sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Signals are published so often.
const TICK: Duration = Duration::from_millis(1);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "an example shows what it does")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("usage: measure URL [SIGNALS A SECOND] [SECONDS]")?;
    let rate: u64 = arguments.next().map_or(Ok(3_000), |rate| rate.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |seconds| seconds.parse())?;
    let clock = Arc::new(SystemClock::new());
    let prefix = format!("measure:{}:", std::process::id());
    let mut nodes = Vec::new();
    for number in 1..=2 {
        let config = Config::new(&url, NodeId(number), format!("node-{number}"), "0.1.0");
        let config = Config { prefix: prefix.clone(), ..config };
        nodes.push(config.connect(Registry::global(), clock.clone()).await?);
    }
    let mut heard = nodes[1].bus().subscribe().await?;
    let (start, cpu) = (Instant::now(), cpu_time()?);
    let count = rate * seconds;
    let receive = async {
        let (mut ways, mut missed) = (Vec::new(), 0);
        while (ways.len() as u64) < count {
            match timeout(Duration::from_secs(5), heard.receive()).await {
                Ok(Some(Heard::Signal(signal, _))) => {
                    let now = start.elapsed();
                    ways.push(now.saturating_sub(sent_at(&signal)));
                }
                Ok(Some(Heard::Own(_) | Heard::Mark(_))) => {}
                Ok(Some(Heard::Missed)) => missed += 1,
                Ok(None) | Err(_) => break,
            }
        }
        (ways, missed)
    };
    let publish = async {
        let bus = nodes[0].bus();
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut sent = 0;
        while sent < count {
            ticks.tick().await;
            let due = (start.elapsed().as_secs_f64() * rate as f64) as u64;
            while sent < due.min(count) {
                bus.publish(signal(sent, start.elapsed())?).await?;
                sent += 1;
            }
        }
        Ok::<_, Box<dyn Error>>(())
    };
    let ((mut ways, missed), published) = tokio::join!(receive, publish);
    published?;
    let (took, cpu) = (start.elapsed(), cpu_time()? - cpu);
    ways.sort_unstable();
    let at = |part: f64| ways.get((ways.len() as f64 * part) as usize).copied().unwrap_or_default();
    println!("{} of {count} signals in {took:.1?}, missed said {missed} times", ways.len());
    println!("under way: p50 {:?}, p99 {:?}, p99.9 {:?}", at(0.5), at(0.99), at(0.999));
    println!("both nodes: {:?} of CPU for each signal", cpu.div_f64(count as f64));
    Ok(())
}

/// A message of 200 bytes in one of 50 rooms, which says when it was sent.
fn signal(number: u64, sent: Duration) -> Result<Arc<Signal>, Box<dyn Error>> {
    let room = RoomName::parse(&format!("room-{}", number % 50))?;
    let message = Message {
        room: room.clone(),
        id: MessageId { epoch: Epoch(1), seq: Sequence(sent.as_nanos() as u64) },
        from: UserName::parse("ada")?,
        body: "x".repeat(200).into(),
        at: Timestamp(0),
        key: None,
        reply_to: None,
        edited_at: None,
        deleted: false,
        reactions: Vec::new(),
    };
    let audience = Audience::Room(room, RoomKind::Public);
    Ok(Arc::new(Signal::Tell(audience, Event::Message(Arc::new(message)))))
}

fn sent_at(signal: &Signal) -> Duration {
    match signal {
        Signal::Tell(_, Event::Message(message)) => Duration::from_nanos(message.seq().0),
        _ => Duration::ZERO,
    }
}

/// The time that this process has spent computing, as Linux tells it.
fn cpu_time() -> Result<Duration, Box<dyn Error>> {
    let mut total = 0;
    for task in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(task?.path().join("schedstat"))?;
        total += text.split(' ').next().unwrap_or("0").parse::<u64>()?;
    }
    Ok(Duration::from_nanos(total))
}
