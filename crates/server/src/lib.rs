//! The chat server: edge, configuration and wiring.
