//! Redactor: secrets in a log are hidden before anything is stored. Lines keep their numbers, and what was hidden is counted, never shown.
//! `secrets.toml` says how secrets look (`secret`), `redacted` hides them in a stream, `private_key` follows keys over lines.

mod private_key;
mod redacted;
mod secret;
mod secrets_error;

pub use redacted::Redacted;
pub use secrets_error::SecretsError;

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

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
    /// The secret of each keyword.
    owners: Vec<usize>,
    /// Secrets without a keyword: looked for in every line.
    always: Vec<usize>,
}

/// A secret in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    /// What shows that it is one.
    proof: Range<usize>,
    /// What is to be hidden.
    secret: Range<usize>,
}

impl Redactor {
    /// Knows the secrets that whyred knows.
    ///
    /// # Errors
    /// What is wrong in them; the tests say that nothing is.
    pub fn built_in() -> Result<Redactor, SecretsError> {
        Redactor::with(&[])
    }

    /// Knows those, and those of files in the same shape, which is that of gitleaks. A rule takes the place of an earlier one of the same id.
    ///
    /// # Errors
    /// A file that cannot be read or is not understood: which, and what is wrong in it.
    pub fn with(files: &[PathBuf]) -> Result<Redactor, SecretsError> {
        let mut secrets = secret::parse(BUILT_IN).map_err(|what| SecretsError::new("secrets.toml", what))?;
        for file in files {
            let wrong = |what: String| SecretsError::new(&file.display().to_string(), what);
            let text = std::fs::read_to_string(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
            let more = secret::parse(&text).map_err(wrong)?;
            secrets.retain(|old| more.iter().all(|new| new.id != old.id));
            secrets.extend(more);
        }
        Redactor::of(secrets).map_err(|what| SecretsError::new("the keywords", what))
    }

    fn of(secrets: Vec<Secret>) -> Result<Redactor, String> {
        let pairs = secrets.iter().enumerate().flat_map(|(i, s)| s.keywords.iter().map(move |k| (k.as_str(), i)));
        let (keywords, owners): (Vec<&str>, Vec<usize>) = pairs.unzip();
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA));
        let keywords = builder.build(keywords).map_err(|error| error.to_string())?;
        let always = secrets.iter().enumerate().filter(|(_, secret)| secret.keywords.is_empty());
        Ok(Redactor { keywords, owners, always: always.map(|(i, _)| i).collect(), secrets })
    }

    /// A line without its secrets, and how many there were. Of a private key over several lines only `Redacted` knows.
    pub fn redact<'l>(&self, line: &'l [u8]) -> (Cow<'l, [u8]>, u64) {
        let found = self.find(line);
        if found.is_empty() {
            return (Cow::Borrowed(line), 0);
        }
        let mut text = Vec::with_capacity(line.len());
        hide(line, &found, &mut text);
        (Cow::Owned(text), found.len() as u64)
    }

    /// A text without its secrets: of a name or an address that a sender tells.
    pub fn redact_text(&self, text: &str) -> String {
        let lines = text.split_inclusive('\n').map(|line| self.redact(line.as_bytes()).0);
        let bytes: Vec<u8> = lines.flat_map(Cow::into_owned).collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The first place in `text` from which a line is worth a closer look.
    fn suspicion(&self, text: &[u8]) -> Option<usize> {
        if !self.always.is_empty() {
            return (!text.is_empty()).then_some(0);
        }
        self.keywords.find(text).map(|hit| hit.start())
    }

    /// The secrets in a line, in order; those that overlap are one.
    fn find(&self, line: &[u8]) -> Vec<Found> {
        let hits = self.keywords.find_overlapping_iter(line).map(|hit| self.owners[hit.pattern()]);
        let mut suspects: Vec<usize> = hits.chain(self.always.iter().copied()).collect();
        suspects.sort_unstable();
        suspects.dedup();
        let mut found: Vec<Found> = suspects.into_iter().flat_map(|i| self.secrets[i].find(line)).collect();
        found.sort_by_key(|one| one.secret.start);
        let mut joined: Vec<Found> = Vec::new();
        for one in found {
            match joined.last_mut().filter(|last| one.secret.start < last.secret.end) {
                Some(last) => {
                    last.secret.end = last.secret.end.max(one.secret.end);
                    last.proof = last.proof.start.min(one.proof.start)..last.proof.end.max(one.proof.end);
                }
                None => joined.push(one),
            }
        }
        joined
    }
}

