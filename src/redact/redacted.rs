//! Redacted: a stream of bytes without its secrets. It holds one block of lines; of a line that is longer it holds a part,
//! and looks at the end of each part again together with the next one.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

use super::private_key::{KeyBlock, KeyLine};
use super::{HIDDEN, Redactor, hide};

/// Bytes that are read and looked at together.
const BLOCK: usize = 64 * 1024;
/// Bytes of a line that are looked at together.
const LONGEST_LINE: usize = 256 * 1024;
/// Bytes of a longer line that are looked at twice: a secret with what shows that it is one fits in.
const OVERLAP: usize = 16 * 1024;

/// Reads another stream and hides the secrets in it.
pub struct Redacted<'r, R> {
    redactor: &'r Redactor,
    input: R,
    /// Read, not yet redacted: less than a line.
    open: Vec<u8>,
    /// Redacted, not yet given.
    ready: Vec<u8>,
    given: usize,
    hidden: u64,
    /// In the middle of a private key.
    key: Option<KeyBlock>,
    ended: bool,
}

impl<'r, R: Read> Redacted<'r, R> {
    /// Hides the secrets of `input`.
    pub fn new(redactor: &'r Redactor, input: R) -> Redacted<'r, R> {
        let (open, ready) = (Vec::with_capacity(2 * BLOCK), Vec::with_capacity(2 * BLOCK));
        Redacted { redactor, input, open, ready, given: 0, hidden: 0, key: None, ended: false }
    }

    /// Secrets that were hidden so far.
    pub fn hidden(&self) -> u64 {
        self.hidden
    }

    fn fill(&mut self) -> io::Result<()> {
        (self.given, self.ready) = (0, std::mem::take(&mut self.ready));
        self.ready.clear();
        let from = self.open.len();
        self.open.resize(from + BLOCK, 0);
        let read = self.input.read(&mut self.open[from..]);
        self.open.truncate(from + *read.as_ref().unwrap_or(&0));
        self.ended = read? == 0;
        let open = std::mem::take(&mut self.open);
        let mut rest = &open[..];
        if let Some(at) = memrchr(b'\n', &rest[from..]) {
            rest = self.lines(rest, from + at + 1);
        }
        while rest.len() > LONGEST_LINE {
            rest = self.part(rest, LONGEST_LINE);
        }
        if self.ended {
            rest = self.lines(rest, rest.len());
        }
        let left = open.len() - rest.len();
        self.open = open;
        self.open.drain(..left);
        Ok(())
    }

    /// Redacts the first `length` bytes, whole lines; gives what follows them.
    fn lines<'t>(&mut self, text: &'t [u8], length: usize) -> &'t [u8] {
        let (mut lines, after) = text.split_at(length);
        while !lines.is_empty() {
            let start = match self.key {
                Some(_) => 0,
                None => match self.redactor.suspicion(lines) {
                    Some(at) => memrchr(b'\n', &lines[..at]).map_or(0, |feed| feed + 1),
                    None => lines.len(),
                },
            };
            self.ready.extend_from_slice(&lines[..start]);
            lines = &lines[start..];
            let end = memchr(b'\n', lines).map_or(lines.len(), |feed| feed + 1);
            if end > LONGEST_LINE {
                // As it would be if it had been read piecemeal.
                lines = self.part(lines, LONGEST_LINE);
            } else {
                self.line(&lines[..end]);
                lines = &lines[end..];
            }
        }
        after
    }

    /// Redacts a line, with its line feed.
    fn line(&mut self, line: &[u8]) {
        let feed = if line.ends_with(b"\r\n") { 2 } else { usize::from(line.ends_with(b"\n")) };
        let (text, feed) = line.split_at(line.len() - feed);
        let state = self.key.as_mut().map(|key| key.next(text));
        match state {
            Some(KeyLine::Secret) => {
                self.hidden += u64::from(self.key.as_ref().is_some_and(KeyBlock::is_new));
                self.ready.extend_from_slice(HIDDEN);
            }
            Some(KeyLine::Other) => self.text(text),
            Some(KeyLine::End) => {
                self.key = None;
                self.text(text);
            }
            None => self.text(text),
        }
        self.ready.extend_from_slice(feed);
        if KeyBlock::opens(text) {
            self.key = Some(KeyBlock::default());
        }
    }

    fn text(&mut self, text: &[u8]) {
        let found = self.redactor.find(text);
        self.hidden += found.len() as u64;
        hide(text, &found, &mut self.ready);
    }

    /// Redacts most of the first `length` bytes of a line that is longer; gives what follows.
    fn part<'t>(&mut self, text: &'t [u8], length: usize) -> &'t [u8] {
        let part = &text[..length];
        let mut found = self.redactor.find(part);
        let mut cut = length - OVERLAP;
        if let Some(across) = found.iter().find(|one| one.proof.start < cut && cut < one.proof.end) {
            // One that reaches the end may go on there, unless it fills all.
            let whole = across.proof.end < length || across.proof.start == 0;
            cut = if whole { across.proof.end } else { across.proof.start };
        }
        found.retain(|one| one.secret.end <= cut);
        self.hidden += found.len() as u64;
        hide(&part[..cut], &found, &mut self.ready);
        &text[cut..]
    }
}

