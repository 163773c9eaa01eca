//! SecretsError: why patterns of secrets are refused.

/// What is wrong with a file of patterns.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {what}")]
pub struct SecretsError {
    file: String,
    what: String,
}

impl SecretsError {
    pub(super) fn new(file: &str, what: String) -> SecretsError {
        SecretsError { file: file.to_owned(), what }
    }
}
