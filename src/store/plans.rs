//! Plans: the queries of the pages, explained and timed on the history at hand. None may read all reports.

use std::time::Instant;

use sqlx::AssertSqlSafe;

use super::counts::DAY;
use super::pool::{Pool, read};
use super::statement::{Statement, Value, bind};
use super::tally::Kind;
use super::{Filter, Store, StoreError, arrival, log_text, outbox, retention, seen, stored, trends};

/// Tables that grow with the history.
const LARGE: [&str; 7] = ["report", "occurrence", "cause", "log", "log_piece", "report_words", "feedback"];

/// How the database runs a query.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the query is for.
    pub name: String,
    /// Its rows.
    pub rows: usize,
    /// How long it took, the middle of three times.
    pub milliseconds: f64,
    /// The database's own words.
    pub steps: Vec<String>,
    /// Those of them that read all of a table that grows with the history.
    pub scans: Vec<String>,
}

impl Store {
    /// Explains and times every query that pages make, with values that the newest reports have.
    ///
    /// # Errors
    /// What the database says.
    pub async fn plans(&self, now: i64) -> Result<Vec<Plan>, StoreError> {
        let mut plans = Vec::new();
        for (name, Statement { sql, values }) in self.queries(now).await? {
            let steps = self.explain(&sql, &values).await?;
            let scans = steps.iter().filter(|step| is_scan(step)).cloned().collect();
            let mut times = Vec::new();
            let mut rows = 0;
            for _ in 0..3 {
                let start = Instant::now();
                rows = self.count(&sql, &values).await?;
                times.push(start.elapsed().as_secs_f64() * 1000.0);
            }
            times.sort_by(f64::total_cmp);
            plans.push(Plan { name, rows, milliseconds: times[1], steps, scans });
        }
        Ok(plans)
    }

    async fn queries(&self, now: i64) -> Result<Vec<(String, Statement)>, StoreError> {
        let page = self.list(&Filter::default(), None).await?;
        let known = page.reports.iter().find(|report| !report.rule.is_empty() && !report.subject.is_empty());
        let known = known.or(page.reports.first()).cloned();
        let (today, text) = (now.div_euclid(DAY), |text: &str| Value::from(text));
        let (id, fingerprint) = known.as_ref().map(|one| (one.id.clone(), one.fingerprint.clone())).unwrap_or_default();
        let mut all = vec![
            ("a report".to_owned(), Statement::new(stored::SELECT, [text(&id)])),
            ("its log's index".to_owned(), Statement::new(log_text::INDEX, [text(&id)])),
            ("its log's pieces".to_owned(), Statement::new(log_text::PIECES, [1.into(), 0.into(), 9.into()])),
            ("the report before".to_owned(), Statement::new(seen::BEFORE, [text(&id)])),
            ("seen: total".to_owned(), Statement::new(seen::TOTAL, [text(&fingerprint)])),
            ("seen: newest".to_owned(), Statement::new(seen::recent(), [text(&fingerprint), 10.into()])),
            ("hits of all rules".to_owned(), Statement::new(seen::HITS, [])),
            ("stats".to_owned(), Statement::new(trends::STATS, [today.into()])),
            ("projects".to_owned(), Statement::new(trends::PROJECTS, [])),
            ("retention: oldest".to_owned(), Statement::new(retention::OLD, [now.into(), 200.into()])),
            ("arrivals: causes seen first".to_owned(), Statement::new(arrival::FIRST_SEEN, [text(&id)])),
            ("arrivals: the report before".to_owned(), {
                let (project, job) =
                    known.as_ref().map(|one| (one.project.clone(), one.job.clone())).unwrap_or_default();
                Statement::new(
                    arrival::BEFORE,
                    [project.into(), job.into(), now.into(), text(&id), arrival::NEAR.into()],
                )
            }),
            ("deliveries".to_owned(), Statement::new(outbox::LIST, [text("dead"), i64::MAX.into(), 51.into()])),
            (
                "days of one cause".to_owned(),
                super::counts::days_statement(Kind::Cause, [&fingerprint].into(), "", today - 90, today + 1),
            ),
        ];
        for (range, since) in [("90 days", today - 90), ("all days", 0)] {
            let days = [since.into(), (today + 1).into()];
            for project in ["", "project-0"] {
                let [from, to] = days.clone();
                all.push((
                    format!("trends: {range} {project}"),
                    Statement::new(trends::DAYS, [from, to, text(project)]),
                ));
                for kind in [Kind::Cause, Kind::Rule, Kind::Repository, Kind::Derivation, Kind::Host] {
                    let [from, to] = days.clone();
                    let values = [text(kind.as_str()), from, to, text(project), trends::TOP.into()];
                    let name = format!("trends: {} {range} {project}", kind.as_str());
                    all.push((name, Statement::new(trends::TOPS, values)));
                }
            }
        }
        let one = known.map(|one| Filter {
            project: one.project,
            job: one.job,
            rule: one.rule,
            subject: one.subject,
            verdict: one.verdict,
            tool: one.tool,
            fingerprint: one.fingerprint,
            since: Some(now - 30 * DAY),
            until: Some(now - 20 * DAY),
            q: one.title,
        });
        for (name, filter) in one.iter().flat_map(filters) {
            let next = self.list(&filter, None).await?.next;
            for statement in self.list_statements(&filter, None).await? {
                all.push((format!("list: {name}"), statement));
            }
            for statement in if next.is_some() { self.list_statements(&filter, next).await? } else { Vec::new() } {
                all.push((format!("list: {name}, next page"), statement));
            }
        }
        Ok(all)
    }

