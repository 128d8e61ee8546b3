//! A line on stderr every few seconds, for whoever waits.

use std::time::Duration;

use crate::stop::Phase;
use crate::world::World;

/// How often there is a line.
const EVERY: Duration = Duration::from_secs(5);

/// Tells how far the run is until it is over.
pub async fn tell(world: World) {
    let mut stop = world.stop.clone();
    while stop.sleep(EVERY, Phase::Over).await {
        let (tally, faults) = (&world.tally, world.ledger.faults());
        let refused: u64 = tally.all_refused().values().sum();
        let open = tally.open.get();
        eprintln!(
            "{:>5.0} s  {open} connected, {} sent, {} acknowledged, {} delivered, {} recovered, \
             {} outstanding, {} duplicated, {} out of order, {refused} refused, {} reconnects",
            world.run.elapsed().as_secs_f64(),
            tally.sent.get(),
            tally.acknowledged.get(),
            tally.delivered.get(),
            tally.recovered.get(),
            world.ledger.outstanding(),
            faults.duplicated,
            faults.out_of_order,
            tally.reconnects.get(),
        );
    }
}
