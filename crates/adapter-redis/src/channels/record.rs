//! What of channels is written as bytes, and read again.

use super::local::part_of;
use crate::codec::{Code, Junk, Reader};
use campanile_core::channel::{AppId, Channel, ChannelMember, Kept};
use std::sync::Arc;

/// The shape that this version writes and reads.
const SHAPE: u8 = 1;

/// What is known of a member.
pub(super) fn write_info(member: &ChannelMember) -> Vec<u8> {
    write(&member.info)
}

pub(super) fn read_info(bytes: &[u8]) -> Result<Option<Arc<str>>, Junk> {
    read(bytes)
}

/// A member: a user, and the nodes that have it with what is known of it.
pub(super) fn read_member(user: &[u8], value: &[u8]) -> Result<ChannelMember, Junk> {
    let semicolon = value.iter().position(|byte| *byte == b';').ok_or(Junk)?;
    Ok(ChannelMember { user: read_text(user)?.into(), info: read_info(&value[semicolon + 1..])? })
}

/// The last event of a channel.
pub(super) fn write_kept(kept: &Kept) -> Vec<u8> {
    write(kept)
}

pub(super) fn read_kept(bytes: &[u8]) -> Result<Kept, Junk> {
    read(bytes)
}

/// The name of a channel of this part.
pub(super) fn read_channel(app: &AppId, name: &[u8], part: usize) -> Result<Channel, Junk> {
    let channel = Channel::new(app, read_text(name)?);
    if part_of(&channel) == part { Ok(channel) } else { Err(Junk) }
}

/// A channel of this part with its application.
pub(super) fn read_full_channel(text: &[u8], part: usize) -> Result<Channel, Junk> {
    let (app, name) = read_text(text)?.split_once('/').ok_or(Junk)?;
    read_channel(&AppId::parse(app).map_err(|_| Junk)?, name.as_bytes(), part)
}

pub(super) fn read_text(bytes: &[u8]) -> Result<&str, Junk> {
    std::str::from_utf8(bytes).map_err(|_| Junk)
}

fn write(value: &impl Code) -> Vec<u8> {
    let mut bytes = vec![SHAPE];
    value.put(&mut bytes);
    bytes
}

fn read<T: Code>(bytes: &[u8]) -> Result<T, Junk> {
    let mut reader = Reader::new(bytes);
    if u8::take(&mut reader)? != SHAPE {
        return Err(Junk);
    }
    let value = T::take(&mut reader)?;
    reader.end()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use campanile_core::{
        channel::{Data, Edition, Published},
        time::Timestamp,
    };
    use proptest::prelude::*;

    fn kept() -> impl Strategy<Value = Kept> {
        let text = || ".{0,40}".prop_map(Arc::<str>::from);
        let data = prop_oneof![text().prop_map(Data::Text), text().prop_map(Data::Raw)];
        let published = (text(), data, proptest::option::of(text()));
        let published = published.prop_map(|(event, data, user)| Published { event, data, user });
        (published, any::<i64>(), any::<u64>()).prop_map(|(published, until, edition)| {
            let (until, edition) = (Timestamp(until), Edition(edition));
            Kept { published, until, edition }
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(kept in kept(), info in proptest::option::of(".{0,40}")) {
            prop_assert_eq!(read_kept(&write_kept(&kept)), Ok(kept));
            let member = ChannelMember { user: "ada".into(), info: info.map(Into::into) };
            let value = [b"0000000000000001,;".to_vec(), write_info(&member)].concat();
            prop_assert_eq!(read_member(b"ada", &value), Ok(member));
        }

        #[test]
        fn a_part_is_junk_and_so_is_more(kept in kept(), cut in any::<prop::sample::Index>()) {
            let mut bytes = write_kept(&kept);
            prop_assert_eq!(read_kept(&bytes[..cut.index(bytes.len())]), Err(Junk));
            bytes.push(0);
            prop_assert_eq!(read_kept(&bytes), Err(Junk));
        }

        #[test]
        fn noise_does_no_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = (read_kept(&bytes), read_info(&bytes), read_member(&bytes, &bytes));
            let _ = read_full_channel(&bytes, 0);
            bytes.insert(0, SHAPE);
            let _ = (read_kept(&bytes), read_info(&bytes));
        }
    }
}
