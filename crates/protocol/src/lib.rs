//! The native wire protocol: frames and codec.
