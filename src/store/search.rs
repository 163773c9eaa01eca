//! Search: reports by their words, newest first. The databases find words in no useful order, so that two ways are needed:
//! where few reports hold the words, those are sorted; where many do, the newest reports are looked at for them.

use sqlx::AssertSqlSafe;

use super::list::{COLUMNS, Cursor, Filter, PAGE, Page, Query, page};
use super::pool::{Pool, read};
use super::statement::{Statement, bind};
use super::tally::{LONGEST_KEY, fit};
use super::{Store, StoreError};

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Reports that are few.
    pub few: u32,
    /// How many of the newest reports are looked at first.
    pub first: u32,
    /// How many are looked at at most, for one page.
    pub most: u32,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { few: 4000, first: 1000, most: 8000 }
    }
}

impl Store {
    /// A page of the reports that fit and hold these words.
    pub(super) async fn search(&self, query: Query, words: String) -> Result<Page, StoreError> {
        if let Some(numbers) = self.holding(&words).await? {
            return Ok(if numbers.is_empty() {
                page(Vec::new())
            } else {
                page(self.listed(among(query, &numbers)).await?)
            });
        }
        let mut end = None;
        for window in [self.bounds.first, self.bounds.most] {
            let reports = self.listed(self.in_window(query.clone(), &words, window)).await?;
            end = self.end_of_window(query.clone(), window).await?;
            if reports.len() > PAGE || end.is_none() {
                return Ok(page(reports));
            }
            if window == self.bounds.most {
                return Ok(Page { next: end, ..page(reports) });
            }
        }
        Ok(Page { reports: Vec::new(), next: end })
    }

    /// The numbers of the reports that hold these words, if they are few.
    async fn holding(&self, words: &str) -> Result<Option<Vec<i64>>, StoreError> {
        let few = i64::from(self.bounds.few);
        let query = sqlx::query_scalar(self.pool.dialect().holding);
        let numbers: Vec<i64> = match &self.pool {
            Pool::Sqlite { read, .. } => query.bind(words).bind(few + 1).fetch_all(read).await?,
            Pool::Postgres(pool) => {
                let query = sqlx::query_scalar(self.pool.dialect().holding);
                let mut transaction = pool.begin().await?;
                // It takes words that are common for likely to stand together, and would read everything.
                sqlx::raw_sql("set local enable_seqscan = off; set local enable_indexscan = off")
                    .execute(&mut *transaction)
                    .await?;
                query.bind(words).bind(few + 1).fetch_all(&mut *transaction).await?
            }
        };
        Ok((numbers.len() as i64 <= few).then_some(numbers))
    }

    /// The reports with these words among the newest that fit.
    fn in_window(&self, query: Query, words: &str, window: u32) -> Statement {
        let (before, after) = self.pool.dialect().holds;
        let Query { sql, mut values } = query;
        values.push(words.into());
        let (place, limit) = (values.len(), PAGE + 1);
        let sql = format!(
            "with page as materialized (select number from report {sql} order by made_at desc, number desc limit {window})
             select {COLUMNS} from report where number in (select number from page) and {before}${place}{after}
             order by made_at desc, number desc limit {limit}"
        );
        Statement { sql, values }
    }

    /// Where the newest reports that fit end, if there are more.
    async fn end_of_window(&self, query: Query, window: u32) -> Result<Option<Cursor>, StoreError> {
        let Query { sql, values } = query;
        let offset = window - 1;
        let sql = format!(
            "select made_at, number from report {sql} order by made_at desc, number desc limit 2 offset {offset}"
        );
        let ends: Vec<(i64, i64)> =
            read!(self.pool, |db| bind!(sqlx::query_as(AssertSqlSafe(sql.clone())), values).fetch_all(db))?;
        Ok(ends
            .first()
            .filter(|_| ends.len() == 2)
            .map(|(made_at, number)| Cursor { made_at: *made_at, number: *number }))
    }

    /// What `list` asks, for `plans`.
    pub(super) async fn list_statements(
        &self,
        filter: &Filter,
        after: Option<Cursor>,
    ) -> Result<Vec<Statement>, StoreError> {
        let query = Query::of(filter, after);
        let Some(words) = self.pool.dialect().search_words(&fit(&filter.q, LONGEST_KEY)) else {
            return Ok(vec![query.page()]);
        };
        Ok(match self.holding(&words).await? {
            Some(numbers) if numbers.is_empty() => Vec::new(),
            Some(numbers) => vec![among(query, &numbers)],
            None => {
                [self.bounds.first, self.bounds.most].map(|window| self.in_window(query.clone(), &words, window)).into()
            }
        })
    }
}

/// A page of these reports, as far as they fit.
fn among(mut query: Query, numbers: &[i64]) -> Statement {
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    query.and_that(&format!("number in ({})", numbers.join(", ")));
    query.page()
}