    async fn explain(&self, sql: &str, values: &[Value]) -> Result<Vec<String>, StoreError> {
        let values = values.to_vec();
        match &self.pool {
            Pool::Sqlite { read, .. } => {
                let sql = AssertSqlSafe(format!("explain query plan {sql}"));
                let rows: Vec<(i64, i64, i64, String)> = bind!(sqlx::query_as(sql), values).fetch_all(read).await?;
                Ok(rows.into_iter().map(|row| row.3).collect())
            }
            Pool::Postgres(pool) => {
                let sql = AssertSqlSafe(format!("explain (costs off) {sql}"));
                Ok(bind!(sqlx::query_scalar(sql), values).fetch_all(pool).await?)
            }
        }
    }

    async fn count(&self, sql: &str, values: &[Value]) -> Result<usize, StoreError> {
        let values = values.to_vec();
        let rows = read!(self.pool, |db| async {
            let query = bind!(sqlx::query(AssertSqlSafe(sql.to_owned())), values);
            Ok::<_, StoreError>(query.fetch_all(db).await?.len())
        })?;
        Ok(rows)
    }
}

/// Each field alone, and some together.
fn filters(one: &Filter) -> Vec<(&'static str, Filter)> {
    let none = Filter::default;
    let Filter { project, job, rule, subject, verdict, tool, fingerprint, since, until, q } = one.clone();
    let common = || "error".to_owned();
    vec![
        ("all", none()),
        ("project", Filter { project: project.clone(), ..none() }),
        ("job alone", Filter { job: job.clone(), ..none() }),
        ("project and job", Filter { project: project.clone(), job: job.clone(), ..none() }),
        ("rule", Filter { rule: rule.clone(), ..none() }),
        ("subject", Filter { subject, ..none() }),
        ("verdict", Filter { verdict: verdict.clone(), ..none() }),
        ("tool", Filter { tool: tool.clone(), ..none() }),
        ("fingerprint", Filter { fingerprint, ..none() }),
        ("ten days", Filter { since, until, ..none() }),
        ("project and verdict", Filter { project: project.clone(), verdict: verdict.clone(), ..none() }),
        (
            "project, rule and tool",
            Filter { project: project.clone(), rule: rule.clone(), tool: tool.clone(), ..none() },
        ),
        (
            "what no project has",
            Filter { project: project.clone(), verdict: verdict.clone(), tool: "none".to_owned(), ..none() },
        ),
        ("verdict, what no job has", Filter { verdict, job: "none".to_owned(), ..none() }),
        ("words of a title", Filter { q: q.clone(), ..none() }),
        ("a common word", Filter { q: common(), ..none() }),
        ("a common word, project", Filter { q: common(), project, ..none() }),
        ("a common word, rule", Filter { q: common(), rule, ..none() }),
        ("two words never together", Filter { q: "error zzzzzz".to_owned(), ..none() }),
        ("ten days, words", Filter { q, since, until, ..none() }),
    ]
}

/// Whether a step of a plan reads all of a large table.
fn is_scan(step: &str) -> bool {
    let step = step.trim();
    let sqlite = step.strip_prefix("SCAN ").filter(|rest| !rest.contains("INDEX"));
    let postgres = step.trim_start_matches("-> ").strip_prefix("Seq Scan on ");
    let postgres = postgres.or_else(|| step.trim_start_matches("-> ").strip_prefix("Parallel Seq Scan on "));
    let table = sqlite.or(postgres).and_then(|rest| rest.split_whitespace().next());
    table.is_some_and(|table| LARGE.contains(&table))
}
