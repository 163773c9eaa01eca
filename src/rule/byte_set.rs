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
        for (from, to) in ranges {
            let (first, last) = (usize::from(from / 8), usize::from(to / 8));
            for (at, byte) in bits.iter_mut().enumerate().take(last + 1).skip(first) {
                let above = if at == first { u8::MAX << (from % 8) } else { u8::MAX };
                let below = if at == last { u8::MAX >> (7 - to % 8) } else { u8::MAX };
                *byte |= above & below;
            }
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
        let mut bytes = self.0.iter().enumerate().filter(|(_, byte)| **byte != 0);
        let (at, byte) = bytes.next().filter(|(_, byte)| byte.is_power_of_two())?;
        bytes.next().is_none().then(|| at as u8 * 8 + byte.trailing_zeros() as u8)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_its_ranges_and_nothing_else() {
        for (from, to) in [(0, 255), (7, 8), (b'a', b'z'), (0, 0), (255, 255), (16, 23)] {
            let set = ByteSet::of_ranges([(from, to), (b'x', b'x')]);
            for byte in 0..=u8::MAX {
                assert_eq!(holds(&set.0, byte), (from..=to).contains(&byte) || byte == b'x', "{byte} of {from}-{to}");
            }
        }
        assert_eq!(ByteSet::of(b'q').only(), Some(b'q'));
        assert_eq!(ByteSet::of_ranges([(b'q', b'r')]).only().or(ByteSet::EMPTY.only()), None);
        assert_eq!(ByteSet::of_ranges([(1, 1), (200, 200)]).only(), None);
    }
}
