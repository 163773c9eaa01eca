//! OpenError: why a log could not be opened, in one sentence that says what to do.

use std::io;
use std::path::PathBuf;

/// A log that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nothing is there.
    #[error("{}: no such file; name a build log, or - for standard input", .0.display())]
    Missing(PathBuf),
    /// A folder.
    #[error("{}: this is a directory; name a build log in it", .0.display())]
    Directory(PathBuf),
    /// The file may not be read.
    #[error("{}: no permission to read this file; change its rights, or pipe the log in", .0.display())]
    Denied(PathBuf),
    /// Anything else.
    #[error("{}: cannot be read: {source}", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl OpenError {
    /// The error of opening `path`.
    pub fn new(path: PathBuf, source: io::Error) -> OpenError {
        match source.kind() {
            io::ErrorKind::NotFound => OpenError::Missing(path),
            io::ErrorKind::IsADirectory => OpenError::Directory(path),
            io::ErrorKind::PermissionDenied => OpenError::Denied(path),
            _ => OpenError::Other { path, source },
        }
    }
}
