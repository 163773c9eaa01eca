//! StoreError: why the history could not be read or written.

/// What goes wrong with the history.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address of the database is none that whyred knows.
    #[error("database address {0:?} is not understood; write sqlite:FILE or postgres://USER@HOST/NAME")]
    Address(String),
    /// The database refuses, or cannot be reached.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Its tables cannot be brought to this version.
    #[error("the database cannot be brought to this version of whyred: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The object store refuses, or cannot be reached.
    #[error("the object store: {0}")]
    Objects(String),
    /// A file of the store cannot be read or written.
    #[error("the store's files: {0}")]
    Files(#[from] std::io::Error),
    /// What is stored cannot be read by this version.
    #[error("what is stored is damaged or was written by a newer whyred: {0}")]
    Damaged(String),
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> StoreError {
        StoreError::Damaged(error.to_string())
    }
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> StoreError {
        StoreError::Objects(error.to_string())
    }
}
