//! Pool: one of two databases. The SQL is the same for both but for full-text search; `read!` and `write!` run it on the one at hand.

use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};

use super::StoreError;
use super::tally::split;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Connections that read at the same time.
const READERS: u32 = 8;
/// Bytes that SQLite's journal keeps once it is written back.
const JOURNAL: &str = "67108864";
/// How long a request waits for a connection, or for another writer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Connections to the database.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    /// A file: one connection writes, several read.
    Sqlite { read: SqlitePool, write: SqlitePool },
    /// A server.
    Postgres(PgPool),
}

impl Pool {
    /// Opens `sqlite:FILE` or `postgres://…`, creating the file and bringing the tables to this version.
    pub(super) async fn open(address: &str) -> Result<Pool, StoreError> {
        if address.starts_with("postgres:") || address.starts_with("postgresql:") {
            let options = PgConnectOptions::from_str(address)?.application_name("whyred");
            let pool = PgPoolOptions::new().max_connections(2 * READERS).acquire_timeout(PATIENCE);
            let pool = pool.connect_with(options).await?;
            POSTGRES.run(&pool).await?;
            return Ok(Pool::Postgres(pool));
        }
        let Some(file) = address.strip_prefix("sqlite:") else {
            return Err(StoreError::Address(address.to_owned()));
        };
        let file = file.strip_prefix("//").unwrap_or(file);
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A process that dies loses nothing; a machine that does may lose the last moment.
            .synchronous(SqliteSynchronous::Normal)
            .pragma("journal_size_limit", JOURNAL)
            .busy_timeout(PATIENCE);
        let write = SqlitePoolOptions::new().max_connections(1).acquire_timeout(PATIENCE);
        let write = write.connect_with(options.clone()).await?;
        SQLITE.run(&write).await?;
        let read = SqlitePoolOptions::new().max_connections(READERS).acquire_timeout(PATIENCE);
        let read = read.connect_with(options.read_only(true)).await?;
        Ok(Pool::Sqlite { read, write })
    }
}

impl Pool {
    /// Lets SQLite look how large its tables are, so that it chooses indexes well. PostgreSQL does so by itself.
    pub(super) async fn tidy(&self) -> Result<(), StoreError> {
        if let Pool::Sqlite { write, .. } = self {
            sqlx::raw_sql("pragma optimize = 0x10002").execute(write).await?;
        }
        Ok(())
    }
}

/// Where the two databases want other words.
pub(super) struct Dialect {
    /// Makes words of reports searchable: `values`, and a row of number and words.
    pub(super) insert_words: (&'static str, &'static str),
    /// Forgets the words of report `$1`.
    pub(super) delete_words: &'static str,
    /// Numbers of reports that hold words: `$1`, at most `$2`.
    pub(super) holding: &'static str,
    /// A condition on a report of the window `page`: that it holds the words of a value, whose place stands between the two.
    pub(super) holds: (&'static str, &'static str),
    /// After a select: others must not change the row before this transaction ends. SQLite has one writer anyway.
    pub(super) lock_row: &'static str,
    /// After a select: rows that another transaction holds are left out. SQLite has one writer anyway.
    pub(super) skip_taken: &'static str,
    /// A statement after which others write no report before this transaction ends.
    pub(super) lock_reports: &'static str,
    /// Stands around a word that is looked for, and between two of them.
    quote: &'static str,
    and: &'static str,
}

impl Pool {
    /// The words of this database.
    pub(super) fn dialect(&self) -> &'static Dialect {
        match self {
            Pool::Sqlite { .. } => &Dialect {
                insert_words: ("insert into report_words (rowid, words) values", "(?, ?)"),
                delete_words: "delete from report_words where rowid = $1",
                holding: "select rowid from report_words where report_words match $1 limit $2",
                holds: (
                    "number in (select rowid from report_words where report_words match ",
                    " and rowid >= (select min(number) from page) and rowid <= (select max(number) from page))",
                ),
                lock_row: "",
                skip_taken: "",
                lock_reports: "select 1",
                quote: "\"",
                and: " ",
            },
            Pool::Postgres(_) => &Dialect {
                insert_words: (
                    "insert into report_words (report, words) values",
                    "(?, array_to_tsvector(string_to_array(?, ' ')))",
                ),
                delete_words: "delete from report_words where report = $1",
                holding: "select report from report_words where words @@ cast($1 as tsquery) limit $2",
                holds: (
                    "exists (select 1 from report_words where report_words.report = number and words @@ cast(",
                    " as tsquery))",
                ),
                lock_row: " for update",
                skip_taken: " for update skip locked",
                lock_reports: "lock table report in exclusive mode",
                quote: "'",
                and: " & ",
            },
        }
    }
}

impl Dialect {
    /// A query for all of these words; none where nothing is looked for.
    pub(super) fn search_words(&self, text: &str) -> Option<String> {
        // Words hold letters, digits and `_` alone: nothing in them can end the quotes.
        let words: Vec<String> = split(text).map(|word| format!("{0}{word}{0}", self.quote)).collect();
        (!words.is_empty()).then(|| words.join(self.and))
    }
}

/// Runs a query on a connection that need not write: `read!(pool, |db| query.fetch_all(db))`.
macro_rules! read {
    ($pool:expr, |$db:ident| $query:expr) => {
        match &$pool {
            $crate::store::pool::Pool::Sqlite { read: $db, .. } => $query.await,
            $crate::store::pool::Pool::Postgres($db) => $query.await,
        }
    };
}

/// Runs statements in one transaction: `write!(pool, |tx| { … })`; `tx` is a `&mut` connection, `?` rolls back.
macro_rules! write {
    ($pool:expr, |$tx:ident| $body:expr) => {
        match &$pool {
            $crate::store::pool::Pool::Sqlite { write, .. } => {
                let mut transaction = write.begin_with("begin immediate").await?;
                let done = {
                    let $tx = &mut *transaction;
                    $body
                };
                transaction.commit().await?;
                done
            }
            $crate::store::pool::Pool::Postgres(pool) => {
                let mut transaction = pool.begin().await?;
                let done = {
                    let $tx = &mut *transaction;
                    $body
                };
                transaction.commit().await?;
                done
            }
        }
    };
}

pub(super) use {read, write};
