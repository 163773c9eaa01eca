//! Spool: a log in a file without a name, so that it can be read, and sent, more than once.

use std::fs::File;
use std::io::{self, Seek};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// Most bytes of a log.
const MOST: u64 = 1 << 30;

/// A log.
pub(super) struct Spool {
    /// What to call it.
    pub(super) name: String,
    file: File,
}

impl Spool {
    /// A file that is there already.
    pub(super) fn of_file(name: String, file: File) -> Spool {
        Spool { name, file }
    }

    /// Takes a log to its end.
    ///
    /// # Errors
    /// That it breaks off, is too large, or cannot be kept.
    pub(super) async fn take(name: String, log: impl AsyncRead + Unpin) -> io::Result<Spool> {
        let mut file = tokio::fs::File::from_std(tempfile::tempfile()?);
        let copied = tokio::io::copy(&mut log.take(MOST + 1), &mut file).await?;
        if copied > MOST {
            return Err(io::Error::other("the log is larger than 1 GiB"));
        }
        file.flush().await?;
        Ok(Spool { name, file: file.into_std().await })
    }

    /// The log, from its beginning. One at a time: all share one place in the file.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn open(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }
}
