//! Numbers, texts, lists, and the simple types of the core.

use super::{Code, Junk, Reader};
use campanile_core::{
    channel::{AppId, Channel, Edition, Version},
    message::{Epoch, Sequence},
    name::{RoomName, UserName},
    port::{ConnectionId, NodeId},
    time::Timestamp,
    user::TokenHash,
};
use std::{net::IpAddr, sync::Arc};

macro_rules! number {
    ($($number:ty),+) => {$(
        impl Code for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
                reader.array().map(Self::from_be_bytes)
            }
        }
    )+};
}
number!(u8, u32, u64, i64);

macro_rules! wrapped {
    ($($name:ident),+) => {$(
        impl Code for $name {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
                Code::take(reader).map(Self)
            }
        }
    )+};
}
wrapped!(Sequence, Epoch, NodeId, ConnectionId, Timestamp, Version, Edition);

macro_rules! name {
    ($($name:ident),+) => {$(
        impl Code for $name {
            fn put(&self, out: &mut Vec<u8>) {
                put_text(self.as_str(), out);
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
                $name::parse(take_text(reader)?).map_err(|_| Junk)
            }
        }
    )+};
}
name!(RoomName, UserName, AppId);

impl Code for Channel {
    fn put(&self, out: &mut Vec<u8>) {
        self.app().put(out);
        put_text(self.name(), out);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        let app = AppId::take(reader)?;
        Ok(Self::new(&app, take_text(reader)?))
    }
}

impl Code for usize {
    fn put(&self, out: &mut Vec<u8>) {
        (*self as u64).put(out);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        u64::take(reader)?.try_into().map_err(|_| Junk)
    }
}

impl Code for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        match u8::take(reader)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Junk),
        }
    }
}

impl Code for Arc<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_text(self, out);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        take_text(reader).map(Into::into)
    }
}

impl Code for TokenHash {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        reader.array().map(Self)
    }
}

impl Code for IpAddr {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            IpAddr::V4(address) => {
                out.push(4);
                out.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                out.push(6);
                out.extend_from_slice(&address.octets());
            }
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        match u8::take(reader)? {
            4 => reader.array::<4>().map(IpAddr::from),
            6 => reader.array::<16>().map(IpAddr::from),
            _ => Err(Junk),
        }
    }
}

impl<T: Code> Code for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(inner) = self {
            inner.put(out);
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        bool::take(reader)?.then(|| T::take(reader)).transpose()
    }
}

impl<T: Code> Code for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        put_length(self.len(), out);
        for item in self {
            item.put(out);
        }
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        let length = u32::take(reader)?;
        // It grows with what is really there, whatever the length promises.
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(T::take(reader)?);
        }
        Ok(items)
    }
}

impl<T: Code> Code for Arc<T> {
    fn put(&self, out: &mut Vec<u8>) {
        T::put(self, out);
    }

    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
        T::take(reader).map(Arc::new)
    }
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    put_length(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Junk> {
    let length = u32::take(reader)?;
    let bytes = reader.bytes(length.try_into().map_err(|_| Junk)?)?;
    std::str::from_utf8(bytes).map_err(|_| Junk)
}

/// Nothing that long is ever sent; were it, it would be junk to the reader.
fn put_length(length: usize, out: &mut Vec<u8>) {
    u32::try_from(length).unwrap_or(u32::MAX).put(out);
}
