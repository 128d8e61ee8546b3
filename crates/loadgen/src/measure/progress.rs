//! How far a measurement is: a bar where stderr is a terminal, otherwise a line now and then.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::field::Field;
use crate::stop::Phase;

/// How often there is a line.
const EVERY: Duration = Duration::from_secs(5);

/// How often a bar moves.
const STEP: Duration = Duration::from_millis(250);

/// Parts of a whole bar.
const PARTS: u64 = 1000;

/// Tells until the run is over. Phases in which messages are measured take so long.
pub(super) async fn tell(field: &Field, measured: Duration) {
    let mut stop = field.world.stop.clone();
    if !stderr().is_terminal() {
        while stop.sleep(EVERY, Phase::Over).await {
            eprintln!("{:>5.0} s  {}", field.now().as_secs_f64(), line(field));
        }
        return;
    }
    let template = "{spinner} {prefix:9} {bar:24} {wide_msg}";
    let style = ProgressStyle::with_template(template).expect("the template is right");
    let bar = ProgressBar::new(PARTS).with_style(style);
    while stop.sleep(STEP, Phase::Over).await {
        let (phase, share) = far(field, measured);
        bar.set_prefix(phase);
        bar.set_position((share * PARTS as f64) as u64);
        bar.set_message(line(field));
        bar.tick();
    }
    bar.finish_and_clear();
}

/// The phase, and the share of it that is over.
fn far(field: &Field, measured: Duration) -> (&'static str, f64) {
    let Some((phase, took, counts)) = field.meter.current(&field.world.tally) else {
        return ("prepare", 0.0);
    };
    let clients = field.clients as f64;
    let share = match phase {
        "connect" => counts.connections as f64 / clients,
        "subscribe" | "return" => counts.subscriptions as f64 / clients,
        "traffic" | "idle" => took.as_secs_f64() / measured.as_secs_f64(),
        _ => 0.0,
    };
    (phase, share.clamp(0.0, 1.0))
}

fn line(field: &Field) -> String {
    let tally = &field.world.tally;
    let refused: u64 = tally.all_refused().values().sum();
    let faults = field.faults.lock().expect("nobody panics while judging").clone();
    format!(
        "{} connected, {} subscribed, {} sent, {} delivered, {} duplicated, {} out of order, \
         {refused} refused, {} cut",
        tally.open.get(),
        field.meter.entries.get(),
        tally.sent.get(),
        tally.delivered.get(),
        faults.duplicated,
        faults.out_of_order,
        tally.cuts.get(),
    )
}
