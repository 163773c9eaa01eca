//! Feedback: what people say of a report.

use serde::{Deserialize, Serialize};

use super::pool::{read, write};
use super::statement::{Rows, Value, run};
use super::tally::{LONGEST_KEY, fit};
use super::{ReportId, Store, StoreError};

/// Longest note, in bytes.
const LONGEST_NOTE: usize = 8 * 1024;
/// Most feedback that is kept of one report; the first ones.
const MOST: i64 = 1000;

/// Whether a report was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "service", derive(utoipa::ToSchema))]
pub enum FeedbackKind {
    /// It helped.
    Helpful,
    /// It is wrong.
    Wrong,
}

/// What somebody says of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// Whether it was right.
    pub kind: FeedbackKind,
    /// In words; cut at 8 KB.
    pub note: String,
    /// The rule that would have been right; empty where not told.
    pub rule: String,
    /// When it was said, in milliseconds since 1970.
    pub made_at: i64,
}

impl Feedback {
    /// Its values, in the order of the table.
    pub(super) fn row(&self, report: i64) -> [Value; 5] {
        let (note, rule) = (fit(&self.note, LONGEST_NOTE), fit(&self.rule, LONGEST_KEY));
        [report.into(), self.kind.as_str().into(), note.into(), rule.into(), self.made_at.into()]
    }
}

impl FeedbackKind {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            FeedbackKind::Helpful => "helpful",
            FeedbackKind::Wrong => "wrong",
        }
    }
}

impl Store {
    /// Keeps what somebody says of a report; false where there is no such report, or it has a thousand already.
    ///
    /// # Errors
    /// What the database says.
    pub async fn add_feedback(&self, id: &ReportId, feedback: &Feedback) -> Result<bool, StoreError> {
        const FIND: &str =
            "select number, (select count(*) from feedback where feedback.report = number) from report where id = $1";
        const HEAD: &str = "insert into feedback (report, kind, note, rule, made_at) values";
        let added = write!(self.pool, |tx| {
            let found: Option<(i64, i64)> = sqlx::query_as(FIND).bind(id.as_str()).fetch_optional(&mut *tx).await?;
            let number = found.filter(|(_, many)| *many < MOST).map(|(number, _)| number);
            if let Some(number) = number {
                let mut rows = Rows::new(HEAD, "(?, ?, ?, ?, ?)", "");
                rows.push(feedback.row(number));
                run!(tx, rows.statements());
            }
            number.is_some()
        });
        Ok(added)
    }

    /// What people say of a report, in the order in which they said it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn feedback_of(&self, id: &ReportId) -> Result<Vec<Feedback>, StoreError> {
        const SQL: &str = "
            select kind, note, feedback.rule, feedback.made_at from feedback join report on report.number = feedback.report
            where report.id = $1 order by feedback.number";
        let rows: Vec<(String, String, String, i64)> =
            read!(self.pool, |db| sqlx::query_as(SQL).bind(id.as_str()).fetch_all(db))?;
        let feedback = |(kind, note, rule, made_at): (String, String, String, i64)| {
            let kind = if kind == "helpful" { FeedbackKind::Helpful } else { FeedbackKind::Wrong };
            Feedback { kind, note, rule, made_at }
        };
        Ok(rows.into_iter().map(feedback).collect())
    }
}
