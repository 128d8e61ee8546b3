//! An upload: a file that somebody put into a room, what kind it is, and what it may be called.

use crate::{
    name::{RoomName, UserName},
    time::Timestamp,
};
use std::fmt;

/// Bytes at the start of a file from which its kind is told.
pub const HEAD_BYTES: usize = 512;

/// Longest name of a file, in bytes of UTF-8.
pub const FILE_NAME_BYTES_MAX: usize = 255;

/// What an upload is known by: random, so that nobody finds one by guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UploadId(pub [u8; 16]);

/// Why a text is no upload's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an upload's id has 32 hexadecimal digits")]
pub struct UploadIdError;

impl UploadId {
    /// Takes 32 hexadecimal digits, in lower case.
    pub fn parse(text: &str) -> Result<Self, UploadIdError> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 32 || !text.bytes().all(is_digit) {
            return Err(UploadIdError);
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| UploadIdError)?;
        Ok(Self(number.to_be_bytes()))
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// An upload as the store keeps it; its bytes are in the blob of the same id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Its identity.
    pub id: UploadId,
    /// The room whose members may read it.
    pub room: RoomName,
    /// Who put it there.
    pub by: UserName,
    /// What it is called.
    pub name: FileName,
    /// What it is.
    pub media_type: MediaType,
    /// How long it is.
    pub bytes: u64,
    /// When it was put there.
    pub at: Timestamp,
}

/// What a file is called: shown to people, never a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// The harmless part of what a client calls a file: no folders, nothing that is not printed,
    /// nothing that turns the direction of writing, and not too long. `file` when nothing is left.
    pub fn tidy(text: &str) -> Self {
        let last = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let mut name: String = last.chars().filter(|letter| is_printed(*letter)).collect();
        let mut end = name.len().min(FILE_NAME_BYTES_MAX);
        while !name.is_char_boundary(end) {
            end -= 1;
        }
        name.truncate(end);
        let name = name.trim_matches([' ', '.']);
        Self(if name.is_empty() { "file".to_owned() } else { name.to_owned() })
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_printed(letter: char) -> bool {
    let turns = matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !letter.is_control() && !turns
}

/// Kinds of file that are taken. There is none that a browser runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// An image.
    Png,
    /// An image.
    Jpeg,
    /// An image.
    Gif,
    /// An image.
    Webp,
    /// A document.
    Pdf,
    /// An archive, and documents of office programs.
    Zip,
    /// A compressed file.
    Gzip,
    /// A film.
    Mp4,
    /// A film.
    Webm,
    /// A recording.
    Ogg,
    /// A recording.
    Mp3,
    /// A recording.
    Wav,
    /// Text that is no markup.
    Text,
}

impl MediaType {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Png,
        Self::Jpeg,
        Self::Gif,
        Self::Webp,
        Self::Pdf,
        Self::Zip,
        Self::Gzip,
        Self::Mp4,
        Self::Webm,
        Self::Ogg,
        Self::Mp3,
        Self::Wav,
        Self::Text,
    ];

    /// The kind that a file has by its first [`HEAD_BYTES`]; `None` for kinds that are not taken.
    /// Nobody is asked: what a client says of its file is not looked at.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let has = |place: usize, magic: &[u8]| {
            head.get(place..).is_some_and(|rest| rest.starts_with(magic))
        };
        let known = [
            (Self::Png, has(0, b"\x89PNG\r\n\x1a\n")),
            (Self::Jpeg, has(0, b"\xff\xd8\xff")),
            (Self::Gif, has(0, b"GIF87a") || has(0, b"GIF89a")),
            (Self::Webp, has(0, b"RIFF") && has(8, b"WEBP")),
            (Self::Wav, has(0, b"RIFF") && has(8, b"WAVE")),
            (Self::Pdf, has(0, b"%PDF-")),
            (Self::Zip, has(0, b"PK\x03\x04")),
            (Self::Gzip, has(0, b"\x1f\x8b\x08")),
            (Self::Mp4, has(4, b"ftyp")),
            (Self::Webm, has(0, b"\x1a\x45\xdf\xa3")),
            (Self::Ogg, has(0, b"OggS")),
            (Self::Mp3, has(0, b"ID3") || has(0, b"\xff\xfb")),
            (Self::Text, is_plain_text(head)),
        ];
        known.into_iter().find_map(|(kind, is_it)| is_it.then_some(kind))
    }

    /// Its name among all media types.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Zip => "application/zip",
            Self::Gzip => "application/gzip",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
            Self::Ogg => "audio/ogg",
            Self::Mp3 => "audio/mpeg",
            Self::Wav => "audio/wav",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// The kind of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// Whether a file begins as text does, and not as HTML, SVG or XML do. A character may be cut in
