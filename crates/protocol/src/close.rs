//! Why a connection is closed, as the closing frame says it.

/// The close codes in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// 1000: all was said.
    Normal,
    /// 1001: the server goes away; another is ready.
    GoingAway,
    /// 1002: the peer broke the protocol, a binary frame included.
    ProtocolError,
    /// 1007: text that is not UTF-8.
    NotUtf8,
    /// 1008: not authenticated in time, logged out, banned, or silent for too long.
    Policy,
    /// 1009: a frame or message that is too large, or in too many fragments.
    TooLarge,
    /// 1013: the peer reads too slowly, or the server is too busy: come back later.
    TryAgainLater,
}

impl CloseCode {
    /// Every code.
    pub const ALL: [Self; 7] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::NotUtf8,
        Self::Policy,
        Self::TooLarge,
        Self::TryAgainLater,
    ];

    /// The code as it stands in the closing frame.
    pub fn number(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::GoingAway => 1001,
            Self::ProtocolError => 1002,
            Self::NotUtf8 => 1007,
            Self::Policy => 1008,
            Self::TooLarge => 1009,
            Self::TryAgainLater => 1013,
        }
    }

    /// The code of this number, if it is one in use.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }
}
