//! Save: a new report and its log go in, in one transaction. The same log of the same job is one report with one more occurrence.

use object_store::path::Path as ObjectPath;
use object_store::{ObjectStoreExt, PutPayload};

use super::pool::{read, write};
use super::{PackedLog, ReportId, Store, StoreError, Submission};
use crate::report::Report;

/// zstd's level for reports.
const LEVEL: i32 = 3;
/// Longest text that is made searchable for one report, in bytes.
const MOST_WORDS: usize = 16 * 1024;

/// A report that is not yet stored.
#[derive(Debug)]
pub struct NewReport {
    /// Told by the sender.
    pub submission: Submission,
    /// What the sender calls this request: one that comes again is no second occurrence.
    pub request_key: Option<String>,
    /// All that is said of the log.
    pub report: Report,
    /// The redacted log.
    pub log: PackedLog,
    /// Secrets that were hidden.
    pub hidden: u64,
    /// Now, in milliseconds since 1970.
    pub made_at: i64,
}

/// Where a report went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub id: ReportId,
    /// False where the same log was there already.
    pub new: bool,
}

const UPSERT: &str = "
insert into report (id, made_at, seen_at, project, job, log_hash, name, build_url, revision, branch, metadata, verdict, outcome,
    tool, rule, subject, title, fingerprint, hidden, bytes, lines, stored, report)
values ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
on conflict (project, job, log_hash) do update set occurrences = report.occurrences + 1, seen_at = excluded.seen_at
returning number, id, occurrences";

impl Store {
    /// Puts a report in. Durable once this returns.
    ///
    /// # Errors
    /// What the database or the object store says; then nothing is stored.
    pub async fn save(&self, new: NewReport) -> Result<Saved, StoreError> {
        if let Some(key) = &new.request_key
            && let Some(id) = self.of_request(key).await?
        {
            return Ok(Saved { id, new: false });
        }
        let NewReport { submission, request_key, report, mut log, hidden, made_at } = new;
        let id = ReportId::random();
        let (place, pieces) = self.put_log(&id, &mut log).await?;
        let index = serde_json::to_string(&log.index)?;
        let packed = zstd::bulk::compress(&serde_json::to_vec(&report)?, LEVEL)?;
        let stored = packed.len() as u64 + log.index.packed;
        let metadata = serde_json::to_string(&submission.metadata)?;
        let words = words(&report);
        let first = report.diagnoses.first();
        let fingerprint = first.map(|diagnosis| diagnosis.fingerprint()).unwrap_or_default();
        let insert_words = self.pool.dialect().insert_words;

        let saved = write!(self.pool, |tx| {
            let (number, kept, occurrences): (i64, String, i64) = sqlx::query_as(UPSERT)
                .bind(id.as_str())
                .bind(made_at)
                .bind(&submission.project)
                .bind(&submission.job)
                .bind(&log.hash)
                .bind(&submission.name)
                .bind(&submission.build_url)
                .bind(&submission.revision)
                .bind(&submission.branch)
                .bind(&metadata)
                .bind(&report.verdict)
                .bind(report.log.outcome.as_str())
                .bind(report.log.tools.first().map_or("", |tool| tool.name.as_str()))
                .bind(first.map_or("", |diagnosis| diagnosis.rule.as_str()))
                .bind(first.and_then(|diagnosis| diagnosis.subject.as_deref()).unwrap_or_default())
                .bind(first.map_or("", |diagnosis| diagnosis.title.as_str()))
                .bind(&fingerprint)
                .bind(hidden as i64)
                .bind(report.log.bytes as i64)
                .bind(report.log.lines as i64)
                .bind(stored as i64)
                .bind(&packed)
                .fetch_one(&mut *tx)
                .await?;
            if let Some(key) = &request_key {
                // Fails where the same request came twice at the same moment: then this one is undone.
                sqlx::query("insert into request_key (key, report, made_at) values ($1, $2, $3)")
                    .bind(key)
                    .bind(number)
                    .bind(made_at)
                    .execute(&mut *tx)
                    .await?;
            }
            sqlx::query(
                "insert into occurrence (report, seen_at, build_url, revision, branch) values ($1, $2, $3, $4, $5)",
            )
            .bind(number)
            .bind(made_at)
            .bind(&submission.build_url)
            .bind(&submission.revision)
            .bind(&submission.branch)
            .execute(&mut *tx)
            .await?;
            if occurrences == 1 {
                for (position, diagnosis) in report.diagnoses.iter().enumerate() {
                    sqlx::query("insert into cause (report, position, fingerprint, rule, subject, made_at) values ($1, $2, $3, $4, $5, $6)")
                        .bind(number)
                        .bind(position as i64)
                        .bind(diagnosis.fingerprint())
                        .bind(&diagnosis.rule)
                        .bind(diagnosis.subject.as_deref().unwrap_or_default())
                        .bind(made_at)
                        .execute(&mut *tx)
                        .await?;
                }
                sqlx::query("insert into log (report, pieces, place) values ($1, $2, $3)")
                    .bind(number)
                    .bind(&index)
                    .bind(&place)
                    .execute(&mut *tx)
                    .await?;
                for (piece, data) in pieces.iter().enumerate() {
                    sqlx::query("insert into log_piece (report, piece, data) values ($1, $2, $3)")
                        .bind(number)
                        .bind(piece as i64)
                        .bind(data)
                        .execute(&mut *tx)
                        .await?;
                }
                sqlx::query(insert_words).bind(number).bind(&words).execute(&mut *tx).await?;
            }
            (kept, occurrences == 1)
        });
        let (kept, new) = saved;
        if !new && !place.is_empty() {
            self.objects.delete(&ObjectPath::from(place)).await?;
        }
        let id = ReportId::parse(&kept).ok_or_else(|| StoreError::Damaged(format!("report id {kept:?}")))?;
        Ok(Saved { id, new })
    }

