//! Submission: what the sender of a log tells of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tally::{LONGEST_KEY, LONGEST_TEXT, fit};

/// Most entries of `metadata`.
const MOST_METADATA: usize = 64;

/// What the sender tells of a log; empty where it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Submission {
    /// What to call the log.
    pub name: String,
    /// The project that was built.
    pub project: String,
    /// The job of the project.
    pub job: String,
    /// The page of the build.
    pub build_url: String,
    /// The commit.
    pub revision: String,
    /// The branch.
    pub branch: String,
    /// Anything else.
    pub metadata: BTreeMap<String, String>,
}

impl Submission {
    /// The same, cut to what the tables can hold: project, job, revision and branch at 500 bytes, other texts at 2,000,
    /// 64 entries of metadata.
    pub fn fitted(self) -> Submission {
        let (key, text) = (|of: &str| fit(of, LONGEST_KEY), |of: &str| fit(of, LONGEST_TEXT));
        Submission {
            name: text(&self.name),
            project: key(&self.project),
            job: key(&self.job),
            build_url: text(&self.build_url),
            revision: key(&self.revision),
            branch: key(&self.branch),
            metadata: self.metadata.iter().take(MOST_METADATA).map(|(name, of)| (key(name), text(of))).collect(),
        }
    }
}
