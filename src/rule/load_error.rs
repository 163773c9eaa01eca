//! LoadError: why a rule file was refused: where, what is wrong, what to write instead.

use std::fmt;
use std::path::{Path, PathBuf};

/// A rule file that cannot be used. Shown as `FILE:LINE: what is wrong`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// 1-based line, 0 where the whole file is meant.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl LoadError {
    /// An error at a 1-based line (0: the whole file).
    pub fn new(path: &Path, line: usize, message: impl Into<String>) -> LoadError {
        LoadError { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if self.line > 0 {
            write!(f, "{}:", self.line)?;
        }
        write!(f, " {}", self.message)
    }
}

impl std::error::Error for LoadError {}
