//! Redactor: secrets in a log are hidden before anything is stored. Lines keep their numbers, and what was hidden is counted, never shown.

mod redacted;
mod secret;

pub use redacted::Redacted;

use std::borrow::Cow;

use aho_corasick::AhoCorasick;

use secret::Secret;

/// What stands where a secret stood.
const HIDDEN: &[u8] = b"[hidden]";
/// The secrets that whyred knows.
const BUILT_IN: &str = include_str!("secrets.toml");

/// Knows how secrets look.
#[derive(Debug)]
pub struct Redactor {
    secrets: Vec<Secret>,
    keywords: AhoCorasick,
    owners: Vec<usize>,
}

impl Redactor {
    /// The secrets that whyred knows.
    ///
    /// # Errors
    /// What is wrong in them; the tests say that nothing is.
    pub fn built_in() -> Result<Redactor, String> {
        Redactor::of(secret::parse(BUILT_IN)?)
    }

    fn of(secrets: Vec<Secret>) -> Result<Redactor, String> {
        let pairs = secrets.iter().enumerate().flat_map(|(i, s)| s.keywords.iter().map(move |k| (k.as_str(), i)));
        let (keywords, owners): (Vec<&str>, Vec<usize>) = pairs.unzip();
        let keywords =
            AhoCorasick::builder().ascii_case_insensitive(true).build(keywords).map_err(|e| e.to_string())?;
        Ok(Redactor { keywords, owners, secrets })
    }

    /// A line without its secrets, and how many there were.
    pub fn redact<'l>(&self, line: &'l [u8]) -> (Cow<'l, [u8]>, u64) {
        let mut hits: Vec<usize> =
            self.keywords.find_overlapping_iter(line).map(|hit| self.owners[hit.pattern()]).collect();
        hits.sort_unstable();
        hits.dedup();
        let (mut text, mut hidden) = (Cow::Borrowed(line), 0);
        for secret in hits {
            let found = self.secrets[secret].find(&text);
            hidden += found.len() as u64;
            for range in found.into_iter().rev() {
                text.to_mut().splice(range, HIDDEN.iter().copied());
            }
        }
        (text, hidden)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        let redactor = Redactor::built_in().unwrap();
        let hidden = |line: &str| {
            let (text, count) = redactor.redact(line.as_bytes());
            (String::from_utf8(text.into_owned()).unwrap(), count)
        };
        assert_eq!(
            hidden("fetch https://bob:hunter2@git.example/x failed"),
            ("fetch https://bob:[hidden]@git.example/x failed".to_owned(), 1)
        );
        assert_eq!(hidden("Authorization: Bearer abcdefgh"), ("Authorization: Bearer [hidden]".to_owned(), 1));
        assert_eq!(hidden("see https://git.example/x:1"), ("see https://git.example/x:1".to_owned(), 0));
    }
}
