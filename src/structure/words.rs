//! Words: a fixed list of words looked for in a text, all at once. Every two bytes four are looked up in a small table; of a word's
//! rarest five bytes, two times four stand in it, so that one of them is seen whatever the alignment.

/// Bytes from one gram that is looked up to the next.
const STEP: usize = 2;
/// Bytes of a gram.
const GRAM: usize = 4;
/// Shortest word: it holds `STEP` grams.
const SHORTEST: usize = GRAM + STEP - 1;
/// Bytes looked at between two branches.
const STRIDE: usize = 32;
/// Slots of the table.
const BITS: u32 = 14;

/// The words, ready to be looked for.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    /// Where in each word its first gram stands.
    offsets: [usize; N],
    grams: [[u32; STEP]; N],
    /// By gram: its number among all grams, plus one; 0 for grams of no word.
    slots: [u8; 1 << BITS],
}

impl<const N: usize> Words<N> {
    /// Each at least 5 bytes long, none the start of another; at most 127.
    pub(super) const fn new<T>(list: &[(&'static str, T); N]) -> Words<N> {
        assert!(N * STEP < u8::MAX as usize, "too many words");
        let mut words = Words { words: [""; N], offsets: [0; N], grams: [[0; STEP]; N], slots: [0; 1 << BITS] };
        // The shortest have the fewest choices.
        let mut length = SHORTEST;
        let mut placed = 0;
        while placed < N {
            let mut i = 0;
            while i < N {
                if list[i].0.len() == length {
                    words.place(i, list[i].0);
                    placed += 1;
                }
                i += 1;
            }
            length += 1;
        }
        words
    }

    const fn place(&mut self, number: usize, word: &'static str) {
        self.words[number] = word;
        self.offsets[number] = self.rarest(word.as_bytes());
        let mut k = 0;
        while k < STEP {
            let gram = gram(word.as_bytes(), self.offsets[number] + k);
            self.grams[number][k] = gram;
            self.slots[slot(gram)] = (number * STEP + k + 1) as u8;
            k += 1;
        }
    }

    /// Where the five bytes of a word start that ordinary text holds least, and whose slots are free.
    const fn rarest(&self, word: &[u8]) -> usize {
        let (mut best, mut least, mut at) = (0, u32::MAX, 0);
        while at + SHORTEST <= word.len() {
            let (first, second) = (slot(gram(word, at)), slot(gram(word, at + 1)));
            let is_free = self.slots[first] == 0 && self.slots[second] == 0 && first != second;
            let common = commonness(word, at);
            if is_free && common <= least {
                (best, least) = (at, common);
            }
            at += 1;
        }
        assert!(least < u32::MAX, "the word is too short, or its grams fall into slots of others");
        best
    }

    /// Where the words stand, and their numbers, in the order of the text. Of words that overlap only the first counts.
    pub(super) fn find(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut hits = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            match rest.first_chunk() {
                Some(stride) => self.hits_of(stride, text, at, &mut hits),
                None => {
                    let mut stride = [0; STRIDE + GRAM];
                    stride.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                    self.hits_of(&stride, text, at, &mut hits);
                }
            }
            at += STRIDE;
        }
        hits.sort_unstable();
        let mut end = 0;
        hits.retain(|&(start, word)| {
            let counts = start >= end;
            if counts {
                end = start + self.words[word].len();
            }
            counts
        });
        hits
    }

    #[inline(always)]
    fn hits_of(&self, stride: &[u8; STRIDE + GRAM], text: &[u8], at: usize, hits: &mut Vec<(usize, usize)>) {
        if (0..STRIDE / STEP).fold(0, |any, k| any | self.slots[slot(gram_at(stride, k * STEP))]) != 0 {
            self.words_of(stride, text, at, hits);
        }
    }

    #[inline(never)]
    fn words_of(&self, stride: &[u8; STRIDE + GRAM], text: &[u8], at: usize, hits: &mut Vec<(usize, usize)>) {
        let numbers: [u8; STRIDE / STEP] = std::array::from_fn(|k| self.slots[slot(gram_at(stride, k * STEP))]);
        let mut places = (0..numbers.len()).fold(0u32, |places, k| places | u32::from(numbers[k] != 0) << k);
        while places != 0 {
            let k = places.trailing_zeros() as usize;
            places &= places - 1;
            let Some(number) = numbers[k].checked_sub(1).map(usize::from) else { continue };
            let (word, nth) = (number / STEP, number % STEP);
            let start = (at + k * STEP).checked_sub(self.offsets[word] + nth);
            if let Some(start) = start
                && gram_at(stride, k * STEP) == self.grams[word][nth]
                && text.get(start..).is_some_and(|rest| rest.starts_with(self.words[word].as_bytes()))
            {
                hits.push((start, word));
            }
        }
    }
}

#[inline(always)]
fn gram_at(stride: &[u8; STRIDE + GRAM], at: usize) -> u32 {
    stride.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |four| u32::from_le_bytes(*four))
}

#[inline(always)]
const fn slot(gram: u32) -> usize {
    (gram.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
}

const fn gram(word: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([word[at], word[at + 1], word[at + 2], word[at + 3]])
}

/// How common five bytes of a word are in ordinary text, roughly: those with the end of a word or a sign within are rarer.
const fn commonness(word: &[u8], at: usize) -> u32 {
    let (mut common, mut i) = (20, at);
    while i < at + SHORTEST {
        common += if word[i].is_ascii_uppercase() { 1 } else { 2 };
        if i > at && kind(word[i]) != kind(word[i - 1]) {
            common -= 3;
        }
        i += 1;
    }
    common
}

const fn kind(byte: u8) -> u32 {
    match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        b' ' => 3,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static WORDS: Words<4> = Words::new(&[("flake", ()), ("/Users/", ()), (":/Users/", ()), ("no such package '", ())]);

    #[test]
    fn words_are_found_at_every_alignment_and_at_the_very_end() {
        for pad in 0..90 {
            let pad = "x".repeat(pad);
            let text = format!("{pad}flake/Users/{pad}no such package '");
            let at = pad.len();
            assert_eq!(WORDS.find(text.as_bytes()), [(at, 0), (at + 5, 1), (2 * at + 12, 3)]);
            assert_eq!(WORDS.find(&text.as_bytes()[..text.len() - 1]), [(at, 0), (at + 5, 1)]);
        }
        assert!(WORDS.find(b"").is_empty() && WORDS.find(b"flak").is_empty());
    }

    #[test]
    fn of_words_that_overlap_the_first_counts() {
        assert_eq!(WORDS.find(b"C:/Users/x/Users/"), [(1, 2), (10, 1)]);
    }
}
