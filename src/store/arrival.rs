//! Arrival: a log that came, as it is announced in the outbox: in the transaction that keeps its report, so that a process which dies
//! between the two forgets nobody who is to be told. What else is asked of an arrival before somebody is told stands here, too.

use serde::{Deserialize, Serialize};

use super::outbox::PUT;
use super::pool::read;
use super::statement::Statement;
use super::{ReportId, Store, StoreError, Submission};

/// The kind of an arrival in the outbox.
pub const ARRIVAL: &str = "report";

/// Reports of a job that are looked at for the one that came before.
pub(super) const NEAR: i64 = 50;

/// A log that came, or came again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// The report's name.
    pub report: String,
    /// The how-manieth time the same log of the same job came: 1 for a new one.
    pub occurrence: i64,
    /// When it came, in milliseconds since 1970.
    pub seen_at: i64,
    /// The page of this build, as its sender told.
    pub build_url: String,
    /// The commit.
    pub revision: String,
    /// The branch.
    pub branch: String,
}

pub(super) const FIRST_SEEN: &str = "
select this.rule from cause this join report on report.number = this.report
where report.id = $1 and not exists (
    select 1 from cause before join report other on other.number = before.report
    where before.fingerprint = this.fingerprint and other.project = report.project
        and (other.made_at, other.number) < (report.made_at, report.number))
order by this.position";

// A log may have come many times: each report counts by the last time before.
pub(super) const BEFORE: &str = "
select id from (
    select near.number, near.id, (
        select max(came.seen_at) from occurrence came
        where came.report = near.number and (came.seen_at < $3 or (came.seen_at = $3 and near.id <> $4))) as last_at
    from (select number, id from report where project = $1 and job = $2 and made_at <= $3
        order by seen_at desc, number desc limit $5) near) known
where last_at is not null order by last_at desc, number desc limit 1";

impl Arrival {
    /// A log that comes now, with what its sender tells.
    pub(super) fn of(report: &str, occurrence: i64, seen_at: i64, told: &Submission) -> Arrival {
        let Submission { build_url, revision, branch, .. } = told.clone();
        Arrival { report: report.to_owned(), occurrence, seen_at, build_url, revision, branch }
    }

    /// Puts it into the outbox.
    pub(super) fn announcement(&self, told: &Submission) -> Result<Statement, StoreError> {
        let names: Vec<&str> = [told.project.as_str(), &told.job].into_iter().filter(|name| !name.is_empty()).collect();
        let whose = if names.is_empty() { "a build".to_owned() } else { names.join(" · ") };
        let whose = whose.replace(char::is_control, " ");
        let values = [
            ARRIVAL.into(),
            format!("{ARRIVAL}:{}:{}", self.report, self.occurrence).into(),
            format!("whom to tell of {whose}").into(),
            serde_json::to_string(self)?.into(),
            self.seen_at.into(),
        ];
        Ok(Statement::new(PUT, values))
    }
}

impl Store {
    /// The same history; what comes is announced in the outbox where somebody listens.
    pub fn announcing(mut self, announces: bool) -> Store {
        self.announces = announces;
        self
    }

    /// The rules of those causes of a report that no earlier report of its project names, in the report's order.
    ///
    /// # Errors
    /// What the database says.
    pub async fn first_seen(&self, id: &ReportId) -> Result<Vec<String>, StoreError> {
        Ok(read!(self.pool, |db| sqlx::query_scalar(FIRST_SEEN).bind(id.as_str()).fetch_all(db))?)
    }

    /// The report of this job whose log came last before this one; the same report where its log came before. None where the job is new.
    ///
    /// # Errors
    /// What the database says.
    pub async fn before(&self, arrival: &Arrival, project: &str, job: &str) -> Result<Option<ReportId>, StoreError> {
        let id: Option<String> = read!(self.pool, |db| sqlx::query_scalar(BEFORE)
            .bind(project)
            .bind(job)
            .bind(arrival.seen_at)
            .bind(&arrival.report)
            .bind(NEAR)
            .fetch_optional(db))?;
        Ok(id.and_then(|id| ReportId::parse(&id)))
    }
}
