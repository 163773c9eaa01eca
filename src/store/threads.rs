//! Threads: what chats were told of the state of jobs, and what must count once. A thread's row says what is still to be told,
//! so that nothing is lost where a chat is down, a process dies, or two replicas watch the same history.

use sqlx::FromRow;

use super::pool::{read, write};
use super::{Store, StoreError};

/// Most changes that are read at once.
const MOST: i64 = 200;
/// Tries after which a message is given up: the last waits sum up to half a day.
const MOST_TRIES: i64 = 16;
/// Longest wait between tries, in milliseconds.
const LONGEST_WAIT: i64 = 60 * 60 * 1000;

/// A report that came, or came again.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Change {
    /// Its name.
    pub id: String,
    /// When it came, in milliseconds since 1970.
    pub seen_at: i64,
    /// Told by the sender.
    pub project: String,
    /// Told by the sender.
    pub job: String,
    /// `green` or why not.
    pub verdict: String,
    /// The cause; empty where none is known.
    pub fingerprint: String,
}

/// Something to tell in a channel.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Telling {
    /// Where.
    pub channel: String,
    /// Whose job.
    pub project: String,
    /// Which job.
    pub job: String,
    /// The cause that the thread is about.
    pub fingerprint: String,
    /// The thread; empty where there is none yet.
    pub ts: String,
    /// `red`, `again` or `green`.
    pub pending: String,
    /// The report to tell.
    pub report: String,
    /// When that report came.
    pub seen_at: i64,
    /// Failed tries.
    pub tries: i64,
}

const OPEN: &str = "
insert into slack_thread (channel, project, job, fingerprint, ts, seen_at, is_open, pending, report, tries, next_at)
select $1, $2, $3, $4, '', $5, 1, 'red', $6, 0, 0
where not exists (select 1 from slack_thread known
    where known.channel = $1 and known.project = $2 and known.job = $3 and known.seen_at >= $5)
on conflict (channel, project, job, fingerprint) do update set
    seen_at = excluded.seen_at,
    report = case when slack_thread.is_open = 0 then excluded.report else slack_thread.report end,
    pending = case when slack_thread.is_open = 0 then 'again' else slack_thread.pending end,
    tries = case when slack_thread.is_open = 0 then 0 else slack_thread.tries end,
    next_at = case when slack_thread.is_open = 0 then 0 else slack_thread.next_at end,
    is_open = 1
where slack_thread.seen_at < excluded.seen_at";

const CLOSE: &str = "
update slack_thread set is_open = 0, seen_at = $4, report = $5, tries = 0, next_at = 0,
    pending = case when ts = '' or pending = 'again' then '' else 'green' end
where channel = $1 and project = $2 and job = $3 and is_open = 1 and seen_at < $4";

// Few at once, so that they are told before the lease ends.
const CLAIM: &str = "
update slack_thread set next_at = $2 where pending <> '' and next_at <= $1 and (channel, project, job, fingerprint) in (
    select channel, project, job, fingerprint from slack_thread where pending <> '' and next_at <= $1
    order by next_at limit 10)
returning channel, project, job, fingerprint, ts, pending, report, seen_at, tries";

// Where the job went green while its red was being told, green is still to be told.
const TOLD: &str = "
update slack_thread set tries = 0, next_at = 0, ts = case when ts = '' then $5 else ts end,
    pending = case when seen_at = $6 or pending = $7 then '' when is_open = 0 then 'green' else pending end
where channel = $1 and project = $2 and job = $3 and fingerprint = $4";

const FAILED: &str = "
update slack_thread set tries = tries + 1, next_at = $5, pending = case when tries >= $6 then '' else pending end
where channel = $1 and project = $2 and job = $3 and fingerprint = $4";

impl Store {
    /// Whether this key is seen for the first time; keys older than `keep` milliseconds are forgotten.
    ///
    /// # Errors
    /// What the database says.
    pub async fn first_time(&self, key: &str, now: i64, keep: i64) -> Result<bool, StoreError> {
        let first = write!(self.pool, |tx| {
            sqlx::query("delete from door_seen where made_at < $1").bind(now - keep).execute(&mut *tx).await?;
            sqlx::query("insert into door_seen (key, made_at) values ($1, $2) on conflict (key) do nothing")
                .bind(key)
                .bind(now)
                .execute(&mut *tx)
                .await?
                .rows_affected()
        });
        Ok(first > 0)
    }

