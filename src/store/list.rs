//! List: reports found by what is known of them, newest first, a page at a time.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, FromRow};

use super::pool::read;
use super::statement::{KEPT, Statement, Value, bind};
use super::tally::{LONGEST_KEY, fit};
use super::{Store, StoreError};

/// Reports on a page.
pub(super) const PAGE: usize = 50;

/// What `Listed` is read from.
pub(super) const COLUMNS: &str =
    "number, id, made_at, seen_at, occurrences, project, job, name, verdict, tool, rule, subject, title, fingerprint";

/// Which reports to list; empty fields ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Exactly this project.
    pub project: String,
    /// Exactly this job.
    pub job: String,
    /// The first diagnosis' rule.
    pub rule: String,
    /// The first diagnosis' subject.
    pub subject: String,
    /// `fix-code`, `fix-build`, `fix-environment`, `retry`, `unknown` or `green`.
    pub verdict: String,
    /// `bazel` or `nix`: who speaks outermost.
    pub tool: String,
    /// The same cause: rule and subject.
    pub fingerprint: String,
    /// Not before, in milliseconds since 1970.
    pub since: Option<i64>,
    /// Before, in milliseconds since 1970.
    pub until: Option<i64>,
    /// Words of titles and evidence.
    pub q: String,
}

/// Where a page ends and the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub(super) made_at: i64,
    pub(super) number: i64,
}

/// One report in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, FromRow)]
pub struct Listed {
    #[serde(skip)]
    number: i64,
    /// Its name.
    pub id: String,
    /// When it came first, in milliseconds since 1970.
    pub made_at: i64,
    /// When the same log came last.
    pub seen_at: i64,
    /// How often the same log came.
    pub occurrences: i64,
    /// Told by the sender.
    pub project: String,
    /// Told by the sender.
    pub job: String,
    /// Told by the sender.
    pub name: String,
    /// The report's verdict.
    pub verdict: String,
    /// `bazel`, `nix` or nothing.
    pub tool: String,
    /// The first diagnosis' rule, or nothing.
    pub rule: String,
    /// The first diagnosis' subject, or nothing.
    pub subject: String,
    /// The first diagnosis' title, or nothing.
    pub title: String,
    /// Of the first diagnosis.
    pub fingerprint: String,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub reports: Vec<Listed>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Cursor {
    /// As it stands in an address.
    pub fn to_text(self) -> String {
        format!("{:x}-{:x}", self.made_at, self.number)
    }

    /// From an address.
    pub fn parse(text: &str) -> Option<Cursor> {
        let (made_at, number) = text.split_once('-')?;
        Some(Cursor { made_at: i64::from_str_radix(made_at, 16).ok()?, number: i64::from_str_radix(number, 16).ok()? })
    }
}

impl Store {
    /// A page of the reports that fit, newest first. Where words are looked for that very many reports hold, a page may be short
    /// though another one follows.
    ///
    /// # Errors
    /// What the database says.
    pub async fn list(&self, filter: &Filter, after: Option<Cursor>) -> Result<Page, StoreError> {
        let query = Query::of(filter, after);
        match self.pool.dialect().search_words(&fit(&filter.q, LONGEST_KEY)) {
            Some(words) => self.search(query, words).await,
            None => Ok(page(self.listed(query.page()).await?)),
        }
    }

    pub(super) async fn listed(&self, Statement { sql, values }: Statement) -> Result<Vec<Listed>, StoreError> {
        let keep = sql.len() < KEPT;
        let found = read!(self.pool, |db| {
            bind!(sqlx::query_as(AssertSqlSafe(sql.clone())).persistent(keep), values).fetch_all(db)
        });
        Ok(found?)
    }
}

/// A page of one report more than it shows.
pub(super) fn page(mut reports: Vec<Listed>) -> Page {
    let more = reports.len() > PAGE;
    reports.truncate(PAGE);
    let last = reports.last().filter(|_| more);
    let next = last.map(|last| Cursor { made_at: last.made_at, number: last.number });
    Page { reports, next }
}

/// Conditions on reports as they grow; values never stand in the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

impl Query {
    /// All conditions of a filter but its words.
    pub(super) fn of(filter: &Filter, after: Option<Cursor>) -> Query {
        let mut query = Query::default();
        let columns = [
            ("project", &filter.project),
            ("job", &filter.job),
            ("rule", &filter.rule),
            ("subject", &filter.subject),
            ("verdict", &filter.verdict),
            ("tool", &filter.tool),
            ("fingerprint", &filter.fingerprint),
        ];
        for (column, wanted) in columns.into_iter().filter(|(_, wanted)| !wanted.is_empty()) {
            query.and(&format!("{column} = "), Value::Text(fit(wanted, LONGEST_KEY)), "");
        }
        if let Some(since) = filter.since {
            query.and("made_at >= ", Value::Number(since), "");
        }
        if let Some(until) = filter.until {
            query.and("made_at < ", Value::Number(until), "");
        }
        if let Some(Cursor { made_at, number }) = after {
            query.and("(made_at, number) < (", Value::Number(made_at), "");
            query.push(", ", Value::Number(number), ")");
        }
        query
    }

    /// Finds a page, and one more.
    pub(super) fn page(self) -> Statement {
        let limit = PAGE + 1;
        let sql = format!("select {COLUMNS} from report {} order by made_at desc, number desc limit {limit}", self.sql);
        Statement { sql, values: self.values }
    }

    /// Another condition, without a value of its own.
    pub(super) fn and_that(&mut self, condition: &str) {
        self.sql += if self.sql.is_empty() { "where " } else { " and " };
        self.sql += condition;
    }

    fn and(&mut self, before: &str, value: Value, after: &str) {
        self.and_that("");
        self.push(before, value, after);
    }

    fn push(&mut self, before: &str, value: Value, after: &str) {
        self.values.push(value);
        self.sql += &format!("{before}${}{after}", self.values.len());
    }
}
