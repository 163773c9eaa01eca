//! Submission: what the sender of a log tells of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
