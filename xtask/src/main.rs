//! Repository tasks: `cargo xtask check`, `cargo xtask test`, `cargo xtask docs`.

fn main() {}
