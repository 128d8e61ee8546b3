//! The `campanile` program.

fn main() {}
