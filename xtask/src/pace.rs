//! How long a task may take before whoever started it is told: slower is no failure, but somebody
//! should know. `docs/benchmarks.md` has what was measured.

use std::time::Duration;

/// `cargo xtask check`.
pub(crate) const CHECK: Duration = Duration::from_secs(20);

/// `cargo xtask test`, on two cores.
pub(crate) const TEST: Duration = Duration::from_secs(30 * 60);

/// `cargo xtask e2e`, on two cores, with the images at hand.
pub(crate) const E2E: Duration = Duration::from_secs(25 * 60);

/// The line, hard to overlook, that a task took longer than is wanted.
pub(crate) fn complaint(task: &str, took: Duration, wanted: Duration) -> Option<String> {
    let line = format!(
        "!!! {task} took {}: more than the {} that are wanted (docs/benchmarks.md) !!!",
        written(took),
        written(wanted)
    );
    (took > wanted).then_some(line)
}

fn written(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", duration.as_secs_f64()),
        _ => format!("{}:{:02} minutes", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_took_too_long_is_told() {
        assert_eq!(complaint("check", CHECK, CHECK), None);
        let slow = complaint("check", CHECK + Duration::from_millis(500), CHECK);
        let slow = slow.expect("it took too long");
        assert!(slow.contains("check took 20.5 s: more than the 20.0 s"), "{slow}");
        let slow = complaint("e2e", E2E + Duration::from_secs(61), E2E);
        let slow = slow.expect("it took too long");
        assert!(slow.contains("e2e took 26:01 minutes: more than the 25:00 minutes"), "{slow}");
    }
}
