//! Store: the history of reports and their logs, in SQLite or PostgreSQL; the only room with SQL.
//! `save` puts a report in (`entry`, `tally` and `counts` say which rows), `replace` and `remove` change it, `stored` reads one back,
//! `list` finds many, `trends` and `seen` read the counts; `packed_log` is how a log is kept, `objects` where large ones are,
//! `outbox` is what is still to be done at peers, `arrival` what is announced there, `pool` the two databases.

mod arrival;
mod counts;
mod entry;
mod feedback;
mod list;
mod log_text;
mod objects;
mod outbox;
mod packed_log;
mod plans;
mod pool;
mod remove;
mod replace;
mod report_id;
mod retention;
mod save;
mod search;
mod seed;
mod seen;
mod statement;
mod store_error;
mod stored;
mod submission;
mod tally;
mod threads;
mod token;
mod transfer;
mod trends;

use std::ffi::OsStr;
use std::sync::Arc;

use object_store::ObjectStore;

pub use arrival::{ARRIVAL, Arrival};
pub use feedback::{Feedback, FeedbackKind};
pub use list::{Cursor, Filter, Listed, Page};
pub use log_text::LogLines;
pub use outbox::{MOST_TRIES, NewOutgoing, Outgoing};
pub use packed_log::{LogPacker, PackedLog, Piece, Pieces};
pub use plans::Plan;
pub use report_id::ReportId;
pub use retention::{Retained, Retention};
pub use save::{NewReport, Saved};
pub use search::Bounds;
pub use seen::{Hits, Seen};
pub use store_error::StoreError;
pub use stored::Stored;
pub use submission::Submission;
pub use threads::{Change, Telling};
pub use token::{NewToken, Token};
pub use transfer::Moved;
pub use trends::{Day, Stats, Top, TrendFilter, Trends};

use pool::{Pool, read};

/// The history. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    objects: Arc<dyn ObjectStore>,
    object_from: u64,
    bounds: Bounds,
    announces: bool,
}

/// Packed logs from this size on are objects, in bytes.
const OBJECT_FROM: u64 = 1 << 20;

impl Store {
    /// Opens a history: `sqlite:FILE` (made where it is missing) or `postgres://…`; its tables are brought to this version.
    /// Large logs are kept in `objects`: a folder, or an address like `s3://bucket/prefix` with credentials in the environment.
    ///
    /// # Errors
    /// That an address is none, or that the database or the folder cannot be used.
    pub async fn open(address: &str, objects: impl AsRef<OsStr>) -> Result<Store, StoreError> {
        let objects = objects::open(objects.as_ref())?;
        let pool = Pool::open(address).await?;
        let store = Store { pool, objects, object_from: OBJECT_FROM, bounds: Bounds::default(), announces: false };
        store.do_chores().await?;
        store.pool.tidy().await?;
        Ok(store)
    }

    /// The same history; packed logs from this size on become objects, in bytes.
    pub fn with_objects_from(mut self, bytes: u64) -> Store {
        self.object_from = bytes;
        self
    }

    /// The same history; a search goes so far.
    pub fn with_search_bounds(mut self, bounds: Bounds) -> Store {
        self.bounds = bounds;
        self
    }

    /// Connections to the database: all, and those that nobody uses.
    pub fn pool_state(&self) -> (u32, usize) {
        match &self.pool {
            Pool::Sqlite { read, write } => (read.size() + write.size(), read.num_idle() + write.num_idle()),
            Pool::Postgres(pool) => (pool.size(), pool.num_idle()),
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let _: i32 = read!(self.pool, |db| sqlx::query_scalar("select 1").fetch_one(db))?;
        Ok(())
    }
}
