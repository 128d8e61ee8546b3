//! Waiting for what one waits for, with a deadline.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

const PAUSE: Duration = Duration::from_millis(50);

/// Between two looks at a whole stack, each of which costs it something.
const LONG_PAUSE: Duration = Duration::from_millis(500);

/// Tries again until `attempt` succeeds; past the deadline its last error is the answer.
pub(crate) fn until<T>(
    what: &str,
    deadline: Duration,
    attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    paced(what, deadline, PAUSE, attempt)
}

/// The same with fewer attempts, for those that are dear.
pub(crate) fn patiently<T>(
    what: &str,
    deadline: Duration,
    attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    paced(what, deadline, LONG_PAUSE, attempt)
}

fn paced<T>(
    what: &str,
    deadline: Duration,
    pause_between: Duration,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() > deadline => {
                return Err(error).with_context(|| format!("{what}: not within {deadline:?}"));
            }
            Err(_) => pause(pause_between),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that pauses between attempts")]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_first_success_is_the_answer() {
        let mut attempts = 0;
        let answer = until("the third attempt", Duration::from_secs(60), || {
            attempts += 1;
            if attempts < 3 { bail!("too early") } else { Ok(attempts) }
        });
        assert_eq!(answer.ok(), Some(3));
    }

    #[test]
    fn the_last_error_is_told() {
        let answer: Result<()> = until("a miracle", Duration::ZERO, || bail!("none seen"));
        let error = format!("{:#}", answer.expect_err("nothing happened"));
        assert_eq!(error, "a miracle: not within 0ns: none seen");
    }
}
