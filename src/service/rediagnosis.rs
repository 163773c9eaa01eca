//! Rediagnosis: a stored log goes through the engine of today.

use std::io::{self, Read};
use std::sync::Arc;

use tokio::runtime::Handle;

use super::{App, IntakeError};
use crate::log::Log;
use crate::report::Report;
use crate::store::{ReportId, StoreError, Stored};

/// Bytes that are read at a time.
const BLOCK: u64 = 1 << 20;

impl App {
    /// What the present engine says of the log of a stored report; none where there is no such report.
    ///
    /// # Errors
    /// That there is no room now, or what the store says.
    pub async fn diagnose_again(self: &Arc<App>, stored: &Stored) -> Result<Option<Report>, IntakeError> {
        let Some(size) = self.store.log_size(&stored.id).await? else { return Ok(None) };
        let turn = self.scans.turn().await?;
        let app = Arc::clone(self);
        let (id, name, notes) = (stored.id.clone(), stored.submission.name.clone(), stored.report.notes.clone());
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut kept = Kept {
                app: &app,
                id,
                at: 0,
                size,
                block: io::Cursor::default(),
                failure: None,
                runtime: Handle::current(),
            };
            let engine = app.engine();
            let mut report = Report::of(&engine, &name, &engine.diagnose(Log::plain(&name, &mut kept)));
            // What was said of the sending stays true.
            report.notes.extend(
                notes.into_iter().filter(|note| note.contains("log unfolds to") || note.contains("log is damaged")),
            );
            kept.failure.map_or(Ok(report), Err)
        });
        let report = read.await.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))?;
        Ok(Some(report))
    }

    /// Diagnoses a stored log again and keeps what is said now; none where there is no such report.
    ///
    /// # Errors
    /// As `diagnose_again`.
    pub async fn rediagnose(self: &Arc<App>, id: &ReportId) -> Result<Option<Stored>, IntakeError> {
        let Some(stored) = self.store.stored(id).await? else { return Ok(None) };
        let Some(report) = self.diagnose_again(&stored).await? else { return Ok(None) };
        let kept = self.store.replace_report(id, &report).await?;
        Ok(kept.then_some(Stored { report, ..stored }))
    }
}

/// A stored log, read block by block.
struct Kept<'a> {
    app: &'a App,
    id: ReportId,
    at: u64,
    size: u64,
    block: io::Cursor<Vec<u8>>,
    failure: Option<StoreError>,
    runtime: Handle,
}

impl Read for Kept<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.block.read(into)?;
        if read > 0 || self.at >= self.size || into.is_empty() {
            return Ok(read);
        }
        let until = self.size.min(self.at + BLOCK);
        match self.runtime.block_on(self.app.store.log_bytes(&self.id, self.at..until)) {
            Ok(block) => {
                let block = block.unwrap_or_default();
                self.at = if block.is_empty() { self.size } else { self.at + block.len() as u64 };
                self.block = io::Cursor::new(block);
                self.block.read(into)
            }
            Err(error) => {
                self.failure = Some(error);
                self.at = self.size;
                Ok(0)
            }
        }
    }
}
