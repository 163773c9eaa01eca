//! KeyBlock: a private key that stands on several lines of a log, of which every one is hidden.

use memchr::memmem;

/// Lines that a key may have; RSA of 16,384 bits has 200.
const MOST_LINES: u32 = 400;
/// So many lines in a row that cannot be of a key end it.
const STRANGE: u32 = 3;

/// Follows a private key from its first line on.
#[derive(Debug, Default)]
pub(super) struct KeyBlock {
    lines: u32,
    strange: u32,
    secret: u32,
}

/// What a line is to the key above it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyLine {
    /// Part of it.
    Secret,
    /// Something else that was printed in between.
    Other,
    /// The key's last line, or none of its any more.
    End,
}

impl KeyBlock {
    /// Whether a line opens a key that it does not close.
    pub(super) fn opens(line: &[u8]) -> bool {
        let Some(begin) = memmem::rfind(line, b"-----BEGIN ") else { return false };
        let rest = &line[begin..];
        memmem::find(rest, b"PRIVATE KEY").is_some() && memmem::find(rest, b"-----END ").is_none()
    }

    /// Whether exactly one of its lines was a secret so far.
    pub(super) fn is_new(&self) -> bool {
        self.secret == 1
    }

    /// Takes the next line.
    pub(super) fn next(&mut self, line: &[u8]) -> KeyLine {
        self.lines += 1;
        if memmem::find(line, b"-----END ").is_some() || self.lines > MOST_LINES {
            return KeyLine::End;
        }
        if is_base64(line) {
            self.strange = 0;
            self.secret += 1;
            return KeyLine::Secret;
        }
        self.strange += u32::from(!line.trim_ascii().is_empty());
        if self.strange >= STRANGE { KeyLine::End } else { KeyLine::Other }
    }
}

/// Whether the last word of a line (prefixes of CI and Nix come before it) may be a line of a key.
fn is_base64(line: &[u8]) -> bool {
    let word = line.trim_ascii_end().rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
    let word = word.strip_suffix(b"\"").unwrap_or(word);
    let full = word.len() >= 4 && (word.len().is_multiple_of(4) || word.len() >= 40);
    full && word.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_followed_to_its_end() {
        assert!(KeyBlock::opens(b"foo> -----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(!KeyBlock::opens(b"-----BEGIN CERTIFICATE-----"));
        assert!(!KeyBlock::opens(b"-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----"));
        let mut block = KeyBlock::default();
        let lines: [&[u8]; 4] =
            [b"foo> b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==", b"[2 / 7] Compiling a.cc;", b"", b"foo> QyNTUxAA"];
        assert_eq!(
            lines.map(|line| block.next(line)),
            [KeyLine::Secret, KeyLine::Other, KeyLine::Other, KeyLine::Secret]
        );
        assert_eq!(block.next(b"foo> -----END OPENSSH PRIVATE KEY-----"), KeyLine::End);
    }

    #[test]
    fn a_mere_mention_ends_soon() {
        let mut block = KeyBlock::default();
        let lines: [&[u8]; 3] = [b"expected a key,", b"", b"but got nothing."];
        assert_eq!(lines.map(|line| block.next(line)), [KeyLine::Other, KeyLine::Other, KeyLine::Other]);
        assert_eq!(block.next(b"error: build failed"), KeyLine::End);
    }
}
