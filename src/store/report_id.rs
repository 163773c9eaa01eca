//! ReportId: the public name of a stored report: short enough for a chat, not to be guessed.

use std::fmt;

use rand::distr::{Alphanumeric, SampleString};

/// Letters and digits of an id: 83 bits.
const LENGTH: usize = 14;

/// The public name of a report, as it stands in `/r/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ReportId(String);

impl ReportId {
    /// A new one.
    pub fn random() -> ReportId {
        ReportId(Alphanumeric.sample_string(&mut rand::rng(), LENGTH))
    }

    /// What somebody wrote, if it can be an id.
    pub fn parse(text: &str) -> Option<ReportId> {
        let fits = text.len() == LENGTH && text.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| ReportId(text.to_owned()))
    }

    /// Letters and digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_can_be_read() {
        let id = ReportId::random();
        assert_eq!(ReportId::parse(id.as_str()), Some(id.clone()));
        assert_ne!(ReportId::random(), id);
        assert_eq!([ReportId::parse(""), ReportId::parse("../../etc/pass"), ReportId::parse("a")], [None, None, None]);
    }
}
