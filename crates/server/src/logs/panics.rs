//! Panics: a line like any other, without what may be somebody's message.

use super::events;
use std::{
    panic::{self, PanicHookInfo},
    thread,
};

/// What is told of a panic whose words were made while the program ran.
const UNTOLD: &str = "not told: it may quote a message";

/// Tells of panics, of any thread, instead of printing them.
pub(super) fn tell() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string).unwrap_or_default();
        let current = thread::current();
        let thread = current.name().unwrap_or_default();
        events::Panicked { place: &place, thread, error: words(panicked) }.emit();
    }));
}

/// Words that stand in the program; a text that was put together may hold anything, as that of a
/// slice out of bounds holds what was sliced.
fn words<'a>(panicked: &'a PanicHookInfo<'_>) -> &'a str {
    panicked.payload().downcast_ref::<&'static str>().copied().unwrap_or(UNTOLD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::testing::written;
    use serde_json::Value;

    #[test]
    fn a_panic_is_a_line_that_quotes_nobody() {
        let before = panic::take_hook();
        tell();
        let text = written("error", || {
            let _caught = panic::catch_unwind(|| panic!("as it should"));
            let message = "ä message".to_owned();
            let _caught = panic::catch_unwind(|| message[1..].len());
        });
        panic::set_hook(before);
        let lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        let [said, quoting]: [Value; 2] =
            lines.collect::<Vec<_>>().try_into().expect("a line for each");
        assert_eq!((&said["event"], &said["error"]), (&"panicked".into(), &"as it should".into()));
        assert!(said["place"].as_str().expect("a place").contains("panics.rs:"), "{said}");
        assert_eq!(quoting["error"], UNTOLD);
        assert!(!text.contains("ä message"), "{text}");
    }
}
