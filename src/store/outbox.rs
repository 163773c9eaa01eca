//! Outbox: what is to be done at peers, kept until it is done. Each thing is put once, taken by one replica at a time, and taken again where
//! that one died: at least once. What failed too often, or cannot succeed, is a dead letter, which people send again or drop.

use sqlx::{AssertSqlSafe, FromRow};

use super::pool::{read, write};
use super::{Store, StoreError};

/// Tries after which nobody hopes any more; with the waits between them about half a day.
pub const MOST_TRIES: i64 = 16;
/// For how long the key of what is done is known, and a dead letter kept, in milliseconds.
const KEPT: i64 = 30 * DAY;
/// Milliseconds.
const DAY: i64 = 24 * 60 * 60 * 1000;
/// Longest reason, in bytes.
const LONGEST_WHY: usize = 500;

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOutgoing {
    /// Which work; whoever does it knows the names.
    pub kind: &'static str,
    /// The same for the same thing, however often it is put.
    pub key: String,
    /// For people, one line without secrets.
    pub what: String,
    /// JSON, without secrets.
    pub payload: String,
}

/// Something that is to be done, or could not be.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Outgoing {
    /// Its name; later ones have higher numbers.
    pub number: i64,
    /// Which work.
    pub kind: String,
    /// The same for the same thing.
    pub key: String,
    /// For people, one line.
    pub what: String,
    /// JSON.
    pub payload: String,
    /// `waiting` or `dead`.
    pub state: String,
    /// When it was put, in milliseconds since 1970.
    pub made_at: i64,
    /// Tries that were begun.
    pub tries: i64,
    /// When it is tried next, in milliseconds since 1970.
    pub next_at: i64,
    /// Why the last try failed; empty where none did.
    pub why: String,
}

/// Puts something in, once.
pub(super) const PUT: &str = "
insert into outbox (kind, key, what, payload, state, made_at, tries, next_at, why)
values ($1, $2, $3, $4, 'waiting', $5, 0, $5, '') on conflict (key) do nothing";

// What always ends with the process that tries it ends here.
const BURY: &str = "
update outbox set state = 'dead', why = case when why = '' then 'every try was broken off' else why end
where state = 'waiting' and next_at <= $1 and tries >= $2";

const TAKE: (&str, &str) = (
    "update outbox set next_at = $2, tries = tries + 1 where number in (
        select number from outbox where state = 'waiting' and next_at <= $1 order by next_at, number limit $3",
    ") returning number, kind, key, what, payload, state, made_at, tries, next_at, why",
);

pub(super) const LIST: &str = "
select number, kind, key, what, payload, state, made_at, tries, next_at, why from outbox
where state = $1 and number < $2 order by number desc limit $3";

impl Store {
    /// Puts something in. False where it was put before.
    ///
    /// # Errors
    /// What the database says.
    pub async fn put_out(&self, new: &NewOutgoing, now: i64) -> Result<bool, StoreError> {
        let put = write!(self.pool, |tx| {
            let query = sqlx::query(PUT).bind(new.kind).bind(&new.key).bind(&new.what).bind(&new.payload).bind(now);
            query.execute(&mut *tx).await?.rows_affected()
        });
        Ok(put > 0)
    }

    /// Takes what is due, at most `most`, oldest first. Nobody else is given the same for `lease` milliseconds.
    ///
    /// # Errors
    /// What the database says.
    pub async fn take_out(&self, now: i64, lease: i64, most: i64) -> Result<Vec<Outgoing>, StoreError> {
        // Asked first where nobody writes: mostly there is nothing.
        const ANY: &str = "select count(*) from outbox where state = 'waiting' and next_at <= $1";
        let any: i64 = read!(self.pool, |db| sqlx::query_scalar(ANY).bind(now).fetch_one(db))?;
        if any == 0 {
            return Ok(Vec::new());
        }
        let take = [TAKE.0, self.pool.dialect().skip_taken, TAKE.1].concat();
        let mut taken: Vec<Outgoing> = write!(self.pool, |tx| {
            sqlx::query(BURY).bind(now).bind(MOST_TRIES).execute(&mut *tx).await?;
            let query = sqlx::query_as(AssertSqlSafe(take)).bind(now).bind(now + lease).bind(most);
            query.fetch_all(&mut *tx).await?
        });
        taken.sort_by_key(|one| one.number);
        Ok(taken)
    }

