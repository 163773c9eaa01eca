//! Seam: what the end of one row and the start of the next say: the word that a cut may have gone through, and signs of two lines.

use memchr::memchr_iter;

use super::WIDEST;
use crate::log::prefix;

/// Lines whose first words have that much in common are items of a list.
const LIST: usize = 8;
/// Words before a colon with which a message of its own starts.
const SPEAKERS: &str = "error warning note fatal hint info debug trace help failed bash sh cc gcc g++ c++ clang clang++ \
    cc1 cc1plus collect2 ld ld.lld ar as make gmake cmake nix bazel cargo rustc go npm tar curl git patch";

/// The word that a cut may have gone through.
pub(super) struct Seam<'b> {
    /// What the row has of it.
    pub(super) head: &'b [u8],
    /// All of it, without signs at its end.
    pub(super) word: Vec<u8>,
}

impl<'b> Seam<'b> {
    pub(super) fn of(row: &'b [u8], next: &[u8]) -> Seam<'b> {
        let head = row.iter().rev().take_while(|b| goes_in_path(**b)).count();
        let head = row.get(row.len() - head..).unwrap_or_default();
        let tail = next.iter().take_while(|b| goes_in_path(**b)).copied();
        let mut word: Vec<u8> = head.iter().copied().chain(tail).collect();
        while word.last().is_some_and(|b| !is_word(*b)) {
            word.pop();
        }
        Seam { head, word }
    }

    /// A path, a label, a name with digits: no word of a sentence, no bare number.
    pub(super) fn is_name(&self) -> bool {
        let any = |kind: fn(&u8) -> bool| self.word.iter().any(kind);
        any(u8::is_ascii_alphabetic) && any(|b| b.is_ascii_digit() || b"/_:.=@+".contains(b))
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A piece of a word: no line of its own starts with `:3`, few with `.b`.
pub(super) fn goes_on_in_word(next: &[u8]) -> bool {
    match next {
        [b'.' | b':', second, ..] => is_word(*second),
        [first, ..] => is_word(*first),
        [] => false,
    }
}

pub(super) fn goes_in_path(byte: u8) -> bool {
    is_word(byte) || b"./:@+=~-".contains(&byte)
}

/// Does a message of its own start here?
pub(super) fn is_fresh(row: &[u8]) -> bool {
    let is_mark = |marks: &[u8]| row.first().is_some_and(|first| marks.contains(first));
    if is_mark(b"[(><*#|$") || is_mark(b"-+=") && row.get(1) == Some(&b' ') || row.starts_with(b"---") {
        return true;
    }
    let near = String::from_utf8_lossy(row.get(..row.len().min(WIDEST)).unwrap_or_default());
    let (message, derivation) = prefix::strip(&near);
    if derivation.is_some() || message.len() < near.len() || prefix::is_severity(&near) {
        return true;
    }
    let word = near.split(' ').next().unwrap_or_default();
    let Some((speaker, rest)) = word.split_once(':') else { return false };
    // `a.cc:12:3:` is a place in a file; `l:12:3:` is the end of one.
    let place = |rest: &str| rest.ends_with(':') && rest.bytes().all(|b| b.is_ascii_digit() || b == b':');
    SPEAKERS.split(' ').any(|known| known.eq_ignore_ascii_case(speaker))
        || speaker.contains(['.', '/']) && rest.len() > 1 && place(rest)
}

/// Items of a list or rows of a table: they start alike, or have blanks in the same columns.
pub(super) fn is_list(row: &[u8], next: &[u8]) -> bool {
    let word = |row: &[u8]| row.iter().take_while(|b| **b != b' ').count();
    let alike = row.iter().zip(next).take_while(|(a, b)| a == b).count();
    let columns = memchr_iter(b' ', row).zip(memchr_iter(b' ', next)).take(3).take_while(|(a, b)| a == b).count();
    alike >= LIST.min(word(row)).max(3) || columns == 3 || columns == 2 && word(row) >= LIST
}