impl<R: Read> Read for Redacted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.ended {
            self.fill()?;
        }
        let left = &self.ready[self.given..];
        let n = left.len().min(into.len());
        into[..n].copy_from_slice(&left[..n]);
        self.given += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::OnceLock;

    use memchr::memchr_iter;
    use proptest::prelude::*;

    use super::*;

    /// Gives at most so many bytes at once.
    struct Sip<'b>(&'b [u8], usize);

    impl Read for Sip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let n = into.len().min(self.1);
            self.0.read(&mut into[..n])
        }
    }

    fn redacted(redactor: &Redactor, text: &[u8], sip: usize) -> (Vec<u8>, u64) {
        let mut stream = Redacted::new(redactor, Sip(text, sip));
        let mut out = Vec::new();
        stream.read_to_end(&mut out).unwrap();
        (out, stream.hidden())
    }

    #[test]
    fn a_private_key_is_hidden_line_by_line() {
        let redactor = Redactor::built_in().unwrap();
        let key = "a> -----BEGIN RSA PRIVATE KEY-----\r\na> MIIEowIBAAKCAQEAvFZL0hGm\r\na> MIIEowIBAAKCAQEA\r\na> Ab==\r\na> -----END RSA PRIVATE KEY-----\r\nerror: done\r\n";
        let wanted = "a> -----BEGIN RSA PRIVATE KEY-----\r\n[hidden]\r\n[hidden]\r\n[hidden]\r\na> -----END RSA PRIVATE KEY-----\r\nerror: done\r\n";
        for sip in [1, 7, 1000] {
            let (text, hidden) = redacted(&redactor, key.as_bytes(), sip);
            assert_eq!((String::from_utf8(text).unwrap().as_str(), hidden), (wanted, 1));
        }
    }

    #[test]
    fn secrets_of_very_long_lines_are_hidden_wherever_they_stand() {
        let redactor = Redactor::built_in().unwrap();
        let step = 977;
        let mut text = Vec::new();
        while text.len() < 3 * LONGEST_LINE {
            text.extend(vec![b'x'; step]);
            text.extend_from_slice(b" https://bob:hunter2@git.example/ ");
        }
        let many = text.len() / (step + 34);
        for tail in ["", "\n", "\nAuthorization: Bearer abcdefgh\n"] {
            let text = [&text, tail.as_bytes()].concat();
            let first = redacted(&redactor, &text, usize::MAX);
            assert_eq!(first.1, many as u64 + u64::from(tail.len() > 1));
            assert!(memchr::memmem::find(&first.0, b"hunter2").is_none());
            assert!(redacted(&redactor, &text, 10_007) == first);
        }
        // One that fills more than a part.
        let text = [b"https://bob:".to_vec(), vec![b'p'; 2 * LONGEST_LINE], b"@git.example/\n".to_vec()].concat();
        assert!(redacted(&redactor, &text, 10_007) == redacted(&redactor, &text, usize::MAX));
    }

    fn pieces() -> impl Strategy<Value = Vec<u8>> {
        let words: Vec<&[u8]> = vec![
            b"\n",
            b"\r\n",
            b" ",
            b"\xff\x00",
            b"https://",
            b"bob:hunter2@",
            b"Authorization: Bearer ",
            b"-----BEGIN PRIVATE KEY-----",
            b"-----END PRIVATE KEY-----",
            b"MIIEowIBAAKCAQEAvFZL0hGm",
            b"X_TOKEN=",
            b"sig=",
            b"abcdefghijkl",
            b"&token=",
            b"cookie: ",
        ];
        let word = prop_oneof![
            prop::sample::select(words).prop_map(<[u8]>::to_vec),
            prop::collection::vec(any::<u8>(), 0..20)
        ];
        prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn lines_stay_lines_and_chunks_do_not_matter(text in pieces(), sip in 1usize..50) {
            static REDACTOR: OnceLock<Redactor> = OnceLock::new();
            let redactor = REDACTOR.get_or_init(|| Redactor::built_in().unwrap());
            let whole = redacted(redactor, &text, usize::MAX);
            let feeds = |text: &[u8]| memchr_iter(b'\n', text).count();
            prop_assert_eq!(feeds(&whole.0), feeds(&text));
            prop_assert_eq!(&redacted(redactor, &text, sip), &whole);
        }
    }
}
