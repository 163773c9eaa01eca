//! ByteSet: which of the 256 bytes may stand at a place.

use serde::{Deserialize, Serialize};

/// Bytes that a set takes in a program.
pub(super) const SET: usize = 32;

pub(super) const TOO_MANY_CLASSES: &str = "the pattern has too many classes";

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ByteSet([u8; SET]);

/// The sets of a program, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ByteSets(#[serde(with = "serde_bytes")] Vec<u8>);

impl ByteSet {
    pub(super) const EMPTY: ByteSet = ByteSet([0; SET]);

    pub(super) fn of(byte: u8) -> ByteSet {
        ByteSet::of_ranges([(byte, byte)])
    }

    /// All bytes of these ranges, ends included.
    pub(super) fn of_ranges(ranges: impl IntoIterator<Item = (u8, u8)>) -> ByteSet {
        let mut bits = [0; SET];
        for byte in ranges.into_iter().flat_map(|(from, to)| from..=to) {
            bits[usize::from(byte / 8)] |= 1 << (byte % 8);
        }
        ByteSet(bits)
    }

    pub(super) fn or(self, other: ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    pub(super) fn meets(self, other: ByteSet) -> bool {
        self.0.iter().zip(other.0).any(|(a, b)| a & b != 0)
    }

    /// The byte, if there is just one.
    pub(super) fn only(self) -> Option<u8> {
        let mut bytes = (0..=u8::MAX).filter(|byte| holds(&self.0, *byte));
        bytes.next().filter(|_| bytes.next().is_none())
    }
}

impl ByteSets {
    /// The number of a set, which is added where it is new.
    pub(super) fn number_of(&mut self, set: ByteSet) -> Result<u8, String> {
        let known = self.0.chunks(SET).position(|known| known == set.0);
        let number = known.unwrap_or(self.0.len() / SET);
        if known.is_none() {
            self.0.extend(set.0);
        }
        u8::try_from(number).ok().filter(|number| *number < u8::MAX).ok_or_else(|| TOO_MANY_CLASSES.to_owned())
    }

    /// The bits of a set; empty for a number that there is not.
    #[inline]
    pub(super) fn bits(&self, number: u8) -> &[u8; SET] {
        let at = usize::from(number) * SET;
        self.0.get(at..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; SET])
    }
}

/// Is the byte in the set with these bits?
#[inline]
pub(super) fn holds(bits: &[u8; SET], byte: u8) -> bool {
    bits[usize::from(byte / 8)] >> (byte % 8) & 1 != 0
}
