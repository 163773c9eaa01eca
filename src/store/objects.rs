//! Objects: large logs stand outside of the database, in a folder or at an address like `s3://bucket/prefix`.
//! An object is noted as loose before it is written and after its report is gone, so that none is forgotten after a crash.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use url::Url;

use super::entry::LogRows;
use super::pool::{read, write};
use super::statement::{Rows, run};
use super::{PackedLog, ReportId, Store, StoreError};

/// Bytes of one part of an upload; S3 wants at least 5 MiB.
const PART: usize = 8 << 20;
/// Parts that are sent at the same time.
const PARTS: usize = 2;
/// Objects that are no report's for so long are deleted, in milliseconds: nobody writes one for longer.
const LOOSE: i64 = 24 * 60 * 60 * 1000;

/// Opens a folder, which is made where it is missing, or an object store by its address; its credentials come from the environment.
pub(super) fn open(address: &OsStr) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let url = address.to_str().filter(|text| text.contains("://"));
    let Some(text) = url else {
        std::fs::create_dir_all(Path::new(address))?;
        return Ok(Arc::new(LocalFileSystem::new_with_prefix(Path::new(address))?));
    };
    let url = Url::parse(text).map_err(|error| StoreError::Objects(format!("{text}: {error}")))?;
    if url.scheme() == "file" {
        let folder = url.to_file_path().map_err(|()| StoreError::Objects(format!("{text}: this is no folder")))?;
        return open(folder.as_os_str());
    }
    // Names that say whose they are: object_store would also take a plain TOKEN or REGION.
    let environment =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let environment = environment
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| name.starts_with("aws_"));
    let (store, prefix) = object_store::parse_url_opts(&url, environment)?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

impl Store {
    /// Large logs become an object; of others the pieces are given.
    pub(super) async fn put_log(&self, log: &mut PackedLog, now: i64) -> Result<LogRows, StoreError> {
        let (packed, hash) = (log.index.packed, log.hash.clone());
        let mut rows =
            LogRows { hash, index: serde_json::to_string(&log.index)?, packed: packed as i64, ..LogRows::default() };
        let pieces = 0..log.index.pieces.len();
        if packed < self.object_from {
            rows.pieces = pieces.map(|piece| log.piece(piece)).collect::<Result<_, _>>()?;
            return Ok(rows);
        }
        let place = format!("logs/{}.zst", ReportId::random());
        self.note_loose(std::slice::from_ref(&place), now).await?;
        let upload = self.objects.put_multipart(&ObjectPath::from(place.as_str())).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        for piece in pieces {
            upload.wait_for_capacity(PARTS).await?;
            upload.put(log.piece(piece)?.into());
        }
        upload.finish().await?;
        rows.place = place;
        Ok(rows)
    }

    /// Deletes objects and forgets that they were loose. Empty names are none.
    pub(super) async fn drop_objects(&self, places: &[String]) -> Result<(), StoreError> {
        let places: Vec<&String> = places.iter().filter(|place| !place.is_empty()).collect();
        if places.is_empty() {
            return Ok(());
        }
        for place in &places {
            match self.objects.delete(&ObjectPath::from(place.as_str())).await {
                Err(object_store::Error::NotFound { .. }) | Ok(()) => (),
                Err(error) => return Err(error.into()),
            }
        }
        write!(self.pool, |tx| {
            for place in &places {
                sqlx::query("delete from loose_object where place = $1").bind(*place).execute(&mut *tx).await?;
            }
        });
        Ok(())
    }

    /// Deletes what a crash left behind.
    pub(super) async fn sweep_objects(&self, now: i64) -> Result<(), StoreError> {
        const SQL: &str = "select place from loose_object where made_at < $1";
        let places: Vec<String> = read!(self.pool, |db| sqlx::query_scalar(SQL).bind(now - LOOSE).fetch_all(db))?;
        self.drop_objects(&places).await
    }

    async fn note_loose(&self, places: &[String], now: i64) -> Result<(), StoreError> {
        write!(self.pool, |tx| run!(tx, loose(places, now).statements()));
        Ok(())
    }
}

/// Notes that no report owns these objects.
pub(super) fn loose(places: &[String], now: i64) -> Rows {
    let mut rows = Rows::new(
        "insert into loose_object (place, made_at) values",
        "(?, ?)",
        "on conflict (place) do update set made_at = excluded.made_at",
    );
    places.iter().filter(|place| !place.is_empty()).for_each(|place| rows.push([place.into(), now.into()]));
    rows
}
