//! World: an empty database and a folder for objects, as one story finds them.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;

use sqlx::sqlite::SqlitePool;
use sqlx::{AssertSqlSafe, PgPool};
use whyred::store::Store;

use crate::postgres::Database;

/// Where a story takes place.
#[derive(Clone, Debug)]
pub(crate) struct World {
    /// Of the database.
    pub(crate) address: String,
    /// For what else the story needs; the folder `objects` in it holds the objects.
    pub(crate) folder: PathBuf,
}

impl World {
    /// The history, as another replica would open it.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.address, self.folder.join("objects")).await.unwrap()
    }

    /// Whether this is PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        self.address.starts_with("postgres")
    }

    /// Runs statements, whatever the store would say to them.
    pub(crate) async fn execute(&self, sql: &str) {
        if self.is_postgres() {
            let pool = PgPool::connect(&self.address).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&pool).await.unwrap();
            pool.close().await;
        } else {
            let pool = SqlitePool::connect(&self.address).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&pool).await.unwrap();
            pool.close().await;
        }
    }

    /// How many rows each table holds; empty tables are left out, and those of the migrations and of full-text search itself.
    pub(crate) async fn rows(&self) -> BTreeMap<String, i64> {
        let own = |name: &String| {
            !name.starts_with("_sqlx") && !name.starts_with("sqlite_") && !name.starts_with("report_words_")
        };
        let mut rows = BTreeMap::new();
        if self.is_postgres() {
            let pool = PgPool::connect(&self.address).await.unwrap();
            let tables = "select table_name::text from information_schema.tables where table_schema = 'public'";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
            for table in tables.into_iter().filter(own) {
                let sql = AssertSqlSafe(format!("select count(*) from {table}"));
                rows.insert(table, sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap());
            }
            pool.close().await;
        } else {
            let pool = SqlitePool::connect(&self.address).await.unwrap();
            let tables = "select name from sqlite_master where type = 'table'";
            let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&pool).await.unwrap();
            for table in tables.into_iter().filter(own) {
                let sql = AssertSqlSafe(format!("select count(*) from {table}"));
                rows.insert(table, sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap());
            }
            pool.close().await;
        }
        rows.retain(|_, count| *count > 0);
        rows
    }

    /// Names of the objects.
    pub(crate) fn objects(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.join("objects/logs")).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// Runs a story on a throw-away file.
pub(crate) fn on_sqlite<F: Future<Output = ()> + Send + 'static>(story: fn(World) -> F) {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}", folder.path().join("history.db").display());
    runtime().block_on(story(World { address, folder: folder.path().to_owned() }));
}

/// Runs a story on a throw-away database of a real server.
pub(crate) fn on_postgres<F: Future<Output = ()> + Send + 'static>(story: fn(World) -> F) {
    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let database = Database::new().await;
        let world = World { address: database.url.clone(), folder: folder.path().to_owned() };
        // A task, so that the database is removed even where the story fails.
        let ended = tokio::spawn(story(world)).await;
        database.remove().await;
        if let Err(failure) = ended {
            std::panic::resume_unwind(failure.into_panic());
        }
    });
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
