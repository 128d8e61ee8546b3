//! Blobs as files in one directory.
//!
//! A blob is written under another name, synced, and renamed when it is kept; the directory is
//! synced then too, so that a kept blob survives the machine. What was being written when the
//! process ended is cleared away at the next start.

mod blobs;

pub use blobs::{FileBlobs, OpenError};

/// The examples in the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
