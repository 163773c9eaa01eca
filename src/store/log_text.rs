//! LogText: lines and bytes of a stored log, read without unpacking the rest of it.

use std::ops::Range;

use memchr::memchr_iter;
use object_store::ObjectStoreExt;
use object_store::path::Path as ObjectPath;

use super::pool::read;
use super::{Pieces, ReportId, Store, StoreError, packed_log};

/// Pieces that are read for some lines at most, 16 MB of text: one line may be as long as a log.
const MOST_PIECES: usize = 128;

/// Some lines of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLines {
    /// 1-based number of the first line.
    pub first: u64,
    /// Lines of the whole log.
    pub of: u64,
    /// The text, with its line feeds.
    pub text: Vec<u8>,
}

pub(super) const INDEX: &str =
    "select number, pieces, place from report join log on log.report = report.number where id = $1";

pub(super) const PIECES: &str =
    "select data from log_piece where report = $1 and piece >= $2 and piece < $3 order by piece";

impl Store {
    /// The lines from `from` up to and with `to`, 1-based; fewer where the log ends or the lines are very long. None where there is no such report.
    ///
    /// # Errors
    /// What the database or the object store says.
    pub async fn log_lines(&self, id: &ReportId, from: u64, to: u64) -> Result<Option<LogLines>, StoreError> {
        let Some(log) = self.log_index(id).await? else { return Ok(None) };
        let mut pieces = log.index.of_lines(from, to);
        pieces.end = pieces.end.min(pieces.start + MOST_PIECES);
        let first = log.index.pieces.get(pieces.start).map_or(1, |piece| piece.line);
        let text = self.frames(&log, pieces).await?;
        let feeds = || memchr_iter(b'\n', &text);
        let start =
            if from <= first { 0 } else { feeds().nth((from - first - 1) as usize).map_or(text.len(), |at| at + 1) };
        let end = to.checked_sub(first).and_then(|n| feeds().nth(n as usize)).map_or(text.len(), |at| at + 1);
        Ok(Some(LogLines { first: from.max(first), of: log.index.lines(), text: text[start..end.max(start)].to_vec() }))
    }

    /// Size of the whole text in bytes; none where there is no such report.
    ///
    /// # Errors
    /// What the database says.
    pub async fn log_size(&self, id: &ReportId) -> Result<Option<u64>, StoreError> {
        Ok(self.log_index(id).await?.map(|log| log.index.text))
    }

    /// These bytes of the text, fewer where the log ends. None where there is no such report.
    ///
    /// # Errors
    /// What the database or the object store says.
    pub async fn log_bytes(&self, id: &ReportId, bytes: Range<u64>) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(log) = self.log_index(id).await? else { return Ok(None) };
        let pieces = log.index.of_text(&bytes);
        let at = log.index.pieces.get(pieces.start).map_or(0, |piece| piece.text_at);
        let text = self.frames(&log, pieces).await?;
        let cut = |byte: u64| (byte.saturating_sub(at) as usize).min(text.len());
        Ok(Some(text[cut(bytes.start)..cut(bytes.end)].to_vec()))
    }

    async fn log_index(&self, id: &ReportId) -> Result<Option<Kept>, StoreError> {
        let row: Option<(i64, String, String)> =
            read!(self.pool, |db| sqlx::query_as(INDEX).bind(id.as_str()).fetch_optional(db))?;
        let Some((number, pieces, place)) = row else { return Ok(None) };
        Ok(Some(Kept { number, index: serde_json::from_str(&pieces)?, place }))
    }

    /// The text of these pieces.
    pub(super) async fn frames(&self, log: &Kept, pieces: Range<usize>) -> Result<Vec<u8>, StoreError> {
        if pieces.is_empty() {
            return Ok(Vec::new());
        }
        if !log.place.is_empty() {
            let range = log.index.packed_range(&pieces);
            let frames = self.objects.get_range(&ObjectPath::from(log.place.as_str()), range).await?;
            return packed_log::unpack(&frames);
        }
        let frames: Vec<Vec<u8>> = read!(self.pool, |db| sqlx::query_scalar(PIECES)
            .bind(log.number)
            .bind(pieces.start as i64)
            .bind(pieces.end as i64)
            .fetch_all(db))?;
        packed_log::unpack(&frames.concat())
    }
}

/// Where a log is kept.
pub(super) struct Kept {
    pub(super) number: i64,
    pub(super) index: Pieces,
    pub(super) place: String,
}