    /// How far this watcher has read; `now` where it begins.
    ///
    /// # Errors
    /// What the database says.
    pub async fn position(&self, watcher: &str, now: i64) -> Result<i64, StoreError> {
        const SQL: &str = "select seen_at from door_position where name = $1";
        let known: Option<i64> = read!(self.pool, |db| sqlx::query_scalar(SQL).bind(watcher).fetch_optional(db))?;
        if known.is_none() {
            self.set_position(watcher, now).await?;
        }
        Ok(known.unwrap_or(now))
    }

    /// Keeps how far this watcher has read; it never goes back.
    ///
    /// # Errors
    /// What the database says.
    pub async fn set_position(&self, watcher: &str, seen_at: i64) -> Result<(), StoreError> {
        const SQL: &str = "
            insert into door_position (name, seen_at) values ($1, $2)
            on conflict (name) do update set seen_at = excluded.seen_at where door_position.seen_at < excluded.seen_at";
        write!(self.pool, |tx| {
            sqlx::query(SQL).bind(watcher).bind(seen_at).execute(&mut *tx).await?;
        });
        Ok(())
    }

    /// The report of this project that came last; of one job, where `job` is told. None where there is none.
    ///
    /// # Errors
    /// What the database says.
    pub async fn state_of(&self, project: &str, job: &str) -> Result<Option<Change>, StoreError> {
        const SQL: &str = "
            select id, seen_at, project, job, verdict, fingerprint from report
            where project = $1 and ($2 = '' or job = $2) order by seen_at desc, number desc limit 1";
        Ok(read!(self.pool, |db| sqlx::query_as(SQL).bind(project).bind(job).fetch_optional(db))?)
    }

    /// The reports of jobs that came after `seen_at`, oldest first; at most two hundred.
    ///
    /// # Errors
    /// What the database says.
    pub async fn changes_after(&self, seen_at: i64) -> Result<Vec<Change>, StoreError> {
        const SQL: &str = "
            select id, seen_at, project, job, verdict, fingerprint from report
            where seen_at > $1 and (project <> '' or job <> '') order by seen_at, number limit $2";
        Ok(read!(self.pool, |db| sqlx::query_as(SQL).bind(seen_at).bind(MOST).fetch_all(db))?)
    }

    /// Notes what this change means for a channel. The same change may be noted any number of times.
    ///
    /// # Errors
    /// What the database says.
    pub async fn note_change(&self, channel: &str, change: &Change) -> Result<(), StoreError> {
        write!(self.pool, |tx| {
            let query = match change.verdict.as_str() {
                "green" => sqlx::query(CLOSE).bind(channel).bind(&change.project).bind(&change.job),
                _ => sqlx::query(OPEN).bind(channel).bind(&change.project).bind(&change.job).bind(&change.fingerprint),
            };
            query.bind(change.seen_at).bind(&change.id).execute(&mut *tx).await?;
        });
        Ok(())
    }

    /// What is to be told now, at most ten. Nobody else is given the same for `lease` milliseconds.
    ///
    /// # Errors
    /// What the database says.
    pub async fn tellings(&self, now: i64, lease: i64) -> Result<Vec<Telling>, StoreError> {
        // Asked first where nobody writes: mostly there is nothing.
        const ANY: &str = "select count(*) from slack_thread where pending <> '' and next_at <= $1";
        let any: i64 = read!(self.pool, |db| sqlx::query_scalar(ANY).bind(now).fetch_one(db))?;
        if any == 0 {
            return Ok(Vec::new());
        }
        Ok(write!(self.pool, |tx| sqlx::query_as(CLAIM).bind(now).bind(now + lease).fetch_all(&mut *tx).await?))
    }

    /// It was told; `ts` is the thread's name.
    ///
    /// # Errors
    /// What the database says.
    pub async fn told(&self, telling: &Telling, ts: &str) -> Result<(), StoreError> {
        write!(self.pool, |tx| {
            sqlx::query(TOLD)
                .bind(&telling.channel)
                .bind(&telling.project)
                .bind(&telling.job)
                .bind(&telling.fingerprint)
                .bind(ts)
                .bind(telling.seen_at)
                .bind(&telling.pending)
                .execute(&mut *tx)
                .await?;
        });
        Ok(())
    }

    /// It could not be told: it is tried again later, and given up after half a day.
    ///
    /// # Errors
    /// What the database says.
    pub async fn not_told(&self, telling: &Telling, now: i64) -> Result<(), StoreError> {
        let wait = (5_000i64 << telling.tries.clamp(0, 20)).min(LONGEST_WAIT);
        write!(self.pool, |tx| {
            sqlx::query(FAILED)
                .bind(&telling.channel)
                .bind(&telling.project)
                .bind(&telling.job)
                .bind(&telling.fingerprint)
                .bind(now + wait)
                .bind(MOST_TRIES)
                .execute(&mut *tx)
                .await?;
        });
        Ok(())
    }
}
