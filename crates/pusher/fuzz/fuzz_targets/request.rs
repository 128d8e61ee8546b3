//! The requests of applications: query, signature and body.

#![no_main]

#[path = "../../tests/laws/mod.rs"]
#[allow(dead_code, reason = "each target tries some of the laws")]
mod laws;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| laws::request(bytes));
