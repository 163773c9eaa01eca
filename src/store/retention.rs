//! Retention: reports that nobody sent for long go, and the oldest of those that take too much room.
//! Several replicas may do this at once: one at a time holds the lease.

use std::time::Duration;

use super::pool::{read, write};
use super::{ReportId, Store, StoreError};

/// Reports that go in one transaction.
const BATCH: i64 = 200;
/// For how long one replica may work before it says that it still does, in milliseconds.
const LEASE: i64 = 60 * 1000;
/// For how long a request may be repeated, in milliseconds.
const REQUEST_KEYS: i64 = 7 * 24 * 60 * 60 * 1000;

pub(super) const OLD: &str =
    "select number, seen_at, stored from report where seen_at < $1 order by seen_at, number limit $2";

/// What is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Reports whose log did not come for so long go.
    pub oldest: Option<Duration>,
    /// Most bytes that reports and logs may take together; what did not come for longest goes first.
    pub most_bytes: Option<u64>,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// Reports.
    pub reports: u64,
    /// Bytes that they took.
    pub bytes: u64,
    /// Another replica is at it: nothing was done.
    pub busy: bool,
}

impl Store {
    /// Forgets what is older or more than what is to be kept. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// What the database or the object store says; what was forgotten by then stays so.
    pub async fn retain(&self, keep: &Retention, now: i64) -> Result<Retained, StoreError> {
        let holder = ReportId::random();
        if !self.lease("retention", holder.as_str(), now).await? {
            return Ok(Retained { busy: true, ..Retained::default() });
        }
        let done = self.forget(keep, holder.as_str(), now).await;
        write!(self.pool, |tx| {
            let query = sqlx::query("delete from lease where name = 'retention' and holder = $1");
            query.bind(holder.as_str()).execute(&mut *tx).await?;
        });
        done
    }

    async fn forget(&self, keep: &Retention, holder: &str, now: i64) -> Result<Retained, StoreError> {
        let started = std::time::Instant::now();
        let mut done = Retained::default();
        let oldest = keep.oldest.map_or(i64::MIN, |age| now.saturating_sub(age.as_millis() as i64));
        loop {
            let over = match keep.most_bytes {
                Some(most) => (self.stats(now).await?.bytes as u64).saturating_sub(most),
                None => 0,
            };
            let before = if over > 0 { i64::MAX } else { oldest };
            let rows: Vec<(i64, i64, i64)> =
                read!(self.pool, |db| sqlx::query_as(OLD).bind(before).bind(BATCH).fetch_all(db))?;
            let mut room = 0;
            let mut numbers = Vec::new();
            let mut last = i64::MIN;
            for (number, seen_at, stored) in rows {
                if seen_at >= oldest && room >= over {
                    break;
                }
                room += stored as u64;
                numbers.push(number);
                last = seen_at;
            }
            if numbers.is_empty() {
                break;
            }
            // What came again since is spared.
            let removed = self.remove(&numbers, Some(last + 1), now).await?;
            done.reports += removed.reports;
            done.bytes += removed.stored;
            let later = now + started.elapsed().as_millis() as i64;
            if removed.reports == 0 || !self.lease("retention", holder, later).await? {
                break;
            }
        }
        write!(self.pool, |tx| {
            let query = sqlx::query("delete from request_key where made_at < $1").bind(now - REQUEST_KEYS);
            query.execute(&mut *tx).await?;
        });
        self.sweep_objects(now).await?;
        self.pool.tidy().await?;
        Ok(done)
    }

    /// Takes or keeps the lease for some work; false where another one has it.
    async fn lease(&self, name: &str, holder: &str, now: i64) -> Result<bool, StoreError> {
        const SQL: &str = "
            insert into lease (name, holder, until) values ($1, $2, $3)
            on conflict (name) do update set holder = excluded.holder, until = excluded.until
            where lease.until < $4 or lease.holder = excluded.holder";
        let taken = write!(self.pool, |tx| {
            let query = sqlx::query(SQL).bind(name).bind(holder).bind(now + LEASE).bind(now);
            query.execute(&mut *tx).await?.rows_affected()
        });
        Ok(taken == 1)
    }
}
