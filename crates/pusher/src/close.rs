//! How a connection is ended, and what clients make of it.
//!
//! Page "Pusher Channels Protocol", section on error codes.

use crate::escape;
use bytes::{BufMut, BytesMut};
use std::fmt::Write;

/// The codes that close a connection: 4000 to 4299, and no others, as clients never come back after
/// one from 4300 on. A code that leaves the connection open is another type,
/// [`OpenCode`](crate::OpenCode).
///
/// The layer below has its own codes, such as 1009 for a frame that is too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseCode {
    /// 4000: the application is reached over TLS only. pusher-js changes to TLS and comes at once.
    TlsOnly,
    /// 4001: no application has this key. Clients stop for good.
    NoSuchApp,
    /// 4003: the application is disabled. Clients stop for good.
    AppDisabled,
    /// 4004: the application has as many connections as it may have. Clients stop for good.
    OverQuota,
    /// 4005: no application is asked for at this path. Clients stop for good.
    WrongPath,
    /// 4006: what the client calls its version is none. Clients stop for good.
    BadVersion,
    /// 4007: a protocol that is not spoken here. Clients stop for good.
    UnsupportedProtocol,
    /// 4008: the client does not say its protocol. Clients stop for good.
    NoProtocol,
    /// 4009: not authorised in time, from a page that is not allowed, or the user's connections
    /// are terminated. Clients stop for good.
    Unauthorised,
    /// 4100: too much to do, or the client reads too slowly. Clients come back after a second.
    OverCapacity,
    /// 4200: the node stops and another is there. Clients come back **at once**: spread it.
    ReconnectNow,
    /// 4201: no answer to a ping. Clients come back at once.
    NoPong,
    /// 4202: silent for a day. Clients come back at once.
    Silent,
}

impl CloseCode {
    /// Every code.
    pub const ALL: [Self; 13] = [
        Self::TlsOnly,
        Self::NoSuchApp,
        Self::AppDisabled,
        Self::OverQuota,
        Self::WrongPath,
        Self::BadVersion,
        Self::UnsupportedProtocol,
        Self::NoProtocol,
        Self::Unauthorised,
        Self::OverCapacity,
        Self::ReconnectNow,
        Self::NoPong,
        Self::Silent,
    ];

    /// The code as it stands in the closing frame.
    pub fn number(self) -> u16 {
        match self {
            Self::TlsOnly => 4000,
            Self::NoSuchApp => 4001,
            Self::AppDisabled => 4003,
            Self::OverQuota => 4004,
            Self::WrongPath => 4005,
            Self::BadVersion => 4006,
            Self::UnsupportedProtocol => 4007,
            Self::NoProtocol => 4008,
            Self::Unauthorised => 4009,
            Self::OverCapacity => 4100,
            Self::ReconnectNow => 4200,
            Self::NoPong => 4201,
            Self::Silent => 4202,
        }
    }

    /// The code of this number, if it is one in use.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// What stock clients do when they are closed with this code.
    pub fn reaction(self) -> Reaction {
        match self.number() {
            4000 => Reaction::ChangeToTls,
            ..4100 => Reaction::Stop,
            4100..4200 => Reaction::ComeBackLater,
            4200.. => Reaction::ComeBackNow,
        }
    }

    /// Why, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::TlsOnly => "this application is reached over TLS only",
            Self::NoSuchApp => "no application has this key",
            Self::AppDisabled => "this application is disabled",
            Self::OverQuota => "this application has too many connections",
            Self::WrongPath => "no application is asked for at this path",
            Self::BadVersion => "this is not the version of a client",
            Self::UnsupportedProtocol => "this protocol version is not supported",
            Self::NoProtocol => "the protocol version is missing",
            Self::Unauthorised => "this connection is not authorised",
            Self::OverCapacity => "too much to do: come back later",
            Self::ReconnectNow => "this server stops: come back now",
            Self::NoPong => "no answer to a ping in time",
            Self::Silent => "silent for too long",
        }
    }

    /// Writes the `pusher:error` that goes before the end, and hands out the end itself: clients
    /// that are told such a code hang up by themselves, so the one is never sent without the other.
    pub fn announce(self, into: &mut BytesMut) -> CloseFrame {
        put_error(into, Some(self.number()), self.reason());
        self.frame()
    }

    /// The end without an announcement, for whoever would not read it any more.
    pub fn frame(self) -> CloseFrame {
        CloseFrame { code: self.number(), reason: self.reason() }
    }
}

/// What stands in the closing frame.
#[must_use = "a connection that was told its end has to be closed"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// The code, 4000 to 4299.
    pub code: u16,
    /// Why, in at most 123 bytes.
    pub reason: &'static str,
}

/// What a stock client does after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Takes the address with TLS and connects at once.
    ChangeToTls,
    /// Never connects again by itself.
    Stop,
    /// Connects after a second, without any chance in it.
    ComeBackLater,
    /// Connects at once.
    ComeBackNow,
}

/// Writes a `pusher:error`. Its `data` is an object, other than that of any other frame.
pub(crate) fn put_error(into: &mut BytesMut, code: Option<u16>, message: impl std::fmt::Display) {
    into.put_slice(br#"{"event":"pusher:error","data":{"code":"#);
    match code {
        Some(code) => write!(into, "{code}").expect("a growing buffer takes every byte"),
        None => into.put_slice(b"null"),
    }
    into.put_slice(br#","message":""#);
    write!(escape::TextWriter(into), "{message}").expect("a growing buffer takes every byte");
    into.put_slice(br#""}}"#);
}
