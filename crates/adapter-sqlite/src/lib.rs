//! The durable store in one file: the embedded default.