    /// The report that a request with this key made.
    async fn of_request(&self, key: &str) -> Result<Option<ReportId>, StoreError> {
        const SQL: &str =
            "select report.id from request_key join report on report.number = request_key.report where key = $1";
        let id: Option<String> = read!(self.pool, |db| sqlx::query_scalar(SQL).bind(key).fetch_optional(db))?;
        Ok(id.and_then(|id| ReportId::parse(&id)))
    }

    /// Large logs become an object, whose name is given; of others the pieces are given.
    async fn put_log(&self, id: &ReportId, log: &mut PackedLog) -> Result<(String, Vec<Vec<u8>>), StoreError> {
        let mut pieces = Vec::new();
        for piece in 0..log.index.pieces.len() {
            pieces.push(log.piece(piece)?);
        }
        if log.index.packed < self.object_from {
            return Ok((String::new(), pieces));
        }
        let place = format!("logs/{id}.zst");
        self.objects.put(&ObjectPath::from(place.as_str()), PutPayload::from(pieces.concat())).await?;
        Ok((place, Vec::new()))
    }
}

/// What full-text search finds a report by: titles, subjects and proving lines.
fn words(report: &Report) -> String {
    let mut words = String::new();
    for diagnosis in &report.diagnoses {
        let evidence = diagnosis.evidence.iter().map(|line| line.text.as_str());
        let subject = diagnosis.subject.as_deref();
        for text in [diagnosis.title.as_str(), &diagnosis.rule].into_iter().chain(subject).chain(evidence) {
            words.push_str(text);
            words.push('\n');
        }
    }
    report.unexplained.iter().for_each(|line| words.extend([line.text.as_str(), "\n"]));
    let end = words.floor_char_boundary(MOST_WORDS);
    words.truncate(end);
    // PostgreSQL's text holds no NUL.
    words.replace('\0', " ")
}