    /// Whoever took it still works at it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn still_out(&self, taken: &Outgoing, until: i64) -> Result<(), StoreError> {
        const SQL: &str = "update outbox set next_at = $3 where number = $1 and tries = $2 and state = 'waiting'";
        write!(self.pool, |tx| {
            sqlx::query(SQL).bind(taken.number).bind(taken.tries).bind(until).execute(&mut *tx).await?;
        });
        Ok(())
    }

    /// It is done: only its key stays.
    ///
    /// # Errors
    /// What the database says.
    pub async fn is_out(&self, taken: &Outgoing) -> Result<(), StoreError> {
        const SQL: &str = "update outbox set state = 'done', payload = '', why = '' where number = $1";
        write!(self.pool, |tx| {
            sqlx::query(SQL).bind(taken.number).execute(&mut *tx).await?;
        });
        Ok(())
    }

    /// It could not be done. It is tried again at `again`; it is a dead letter where there is no such time, or where it was tried too often.
    ///
    /// # Errors
    /// What the database says.
    pub async fn not_out(&self, taken: &Outgoing, why: &str, again: Option<i64>) -> Result<(), StoreError> {
        const SQL: &str = "
            update outbox set why = $3, next_at = $4, state = $5 where number = $1 and tries = $2 and state = 'waiting'";
        let why = &why[..why.floor_char_boundary(LONGEST_WHY)];
        let (next_at, state) = match again.filter(|_| taken.tries < MOST_TRIES) {
            Some(time) => (time, "waiting"),
            None => (taken.next_at, "dead"),
        };
        write!(self.pool, |tx| {
            let query = sqlx::query(SQL).bind(taken.number).bind(taken.tries).bind(why).bind(next_at).bind(state);
            query.execute(&mut *tx).await?;
        });
        Ok(())
    }

    /// What is in this state (`waiting`, `dead`), newest first, at most `most`; from below number `before` on.
    ///
    /// # Errors
    /// What the database says.
    pub async fn outgoing(&self, state: &str, before: Option<i64>, most: i64) -> Result<Vec<Outgoing>, StoreError> {
        let before = before.unwrap_or(i64::MAX);
        Ok(read!(self.pool, |db| sqlx::query_as(LIST).bind(state).bind(before).bind(most).fetch_all(db))?)
    }

    /// How much waits, and how many dead letters there are.
    ///
    /// # Errors
    /// What the database says.
    pub async fn outbox_size(&self) -> Result<(i64, i64), StoreError> {
        const SQL: &str = "
            select (select count(*) from outbox where state = 'waiting'), (select count(*) from outbox where state = 'dead')";
        Ok(read!(self.pool, |db| sqlx::query_as(SQL).fetch_one(db))?)
    }

    /// A dead letter is tried anew, as often as at first. False where there is none of this number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn send_again(&self, number: i64, now: i64) -> Result<bool, StoreError> {
        const SQL: &str =
            "update outbox set state = 'waiting', tries = 0, next_at = $2 where number = $1 and state = 'dead'";
        let found = write!(self.pool, |tx| {
            sqlx::query(SQL).bind(number).bind(now).execute(&mut *tx).await?.rows_affected()
        });
        Ok(found > 0)
    }

    /// All dead letters are tried anew; gives how many.
    ///
    /// # Errors
    /// What the database says.
    pub async fn send_all_again(&self, now: i64) -> Result<u64, StoreError> {
        const SQL: &str = "update outbox set state = 'waiting', tries = 0, next_at = $1 where state = 'dead'";
        Ok(write!(self.pool, |tx| sqlx::query(SQL).bind(now).execute(&mut *tx).await?.rows_affected()))
    }

    /// A dead letter is given up; its key stays known. False where there is none of this number.
    ///
    /// # Errors
    /// What the database says.
    pub async fn drop_out(&self, number: i64) -> Result<bool, StoreError> {
        const SQL: &str = "update outbox set state = 'done', payload = '' where number = $1 and state = 'dead'";
        let found = write!(self.pool, |tx| sqlx::query(SQL).bind(number).execute(&mut *tx).await?.rows_affected());
        Ok(found > 0)
    }

    /// Forgets what was done, or given up, a month ago. That a log came is forgotten after a day: it is announced once anyway.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forget_out(&self, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "
            delete from outbox where state <> 'waiting' and made_at < $1 and (made_at < $2 or (kind = $3 and state = 'done'))";
        write!(self.pool, |tx| {
            sqlx::query(SQL).bind(now - DAY).bind(now - KEPT).bind(super::ARRIVAL).execute(&mut *tx).await?;
        });
        Ok(())
    }
}
