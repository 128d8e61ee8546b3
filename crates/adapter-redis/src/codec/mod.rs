//! How records are written as bytes, and read again by a strict reader.
//!
//! What is read comes from outside: whatever it holds, reading neither panics nor makes more than
//! the bytes themselves can fill. Everything that is written has one shape; anything else is
//! [`Junk`].

mod basic;
mod records;
#[cfg(test)]
mod tests;

/// Bytes that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes make no sense")]
pub(crate) struct Junk;

/// Something that has one shape as bytes.
pub(crate) trait Code: Sized {
    /// Adds it.
    fn put(&self, out: &mut Vec<u8>);

    /// Takes it off the front.
    fn take(reader: &mut Reader<'_>) -> Result<Self, Junk>;
}

/// Bytes that were not read yet.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Junk> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Junk)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Junk> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Junk)?;
        self.0 = rest;
        Ok(*taken)
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Junk> {
        if self.0.is_empty() { Ok(()) } else { Err(Junk) }
    }
}

/// A struct: its fields in order.
macro_rules! record {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl Code for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)+
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
                Ok(Self { $($field: Code::take(reader)?),+ })
            }
        }
    };
}

/// An enum: a number for the variant, then what it holds.
macro_rules! choice {
    ($name:ident { $(
        $code:literal = $variant:ident $({ $($field:ident),+ })? $(( $($item:ident),+ ))?
    ),+ $(,)? }) => {
        impl Code for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {$(
                    Self::$variant $({ $($field),+ })? $(( $($item),+ ))? => {
                        out.push($code);
                        $($($field.put(out);)+)?
                        $($($item.put(out);)+)?
                    }
                )+}
            }

            fn take(reader: &mut Reader<'_>) -> Result<Self, Junk> {
                match u8::take(reader)? {
                    $($code => {
                        $($(let $field = Code::take(reader)?;)+)?
                        $($(let $item = Code::take(reader)?;)+)?
                        Ok(Self::$variant $({ $($field),+ })? $(( $($item),+ ))?)
                    })+
                    _ => Err(Junk),
                }
            }
        }
    };
}

pub(crate) use {choice, record};