/// Appends a line without these secrets.
fn hide(line: &[u8], found: &[Found], out: &mut Vec<u8>) {
    let mut from = 0;
    for Found { secret, .. } in found {
        out.extend_from_slice(&line[from..secret.start]);
        out.extend_from_slice(HIDDEN);
        from = secret.end;
    }
    out.extend_from_slice(&line[from..]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    fn hidden(redactor: &Redactor, line: &str) -> (String, u64) {
        let (text, count) = redactor.redact(line.as_bytes());
        (String::from_utf8(text.into_owned()).unwrap(), count)
    }

    #[test]
    fn secrets_are_hidden_and_the_rest_stays() {
        let redactor = Redactor::built_in().unwrap();
        let hidden = |line: &str| hidden(&redactor, line);
        assert_eq!(
            hidden("fetch https://bob:hunter2@git.example/x?token=abcdefghijkl failed"),
            ("fetch https://bob:[hidden]@git.example/x?token=[hidden] failed".to_owned(), 2)
        );
        assert_eq!(hidden("see https://git.example/x:1"), ("see https://git.example/x:1".to_owned(), 0));
        // What is hidden already is nothing to hide.
        let again = "fetch https://bob:[hidden]@git.example/x?token=[hidden] failed";
        assert_eq!(hidden(again), (again.to_owned(), 0));
        assert_eq!(
            redactor.redact_text("a\nhttps://bob:hunter2@git.example/\n"),
            "a\nhttps://bob:[hidden]@git.example/\n"
        );
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn own_patterns_are_added() {
        let own = file(
            "title = 'ours'\n[[rules]]\nid = 'ours'\ndescription = 'badge'\nregex = 'BADGE-([0-9]{4})'\nsecretGroup = 1\nkeywords = ['Badge-']\n\
             [rules.allowlist]\nstopwords = ['0000']\n[[rules]]\nid = 'url-password'\nregex = 'never this'\n",
        );
        let redactor = Redactor::with(&[own.path().to_owned()]).unwrap();
        assert_eq!(hidden(&redactor, "BADGE-1234 BADGE-0000").0, "BADGE-[hidden] BADGE-0000");
        // Of the same id: the built-in one is gone, and a rule without keywords sees every line.
        assert_eq!(hidden(&redactor, "https://bob:hunter2@git.example/").1, 0);
        assert_eq!(hidden(&redactor, "well never this").0, "well [hidden]");
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_name() {
        let told = |text: &str| {
            let own = file(text);
            let error = Redactor::with(&[own.path().to_owned()]).unwrap_err().to_string();
            assert!(error.contains(own.path().to_str().unwrap()), "{error}");
            error
        };
        assert!(told("[[rules]]\nid = 'x'\nregex = '(?!a)'\n").contains("rule x: its regex"));
        assert!(told("[[rules]]\nid = 'x'\nregx = 'a'\n").contains("regx"));
        assert!(
            told("[[rules]]\nid = 'x'\nregex = 'a'\nsecretGroup = 2\n").contains("rule x: its regex has no group 2")
        );
        assert!(told("[[rules]]\nid = 'x'\npath = 'a'\n").contains("rule x: it has no regex"));
        let error = Redactor::with(&[PathBuf::from("/no/such/file")]).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/file: cannot be read"), "{error}");
    }
}
