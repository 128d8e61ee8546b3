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
