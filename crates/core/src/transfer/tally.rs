//! Tallies: how many records, and what they say, whatever their order.

use super::record::Value;
use sha2::{Digest, Sha256};
use std::fmt;

/// How many records there are, and a digest of them that does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub count: u64,
    /// The sum of the SHA-256 of each, as a number of 256 bits, the lowest byte first.
    digest: [u8; 32],
}

impl Tally {
    /// Adds a record.
    pub fn add(&mut self, record: &[Value]) {
        let mut bytes = Vec::new();
        for value in record {
            value.encode(&mut bytes);
        }
        self.count += 1;
        let mut carry = 0;
        for (sum, byte) in self.digest.iter_mut().zip(Sha256::digest(bytes)) {
            let both = u16::from(*sum) + u16::from(byte) + carry;
            *sum = (both & 0xff) as u8;
            carry = both >> 8;
        }
    }

    /// The start of the digest, for people to compare.
    pub fn brief(&self) -> impl fmt::Display {
        let first: [u8; 8] = std::array::from_fn(|index| self.digest[31 - index]);
        format!("{:016x}", u64::from_be_bytes(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(records: &[&[Value]]) -> Tally {
        let mut tally = Tally::default();
        records.iter().for_each(|record| tally.add(record));
        tally
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let (one, two) = ([Value::Integer(1)], [Value::Integer(2)]);
        assert_eq!(tally(&[&one, &two]), tally(&[&two, &one]));
        assert_ne!(tally(&[&one, &two]), tally(&[&one, &one]));
        assert_ne!(tally(&[&one]), tally(&[&one, &one]));
        assert_ne!(tally(&[&[Value::Text("a".into()), Value::Null]]).digest, [0; 32]);
        let (text, bytes) = (Value::Text("a".into()), Value::Bytes(b"a".to_vec()));
        assert_ne!(tally(&[&[text]]), tally(&[&[bytes]]));
    }

    #[test]
    fn a_sum_carries_on() {
        let many = |count| tally(&vec![[Value::Integer(7)].as_slice(); count]);
        assert_eq!(many(1_000).count, 1_000);
        assert_ne!(many(256).brief().to_string(), many(257).brief().to_string());
    }
}
