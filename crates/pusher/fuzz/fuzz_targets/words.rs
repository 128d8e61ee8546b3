//! Names, ids, and who somebody says they are.

#![no_main]

#[path = "../../tests/laws/mod.rs"]
#[allow(dead_code, reason = "each target tries some of the laws")]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::words(bytes));
