//! Secret: how one kind of secret looks.

use regex::bytes::{Captures, Regex, RegexBuilder};
use serde::Deserialize;

use super::{Found, HIDDEN};

/// One kind of secret.
#[derive(Debug)]
pub(super) struct Secret {
    pub(super) id: String,
    /// Words, one of which stands in every line with such a secret, in whatever case.
    pub(super) keywords: Vec<String>,
    /// Also stands in every such line: cheaper to look for than the regex.
    needs: String,
    regex: Regex,
    group: Option<usize>,
    entropy: f64,
    allowed: Vec<Allowed>,
    #[cfg(test)]
    examples: Vec<String>,
    #[cfg(test)]
    counters: Vec<String>,
}

/// What looks like a secret and is none.
#[derive(Debug)]
struct Allowed {
    regexes: Vec<Regex>,
    stopwords: Vec<String>,
}

/// The shape of gitleaks. What does not matter here is accepted and left aside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "title")]
    _title: String,
    #[serde(default)]
    rules: Vec<Written>,
    /// For all rules of the file.
    #[serde(default)]
    allowlist: Option<WrittenAllowed>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    regex: String,
    #[serde(default, alias = "secretGroup")]
    group: Option<usize>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    needs: String,
    #[serde(default)]
    entropy: f64,
    #[serde(default)]
    allowlist: Option<WrittenAllowed>,
    #[serde(default)]
    allowlists: Vec<WrittenAllowed>,
    #[serde(default, rename = "path")]
    _path: String,
    #[serde(default, rename = "tags")]
    _tags: Vec<String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "for the tests"))]
    examples: Vec<String>,
    #[serde(default)]
    #[cfg_attr(not(test), expect(dead_code, reason = "for the tests"))]
    counters: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAllowed {
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
    #[serde(default, rename = "regexTarget")]
    _target: String,
    #[serde(default, rename = "condition")]
    _condition: String,
    #[serde(default, rename = "paths")]
    _paths: Vec<String>,
    #[serde(default, rename = "commits")]
    _commits: Vec<String>,
}

/// Secrets as they are written in a file.
pub(super) fn parse(toml: &str) -> Result<Vec<Secret>, String> {
    let file: File = toml::from_str(toml).map_err(|error| error.to_string().trim_end().replace('\n', "; "))?;
    file.rules.into_iter().map(|rule| Secret::new(rule, file.allowlist.as_ref())).collect()
}

impl Secret {
    fn new(rule: Written, all: Option<&WrittenAllowed>) -> Result<Secret, String> {
        let wrong = |what: &str| format!("rule {}: {what}", rule.id);
        if rule.regex.is_empty() {
            return Err(wrong("it has no regex; rules on file names mean nothing for a log"));
        }
        let regex = compile(&rule.regex).map_err(|error| wrong(&error))?;
        if let Some(group) = rule.group.filter(|group| *group >= regex.captures_len()) {
            return Err(wrong(&format!("its regex has no group {group}")));
        }
        let lists = rule.allowlist.iter().chain(&rule.allowlists).chain(all);
        let allowed = lists.map(Allowed::new).collect::<Result<_, _>>().map_err(|error| wrong(&error))?;
        Ok(Secret {
            keywords: rule
                .keywords
                .iter()
                .map(|word| word.to_ascii_lowercase())
                .filter(|word| !word.is_empty())
                .collect(),
            needs: rule.needs,
            regex,
            group: rule.group.filter(|group| *group > 0),
            entropy: rule.entropy,
            allowed,
            #[cfg(test)]
            examples: rule.examples,
            #[cfg(test)]
            counters: rule.counters,
            id: rule.id,
        })
    }

    /// Such secrets in a line, in order.
    pub(super) fn find<'s>(&'s self, line: &'s [u8]) -> impl Iterator<Item = Found> + 's {
        let worth = self.needs.is_empty() || memchr::memmem::find(line, self.needs.as_bytes()).is_some();
        let line = if worth { line } else { &[] };
        self.regex.captures_iter(line).filter_map(move |captures| self.judge(line, &captures))
    }

