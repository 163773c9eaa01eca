//! Save: a new report and its log go in, in one transaction. The same log of the same job is one report with one more occurrence.

use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;

use super::entry::{Came, Entry, Parts};
use super::pool::{read, write};
use super::statement::{Statement, bind, run};
use super::{Arrival, PackedLog, ReportId, Store, StoreError, Submission};
use crate::report::Report;

/// A report that is not yet stored.
#[derive(Debug)]
pub struct NewReport {
    /// Told by the sender; too long texts are cut.
    pub submission: Submission,
    /// What the sender calls this request: one of the same job that comes again is no second occurrence.
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

const AGAIN: &str = "
on conflict (project, job, log_hash) do update set occurrences = report.occurrences + 1,
    seen_at = case when report.seen_at < excluded.seen_at then excluded.seen_at else report.seen_at end
returning number, id, occurrences";

impl Store {
    /// Puts a report in. Durable once this returns.
    ///
    /// # Errors
    /// What the database or the object store says; then nothing is stored.
    pub async fn save(&self, new: NewReport) -> Result<Saved, StoreError> {
        let NewReport { submission, request_key, report, mut log, hidden, made_at } = new;
        let submission = submission.fitted();
        let key = request_key.map(|key| hash(&[&submission.project, &submission.job, &key]));
        if let Some(saved) = self.of_request(key.as_deref()).await? {
            return Ok(saved);
        }
        let log = self.put_log(&mut log, made_at).await?;
        let place = log.place.clone();
        let mut entry = Entry::new(ReportId::random(), &report, submission, log)?;
        (entry.made_at, entry.hidden) = (made_at, hidden as i64);
        entry.came.push(Came::of(&entry.submission, made_at));
        let mut head = Entry::insert(&[&entry], AGAIN)?;
        let mut entry = Some(entry);
        let insert_words = self.pool.dialect().insert_words;
        let announces = self.announces;

        let (kept, occurrences) = write!(self.pool, |tx| {
            let Statement { sql, values } = head.remove(0);
            let (number, kept, occurrences): (i64, String, i64) =
                bind!(sqlx::query_as(AssertSqlSafe(sql)), values).fetch_one(&mut *tx).await?;
            if let Some(key) = &key {
                const REQUEST: &str =
                    "insert into request_key (key, report, made_at) values ($1, $2, $3) on conflict do nothing";
                let query = sqlx::query(REQUEST).bind(key).bind(number).bind(made_at);
                if query.execute(&mut *tx).await?.rows_affected() == 0 {
                    // The same request came twice at the same moment: this one is undone.
                    return self.undone(key, &place).await;
                }
            }
            let mut parts = Parts::new(insert_words);
            if let Some(entry) = entry.take() {
                if announces {
                    let arrival = Arrival::of(&kept, occurrences, made_at, &entry.submission);
                    run!(tx, [arrival.announcement(&entry.submission)?]);
                }
                if occurrences == 1 {
                    parts.entry(number, entry);
                } else {
                    parts.came(number, &entry.submission.project, &Came::of(&entry.submission, made_at));
                }
            }
            run!(tx, parts.statements());
            (kept, occurrences)
        });
        let new = occurrences == 1;
        if !new {
            self.drop_objects(&[place]).await?;
        }
        let id = ReportId::parse(&kept).ok_or_else(|| StoreError::Damaged(format!("report id {kept:?}")))?;
        Ok(Saved { id, new })
    }

    /// What the request made that came first.
    async fn undone(&self, key: &str, place: &str) -> Result<Saved, StoreError> {
        self.drop_objects(&[place.to_owned()]).await?;
        let saved = self.of_request(Some(key)).await?;
        saved
            .ok_or_else(|| StoreError::Damaged("a request came twice, and its report was deleted meanwhile".to_owned()))
    }

    /// The report that a request with this key made.
    async fn of_request(&self, key: Option<&str>) -> Result<Option<Saved>, StoreError> {
        const SQL: &str =
            "select report.id from request_key join report on report.number = request_key.report where key = $1";
        let Some(key) = key else { return Ok(None) };
        let id: Option<String> = read!(self.pool, |db| sqlx::query_scalar(SQL).bind(key).fetch_optional(db))?;
        Ok(id.and_then(|id| ReportId::parse(&id)).map(|id| Saved { id, new: false }))
    }
}

impl Came {
    /// A log that comes now, with what its sender tells.
    fn of(submission: &Submission, seen_at: i64) -> Came {
        let Submission { build_url, revision, branch, .. } = submission.clone();
        Came { seen_at, build_url, revision, branch }
    }
}

/// SHA-256 of some texts, in hexadecimal.
fn hash(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
