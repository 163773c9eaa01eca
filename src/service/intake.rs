//! Intake: bytes come in, a stored report comes out. The body streams through: compression is undone, secrets are hidden,
//! and while the engine reads, the same bytes are packed for the history.

use std::error::Error;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http_body_util::LengthLimitError;
use tokio::io::AsyncRead;

use super::arriving::Arriving;
use super::{App, meters, now};
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
    /// Secrets that were hidden.
    pub hidden: u64,
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
    /// The body broke off, came too slowly, or is not what it is said to be; a sentence.
    #[error("{0}")]
    Body(String),
    /// The history.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the body of a form cannot be a log, on its way through a reader.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct FormError(pub String);

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
        let submission = self.without_secrets(submission);
        let _upload = self.scans.upload()?;
        let arriving = Arriving::begin(body, self.config.silence, self.config.longest)
            .await
            .map_err(|error| self.broken_off(&error))?;
        let _stream = if arriving.is_large() { Some(self.scans.stream()?) } else { None };
        let turn = self.scans.turn().await?;
        let app = Arc::clone(self);
        let waited = Arc::new(AtomicU64::new(0));
        let body = arriving.blocking(Arc::clone(self), turn, Arc::clone(&waited));
        let asked = request_key.is_some();
        let made = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let new = app.read(submission, request_key, body)?;
            let micros = begun.elapsed().as_micros() as u64;
            meters::log(&new.report, micros.saturating_sub(waited.load(Ordering::Relaxed)));
            Ok::<_, IntakeError>(new)
        });
        // Reading never panics; if it does, the request shall, too.
        let new = made.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        let (report, hidden) = (new.report.clone(), new.hidden);
        let saved = self.store.save(new).await?;
        // A request that came again is answered as it was the first time, whatever it holds now.
        let report = match saved.new || !asked {
            true => report,
            false => self.store.stored(&saved.id).await?.map_or(report, |stored| stored.report),
        };
        Ok(Taken { id: saved.id, new: saved.new, report, hidden })
    }

    /// What a sender tells may hold secrets as well as the log.
    fn without_secrets(&self, told: Submission) -> Submission {
        let clean = |text: String| self.redactor.redact_text(&text);
        Submission {
            name: clean(told.name),
            project: told.project,
            job: told.job,
            build_url: clean(told.build_url),
            revision: told.revision,
            branch: told.branch,
            metadata: told.metadata.into_iter().map(|(name, value)| (name, clean(value))).collect(),
        }
    }

    fn read(
        &self,
        submission: Submission,
        request_key: Option<String>,
        body: impl Read + Send + 'static,
    ) -> Result<NewReport, IntakeError> {
        let engine = self.engine();
        let failure = Arc::new(OnceLock::new());
        let sent = Sent { input: body, left: self.config.most_decoded, failure: Arc::clone(&failure) };
        let decoded = decoder(sent, self.config.most_decoded)
            .map_err(|error| self.refusal(failure.get().unwrap_or(&Failure::of(&error))))?;
        let mut tee = Tee {
            input: Redacted::new(&self.redactor, decoded.reader),
            copy: LogPacker::new().map_err(StoreError::from)?,
            error: None,
        };
        let log = Log::plain(&submission.name, &mut tee);
        let mut report = Report::of(&engine, &submission.name, &engine.diagnose(log));
        if let Some(failure) = failure.get() {
            return Err(self.refusal(failure));
        }
        if decoded.status.is_cut() {
            return Err(IntakeError::TooLarge(self.config.most_decoded));
        }
        if let Some(error) = tee.error {
            return Err(StoreError::from(error).into());
        }
        report.notes.extend(decoded.status.notes());
        let hidden = tee.input.hidden();
        let log = tee.copy.finish().map_err(StoreError::from)?;
        Ok(NewReport { submission, request_key, report, log, hidden, made_at: now() })
    }

    /// Why a body ended too early, of the error that its reader gave.
    pub fn broken_off(&self, error: &io::Error) -> IntakeError {
        self.refusal(&Failure::of(error))
    }

    fn refusal(&self, failure: &Failure) -> IntakeError {
        match failure {
            Failure::Unfolded => IntakeError::TooLarge(self.config.most_decoded),
            Failure::Sent => IntakeError::TooLarge(self.config.most_sent),
            Failure::Slow => IntakeError::Body("the rest of the log did not come in time; send it again".to_owned()),
            Failure::Form(why) => IntakeError::Body(why.clone()),
            Failure::Broken(why) => IntakeError::Body(format!("the body could not be read to its end: {why}")),
        }
    }
}

/// Why a body ended too early.
#[derive(Debug)]
enum Failure {
    /// More bytes than allowed once its Content-Encoding is undone.
    Unfolded,
    /// More bytes than may be sent.
    Sent,
    Slow,
    Form(String),
    Broken(String),
}

impl Failure {
    fn of(error: &io::Error) -> Failure {
        let mut cause: Option<&(dyn Error + 'static)> = error.get_ref().map(|inner| inner as _);
        let mut last = error.to_string();
        while let Some(error) = cause {
            if error.is::<LengthLimitError>() {
                return Failure::Sent;
            }
            if let Some(form) = error.downcast_ref::<FormError>() {
                return Failure::Form(form.0.clone());
            }
            last = error.to_string();
            cause = error.source();
        }
        match error.kind() {
            io::ErrorKind::FileTooLarge => Failure::Unfolded,
            io::ErrorKind::TimedOut => Failure::Slow,
            _ => Failure::Broken(last),
        }
    }
}

/// What is sent, up to a limit. Why it ended too early is kept, whatever the reader makes of it.
struct Sent<R> {
    input: R,
    left: u64,
    failure: Arc<OnceLock<Failure>>,
}

impl<R: Read> Read for Sent<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(into).and_then(|n| {
            self.left = self.left.checked_sub(n as u64).ok_or(io::ErrorKind::FileTooLarge)?;
            Ok(n)
        });
        read.inspect_err(|error| {
            // The first reason is the one that counts.
            let _ = self.failure.set(Failure::of(error));
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