    fn judge(&self, line: &[u8], captures: &Captures<'_>) -> Option<Found> {
        let whole = captures.get(0)?;
        let secret = match self.group {
            Some(group) => captures.get(group)?,
            None => captures.iter().skip(1).flatten().next().unwrap_or(whole),
        };
        let text = &line[secret.range()];
        let known = text.is_empty() || text == HIDDEN || self.allowed.iter().any(|list| list.has(text));
        let random = self.entropy <= 0.0 || entropy(text) >= self.entropy;
        (!known && random).then(|| Found { proof: whole.range(), secret: secret.range() })
    }
}

impl Allowed {
    fn new(written: &WrittenAllowed) -> Result<Allowed, String> {
        let regexes = written.regexes.iter().map(|regex| compile(regex)).collect::<Result<_, _>>()?;
        Ok(Allowed { regexes, stopwords: written.stopwords.iter().map(|word| word.to_ascii_lowercase()).collect() })
    }

    fn has(&self, secret: &[u8]) -> bool {
        let lower = secret.to_ascii_lowercase();
        let stands = |word: &String| memchr::memmem::find(&lower, word.as_bytes()).is_some();
        self.stopwords.iter().any(stands) || self.regexes.iter().any(|regex| regex.is_match(secret))
    }
}

fn compile(regex: &str) -> Result<Regex, String> {
    // Bytes, not characters: a log is what it is.
    RegexBuilder::new(regex).unicode(false).build().map_err(|error| {
        let text = error.to_string();
        format!(
            "its regex {regex:?} is not understood: {}",
            text.lines().last().unwrap_or_default().trim_start_matches("error: ")
        )
    })
}

/// Shannon's, in bits a byte.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    text.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let share = |count: u32| f64::from(count) / text.len() as f64;
    -counts.into_iter().filter(|count| *count > 0).map(|count| share(count) * share(count).log2()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::{BUILT_IN, Redactor};
    use super::*;

    /// `{36}` stands for 36 letters and digits, `{40x}` for 40 hexadecimal digits, `{16U}` for 16 capitals and digits:
    /// so that no scanner takes the examples for real.
    fn expand(example: &str) -> String {
        let braces = Regex::new(r"\{(\d+)([xU]?)\}").unwrap();
        let mut state = 88_172_645_463_325_252u64;
        let expanded = braces.replace_all(example.as_bytes(), |captures: &Captures<'_>| {
            let alphabet: &[u8] = match &captures[2] {
                b"x" => b"0123456789abcdef",
                b"U" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
                _ => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            };
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                alphabet[(state % alphabet.len() as u64) as usize]
            };
            let length: usize = std::str::from_utf8(&captures[1]).unwrap().parse().unwrap();
            (0..length).map(|_| next()).collect::<Vec<u8>>()
        });
        String::from_utf8(expanded.into_owned()).unwrap()
    }

    #[test]
    fn every_rule_hides_its_examples_and_no_counter_example() {
        let redactor = Redactor::built_in().unwrap();
        let marked = Regex::new("«.*?»").unwrap();
        let mut wrong = Vec::new();
        for secret in parse(BUILT_IN).unwrap() {
            let id = &secret.id;
            assert!(!secret.keywords.is_empty() && !secret.examples.is_empty(), "{id}: no keywords or no examples");
            let mut expect = |line: &str, wanted: &[u8], by_this: bool| {
                let text = redactor.redact(line.as_bytes()).0;
                if *text != *wanted {
                    wrong.push(format!("{id}: {line}\n    became {}", String::from_utf8_lossy(&text)));
                }
                let lower = line.to_ascii_lowercase();
                let known = secret.keywords.iter().any(|word| lower.contains(word));
                if by_this && (!known || secret.find(line.as_bytes()).count() == 0) {
                    wrong.push(format!("{id}: finds nothing itself in {line}"));
                }
            };
            for example in &secret.examples {
                let example = expand(example);
                let wanted = marked.replace_all(example.as_bytes(), HIDDEN);
                expect(&example.replace(['«', '»'], ""), &wanted, true);
            }
            for counter in secret.counters.iter().map(|counter| expand(counter)) {
                expect(&counter, counter.as_bytes(), false);
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn entropy_is_in_bits_a_byte() {
        assert_eq!((entropy(b"aaaa"), entropy(b"abab"), entropy(b"abcdabcd")), (0.0, 1.0, 2.0));
    }
}
