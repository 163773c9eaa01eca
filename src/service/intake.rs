//! Intake: bytes come in, a stored report comes out. The body streams through: compression is undone, secrets are hidden,
//! and while the engine reads, the same bytes are packed for the history.

use std::io::{self, Read, Write};
use std::sync::{Arc, OnceLock};

use tokio::io::AsyncRead;
use tokio_util::io::SyncIoBridge;

use super::{App, now};
use crate::log::{Log, decoder};
use crate::redact::Redacted;
use crate::report::Report;
use crate::store::{LogPacker, NewReport, ReportId, StoreError, Submission};

/// A log that was taken in.
#[derive(Debug)]
pub struct Taken {
    /// The name of its report.
    pub id: ReportId,
    /// False where the same log of the same job was there already.
    pub new: bool,
    /// All that is said of it.
    pub report: Report,
}

/// Why a log was not taken in.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// Too many bytes.
    #[error("the log is larger than {0} bytes, the limit here; send the part around the first error, or its end")]
    TooLarge(u64),
    /// Too many logs at once.
    #[error("too many logs are being read; send this one again in a few seconds")]
    Busy,
    /// The body broke off.
    #[error("the body could not be read to its end: {0}")]
    Body(String),
    /// The history.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Diagnoses what `body` gives and stores the report with the redacted log.
    ///
    /// # Errors
    /// That it is too large, that there is no room now, that the body broke off, or what the store says.
    pub async fn take(
        self: &Arc<App>,
        submission: Submission,
        request_key: Option<String>,
        body: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<Taken, IntakeError> {
        let turn = self.scans.turn().await.map_err(|_| IntakeError::Busy)?;
        let app = Arc::clone(self);
        let body = SyncIoBridge::new(body);
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            app.read(submission, request_key, body)
        });
        let new = made.await.map_err(|error| IntakeError::Body(error.to_string()))??;
        let report = new.report.clone();
        let saved = self.store.save(new).await?;
        Ok(Taken { id: saved.id, new: saved.new, report })
    }

    fn read(
        &self,
        submission: Submission,
        request_key: Option<String>,
        body: impl Read + Send + 'static,
    ) -> Result<NewReport, IntakeError> {
        let engine = self.engine();
        let failure = Arc::new(OnceLock::new());
        let sent = Sent { input: body, left: self.config.most_sent, failure: Arc::clone(&failure) };
        let decoded = decoder(sent, self.config.most_decoded).map_err(|error| self.refusal(error.kind(), &error))?;
        let mut tee = Tee {
            input: Redacted::new(&self.redactor, decoded.reader),
            copy: LogPacker::new().map_err(StoreError::from)?,
            error: None,
        };
        let log = Log::plain(&submission.name, &mut tee);
        let mut report = Report::of(&engine, &submission.name, &engine.diagnose(log));
        if decoded.status.is_cut() {
            return Err(IntakeError::TooLarge(self.config.most_decoded));
        }
        if let Some((kind, error)) = failure.get() {
            return Err(self.refusal(*kind, error));
        }
        if let Some(error) = tee.error {
            return Err(StoreError::from(error).into());
        }
        report.notes.extend(decoded.status.notes());
        let hidden = tee.input.hidden();
        let log = tee.copy.finish().map_err(StoreError::from)?;
        Ok(NewReport { submission, request_key, report, log, hidden, made_at: now() })
    }

    fn refusal(&self, kind: io::ErrorKind, error: &impl ToString) -> IntakeError {
        match kind {
            io::ErrorKind::FileTooLarge => IntakeError::TooLarge(self.config.most_sent),
            _ => IntakeError::Body(error.to_string()),
        }
    }
}

/// What is sent, up to a limit. Why it ended too early is kept, whatever the reader makes of it.
struct Sent<R> {
    input: R,
    left: u64,
    failure: Arc<OnceLock<(io::ErrorKind, String)>>,
}

impl<R: Read> Read for Sent<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into).and_then(|n| {
            self.left = self.left.checked_sub(n as u64).ok_or(io::ErrorKind::FileTooLarge)?;
            Ok(n)
        });
        read.inspect_err(|error| {
            // The first reason is the one that counts.
            let _ = self.failure.set((error.kind(), error.to_string()));
        })
    }
}

/// Copies what is read. An error of the input ends the log; it is kept.
struct Tee<R, W> {
    input: R,
    copy: W,
    error: Option<io::Error>,
}

impl<R: Read, W: Write> Read for Tee<R, W> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into).and_then(|n| self.copy.write_all(&into[..n]).map(|()| n));
        read.or_else(|error| {
            self.error = Some(error);
            Ok(0)
        })
    }
}
