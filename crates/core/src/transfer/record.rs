//! Records: rows of a part as values, and places among them.

/// One value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// It is not there.
    Null,
    /// A number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A record: its part's [columns](super::Part::columns), in their order.
pub type Record = Vec<Value>;

/// A place in a part, as the store that is read knows it. It stays good as long as the store does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(pub Vec<u8>);

/// Bytes are no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no place in a store")]
pub struct CursorError;

const NULL: u8 = 0;
const INTEGER: u8 = 1;
const TEXT: u8 = 2;
const BYTES: u8 = 3;

impl Value {
    /// Adds it to bytes, in such a way that no other values give the same.
    pub(super) fn encode(&self, into: &mut Vec<u8>) {
        let mut long = |kind, bytes: &[u8]| {
            into.push(kind);
            into.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
            into.extend_from_slice(bytes);
        };
        match self {
            Self::Null => into.push(NULL),
            Self::Text(text) => long(TEXT, text.as_bytes()),
            Self::Bytes(bytes) => long(BYTES, bytes),
            Self::Integer(number) => {
                into.push(INTEGER);
                into.extend_from_slice(&number.to_be_bytes());
            }
        }
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let (kind, rest) = from.split_first()?;
        *from = rest;
        let mut number = || {
            let (number, rest) = from.split_first_chunk::<8>()?;
            *from = rest;
            Some(*number)
        };
        match *kind {
            NULL => Some(Self::Null),
            INTEGER => number().map(i64::from_be_bytes).map(Self::Integer),
            TEXT | BYTES => {
                let length = usize::try_from(u64::from_be_bytes(number()?)).ok()?;
                let (bytes, rest) = from.split_at_checked(length)?;
                *from = rest;
                match *kind {
                    TEXT => Some(Self::Text(std::str::from_utf8(bytes).ok()?.to_owned())),
                    _ => Some(Self::Bytes(bytes.to_owned())),
                }
            }
            _ => None,
        }
    }
}

impl Cursor {
    /// The place that these values say.
    pub fn of(values: &[Value]) -> Self {
        let mut bytes = Vec::new();
        for value in values {
            value.encode(&mut bytes);
        }
        Self(bytes)
    }

    /// The values that say the place.
    pub fn values(&self) -> Result<Vec<Value>, CursorError> {
        let mut rest = self.0.as_slice();
        let mut values = Vec::new();
        while !rest.is_empty() {
            values.push(Value::decode(&mut rest).ok_or(CursorError)?);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let values = vec![
            Value::Integer(-3),
            Value::Text("gr\u{fc}n\0".to_owned()),
            Value::Null,
            Value::Bytes(vec![0, 255]),
            Value::Text(String::new()),
        ];
        let cursor = Cursor::of(&values);
        assert_eq!(cursor.values(), Ok(values));
        assert_eq!(Cursor::of(&[]).values(), Ok(Vec::new()));
    }

    #[test]
    fn what_is_cut_off_is_no_place() {
        let whole = Cursor::of(&[Value::Text("lobby".to_owned())]);
        for length in 1..whole.0.len() {
            assert_eq!(Cursor(whole.0[..length].to_vec()).values(), Err(CursorError), "{length}");
        }
        assert_eq!(Cursor(vec![9]).values(), Err(CursorError));
    }
}
