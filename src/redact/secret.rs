//! Secret: how one kind of secret looks.

use std::ops::Range;

use regex::bytes::Regex;
use serde::Deserialize;

/// One kind of secret.
#[derive(Debug)]
pub(super) struct Secret {
    /// Lower-case words, one of which stands in every line with such a secret.
    pub(super) keywords: Vec<String>,
    regex: Regex,
    group: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    regex: String,
    #[serde(default)]
    group: usize,
    keywords: Vec<String>,
}

/// Secrets as they are written in a file.
pub(super) fn parse(toml: &str) -> Result<Vec<Secret>, String> {
    let file: File = toml::from_str(toml).map_err(|error| error.to_string())?;
    let compiled = file.rules.into_iter().map(|rule| {
        let regex = Regex::new(&rule.regex).map_err(|error| format!("{}: {error}", rule.id))?;
        Ok(Secret { keywords: rule.keywords, regex, group: rule.group })
    });
    compiled.collect()
}

impl Secret {
    /// Where such secrets stand in a line, in order.
    pub(super) fn find(&self, line: &[u8]) -> Vec<Range<usize>> {
        self.regex.captures_iter(line).filter_map(|found| found.get(self.group).map(|secret| secret.range())).collect()
    }
}
