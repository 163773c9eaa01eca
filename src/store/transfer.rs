//! Transfer: the whole history as JSON lines in zstd, out of one database and into another.
//! A line with a report is followed by lines with its log; the first line names the shape. Tokens stay where they are.

use std::io::{BufRead, BufReader, Read, Write};

use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::entry::{self, Came, Entry};
use super::log_text::Kept;
use super::pool::read;
use super::{Feedback, LogPacker, ReportId, Store, StoreError, Submission};
use crate::report::Report;

/// The shape of an export.
const SCHEMA: &str = "whyred.history/1";
/// zstd's level for exports.
const LEVEL: i32 = 3;
/// Pieces of a log that are read at once.
const PIECES: usize = 32;
/// Reports, and bytes of their logs, that go in together.
const BATCH: usize = 200;
const BATCH_BYTES: i64 = 16 << 20;

/// What an export or an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Reports that were written.
    pub reports: u64,
    /// Reports of an import that were there already.
    pub skipped: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Schema(String),
    Report(Box<Exported>),
    /// A part of the log of the report above.
    Text(String),
    /// The same, where it is not UTF-8: hexadecimal digits.
    Hex(String),
}

#[derive(Serialize, Deserialize)]
struct Exported {
    id: ReportId,
    made_at: i64,
    hidden: i64,
    log_hash: String,
    #[serde(flatten)]
    submission: Submission,
    came: Vec<Came>,
    feedback: Vec<Feedback>,
    report: Report,
}

#[derive(FromRow)]
struct Next {
    number: i64,
    id: String,
    log_hash: String,
    pieces: String,
    place: String,
}

const NEXT: &str = "
select number, id, log_hash, pieces, place from report join log on log.report = report.number
where number > $1 order by number limit 1";

const CAME: &str = "
select seen_at, build_url, revision, branch from occurrence where report = $1 order by seen_at, build_url, revision, branch";

impl Store {
    /// Writes all reports with their logs, in the order in which they came.
    ///
    /// # Errors
    /// What the database, the object store or `out` says.
    pub async fn export(&self, out: impl Write) -> Result<Moved, StoreError> {
        let mut out = zstd::Encoder::new(out, LEVEL)?;
        let mut moved = Moved::default();
        write_line(&mut out, &Line::Schema(SCHEMA.to_owned()))?;
        let mut after = 0;
        loop {
            let next: Option<Next> = read!(self.pool, |db| sqlx::query_as(NEXT).bind(after).fetch_optional(db))?;
            let Some(Next { number, id, log_hash, pieces, place }) = next else { break };
            after = number;
            let id = ReportId::parse(&id).ok_or_else(|| StoreError::Damaged(format!("report id {id:?}")))?;
            // Deleted since.
            let Some(stored) = self.stored(&id).await? else { continue };
            let came: Vec<(i64, String, String, String)> =
                read!(self.pool, |db| sqlx::query_as(CAME).bind(number).fetch_all(db))?;
            let came = came.into_iter().map(|(seen_at, build_url, revision, branch)| Came {
                seen_at,
                build_url,
                revision,
                branch,
            });
            let exported = Exported {
                made_at: stored.made_at,
                hidden: stored.hidden as i64,
                log_hash,
                submission: stored.submission,
                came: came.collect(),
                feedback: self.feedback_of(&id).await?,
                report: stored.report,
                id,
            };
            write_line(&mut out, &Line::Report(Box::new(exported)))?;
            let log = Kept { number, index: serde_json::from_str(&pieces)?, place };
            let all = log.index.pieces.len();
            for from in (0..all).step_by(PIECES) {
                let text = self.frames(&log, from..all.min(from + PIECES)).await?;
                let line = String::from_utf8(text).map_or_else(|raw| Line::Hex(hex(raw.as_bytes())), Line::Text);
                write_line(&mut out, &line)?;
            }
            moved.reports += 1;
        }
        out.finish()?.flush()?;
        Ok(moved)
    }

    /// Puts in what `export` wrote. Reports that are there already, by id or as the same log of the same job, stay as they are.
    ///
    /// # Errors
    /// What the database or the object store says, or that `input` is no such export; what went in by then stays.
    pub async fn import(&self, input: impl Read) -> Result<Moved, StoreError> {
        let mut lines = BufReader::new(zstd::Decoder::new(input)?).lines();
        let first = lines.next().transpose()?.unwrap_or_default();
        if !matches!(serde_json::from_str(&first), Ok(Line::Schema(schema)) if schema == SCHEMA) {
            return Err(StoreError::Damaged(format!("this is no export of whyred's history ({SCHEMA})")));
        }
        let mut moved = Moved::default();
        let mut batch = Vec::new();
        let mut open: Option<(Box<Exported>, LogPacker)> = None;
        for line in lines {
            let line: Line = serde_json::from_str(&line?)?;
            match (line, &mut open) {
                (Line::Report(next), _) => {
                    if let Some((exported, log)) = open.replace((next, LogPacker::new()?)) {
                        batch.push(self.entry_of(*exported, log).await?);
                    }
                }
                (Line::Text(text), Some((_, log))) => log.write_all(text.as_bytes())?,
                (Line::Hex(digits), Some((_, log))) => log.write_all(&bytes(&digits)?)?,
                _ => return Err(StoreError::Damaged("a log without its report".to_owned())),
            }
            let held: i64 = batch.iter().map(Entry::stored).sum();
            if batch.len() >= BATCH || held >= BATCH_BYTES {
                self.put_batch(std::mem::take(&mut batch), &mut moved).await?;
            }
        }
        if let Some((exported, log)) = open {
            batch.push(self.entry_of(*exported, log).await?);
        }
        self.put_batch(batch, &mut moved).await?;
        Ok(moved)
    }

    async fn entry_of(&self, exported: Exported, log: LogPacker) -> Result<Entry, StoreError> {
        let mut log = log.finish()?;
        if log.hash != exported.log_hash {
            return Err(StoreError::Damaged(format!(
                "the log of report {} is not the one that was exported",
                exported.id
            )));
        }
        let Exported { id, made_at, hidden, submission, came, feedback, report, .. } = exported;
        let log = self.put_log(&mut log, made_at).await?;
        let entry = Entry::new(id, &report, submission.fitted(), log)?;
        Ok(Entry { made_at, hidden, came, feedback, ..entry })
    }

    async fn put_batch(&self, batch: Vec<Entry>, moved: &mut Moved) -> Result<(), StoreError> {
        let places: Vec<(ReportId, String)> =
            batch.iter().map(|entry| (entry.id.clone(), entry.log.place.clone())).collect();
        let all = batch.len();
        let done = entry::insert(&self.pool, batch).await?;
        moved.reports += done.len() as u64;
        moved.skipped += (all - done.len()) as u64;
        let done: std::collections::HashSet<ReportId> = done.into_iter().collect();
        let left: Vec<String> =
            places.into_iter().filter(|(id, _)| !done.contains(id)).map(|(_, place)| place).collect();
        self.drop_objects(&left).await
    }
}

fn write_line(out: &mut impl Write, line: &Line) -> Result<(), StoreError> {
    serde_json::to_writer(&mut *out, line)?;
    Ok(out.write_all(b"\n")?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Result<Vec<u8>, StoreError> {
    let wrong = || StoreError::Damaged("hexadecimal digits were expected".to_owned());
    let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).map_err(|_| wrong()));
    pairs.map(|pair| u8::from_str_radix(pair?, 16).map_err(|_| wrong())).collect()
}
