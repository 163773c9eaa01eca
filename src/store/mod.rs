//! Store: the history of reports and their logs, in SQLite or PostgreSQL; the only room with SQL.
//! `save` puts a report in, `stored` reads one back, `list` finds many; `packed_log` is how a log is kept, `pool` the two databases.

mod list;
mod log_text;
mod packed_log;
mod pool;
mod report_id;
mod save;
mod store_error;
mod stored;
mod submission;
mod threads;

use std::path::Path;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::local::LocalFileSystem;

pub use list::{Cursor, Filter, Listed, Page};
pub use log_text::LogLines;
pub use packed_log::{LogPacker, PackedLog, Piece, Pieces};
pub use report_id::ReportId;
pub use save::{NewReport, Saved};
pub use store_error::StoreError;
pub use stored::Stored;
pub use submission::Submission;
pub use threads::{Change, Telling};

use pool::{Pool, read};

/// The history. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
    objects: Arc<dyn ObjectStore>,
    object_from: u64,
}

/// Packed logs from this size on are objects, in bytes.
const OBJECT_FROM: u64 = 1 << 20;

impl Store {
    /// Opens a history: `sqlite:FILE` (made where it is missing) or `postgres://…`; its tables are brought to this version.
    /// Large logs are kept in the folder `objects`.
    ///
    /// # Errors
    /// That the address is none, or that the database or the folder cannot be used.
    pub async fn open(address: &str, objects: &Path) -> Result<Store, StoreError> {
        std::fs::create_dir_all(objects)?;
        let objects = Arc::new(LocalFileSystem::new_with_prefix(objects)?);
        Ok(Store { pool: Pool::open(address).await?, objects, object_from: OBJECT_FROM })
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
