//! Waiting for what one waits for, with a deadline.

use std::thread::ScopedJoinHandle;
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

/// Looks again and again until the thread has ended; what came of it.
pub(crate) fn beside<T>(thread: ScopedJoinHandle<'_, T>, mut look: impl FnMut()) -> T {
    while !thread.is_finished() {
        look();
        pause(LONG_PAUSE);
    }
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Looks again and again for so long; the first error ends it.
pub(crate) fn through(duration: Duration, mut look: impl FnMut() -> Result<()>) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < duration {
        look()?;
        pause(LONG_PAUSE);
    }
    Ok(())
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
    fn one_looks_while_a_thread_is_at_work() {
        let (go_on, wait) = std::sync::mpsc::sync_channel(1);
        let mut looks = 0;
        let answer = std::thread::scope(|scope| {
            let thread = scope.spawn(move || wait.recv());
            beside(thread, || {
                looks += 1;
                if looks == 3 {
                    go_on.send(7).expect("it waits");
                }
            })
        });
        assert_eq!(answer, Ok(7));
        assert!(looks >= 3, "{looks}");
    }

    #[test]
    fn what_goes_wrong_meanwhile_ends_it() {
        let mut looks = 0;
        let ended = through(Duration::from_secs(60), || {
            looks += 1;
            if looks == 2 { bail!("it broke") } else { Ok(()) }
        });
        assert_eq!(ended.expect_err("it broke").to_string(), "it broke");
        assert!(through(Duration::ZERO, || bail!("nobody looks")).is_ok());
    }

    #[test]
    fn the_last_error_is_told() {
        let answer: Result<()> = until("a miracle", Duration::ZERO, || bail!("none seen"));
        let error = format!("{:#}", answer.expect_err("nothing happened"));
        assert_eq!(error, "a miracle: not within 0ns: none seen");
    }
}
