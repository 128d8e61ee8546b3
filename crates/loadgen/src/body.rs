//! What messages say: which run they are of, and when they were due.

use std::time::Duration;

use tokio::time::Instant;

/// A run: told apart from others, and with a beginning.
#[derive(Clone, Debug)]
pub struct Run {
    name: String,
    began: Instant,
}

const WORDS: &[&str] = &["bell", "tower", "rope", "clapper", "toll", "peal", "chime", "belfry"];

impl Run {
    /// A new run.
    pub fn begin() -> Self {
        Self { name: format!("{:08x}", rand::random::<u32>()), began: Instant::now() }
    }

    /// What tells it apart, as hexadecimal digits.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long ago it began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// A message that is due at this time.
    pub fn body(&self, due: Instant) -> String {
        let micros = due.saturating_duration_since(self.began).as_micros();
        let mut body = format!("{} {micros}", self.name);
        for _ in 0..rand::random_range(3..20) {
            body.push(' ');
            body.push_str(WORDS[rand::random_range(0..WORDS.len())]);
        }
        body
    }

    /// How late a message is now; `None` where it is of no run, or of another.
    pub fn lateness(&self, body: &str) -> Option<Duration> {
        let mut words = body.split(' ');
        if words.next() != Some(&*self.name) {
            return None;
        }
        let due = Duration::from_micros(words.next()?.parse().ok()?);
        Some(self.began.elapsed().saturating_sub(due))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_when_it_was_due() {
        let run = Run::begin();
        let body = run.body(run.began + Duration::from_millis(3));
        assert!(body.starts_with(&format!("{} 3000 ", run.name())), "{body}");
        assert!(run.lateness(&body).is_some());
        assert_eq!(Run { name: "another".into(), ..run.clone() }.lateness(&body), None);
        assert_eq!(run.lateness("hello"), None);
        assert_eq!(run.lateness(run.name()), None);
    }
}
