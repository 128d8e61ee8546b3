//! What an operator may set about connections.

use super::{frame_guard::FrameLimits, timers::Patience};
use campanile_protocol::{FRAGMENTS_MAX, FRAME_BYTES_MAX};

/// How connections are taken and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Origins of web pages that may connect, as browsers name them (`https://chat.example`), beside
    /// pages of this server's own host.
    pub allowed_origins: Vec<String>,
    /// Whether they come over TLS, where no proxy says otherwise.
    pub is_tls: bool,
    /// How long things may take.
    pub patience: Patience,
    /// How much a client may send at once.
    pub frames: FrameLimits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            allowed_origins: Vec::new(),
            is_tls: false,
            patience: Patience::default(),
            frames: FrameLimits {
                frame_bytes_max: FRAME_BYTES_MAX as u64,
                message_bytes_max: FRAME_BYTES_MAX as u64,
                fragments_max: FRAGMENTS_MAX as u32,
            },
        }
    }
}