/// two at the end.
fn is_plain_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() == HEAD_BYTES => {
            let whole = &head[..error.valid_up_to()];
            std::str::from_utf8(whole).expect("it is valid up to there")
        }
        Err(_) => return false,
    };
    let is_text = |letter: char| !letter.is_control() || matches!(letter, '\t' | '\n' | '\r');
    let begins = text.trim_start_matches('\u{feff}').trim_start();
    !begins.is_empty() && !begins.starts_with('<') && text.chars().all(is_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = UploadId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
        assert_eq!(UploadId::parse(&id.to_string()), Ok(id));
        for bad in
            ["", "..", "000102030405060708090A0B0C0D0EFF", "+00102030405060708090a0b0c0d0eff"]
        {
            assert_eq!(UploadId::parse(bad), Err(UploadIdError), "{bad:?}");
        }
    }

    #[test]
    fn a_name_is_never_a_path() {
        for (given, tidied) in [
            ("photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\ada\notes.txt", "notes.txt"),
            ("..", "file"),
            ("", "file"),
            ("a\r\nSet-Cookie: x\0.txt", "aSet-Cookie: x.txt"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("  übung \"1\".pdf ", "übung \"1\".pdf"),
        ] {
            assert_eq!(FileName::tidy(given).as_str(), tidied, "{given:?}");
        }
        let long = FileName::tidy(&"ä".repeat(200));
        assert_eq!(long.as_str().len(), 254, "no letter is cut in two");
    }

    #[test]
    fn the_kind_is_told_by_the_bytes() {
        for (head, kind) in [
            (&b"\x89PNG\r\n\x1a\n\0\0"[..], MediaType::Png),
            (b"\xff\xd8\xff\xe0", MediaType::Jpeg),
            (b"RIFF\0\0\0\0WEBPVP8 ", MediaType::Webp),
            (b"\0\0\0\x20ftypisom", MediaType::Mp4),
            (b"%PDF-1.7", MediaType::Pdf),
            ("Grüße,\nAda".as_bytes(), MediaType::Text),
        ] {
            assert_eq!(MediaType::sniff(head), Some(kind));
            assert_eq!(MediaType::parse(kind.as_str()), Some(kind));
        }
        let cut = "ä".repeat(300);
        assert_eq!(MediaType::sniff(&cut.as_bytes()[1..1 + HEAD_BYTES]), None, "cut at the start");
        let odd = format!("x{cut}");
        let head = &odd.as_bytes()[..HEAD_BYTES];
        assert_eq!(MediaType::sniff(head), Some(MediaType::Text), "cut at the end");
    }

    #[test]
    fn what_a_browser_runs_is_not_taken() {
        for head in [
            &b"<!doctype html><script>"[..],
            b"\xef\xbb\xbf  <svg xmlns=",
            b"<?xml version=",
            b"\x7fELF\x02\x01\x01\0",
            b"MZ\x90\0\x03\0",
            b"",
            b"   \n",
        ] {
            assert_eq!(MediaType::sniff(head), None, "{head:?}");
        }
    }
}
